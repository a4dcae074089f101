/**
 * IP addresses as bytes: which networks they are in, and which other addresses are hidden in them.
 *
 * Invariant: what is no address is never taken for one. Names of networks are IANA's special-purpose registries'.
 */
import { isIPv4, isIPv6 } from "node:net";

/** Four bytes, or sixteen. */
export type Bytes = readonly number[];

export interface Network {
  readonly bytes: Bytes;
  /** How many of the first bits count. */
  readonly bits: number;
}

/** Undefined for what is no address. A zone id (`%eth0`) says where to send, not where to: it is not looked at. */
export function addressBytes(text: string): Bytes | undefined {
  const [bare = ""] = text.split("%", 1);
  if (isIPv4(bare)) return bare.split(".").map(Number);
  if (!isIPv6(bare)) return undefined;
  const dotted = bare.lastIndexOf(":") + 1;
  const text6 = isIPv4(bare.slice(dotted)) ? `${bare.slice(0, dotted)}${hexGroups(bare.slice(dotted))}` : bare;
  const [head = "", tail] = text6.split("::");
  const [first, last] = [groups(head), groups(tail ?? "")];
  return [...first, ...Array.from({ length: 16 - first.length - last.length }, () => 0), ...last];
}
function hexGroups(text: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = text.split(".").map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}
function groups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
}

/** `10.0.0.0/8`, or an address alone. Undefined for what is neither. One in IPv4-mapped form is the IPv4 network that it means. */
export function parseNetwork(text: string): Network | undefined {
  const [address = "", length, ...more] = text.split("/");
  const bytes = address.includes("%") ? undefined : addressBytes(address);
  if (!bytes || more.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length))) return undefined;
  const bits = length === undefined ? bytes.length * 8 : Number(length);
  if (bits > bytes.length * 8) return undefined;
  return bits >= 96 && contains(mapped, bytes) ? { bytes: bytes.slice(12), bits: bits - 96 } : { bytes, bits };
}
/** Throws for what is no network: for those that are written in this program. */
export function network(text: string): Network {
  const parsed = parseNetwork(text);
  if (!parsed) throw new Error(`no network: ${text}`);
  return parsed;
}

/** An IPv4 network has no IPv6 address in it, and the other way round. */
export function contains({ bytes, bits }: Network, address: Bytes): boolean {
  if (bytes.length !== address.length) return false;
  const whole = bits >> 3;
  for (let index = 0; index < whole; index += 1) if (bytes[index] !== address[index]) return false;
  const rest = bits & 7;
  return rest === 0 || (bytes[whole] ?? 0) >> (8 - rest) === (address[whole] ?? 0) >> (8 - rest);
}
export function isInSome(networks: readonly Network[], address: Bytes): boolean {
  return networks.some((one) => contains(one, address));
}

const prefix = (text: string): Network => ({ bytes: addressBytes(text) ?? [], bits: 96 });
const mapped = prefix("::ffff:0:0");
const sixToFour = network("2002::/16");
const teredo = network("2001::/32");
const localNAT64 = network("64:ff9b:1::/48");
/**
 * Forms whose last four bytes are an IPv4 address: IPv4-compatible (RFC 4291, 2.5.5.1), IPv4-translated (RFC 2765), and the
 * well-known prefix of NAT64 (RFC 6052).
 */
const endsInIPv4 = [prefix("::"), prefix("::ffff:0:0:0"), prefix("64:ff9b::")];

/**
 * The addresses that a packet to this one may reach: itself, and each IPv4 address that a translator or a tunnel would take out
 * of it. An IPv4-mapped one is nothing but that IPv4 address (RFC 4291, 2.5.5.2). `nat64`: the prefixes of the network's own
 * translators.
 */
export function views(address: Bytes, nat64: readonly Network[] = []): readonly Bytes[] {
  if (address.length === 4) return [address];
  if (contains(mapped, address)) return [address.slice(12)];
  const found: Bytes[] = [address];
  if (isInSome(endsInIPv4, address) || isISATAP(address)) found.push(address.slice(12));
  if (contains(sixToFour, address)) found.push(address.slice(2, 6));
  // RFC 4380: the server's, and the client's with its bits turned.
  if (contains(teredo, address))
    found.push(
      address.slice(4, 8),
      address.slice(12).map((byte) => byte ^ 0xff),
    );
  const own = nat64.filter((one) => contains(one, address));
  found.push(...own.map(({ bits }) => takeOut(address, nat64Places.get(bits) ?? [])));
  if (own.length === 0 && contains(localNAT64, address)) found.push(...inLocalNAT64(address));
  return found;
}

/** RFC 6052, 2.2: where the IPv4 address stands after a prefix of so many bits. Bits 64 to 71, the ninth byte, are left out. */
const nat64Places: ReadonlyMap<number, readonly number[]> = new Map([
  [32, [4, 5, 6, 7]],
  [40, [5, 6, 7, 9]],
  [48, [6, 7, 9, 10]],
  [56, [7, 9, 10, 11]],
  [64, [9, 10, 11, 12]],
  [96, [12, 13, 14, 15]],
]);
/** A prefix that a translator can have: of IPv6, of one of the six lengths, and with nothing behind them. Undefined: it is none. */
export function parseNAT64Prefix(text: string): Network | undefined {
  const parsed = parseNetwork(text);
  if (parsed?.bytes.length !== 16 || !nat64Places.has(parsed.bits)) return undefined;
  const hasHostBits = parsed.bytes.slice(parsed.bits / 8).some((byte) => byte !== 0);
  return hasHostBits || parsed.bytes[8] !== 0 ? undefined : parsed;
}

function takeOut(address: Bytes, place: readonly number[]): Bytes {
  return place.map((index) => address[index] ?? 0);
}

/** RFC 5214, 6.1: an interface identifier that ends in 0000:5efe or 0200:5efe, and an IPv4 address. */
function isISATAP(address: Bytes): boolean {
  const [a, b, c, d] = address.slice(8, 12);
  return ((a ?? 0) & 0xfd) === 0 && b === 0 && c === 0x5e && d === 0xfe;
}

/** Where it stands depends on the prefix's length, which only that network knows. All zeros is a place not used. */
function inLocalNAT64(address: Bytes): readonly Bytes[] {
  const places = [48, 56, 64, 96].map((bits) => nat64Places.get(bits) ?? []);
  return places.map((place) => takeOut(address, place)).filter(([first]) => first !== 0);
}

/** `floor`: nobody's requests go there, whatever a policy says. `private`: they do where a policy says so. */
type AddressClass = "floor" | "private" | "public";

/** What nobody's requests reach, by what people call it. */
const floor: readonly (readonly [name: string, networks: readonly Network[]])[] = Object.entries({
  unspecified: ["0.0.0.0/8", "::/128"], // "this" network, RFC 791: Linux takes 0.0.0.0 for loopback
  loopback: ["127.0.0.0/8", "::1/128"],
  "link-local and metadata": ["169.254.0.0/16"], // with the metadata services of most clouds
  "link-local": ["fe80::/10"],
  multicast: ["224.0.0.0/4", "ff00::/8"],
  broadcast: ["255.255.255.255/32"],
  metadata: [
    "100.100.100.200/32", // of Alibaba Cloud
    "168.63.129.16/32", // Azure's host agent
    "192.0.0.192/32", // of Oracle Cloud's older instances
    "fd00:ec2::/32", // metadata, DNS and time of Amazon's cloud
    "fd20:ce::254/128", // Google's
    "fd00:c1::a9fe:a9fe/128", // Oracle's
    "fd00:42::42/128", // Scaleway's
  ],
}).map(([name, networks]) => [name, networks.map(network)]);

const notGlobal: readonly Network[] = [
  "10.0.0.0/8",
  "100.64.0.0/10", // shared address space, RFC 6598
  "172.16.0.0/12",
  "192.168.0.0/16",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24", // deprecated relays of 6to4, RFC 7526
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "240.0.0.0/4",
  "2001::/23", // of the IETF's protocols, Teredo among them
  "2001:db8::/32",
  "3fff::/20",
].map(network);
/** All of what has been assigned to the internet so far (RFC 4291, 2.4), and NAT64's, which leads into IPv4's. */
const global6 = [network("2000::/3"), prefix("64:ff9b::")];

/** What people call addresses of the floor, such as `loopback`; undefined for a view that is not in it. */
export function floorName(view: Bytes): string | undefined {
  return floor.find(([, networks]) => isInSome(networks, view))?.[0];
}
/** Of one view. */
export function classOf(view: Bytes): AddressClass {
  if (floorName(view) !== undefined) return "floor";
  return isInSome(notGlobal, view) || (view.length === 16 && !isInSome(global6, view)) ? "private" : "public";
}
