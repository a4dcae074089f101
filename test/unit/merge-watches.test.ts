import { expect, test } from "@jest/globals";
import { array, assert, asyncProperty, constantFrom, record } from "fast-check";
import { createCache, type Cache } from "../../src/engine/cache.ts";
import type { WatchEvent } from "../../src/core/ports.ts";
import type { Resource } from "../../src/core/resource.ts";
import { mergeWatches } from "../../src/kubernetes/merge.ts";
import { runs } from "../support/fuzz.ts";
import { heldBytes } from "../support/held-memory.ts";

function resource(namespace: string, name: string): Resource {
  return { metadata: { namespace, name, uid: name, generation: 1, resourceVersion: "1" }, spec: {} };
}
function listed(...resources: readonly Resource[]): WatchEvent {
  return { type: "listed", resources, resourceVersion: "9" };
}
/** A watch that a test feeds. */
function fed() {
  const queue: WatchEvent[] = [];
  let arrived = Promise.withResolvers<void>();
  const state = { isOpen: true };
  async function* events(): AsyncGenerator<WatchEvent, void> {
    while (state.isOpen || queue.length > 0) {
      const event = queue.shift();
      if (event) yield event;
      else await arrived.promise;
    }
  }
  function wake(): void {
    arrived.resolve();
    arrived = Promise.withResolvers<void>();
  }
  return {
    events: events(),
    tell: (event: WatchEvent): void => (queue.push(event), wake()),
    end: (): void => ((state.isOpen = false), wake()),
  };
}
type Fed = ReturnType<typeof fed>;
const merge = (all: Readonly<Record<string, Fed>>): AsyncGenerator<WatchEvent, void> =>
  mergeWatches(new Map(Object.entries(all).map(([namespace, { events }]) => [namespace, events])));

function names(event: IteratorResult<WatchEvent, void>): readonly string[] {
  return event.value?.type === "listed" ? event.value.resources.map(({ metadata }) => metadata.name) : [];
}

test("tells nothing before every namespace has been listed, then everything at once", async () => {
  const [one, two] = [fed(), fed()];
  const merged = merge({ one, two });
  const first = merged.next();
  one.tell(listed(resource("one", "a"), resource("one", "b")));
  one.tell({ type: "deleted", resource: resource("one", "b") });
  one.tell({ type: "applied", resource: resource("one", "c") });
  await new Promise((resolve) => setImmediate(resolve));
  two.tell(listed(resource("two", "d")));
  expect(names(await first)).toEqual(["a", "c", "d"]);
  expect((await first).value).toMatchObject({ resourceVersion: "9", versions: new Map(Object.entries({ one: "9", two: "9" })) });
  one.end();
  two.end();
});

test("tells a namespace that is listed anew together with what the others hold now", async () => {
  const [one, two] = [fed(), fed()];
  const merged = merge({ one, two });
  one.tell(listed(resource("one", "a")));
  two.tell(listed(resource("two", "b")));
  expect(names(await merged.next())).toEqual(["a", "b"]);
  two.tell({ type: "applied", resource: resource("two", "c") });
  expect((await merged.next()).value).toMatchObject({ type: "applied" });
  two.tell({ type: "deleted", resource: resource("two", "b") });
  expect((await merged.next()).value).toMatchObject({ type: "deleted" });
  one.tell(listed());
  expect(names(await merged.next())).toEqual(["c"]);
  one.end();
  two.end();
  expect((await merged.next()).done).toBe(true);
});

test("keeps nothing of what it has told, however long other namespaces are silent", async () => {
  const [busy, ...silent] = Array.from({ length: 21 }, fed);
  if (!busy) throw new Error("there is one");
  const merged = merge(Object.fromEntries([busy, ...silent].entries()));
  for (const one of [busy, ...silent]) one.tell(listed());
  await merged.next();
  async function tell(count: number): Promise<void> {
    const event: WatchEvent = { type: "applied", resource: resource("one", "a") };
    for (let n = 0; n < count; n += 1) {
      busy?.tell(event);
      await merged.next();
    }
  }
  await tell(500); // what is compiled and allocated once is by now
  const beforeBytes = heldBytes();
  await tell(10_000);
  expect(heldBytes() - beforeBytes).toBeLessThan(5_000_000);
  for (const one of [busy, ...silent]) one.end();
  expect((await merged.next()).done).toBe(true);
});

/**
 * A store of two namespaces, whose watches tell later what was written, and which can be taken back to how it was: then versions only go
 * on (`--bump-revision`), and each namespace is listed anew when its watch finds out.
 */
function restorable() {
  let version = 1;
  let now = new Map<string, Resource>();
  const made = (namespace: string, name: string): Resource => {
    const known = resource(namespace, name);
    return { ...known, metadata: { ...known.metadata, resourceVersion: String((version += 1)) } };
  };
  const untold: Record<string, WatchEvent[]> = { one: [], two: [] };
  const list = (namespace: string): WatchEvent => {
    const resources = [...now.values()].filter(({ metadata }) => metadata.namespace === namespace);
    return { type: "listed", resources, resourceVersion: String(version) };
  };
  let copy = now;
  return {
    all: () => now,
    list,
    /** What a write answers: nothing where it deletes. */
    write(namespace: string, name: string, deletes: boolean): Resource | undefined {
      const [key, written] = [`${namespace}/${name}`, made(namespace, name)];
      if (deletes && !now.has(key)) return undefined;
      if (deletes) now.delete(key);
      else now.set(key, written);
      untold[namespace]?.push({ type: deletes ? "deleted" : "applied", resource: written });
      return deletes ? undefined : written;
    },
    tell: (namespace: string): WatchEvent | undefined => untold[namespace]?.shift(),
    copy: () => void (copy = new Map(now)),
    restore() {
      now = new Map(copy);
      version += 1_000;
      Object.assign(untold, { one: [], two: [] });
    },
    relist(namespace: string): WatchEvent {
      untold[namespace] = [];
      return list(namespace);
    },
  };
}
const isNewer = (a: string, b: string): boolean => Number(a) > Number(b);
const known = (caches: readonly Cache[]): readonly string[] =>
  caches
    .flatMap((cache) => [...cache.all()])
    .map(({ metadata: { namespace, name, resourceVersion } }) => `${namespace}/${name}@${resourceVersion}`)
    .toSorted((a, b) => a.localeCompare(b));

test("several namespaces are known as each would be by itself, whenever one is listed anew, and in the end as they are", async () => {
  const step = record({
    what: constantFrom("write", "write", "delete", "tell", "tell", "relist", "copy", "restore"),
    namespace: constantFrom("one", "two"),
    name: constantFrom("a", "b"),
  });
  await assert(
    asyncProperty(array(step, { maxLength: 20 }), async (steps) => {
      const store = restorable();
      const watches = { one: fed(), two: fed() };
      const merged = merge(watches);
      const whole = createCache(isNewer);
      const apart = { one: createCache(isNewer), two: createCache(isNewer) };
      async function take(namespace: "one" | "two", event: WatchEvent): Promise<void> {
        apart[namespace].apply(event);
        watches[namespace].tell(event);
        const told = await merged.next();
        if (told.value) whole.apply(told.value);
      }
      for (const namespace of ["one", "two"] as const) {
        apart[namespace].apply(store.list(namespace));
        watches[namespace].tell(store.list(namespace));
      }
      whole.apply((await merged.next()).value as WatchEvent);
      for (const { what, namespace, name } of [
        ...steps,
        { what: "relist", namespace: "one", name: "" },
        { what: "relist", namespace: "two", name: "" },
      ] as const) {
        const written = what === "write" || what === "delete" ? store.write(namespace, name, what === "delete") : undefined;
        if (written) for (const cache of [whole, apart[namespace]]) cache.learn(written);
        if (what === "copy" || what === "restore") store[what]();
        const event = what === "tell" ? store.tell(namespace) : what === "relist" ? store.relist(namespace) : undefined;
        if (event) await take(namespace, event);
        if (known([whole]).join() !== known([apart.one, apart.two]).join()) return false;
      }
      for (const watch of [watches.one, watches.two]) watch.end();
      return known([whole]).join() === known([{ ...whole, all: () => store.all().values() }]).join();
    }),
    runs(500),
  );
});
