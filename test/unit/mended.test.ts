/** A change of what a resource uses, which may have mended it: it is told of until a look has made something of it. */
import { expect, test } from "@jest/globals";
import type { Kind, Plan, Situation } from "../../src/core/plan.ts";
import type { WatchEvent } from "../../src/core/ports.ts";
import { createController } from "../../src/engine/controller.ts";
import { idle, memoryStore, thing, type } from "../support/memory-store.ts";

test("a look that only waits leaves it to the next, and one that has tried ends it", async () => {
  const stop = new AbortController();
  const seen: boolean[] = [];
  const change = Promise.withResolvers<void>();
  const endpoint = { ...type, kind: "Used", plural: "useds" };
  function* plan({ resource, mayBeMended = false }: Situation): Plan {
    yield* [];
    seen.push(mayBeMended);
    const status = resource.status ?? {};
    if (seen.length === 1) change.resolve();
    if (seen.length === 5) stop.abort();
    const result = seen.length === 3 ? "retrying" : "waiting";
    return { status, result, reason: "Retrying", ...(seen.length > 1 && { requeueAfterMs: 1 }) };
  }
  const user: Kind = { type, references: () => [{ type: endpoint, key: { namespace: "n", name: "used" } }], plan };
  const used = { type: endpoint, references: () => [] };
  const { store } = memoryStore([thing("user")]);
  const one = thing("used");
  async function* watch(): AsyncGenerator<WatchEvent> {
    yield { type: "listed", resources: [one], resourceVersion: "1" };
    await change.promise;
    const metadata = { ...one.metadata, generation: 2, resourceVersion: "2", labels: { changed: "yes" } };
    yield { type: "applied", resource: { ...one, metadata } };
    await new Promise((resolve) => stop.signal.addEventListener("abort", resolve, { once: true }));
  }
  const both: typeof store = {
    ...store,
    watch: (kind, signal) => (kind.kind === endpoint.kind ? watch() : store.watch(kind, signal)),
  };
  const controller = createController({
    kinds: [user, used],
    store: both,
    requester: idle,
    emit: () => {},
    concurrency: 1,
    reconcileTimeoutMs: 60_000,
    instanceId: "me",
  });
  await controller.run(stop.signal, stop.signal);
  expect(seen).toEqual([false, true, true, false, false]);
});
