/**
 * Where requests may go: host, port and method decided for each exchange, addresses wherever a socket is opened.
 *
 * Invariant: the floor (loopback, link-local, metadata, multicast, the API server) is not a rule and no rule opens it; a rule
 * that refuses wins over any that allows; a private address is reached only where a rule speaks of addresses or Services.
 */
import { withoutAtEnd } from "./tools/text-end.ts";
import { withoutBrackets } from "./tools/host.ts";
import { addressBytes, classOf, contains, floorName, isInSome, views, type Bytes, type Network } from "./tools/address.ts";
import { digest } from "./tools/digest.ts";

/** What refused. The set is closed: each is a value of the metric label `rule`. */
export const egressLabels = ["floor", "private", "default", "policy", "port", "namespace"] as const;
export type EgressLabel = (typeof egressLabels)[number];
export interface EgressDenial {
  readonly rule: EgressLabel;
  /** For people. It names the rule, and never an address that a name resolved to. */
  readonly message: string;
}

/** Whatever is set must match; what is not set always does. */
export interface EgressRule {
  /** The policy, and which of its rules. */
  readonly name: string;
  /** Names in lower case; `*.example.com` is whatever is below it. */
  readonly hosts?: readonly string[];
  /** Names that the cluster's own DNS answers for: what they resolve to may be private. */
  readonly serviceHosts?: readonly string[];
  readonly networks?: readonly Network[];
  readonly ports?: readonly number[];
  readonly methods?: readonly string[];
}
/** What becomes of a request that no rule speaks of. `AllowPrivate`: where whoever declares it owns the machine. */
export type EgressDefault = "AllowPublic" | "AllowPrivate" | "Deny";

/** What holds in a namespace. */
export interface EgressRules {
  readonly default: EgressDefault;
  /** Who set the default, for messages. */
  readonly defaultName: string;
  readonly allow: readonly EgressRule[];
  readonly deny: readonly EgressRule[];
}

/** What a request's socket may be connected to. */
export interface AddressRules {
  /** Equal for equal rules; absent for those that hold where nobody has said anything. */
  readonly key?: string;
  readonly public: boolean;
  readonly private: boolean;
  readonly networks: readonly (readonly Network[])[];
  readonly deny: readonly { readonly name: string; readonly networks: readonly Network[] }[];
}
export const publicOnly: AddressRules = { public: true, private: false, networks: [], deny: [] };

/** Of this process, whatever the namespace. */
export interface EgressFloor {
  /** The API server: its names, its port, and its addresses as they are known now. */
  readonly apiServer?: { readonly names: readonly string[]; readonly port: number; addresses(): readonly Bytes[] };
  /** Networks that count as public, for tests and for a developer's own machine. The API server's own port stays closed. */
  readonly opened: readonly Network[];
  /** Prefixes of this network's own NAT64: an address there is the IPv4 address that it holds, and neither public nor private by itself. */
  readonly nat64?: readonly Network[];
}
export const closedFloor: EgressFloor = { opened: [] };

interface Target {
  readonly method: string;
  /** As in a URL: in lower case, an IPv6 address in brackets. */
  readonly hostname: string;
  readonly port: number;
}
export type Route =
  { readonly type: "denied"; readonly denial: EgressDenial } | { readonly type: "open"; readonly addresses: AddressRules };

/** Decides all that can be decided before a name is resolved; for an address that is everything. */
export function routeOf(target: Target, rules: EgressRules, floor: EgressFloor): Route {
  const { hostname, port } = target;
  const host = bareHost(hostname);
  const isLocal = /(^|\.)localhost$/.test(host) && floor.opened.length === 0;
  const isNamed = floor.apiServer?.names.includes(host) === true;
  if (isNamed && !(isLocal && port !== floor.apiServer?.port)) return deny("floor", apiServerText);
  if (isLocal) return deny("floor", floorText("loopback"));
  const denying = rules.deny.filter((rule) => matches(rule, target, host));
  const refused = denying.find(({ networks }) => !networks);
  if (refused) return deny("policy", policyText(refused.name));
  const bytes = addressBytes(host);
  const isOpened = bytes !== undefined && views(bytes, floor.nat64).every((view) => isInSome(floor.opened, view));
  const isBad = badPorts.has(port) && !isOpened;
  const allowing = rules.allow.filter((rule) => matches(rule, target, host)).filter(({ ports }) => ports || !isBad);
  const byDefault = isBad ? "Deny" : rules.default;
  if (allowing.length === 0 && byDefault === "Deny")
    return rules.default === "Deny"
      ? deny("default", `nothing allows it, and ${rules.defaultName} says Deny`)
      : deny("port", `nobody speaks HTTP at port ${port}; an EgressPolicy whose rule lists the port can allow it`);
  const addresses = addressRules(allowing, denying, byDefault, host);
  if (!bytes) return { type: "open", addresses };
  const denial = addressDenial(host, port, addresses, floor);
  return denial ? { type: "denied", denial } : { type: "open", addresses };
}

function addressRules(
  allowing: readonly EgressRule[],
  denying: readonly EgressRule[],
  byDefault: EgressDefault,
  host: string,
): AddressRules {
  const isService = ({ serviceHosts, networks }: EgressRule): boolean => !networks && includesHost(serviceHosts, host);
  const rules = {
    public: byDefault !== "Deny" || allowing.some(({ networks }) => !networks),
    private: byDefault === "AllowPrivate" || allowing.some(isService),
    networks: allowing.flatMap(({ networks }) => (networks ? [networks] : [])),
    deny: denying.flatMap(({ name, networks }) => (networks ? [{ name, networks }] : [])),
  };
  const isUsual = rules.public && !rules.private && rules.networks.length === 0 && rules.deny.length === 0;
  return isUsual ? publicOnly : { ...rules, key: digest(rules) };
}

/** Why a socket to this address may not be used. `port` is not known where a name is only being resolved. */
export function addressDenial(
  address: string,
  port: number | undefined,
  rules: AddressRules,
  floor: EgressFloor,
): EgressDenial | undefined {
  const bytes = addressBytes(address);
  if (!bytes) return { rule: "floor", message: "it leads to what is no address" };
  const seen = views(bytes, floor.nat64);
  const refused = rules.deny.find(({ networks }) => seen.some((view) => isInSome(networks, view)));
  if (refused) return { rule: "policy", message: policyText(refused.name) };
  const kindOf = (view: Bytes): ReturnType<typeof classOf> => classUnder(view, floor);
  const closed = seen.find((view) => kindOf(view) === "floor");
  // An API server on loopback is not the only one that is closed there.
  const isOther = closed !== undefined && port !== floor.apiServer?.port;
  if (!isOther && seen.some((view) => isApiServer(view, port, floor))) return { rule: "floor", message: apiServerText };
  if (closed) return { rule: "floor", message: floorText(floorName(closed) ?? "such") };
  if (rules.private) return undefined;
  const inner = seen.filter((view) => kindOf(view) === "private");
  if (inner.length === 0 && rules.public) return undefined;
  const named = rules.networks.some((networks) =>
    inner.length > 0 ? inner.every((view) => isInSome(networks, view)) : seen.some((view) => isInSome(networks, view)),
  );
  if (named) return undefined;
  return inner.length > 0
    ? { rule: "private", message: "it leads to a private address, and no EgressPolicy allows that one" }
    : { rule: "default", message: "no EgressPolicy allows the address that it leads to" };
}

/** What is opened counts as public, and so does a translator's address, whose IPv4 address is looked at beside it. */
function classUnder(view: Bytes, { opened, nat64 = [] }: EgressFloor): ReturnType<typeof classOf> {
  if (isInSome(opened, view)) return "public";
  const found = classOf(view);
  return found === "private" && isInSome(nat64, view) ? "public" : found;
}

/** The API server is known by its addresses; where those are opened, as in a test, by its port as well. */
function isApiServer(view: Bytes, port: number | undefined, { apiServer, opened }: EgressFloor): boolean {
  if (!apiServer?.addresses().some((one) => contains({ bytes: one, bits: one.length * 8 }, view))) return false;
  return port === apiServer.port || !isInSome(opened, view);
}

const apiServerText = "the Kubernetes API server is reached by nobody's requests";
/** Names what was met, since `run` and tests open some of the floor. */
const floorText = (name: string): string => `${name} addresses are reached by nobody's requests`;
const policyText = (name: string): string => `${name} denies it`;

function deny(rule: EgressLabel, message: string): Route {
  return { type: "denied", denial: { rule, message } };
}

/** Without the brackets of an IPv6 address and the dots that end a name. */
function bareHost(hostname: string): string {
  return withoutAtEnd(withoutBrackets(hostname), ".");
}

function matches(rule: EgressRule, { method, port }: Target, host: string): boolean {
  const { hosts, serviceHosts, ports, methods } = rule;
  if (ports && !ports.includes(port)) return false;
  if (methods && !methods.includes(method)) return false;
  return (!hosts && !serviceHosts) || includesHost(hosts, host) || includesHost(serviceHosts, host);
}
function includesHost(patterns: readonly string[] | undefined, host: string): boolean {
  return patterns?.some((pattern) => (pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern)) ?? false;
}

/** Ports of other protocols, whose servers could be talked into something by what looks like HTTP (Fetch Standard, "bad port"). */
const badPorts: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113,
  115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556,
  563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
  6668, 6669, 6679, 6697, 10080,
]);
