/** Who becomes due for whose change, and in which order, over the engine's own caches and queue. */
import { expect, test } from "@jest/globals";
import type { Dependency, Kind } from "../../src/core/plan.ts";
import type { Resource, ResourceType } from "../../src/core/resource.ts";
import { createCaches } from "../../src/engine/caches.ts";
import { createWatchers } from "../../src/engine/watchers.ts";
import { createDependents } from "../../src/engine/dependents.ts";
import { createTakenStatuses } from "../../src/engine/taken-statuses.ts";
import { createDueReasons } from "../../src/engine/due-reasons.ts";
import { mostAtOnce } from "../../src/engine/each-with-pauses.ts";
import { createEnqueue } from "../../src/engine/enqueue.ts";
import { createHolders } from "../../src/engine/holders.ts";
import { referrersOf } from "../../src/engine/referrers.ts";
import { until } from "../support/memory-store.ts";
import { createWorkQueue } from "../../src/engine/work-queue.ts";

const typeOf = (kind: string): ResourceType => ({ group: "g", version: "v1", kind, plural: `${kind.toLowerCase()}s` });
const endpoint = { type: typeOf("Endpoint"), key: { namespace: "n", name: "e" } };
const kindOf = (type: ResourceType, references: Kind["references"]): Kind => ({
  type,
  references,
  plan: () => {
    throw new Error("nothing is planned here");
  },
});
const endpoints: Kind = { ...kindOf(endpoint.type, () => []), waitsForReferrers: "always" };
const refersToEndpoint = ({ spec }: Resource): readonly Dependency[] => {
  const { refersTo: name = "e" } = spec as { readonly refersTo?: string };
  return [{ ...endpoint, key: { ...endpoint.key, name }, isTransitive: true }];
};
const things: Kind = {
  ...kindOf(typeOf("Thing"), refersToEndpoint),
  holding: ({ metadata: { finalizers = [] }, spec }) =>
    finalizers.includes("release") ? "now" : (spec as { readonly begins?: true }).begins ? "soon" : undefined,
};
const requests = kindOf(typeOf("Request"), refersToEndpoint);
const all = [endpoints, things, requests];
function object(name: string, generation: number): Resource {
  return { metadata: { namespace: "n", name, uid: name, generation, resourceVersion: `${generation}` }, spec: {} };
}

function engine(observe: () => void = () => {}): {
  caches: ReturnType<typeof createCaches>;
  queue: ReturnType<typeof createWorkQueue>;
  dependents: ReturnType<typeof createDependents>;
  enqueue: ReturnType<typeof createEnqueue>;
  holders: ReturnType<typeof createHolders>;
  looks: () => number;
} {
  let looks = 0;
  const known = createCaches(all, (a, b) => Number(a) > Number(b));
  const caches: typeof known = {
    ...known,
    find(id) {
      looks += 1;
      return known.find(id);
    },
  };
  const holders = createHolders(all);
  const queue = createWorkQueue();
  const dependents = createDependents();
  const reasons = createDueReasons();
  const dataWatches = { adjust: () => {}, forget: () => {} };
  const deps = {
    caches,
    queue,
    reasons,
    takenStatuses: createTakenStatuses(),
    dependents,
    holders,
    watchers: createWatchers(),
    dataWatches,
    instanceId: "me",
    noteChange: () => {},
    onGone: () => {},
    onMistake: () => {},
  };
  return { caches, queue, dependents, holders, looks: () => looks, enqueue: createEnqueue({ ...deps, observe }) };
}

test("a change of what many share holds up nobody's own change", async () => {
  const { caches, queue, enqueue } = engine();
  const change = (kind: Kind, resource: Resource): void =>
    enqueue.changed(kind, caches.of(kind).apply({ type: "applied", resource }));
  async function taken(count: number): Promise<readonly string[]> {
    const keys: string[] = [];
    while (keys.length < count) {
      const key = await queue.take(new AbortController().signal);
      keys.push(key);
      queue.done(key);
    }
    return keys;
  }
  change(endpoints, object("e", 1));
  const names = ["a", "b", "c"];
  for (const name of names) change(things, object(name, 1));
  expect(await taken(4)).toEqual(["Endpoint/n/e", ...names.map((name) => `Thing/n/${name}`)]);
  change(endpoints, object("e", 2));
  change(things, object("c", 2));
  change(things, object("new", 1));
  expect(await taken(5)).toEqual(["Endpoint/n/e", "Thing/n/c", "Thing/n/new", "Thing/n/a", "Thing/n/b"]);
  expect(queue.depth).toBe(0);
});

test("F23: what a listing brought is taken in with pauses, and as it is by then", async () => {
  const { caches, queue, dependents, enqueue } = engine(() => {
    const untilMs = performance.now() + 1;
    while (performance.now() < untilMs);
  });
  const resources = Array.from({ length: 100 }, (_, index) => object(`${index}`, 1));
  const listing = enqueue.listed(things, caches.of(things).apply({ type: "listed", resources, resourceVersion: "1" }));
  expect(queue.depth).toBeLessThan(100);
  enqueue.changed(things, caches.of(things).learn(object("98", 2)));
  enqueue.changed(things, caches.of(things).forget(object("99", 1)));
  await listing;
  const dependent = [...dependents.of(endpoint)].map(([id]) => id);
  expect(dependent).toContain("Thing/n/98");
  expect(dependent).not.toContain("Thing/n/99");
  expect([dependent.length, queue.depth]).toEqual([99, 99]);
});

test("a change of what very many share is told to some at once, and to the others with pauses, as they are by then", async () => {
  const { caches, queue, enqueue } = engine();
  const change = (kind: Kind, resource: Resource, type: "applied" | "deleted" = "applied"): void =>
    enqueue.changed(kind, caches.of(kind).apply({ type, resource }));
  change(endpoints, object("e", 1));
  const count = 4 * mostAtOnce;
  for (let index = 0; index < count; index += 1) change(things, object(`${index}`, 1));
  await queueTakes(queue, queue.depth);
  change(endpoints, object("e", 2));
  expect(queue.depth).toBe(mostAtOnce + 1);
  change(things, object(`${count - 1}`, 1), "deleted");
  change(things, object("new", 2));
  await until(() => queue.depth === count + 1);
  const due = await queueTakes(queue, queue.depth);
  const last = [`Thing/n/${count - 2}`, `Thing/n/${count - 1}`].map((id) => due.includes(id));
  expect([due[0], due[1], ...last]).toEqual(["Endpoint/n/e", "Thing/n/new", true, false]);
});

test("F23: a wave of changes that may concern anybody is one look at all, with pauses, and wakes those that it concerns", async () => {
  const { caches, queue, enqueue } = engine();
  const count = 3_000;
  const resources = Array.from({ length: count }, (_, index) => object(`${index}`, 1));
  caches.of(things).apply({ type: "listed", resources, resourceVersion: "1" });
  let looks = 0;
  const waking: Kind = {
    ...endpoints,
    wakesOthers({ metadata }) {
      looks += 1;
      return metadata.name === "7";
    },
  };
  const changes = Array.from({ length: 200 }, (_, index) => ({ before: undefined, after: object(`e${index}`, 1) }));
  enqueue.changed(waking, changes);
  expect(looks).toBe(0); // whoever told of them goes on first
  const woken = await queueTakes(queue, 201);
  expect(woken).toContain("Thing/n/7");
  await until(() => looks === count);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(looks).toBe(count); // and not once for each change
});

/** The next keys, in their order. */
async function queueTakes(queue: ReturnType<typeof createWorkQueue>, count: number): Promise<readonly string[]> {
  const keys: string[] = [];
  while (keys.length < count) {
    const key = await queue.take(new AbortController().signal);
    keys.push(key);
    queue.done(key);
  }
  return keys;
}

test("what holds others' needs is due when the last that holds anything is gone, and not before", async () => {
  const { caches, queue, enqueue } = engine();
  const at = (name: string, version: number, ...finalizers: string[]): Resource => {
    const { metadata, spec } = object(name, 1);
    return { metadata: { ...metadata, finalizers, resourceVersion: `${version}` }, spec };
  };
  const change = (kind: Kind, resource: Resource, type: "applied" | "deleted" = "applied"): void =>
    enqueue.changed(kind, caches.of(kind).apply({ type, resource }));
  change(endpoints, at("e", 1, "in-use"));
  for (const name of ["a", "b", "c"]) change(things, at(name, 2, "release"));
  change(things, at("unheld", 3));
  while (queue.depth > 0) queue.done(await queue.take(new AbortController().signal));
  change(things, at("a", 4));
  change(things, at("b", 5, "release"), "deleted");
  expect(queue.depth).toBe(0);
  change(things, at("c", 6));
  expect(queue.depth).toBe(1);
});

test.each([
  ["that hold nothing ever", requests, [], undefined],
  ["that hold nothing now", things, [], undefined],
  ["that hold it, too", things, ["release"], undefined],
  ["that hold nothing, beside one that is about to,", things, [], { begins: true }],
] as const)("to delete many %s looks at a few for each", async (_, kind, finalizers, lastSpec) => {
  const { caches, queue, enqueue, holders, looks } = engine();
  const at = (name: string, ...names: readonly string[]): Resource => {
    const { metadata, spec } = object(name, 1);
    return { metadata: { ...metadata, finalizers: names }, spec };
  };
  const last = lastSpec ? { ...at("last"), spec: lastSpec } : at("last", "release");
  const change = (of: Kind, resource: Resource, type: "applied" | "deleted" = "applied"): void =>
    enqueue.changed(of, caches.of(of).apply({ type, resource }));
  change(endpoints, at("e", "in-use"));
  const count = 1_000;
  const names = Array.from({ length: count }, (_, index) => `${index}`);
  for (const name of names) change(kind, at(name, ...finalizers));
  change(things, last);
  await queueTakes(queue, queue.depth);
  const before = looks();
  for (const name of names) {
    change(kind, at(name, ...finalizers), "deleted");
    const [first] = referrersOf({ caches, holders }, endpoints, object("e", 1));
    expect(things.holding?.(first?.resource ?? object("none", 1))).toBe(lastSpec ? "soon" : "now");
  }
  expect(looks() - before).toBeLessThan(5 * count);
  expect(queue.depth).toBe(0); // the last one holds it
  change(things, last, "deleted");
  expect(await queueTakes(queue, queue.depth)).toEqual(["Endpoint/n/e"]);
});

test.each([
  ["waits to be deleted", "2026-01-01T00:00:00Z"],
  ["is there to stay", undefined],
])("what nobody refers to any more since the last that did was edited is due, where it %s", async (_, deletionTimestamp) => {
  const { caches, queue, enqueue } = engine();
  const change = (kind: Kind, resource: Resource): void =>
    enqueue.changed(kind, caches.of(kind).apply({ type: "applied", resource }));
  const thing = (name: string, generation: number, refersTo: string, finalizer = "release"): Resource => {
    const { metadata } = object(name, generation);
    return { metadata: { ...metadata, finalizers: [finalizer] }, spec: { refersTo } };
  };
  const { metadata, spec } = object("e", 1);
  const mark = deletionTimestamp === undefined ? {} : { deletionTimestamp };
  change(endpoints, { metadata: { ...metadata, finalizers: ["in-use"], ...mark }, spec });
  change(things, thing("a", 1, "e"));
  // It is held by somebody else's, which says nothing of what it has to delete.
  change(things, thing("b", 1, "e", "somebody's"));
  while (queue.depth > 0) queue.done(await queue.take(new AbortController().signal));
  change(things, thing("a", 2, "other"));
  expect((await queueTakes(queue, queue.depth)).toSorted()).toEqual(["Endpoint/n/e", "Thing/n/a"]);
});

test("what is declared to make nothing any more holds nothing: what was to stay for it is due", async () => {
  const { caches, queue, enqueue } = engine();
  const change = (kind: Kind, resource: Resource): void =>
    enqueue.changed(kind, caches.of(kind).apply({ type: "applied", resource }));
  const { metadata, spec } = object("e", 1);
  change(endpoints, { metadata: { ...metadata, finalizers: ["in-use"] }, spec });
  change(things, { ...object("a", 1), spec: { begins: true } });
  await queueTakes(queue, queue.depth);
  change(things, object("a", 2));
  expect((await queueTakes(queue, queue.depth)).toSorted()).toEqual(["Endpoint/n/e", "Thing/n/a"]);
});
