import { expect, test } from "@jest/globals";
import type { WatchEvent } from "../../src/core/ports.ts";
import type { Resource } from "../../src/core/resource.ts";
import { mergeWatches } from "../../src/kubernetes/merge.ts";
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
function names(event: IteratorResult<WatchEvent, void>): readonly string[] {
  return event.value?.type === "listed" ? event.value.resources.map(({ metadata }) => metadata.name) : [];
}

test("tells nothing before every namespace has been listed, then everything at once", async () => {
  const [one, two] = [fed(), fed()];
  const merged = mergeWatches([one.events, two.events]);
  const first = merged.next();
  one.tell(listed(resource("one", "a"), resource("one", "b")));
  one.tell({ type: "deleted", resource: resource("one", "b") });
  one.tell({ type: "applied", resource: resource("one", "c") });
  await new Promise((resolve) => setImmediate(resolve));
  two.tell(listed(resource("two", "d")));
  expect(names(await first)).toEqual(["a", "c", "d"]);
  expect((await first).value).toMatchObject({ isMerged: true });
  one.end();
  two.end();
});

test("tells a namespace that is listed anew together with what the others hold now", async () => {
  const [one, two] = [fed(), fed()];
  const merged = mergeWatches([one.events, two.events]);
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
  const merged = mergeWatches([busy, ...silent].map(({ events }) => events));
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
