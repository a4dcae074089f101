/** A network's own NAT64: an address there is judged as the IPv4 address that it holds, whatever the prefix's length. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { addressBytes, network, parseNAT64Prefix, views } from "../../src/core/tools/address.ts";
import { addressDenial, publicOnly, routeOf, type EgressFloor, type EgressRules } from "../../src/core/egress.ts";
import { runs } from "../support/fuzz.ts";

const noPolicies: EgressRules = { default: "AllowPublic", defaultName: "--egress-default", allow: [], deny: [] };

/** RFC 6052, 2.2, by its bits: the prefix, then the IPv4 address, with bits 64 to 71 left out. */
function embedded(prefix: string, bits: number, address: string, suffix = 0): string {
  const whole = Array.from({ length: 128 }, () => "0");
  const source = (addressBytes(prefix) ?? []).map((byte) => byte.toString(2).padStart(8, "0")).join("");
  for (let index = 0; index < bits; index += 1) whole[index] = source[index] ?? "0";
  let at = bits;
  for (const bit of (addressBytes(address) ?? []).map((byte) => byte.toString(2).padStart(8, "0")).join("")) {
    while (at >= 64 && at < 72) at += 1;
    whole[at] = bit;
    at += 1;
  }
  if (at <= 120) for (const [index, bit] of Array.from(suffix.toString(2).padStart(8, "0")).entries()) whole[120 + index] = bit;
  return Array.from({ length: 8 }, (_, index) =>
    Number.parseInt(whole.slice(index * 16, index * 16 + 16).join(""), 2).toString(16),
  ).join(":");
}
function denied(address: string, prefix: string, rules = noPolicies): string {
  const floor: EgressFloor = { opened: [], nat64: [network(prefix)] };
  const route = routeOf({ method: "GET", hostname: address.includes(":") ? `[${address}]` : address, port: 80 }, rules, floor);
  const byURL = route.type === "denied" ? route.denial.rule : "open";
  const byName = addressDenial(address, undefined, publicOnly, floor)?.rule ?? "open";
  if (rules === noPolicies && byName !== byURL) throw new Error(`${address} is ${byURL} in a URL, and ${byName} of a name`);
  return byURL;
}

/** RFC 6052, 2.4, where each holds 192.0.2.33. */
const examples = [
  ["2001:db8::/32", "2001:db8:c000:221::"],
  ["2001:db8:100::/40", "2001:db8:1c0:2:21::"],
  ["2001:db8:122::/48", "2001:db8:122:c000:2:2100::"],
  ["2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"],
  ["2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"],
  ["2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"],
] as const;

test.each(examples)("%s: the RFC's own example %s", (prefix, address) => {
  const prefixes = [parseNAT64Prefix(prefix)].flatMap((one) => one ?? []);
  expect(views(addressBytes(address) ?? [], prefixes)).toContainEqual([192, 0, 2, 33]);
});

const prefixes = [
  "2a00:1234::/32",
  "fd64:100::/40",
  "2a00:1234:5678::/48",
  "fd64:1:2:300::/56",
  "2a00:1:2:3::/64",
  "2a00:1:2:3::/96",
  "64:ff9b:1:fffe::/96",
];

describe.each(prefixes)("behind %s", (text) => {
  const [prefix = "", length = ""] = text.split("/");
  const bits = Number(length);
  test.each([
    ["169.254.169.254", "floor"],
    ["127.0.0.1", "floor"],
    ["0.0.0.0", "floor"],
    ["10.20.30.40", "private"],
    ["100.64.0.1", "private"],
    ["93.184.216.34", "open"],
  ])("%s is %s", (address, expected) => {
    expect(denied(embedded(prefix, bits, address), text)).toBe(expected);
  });

  test("whatever IPv4 address there is, it is judged as that, and what stands behind it changes nothing", () => {
    fc.assert(
      fc.property(
        fc.ipV4(),
        fc.nat(255),
        (address, suffix) => denied(embedded(prefix, bits, address, suffix), text) === denied(address, text),
      ),
      runs(300),
    );
  });

  test("a policy speaks of the IPv4 address", () => {
    const networks = [network("10.20.0.0/16")];
    const inside = embedded(prefix, bits, "10.20.30.40");
    expect(denied(inside, text, { ...noPolicies, allow: [{ name: "p", networks }] })).toBe("open");
    const closed = [{ name: "p", networks: [network("93.184.0.0/16")] }];
    expect(denied(embedded(prefix, bits, "93.184.216.34"), text, { ...noPolicies, deny: closed })).toBe("policy");
  });
});

test.each([
  "10.0.0.0/32",
  "2001:db8::/33",
  "2001:db8::/128",
  "2001:db8::1/96",
  "2001:db8:0:0:ff00::/96",
  "::ffff:0:0/96",
  "x",
  "2001:db8::",
])("%s is no prefix of a NAT64", (text) => {
  expect(parseNAT64Prefix(text)).toBe(undefined);
});
