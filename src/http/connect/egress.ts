/**
 * The guard of where requests go.
 *
 * Invariant: a request is handed to a client only with what `admit` returned for it, and that client opens sockets to nothing
 * but the addresses that were allowed then. What has not been admitted reaches public addresses and no others.
 */
import { portNumber, withoutBrackets } from "../../core/tools/host.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import { addressBytes } from "../../core/tools/address.ts";
import {
  addressDenial,
  closedFloor,
  publicOnly,
  routeOf,
  type AddressRules,
  type EgressDenial,
  type EgressFloor,
  type EgressRules,
  type Route,
} from "../../core/egress.ts";
import type { ClientSettings } from "./client-settings.ts";
import { EgressDeniedError } from "./egress-connector.ts";
import { createNames } from "./egress-names.ts";
import type { WireRequest } from "../wire-request.ts";

export interface Egress {
  /** Of all namespaces. */
  readonly floor: EgressFloor;
  /**
   * The settings with the addresses that this request may go to; the same object where it has them. To be asked for every request, a redirect's and a
   * second try's too. Throws `EgressDeniedError`.
   */
  admit(request: Pick<WireRequest, "method" | "origin">, settings: ClientSettings, namespace: string): ClientSettings;
  /**
   * Where a proxy would resolve the target's name: does it here, too. Throws `EgressDeniedError` where that gives an address that
   * is denied; a name that only the proxy knows is left to it, if the rules do not speak of addresses.
   */
  vet(origin: string, settings: ClientSettings, signal: AbortSignal): Promise<void>;
}
interface EgressOptions {
  readonly floor?: EgressFloor;
  /** What holds in a namespace; undefined: nothing is known of it. The same object until that changes. */
  readonly rulesFor?: (namespace: string) => EgressRules | undefined;
}

const noPolicies: EgressRules = { default: "AllowPublic", defaultName: "--egress-default", allow: [], deny: [] };
const unknownNamespace: EgressDenial = {
  rule: "namespace",
  message: "its namespace's labels are not known yet, by which an EgressPolicy may choose it",
};

/** Routes that are remembered for each namespace's rules, by method. */
const maxRoutes = 1_024;
const maxMethods = 8;

function withAddresses(settings: ClientSettings, { target, proxy }: NonNullable<ClientSettings["egress"]>): ClientSettings {
  const { egress: _, ...rest } = settings;
  return target === publicOnly && proxy === publicOnly ? rest : { ...rest, egress: { target, proxy } };
}
/** By the key of the addresses: the same object for many requests, whose client is found by it. */
const byTarget = oncePer((_settings: ClientSettings) => new Map<string | undefined, ClientSettings>());
const maxTargets = 1_000;
function withTarget(settings: ClientSettings, target: AddressRules): ClientSettings {
  const known = byTarget(settings);
  let admitted = known.get(target.key);
  if (!admitted) {
    if (known.size >= maxTargets) known.clear();
    known.set(target.key, (admitted = withAddresses(settings, { target, proxy: publicOnly })));
  }
  return admitted;
}

interface MapOfMaps<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): unknown;
}
function mapIn<K, L, V>(maps: MapOfMaps<K, Map<L, V>>, key: K): Map<L, V> {
  const known = maps.get(key);
  if (known) return known;
  const map = new Map<L, V>();
  maps.set(key, map);
  return map;
}

/** Where nothing else is said, every namespace may reach public addresses, and the floor is closed. */
export function createEgress({ floor = closedFloor, rulesFor = () => noPolicies }: EgressOptions = {}): Egress {
  const names = createNames();
  /** By method and origin. */
  const routes = new WeakMap<EgressRules, Map<string, Map<string, Route>>>();

  function routeFor(method: string, origin: string, rules: EgressRules): Route {
    const byMethod = mapIn(routes, rules);
    const byOrigin = mapIn(byMethod, method);
    let route = byOrigin.get(origin);
    if (!route) {
      const url = new URL(origin);
      const { hostname } = url;
      route = routeOf({ method, hostname, port: portNumber(url) }, rules, floor);
      if (byMethod.size > maxMethods) byMethod.clear();
      if (byOrigin.size >= maxRoutes) byOrigin.clear();
      byOrigin.set(origin, route);
    }
    return route;
  }
  function addressesFor(method: string, origin: string, rules: EgressRules): AddressRules {
    const route = routeFor(method, origin, rules);
    if (route.type === "denied") throw new EgressDeniedError(route.denial);
    return route.addresses;
  }

  return {
    floor,
    admit({ method, origin }, settings, namespace) {
      const rules = rulesFor(namespace);
      if (!rules) throw new EgressDeniedError(unknownNamespace);
      const target = addressesFor(method, origin, rules);
      const proxy = settings.proxy === undefined ? publicOnly : addressesFor(method, new URL(settings.proxy).origin, rules);
      const { egress } = settings;
      if (egress?.target.key === target.key && egress?.proxy.key === proxy.key) return settings;
      return proxy === publicOnly ? withTarget(settings, target) : withAddresses(settings, { target, proxy });
    },
    async vet(origin, { egress }, signal) {
      const rules = egress?.target ?? publicOnly;
      const url = new URL(origin);
      const { hostname } = url;
      if (addressBytes(withoutBrackets(hostname))) return; // `admit` has seen it
      const addresses = await names.resolve(hostname, signal);
      for (const address of addresses) {
        const denial = addressDenial(address, portNumber(url), rules, floor);
        if (denial) throw new EgressDeniedError(denial);
      }
      if (addresses.length > 0) return;
      if (!rules.public && !rules.private) throw new EgressDeniedError(unresolved);
      const [denying] = rules.deny;
      if (denying) throw new EgressDeniedError({ rule: "policy", message: unknownTo(denying.name) });
    },
  };
}

const unresolved: EgressDenial = {
  rule: "default",
  message: "its name cannot be resolved here, and an EgressPolicy allows it by address only",
};

const unknownTo = (name: string): string =>
  `its name cannot be resolved here, and ${name} denies addresses that it could lead to`;
