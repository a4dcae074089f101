/** The guard's decision about addresses against another's: ipaddr.js, which shares nothing with it but the standards. */
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import ipaddr from "ipaddr.js";
import { addressDenial, closedFloor, publicOnly, routeOf } from "../../src/core/egress.ts";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";

const settings = runs(5_000);
const byte = fc.oneof(fc.constantFrom(0, 1, 10, 100, 127, 169, 172, 192, 198, 224, 254, 255), fc.integer({ min: 0, max: 255 }));
const v4 = fc.oneof(
  fc.tuple(byte, byte, byte, byte),
  fc.constantFrom([169, 254, 169, 254], [127, 0, 0, 1], [10, 0, 0, 1], [93, 184, 216, 34], [100, 64, 0, 1], [172, 31, 9, 9]),
);
const group = fc.oneof(
  fc.constantFrom(0, 1, 0xffff, 0x64, 0xff9b, 0x2001, 0x2002, 0x2606, 0xfe80, 0xfd00, 0xff02, 0x5efe, 0xa9fe, 0x7f00, 0x0db8),
  fc.integer({ min: 0, max: 0xffff }),
);
const v6 = fc.tuple(group, group, group, group, group, group, group, group);
const words = ([a, b, c, d]: readonly number[]): readonly [number, number] => [
  ((a ?? 0) << 8) | (b ?? 0),
  ((c ?? 0) << 8) | (d ?? 0),
];
/** An IPv4 address in each place where one can stand. */
const embedding = fc.tuple(v4, v6, fc.integer({ min: 0, max: 5 })).map(([inner, outer, kind]) => {
  const [high, low] = words(inner);
  const prefixes = [
    [0, 0, 0, 0, 0, 0xffff, high, low],
    [0, 0, 0, 0, 0, 0, high, low],
    [0, 0, 0, 0, 0xffff, 0, high, low],
    [0x64, 0xff9b, 0, 0, 0, 0, high, low],
    [0x2002, high, low, ...outer.slice(3)],
    [0x2001, 0, ...outer.slice(2, 6), high ^ 0xffff, low ^ 0xffff],
  ];
  return prefixes[kind] ?? outer;
});
const text6 = (groups: readonly number[]): string => groups.map((one) => one.toString(16)).join(":");

/** Whether everybody may go there, by the other's reckoning. */
function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.kind() === "ipv4") return address.range() === "unicast";
  const v6 = address as ipaddr.IPv6;
  const parts = v6.parts;
  const inner = (high: number, low: number): boolean =>
    isPublic(ipaddr.IPv4.parse([high >> 8, high & 255, low >> 8, low & 255].join(".")));
  if (v6.isIPv4MappedAddress()) return isPublic(v6.toIPv4Address());
  const range = v6.range();
  if (range === "rfc6052") return inner(parts[6] ?? 0, parts[7] ?? 0);
  if (range === "6to4") return inner(parts[1] ?? 0, parts[2] ?? 0);
  // IPv4-compatible addresses are no range of its own there.
  return range === "unicast" && parts.slice(0, 6).some((part) => part !== 0);
}
const isOpen = (address: string): boolean => addressDenial(address, 80, publicOnly, closedFloor) === undefined;

test(
  "it opens nothing that is not public by the other's reckoning",
  () => {
    fc.assert(
      fc.property(fc.oneof(v6, embedding), v4, (groups, octets) => {
        for (const text of [text6(groups), octets.join(".")])
          if (isOpen(text)) expect([text, isPublic(ipaddr.parse(text))]).toEqual([text, true]);
      }),
      settings,
    );
  },
  fuzzTimeoutMs,
);

test(
  "it closes nothing of the internet's own that is public, but for metadata services",
  () => {
    const extras = /^(168\.63\.129\.16|192\.0\.0\.|192\.88\.99\.|100\.100\.100\.200)/;
    const unicast = fc.tuple(
      fc.constantFrom(0x2606, 0x2a00, 0x2400, 0x2c0f),
      group,
      group,
      group,
      fc.constant(0x1234),
      group,
      group,
      group,
    );
    fc.assert(
      fc.property(unicast, v4, (groups, octets) => {
        if (isPublic(ipaddr.parse(text6(groups)))) expect([text6(groups), isOpen(text6(groups))]).toEqual([text6(groups), true]);
        const text = octets.join(".");
        if (isPublic(ipaddr.parse(text)) && !extras.test(text)) expect([text, isOpen(text)]).toEqual([text, true]);
      }),
      settings,
    );
  },
  fuzzTimeoutMs,
);

test(
  "however an IPv4 address is written in a URL, the decision is the same",
  () => {
    const spellings: readonly ((octets: readonly number[]) => string)[] = [
      ([a = 0, b = 0, c = 0, d = 0]) => String(((a << 24) | (b << 16) | (c << 8) | d) >>> 0),
      ([a = 0, b = 0, c = 0, d = 0]) => `0x${(((a << 24) | (b << 16) | (c << 8) | d) >>> 0).toString(16)}`,
      (octets) => octets.map((one) => `0${one.toString(8)}`).join("."),
      (octets) => octets.map((one) => `0X${one.toString(16)}`).join("."),
      ([a = 0, b = 0, c = 0, d = 0]) => `${a}.${b}.${(c << 8) | d}`,
      ([a = 0, b = 0, c = 0, d = 0]) => `${a}.${(b << 16) | (c << 8) | d}.`,
      (octets) =>
        octets.map((one) => String(one).replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)))).join("。"),
    ];
    const rules = { default: "AllowPublic", defaultName: "", allow: [], deny: [] } as const;
    fc.assert(
      fc.property(v4, fc.constantFrom(...spellings), (octets, spell) => {
        const { hostname } = new URL(`http://${spell(octets)}/`);
        const route = routeOf({ method: "GET", hostname, port: 80 }, rules, closedFloor);
        expect([hostname, route.type === "open"]).toEqual([octets.join("."), isOpen(octets.join("."))]);
      }),
      settings,
    );
  },
  fuzzTimeoutMs,
);

test(
  "no text makes it throw, and what is no address is closed",
  () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV6(), fc.ipV4Extended(), fc.stringMatching(/^[0-9a-f:.%]{1,40}$/)), (text) => {
        if (isOpen(text)) expect([text, ipaddr.isValid(text)]).toEqual([text, true]);
      }),
      settings,
    );
  },
  fuzzTimeoutMs,
);
