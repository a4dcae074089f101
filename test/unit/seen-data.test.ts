/** A change of a Secret that very many use is told to some at once, and to the others with pauses. */
import { expect, test } from "@jest/globals";
import { secretType, type Resource } from "../../src/core/resource.ts";
import { createDependents } from "../../src/engine/dependents.ts";
import { eachWithPauses, mostAtOnce } from "../../src/engine/each-with-pauses.ts";
import { createSeenData, type SeenData } from "../../src/engine/seen-data.ts";
import { until } from "../support/memory-store.ts";

const count = 3 * mostAtOnce;
const secret = (name: string, version: string): Resource => ({
  metadata: { namespace: "n", name, uid: name, generation: 1, resourceVersion: version },
  spec: undefined,
});
const listed = (...resources: readonly Resource[]) => ({ type: "listed", resources, resourceVersion: "9" }) as const;

const ways: readonly (readonly [string, readonly string[], (seen: SeenData, told: Map<string, string>) => void])[] = [
  ["is written", ["s"], (seen, told) => seen.take(secretType, "n", { type: "applied", resource: secret("s", "2") }, told)],
  ["is deleted", ["s"], (seen, told) => seen.take(secretType, "n", { type: "deleted", resource: secret("s", "2") }, told)],
  ["is listed anew", ["s"], (seen, told) => seen.take(secretType, "n", listed(secret("s", "2")), told)],
  ["may have changed", ["s"], (seen) => seen.lookAgain(secretType, "n")],
  ["is one of very many", Array.from({ length: 500 }, (_, index) => `s${index}`), (seen) => seen.lookAgain(secretType, "n")],
];
test.each(ways)("where it %s", async (_, names, change) => {
  const dependents = createDependents();
  for (let index = 0; index < count; index += 1)
    dependents.set(`Thing/n/${index}`, [{ type: secretType, key: { namespace: "n", name: names[index % names.length] ?? "" } }]);
  const due = new Set<string>();
  const mistakes: unknown[] = [];
  const seen = createSeenData({
    dependents,
    isNewer: (a, b) => Number(a) > Number(b),
    queue: (id) => void due.add(id),
    onMistake: (error) => mistakes.push(error),
  });
  const told = new Map([["s", "1"]]);
  change(seen, told);
  told.set("s", "2"); // whoever watches goes on
  expect(due.size).toBe(mostAtOnce);
  // Who has read it by then has seen the change.
  const last = `Thing/n/${count - 1}`;
  seen.began(last);
  const version = secret("s", "2");
  seen.read(last, { type: secretType, key: version.metadata }, { type: "found", resource: { ...version, data: {} } });
  await until(() => due.size >= count - 1);
  expect(mistakes).toEqual([]);
});

test("what throws at once is whoever's who told, and what throws later is a mistake", async () => {
  const mistakes: unknown[] = [];
  const pauses = { breathe: () => Promise.resolve(), onMistake: (error: unknown) => mistakes.push(error) };
  const visitUntil = (last: number) => (one: number) => {
    if (one === last) throw new Error(`${one}`);
  };
  const all = Array.from({ length: 2 * mostAtOnce }, (_, index) => index);
  expect(() => eachWithPauses(all, visitUntil(3), pauses)).toThrow("3");
  eachWithPauses(all, visitUntil(mostAtOnce + 3), pauses);
  await until(() => mistakes.length === 1);
  expect(mistakes).toEqual([new Error(`${mostAtOnce + 3}`)]);
});
