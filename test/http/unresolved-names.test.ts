/** Names that only a proxy can resolve, where the rules speak of addresses: what cannot be held against them is not sent. */
import { expect, test } from "@jest/globals";
import { network } from "../../src/core/tools/address.ts";
import type { EgressRules } from "../../src/core/egress.ts";
import { denialIn } from "../../src/http/connect/egress-connector.ts";
import { createEgress } from "../../src/http/connect/egress.ts";

const request = { method: "GET", origin: "http://nowhere.invalid" };
const settings = {
  tls: { rejectUnauthorized: true, minVersion: "TLSv1.2" },
  timeoutMs: 1_000,
  proxy: "http://proxy.example:3128/",
} as const;
const some = { name: "a rule", networks: [network("10.20.30.0/24")] };

/** The rule that denies it; undefined: it is left to the proxy. */
async function denied(held: Partial<EgressRules>): Promise<string | undefined> {
  const rules: EgressRules = { default: "AllowPublic", defaultName: "", allow: [], deny: [], ...held };
  const egress = createEgress({ rulesFor: () => rules });
  try {
    await egress.vet(request.origin, egress.admit(request, settings, "n"), new AbortController().signal);
    return undefined;
  } catch (error) {
    return denialIn(error)?.rule;
  }
}

test.each<[string, Partial<EgressRules>, string | undefined]>([
  ["no rule", {}, undefined],
  ["a rule that allows a network beside what is public", { allow: [some] }, undefined],
  ["a rule that denies a network", { deny: [some] }, "policy"],
  ["a rule that denies a network to other hosts", { deny: [{ ...some, hosts: ["other.example"] }] }, undefined],
])("under %s", async (_, rules, expected) => expect(await denied(rules)).toBe(expected));

test("under a rule that allows a network alone", async () => {
  const proxy = { name: "the proxy", hosts: ["proxy.example"] };
  expect(await denied({ default: "Deny", allow: [some, proxy] })).toBe("default");
});
