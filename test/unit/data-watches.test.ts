/** Which change of a Secret or ConfigMap makes whom due, and which watches there are, over a store that is a script. */
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { WatchEvent } from "../../src/core/ports.ts";
import { configMapType, secretType, type Resource, type ResourceType } from "../../src/core/resource.ts";
import { createDataWatches, type DataWatches } from "../../src/engine/data-watches.ts";
import { until } from "../support/memory-store.ts";
import { createDependents, type Dependents } from "../../src/engine/dependents.ts";

interface Watch {
  readonly what: string;
  readonly signal: AbortSignal;
  tell(event: WatchEvent): Promise<void>;
}
interface World extends AsyncDisposable {
  readonly watches: readonly Watch[];
  readonly open: () => readonly string[];
  readonly due: string[];
  readonly dependents: Dependents;
  /** How often it was asked whether something of a kind is referred to in a namespace. */
  readonly asked: () => number;
  readonly data: DataWatches;
  refer(id: string, ...names: readonly string[]): Promise<void>;
  has(name: string, id: string, version: string | undefined): void;
}

/** `refusals`: how often it is not allowed, or cannot be asked, to watch all namespaces. */
function world(maxWatches?: number, { refusals = Infinity, intervalMs = 60_000 } = {}): World {
  const watches: Watch[] = [];
  const due: string[] = [];
  const notes: string[] = [];
  const known = createDependents();
  let asked = 0;
  const isReferredTo: Dependents["isReferredTo"] = (...place) => {
    asked += 1;
    return known.isReferredTo(...place);
  };
  const dependents = { ...known, isReferredTo };
  async function* watchData(
    type: ResourceType,
    namespace: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent, void> {
    const told: WatchEvent[] = [];
    let wake = (): void => {};
    signal.addEventListener("abort", () => wake());
    const tell = async (event: WatchEvent): Promise<void> => {
      told.push(event);
      wake();
      for (let turns = 0; turns < 3; turns += 1) await turn();
    };
    watches.push({ what: `${type.kind}/${namespace ?? "*"}`, signal, tell });
    while (!signal.aborted) {
      const event = told.shift();
      if (event) yield event;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  let answers = 0;
  const mayWatchAllData = async (): Promise<boolean> => (answers += 1) > refusals;
  const store = { watchData, mayWatchAllData, isNewer: (a: string, b: string) => Number(a) > Number(b) };
  const data = createDataWatches({
    store,
    dependents,
    emit: (occurrence) => occurrence.type === "note" && notes.push(occurrence.message),
    queue: (id, lane) => due.push(lane === "change" ? id : `${id} (${lane})`),
    ...(maxWatches !== undefined && { maxWatches }),
    intervalMs,
  });
  const stop = new AbortController();
  const running = data.run(stop.signal);
  return {
    watches,
    open: () => watches.filter(({ signal }) => !signal.aborted).map(({ what }) => what),
    due,
    dependents,
    asked: () => asked,
    data,
    async refer(id, ...names) {
      const namespace = id.split("/")[1] ?? "";
      const typeOf = (name: string): ResourceType => (name.startsWith("c") ? configMapType : secretType);
      dependents.set(
        id,
        names.map((name) => ({ type: typeOf(name), key: { namespace, name } })),
      );
      data.began(id);
      data.adjust(namespace);
      await turn();
    },
    has(name, id, version) {
      const namespace = id.split("/")[1] ?? "";
      const result = version === undefined ? { type: "absent" as const } : found(name, version);
      data.read(id, { type: secretType, key: { namespace, name } }, result);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      expect(watches.every(({ signal }) => signal.aborted)).toBe(true);
    },
  };
}
function object(name: string, resourceVersion: string): Resource {
  return { metadata: { namespace: "n", name, uid: name, generation: 0, resourceVersion }, spec: undefined };
}
function found(name: string, version: string) {
  return { type: "found", resource: { metadata: object(name, version).metadata, data: {} } } as const;
}
const listed = (...resources: readonly Resource[]): WatchEvent => ({ type: "listed", resources, resourceVersion: "100" });
const applied = (name: string, version: string): WatchEvent => ({ type: "applied", resource: object(name, version) });

test("a kind is watched in a namespace while something there refers to one, and no longer", async () => {
  await using w = world();
  await w.refer("Kind/n/a", "s1");
  await w.refer("Kind/n/b", "s1", "c1");
  await w.refer("Kind/m/a", "s1");
  expect(w.open()).toEqual(["Secret/n", "ConfigMap/n", "Secret/m"]);
  await w.refer("Kind/n/a");
  expect(w.open()).toEqual(["Secret/n", "ConfigMap/n", "Secret/m"]);
  await w.refer("Kind/n/b", "c1");
  expect(w.open()).toEqual(["ConfigMap/n", "Secret/m"]);
  await w.refer("Kind/n/a", "s2");
  expect(w.open()).toEqual(["ConfigMap/n", "Secret/m", "Secret/n"]);
});
test("there are never more watches than the limit", async () => {
  await using w = world(2);
  for (const namespace of ["a", "b", "c", "d"]) await w.refer(`Kind/${namespace}/x`, "s");
  expect(w.data.size).toBe(2);
  await w.refer("Kind/a/x");
  expect(w.data.size).toBe(2);
  expect(w.open()).toEqual(["Secret/b", "Secret/c"]); // what there was no room for
});
test("whichever watch ends, one that there was no room for takes its place, and no other namespace is looked at", async () => {
  await using w = world(2);
  const namespaces = Array.from({ length: 100 }, (_, index) => `n${index}`);
  for (const namespace of namespaces) await w.refer(`Kind/${namespace}/x`, "s", "c");
  const before = w.asked();
  await w.refer("Kind/n0/x");
  expect([w.open(), w.asked() - before]).toEqual([["Secret/n1", "Secret/n2"], 2]);
  for (const namespace of namespaces.slice(1)) await w.refer(`Kind/${namespace}/x`, "c");
  expect(w.open()).toEqual(["ConfigMap/n1", "ConfigMap/n2"]);
});
test("F22: beyond the limit one watch of all namespaces tells of those that have none of their own", async () => {
  await using w = world(1, { refusals: 0 });
  for (const namespace of ["a", "b", "c"]) await w.refer(`Kind/${namespace}/x`, "s");
  await turn();
  expect([w.open(), w.data.size, w.data.uncovered]).toEqual([["Secret/a", "Secret/*"], 1, 0]);
  const at = (namespace: string, version: string): Resource => {
    const one = object("s", version);
    return { ...one, metadata: { ...one.metadata, namespace } };
  };
  const all = w.watches.find(({ what }) => what === "Secret/*");
  await all?.tell(listed(at("a", "1"), at("b", "1"), at("c", "1"), at("other", "1")));
  expect(w.due).toEqual([]);
  await all?.tell({ type: "applied", resource: at("a", "2") }); // its own watch tells
  await all?.tell({ type: "applied", resource: at("c", "2") });
  expect(w.due).toEqual(["Kind/c/x"]);
  await all?.tell(listed(at("a", "2"), at("b", "3"), at("c", "2")));
  expect(w.due).toEqual(["Kind/c/x", "Kind/b/x"]); // of c it had told already
});
test("F22: where all may not be watched, whoever uses what has no watch is looked at in intervals, and counted", async () => {
  await using w = world(1, { intervalMs: 5 });
  for (const namespace of ["a", "b"]) await w.refer(`Kind/${namespace}/x`, "s");
  expect([w.open(), w.data.uncovered]).toEqual([["Secret/a"], 1]);
  await until(() => w.due.length >= 2);
  const uncovered = (namespace: string): boolean => w.data.isUncovered({ type: secretType, key: { namespace, name: "s" } });
  expect([uncovered("a"), uncovered("b")]).toEqual([false, true]);
  expect(new Set(w.due)).toEqual(new Set(["Kind/b/x (listing)"]));
  await w.refer("Kind/a/x"); // there is room now
  expect([w.open(), w.data.uncovered]).toEqual([["Secret/b"], 0]);
});
test("F22: once all may be watched, or that could be asked for again, one watch tells of those that were looked at in intervals", async () => {
  await using w = world(1, { refusals: 3, intervalMs: 5 });
  for (const namespace of ["a", "b"]) await w.refer(`Kind/${namespace}/x`, "s");
  await until(() => w.open().includes("Secret/*"));
  const isUncovered = w.data.isUncovered({ type: secretType, key: { namespace: "b", name: "s" } });
  expect([w.due.length, w.data.uncovered, isUncovered]).toEqual([3, 0, false]);
});
test("a change makes due who refers to what has changed, and nobody else", async () => {
  await using w = world();
  await w.refer("Kind/n/a", "s1");
  await w.refer("Kind/n/b", "s2");
  const [watch] = w.watches;
  await watch?.tell(listed(object("s1", "1"), object("s2", "1"), object("other", "1")));
  expect(w.due).toEqual([]);
  await watch?.tell(applied("s1", "2"));
  await watch?.tell(applied("other", "3"));
  expect(w.due).toEqual(["Kind/n/a"]);
  await watch?.tell({ type: "deleted", resource: object("s2", "4") });
  expect(w.due).toEqual(["Kind/n/a", "Kind/n/b"]);
});
test("what was read already is no change; what came between the read and the listing is one", async () => {
  await using w = world();
  for (const id of ["Kind/n/same", "Kind/n/older", "Kind/n/newer", "Kind/n/missing"]) await w.refer(id, "s1");
  w.has("s1", "Kind/n/same", "5");
  w.has("s1", "Kind/n/older", "4");
  w.has("s1", "Kind/n/newer", "6");
  w.has("s1", "Kind/n/missing", undefined);
  await w.watches[0]?.tell(listed(object("s1", "5")));
  expect(w.due.splice(0)).toEqual(["Kind/n/older", "Kind/n/missing"]);
  w.data.began("Kind/n/same"); // reads nothing this time
  await w.watches[0]?.tell(applied("s1", "6"));
  expect(w.due).toEqual(["Kind/n/same", "Kind/n/older", "Kind/n/missing"]);
});
test("a second listing tells what was missed before it, once", async () => {
  await using w = world();
  await w.refer("Kind/n/a", "s1", "s2", "s3");
  await w.watches[0]?.tell(listed(object("s1", "1"), object("s2", "1")));
  await w.watches[0]?.tell(listed(object("s1", "1"), object("s2", "1")));
  expect(w.due).toEqual([]);
  await w.watches[0]?.tell(listed(object("s1", "9"), object("s3", "8")));
  expect(w.due).toEqual(["Kind/n/a", "Kind/n/a", "Kind/n/a"]); // changed, gone, new
});

test("a change of what an endpoint lends makes due who uses that, but for who has seen it already", async () => {
  await using w = world();
  const endpoint: ResourceType = { group: "g", version: "v1", kind: "Endpoint", plural: "endpoints" };
  const lent = { type: endpoint, key: { namespace: "n", name: "e" }, isTransitive: true } as const;
  await w.refer("Endpoint/n/e", "s");
  for (const id of ["Thing/n/one", "Thing/n/two"]) w.dependents.set(id, [lent]);
  expect(w.open()).toEqual(["Secret/n"]);
  await w.watches[0]?.tell(listed(object("s", "1")));
  w.data.began("Thing/n/two");
  w.has("s", "Thing/n/two", "2");
  await w.watches[0]?.tell(applied("s", "2"));
  expect(w.due).toEqual(["Endpoint/n/e", "Thing/n/one (listing)"]);
});
