/** Names whose server does not answer: whoever asks for them waits, and nobody else. */
import { join } from "node:path";
import type { LookupAddress } from "node:dns";
import { expect, test } from "@jest/globals";
import { createLookups, forNamespace, limitsFor, type ToldAddresses } from "../../src/http/connect/name-lookups.ts";
import { canMakeNamespaces, inOwnNetwork } from "../support/network-namespace.ts";

const isAble = canMakeNamespaces() || process.env["CI"] === "true";

(isAble ? test : test.skip)(
  "a tenant with many of them leaves the resolving of names to others",
  async () => {
    const found = await inOwnNetwork(join(import.meta.dirname, "../support/silent-names.ts"), []);
    expect(found).toEqual({ slow: ["Timeout"], quick: 200 });
  },
  180_000,
);

test("no namespace resolves more than its part at once, all together no more than there are threads for, and each gets its turn", () => {
  const under = new Map<string, ToldAddresses>();
  const told: string[] = [];
  const lookUp = createLookups({ maxInAll: 4, maxPerNamespace: 2 }, (hostname, _options, tell) => under.set(hostname, tell));
  const ask = (namespace: string, name: string): void =>
    forNamespace(namespace, () =>
      lookUp(`${namespace}/${name}`, { all: true }, { told: () => told.push(`${namespace}/${name}`) }),
    );
  const answer = (name: string, addresses: LookupAddress[] = []): void => {
    const tell = under.get(name);
    under.delete(name);
    tell?.(null, addresses);
  };
  for (const name of ["1", "2", "3", "4"]) ask("a", name);
  for (const name of ["1", "2", "3"]) ask("b", name);
  ask("c", "1");
  expect([...under.keys()]).toEqual(["a/1", "a/2", "b/1", "b/2"]);
  answer("a/1");
  expect([...under.keys()]).toEqual(["a/2", "b/1", "b/2", "a/3"]);
  answer("b/1");
  answer("b/2");
  expect([...under.keys()]).toEqual(["a/2", "a/3", "b/3", "c/1"]);
  for (const name of ["a/2", "a/3", "a/4", "b/3", "c/1"]) answer(name);
  expect([told.length, under.size]).toEqual([8, 0]);
});

test("threads are left to what else resolves names", () => {
  expect(limitsFor(64)).toEqual({ maxInAll: 30, maxPerNamespace: 8 });
  expect(limitsFor(4)).toEqual({ maxInAll: 2, maxPerNamespace: 1 });
});
