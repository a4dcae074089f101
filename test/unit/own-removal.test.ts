/** What was deleted by this process counts as deleted before the watch tells of it: nothing is decided on it as it was. */
import { expect, test } from "@jest/globals";
import type { Resource } from "../../src/core/resource.ts";
import type { ResourceStore } from "../../src/core/ports.ts";
import { createController, type Controller } from "../../src/engine/controller.ts";
import { idle, memoryStore, thing, type, until } from "../support/memory-store.ts";

type Removed = Awaited<ReturnType<ResourceStore["remove"]>>;

/** The objects of which a plan that deletes its own was asked, until it was asked to look again after it had ended. */
async function lookTwice(answer: Removed): Promise<{ seen: readonly Resource[]; controller: Controller }> {
  const { store } = memoryStore([thing("one"), thing("other")]);
  const seen: Resource[] = [];
  const ended: string[] = [];
  const controller = createController({
    kinds: [
      {
        type,
        references: () => [],
        *plan({ resource }) {
          const { name, deletionTimestamp } = resource.metadata;
          if (name === "one") seen.push(resource);
          if (name === "one" && deletionTimestamp === undefined) yield { type: "remove" };
          return { status: resource.status ?? {}, result: "succeeded", reason: "Expired" };
        },
      },
    ],
    store: { ...store, remove: async () => answer },
    requester: idle,
    emit: (event) => void (event.type === "reconciled" && ended.push(event.name)),
    concurrency: 1,
    reconcileTimeoutMs: 60_000,
    instanceId: "me",
  });
  const stop = new AbortController();
  const running = controller.run(stop.signal, stop.signal);
  const count = (name: string): number => ended.filter((one) => one === name).length;
  await until(() => count("one") > 0 && count("other") > 0);
  controller.look("Thing", { namespace: "n", name: "one" });
  controller.look("Thing", { namespace: "n", name: "other" }); // which comes after it
  await until(() => count("other") > 1);
  stop.abort(new Error("enough"));
  await running;
  return { seen, controller };
}

test("an object that is gone is not looked at again", async () => {
  const { seen, controller } = await lookTwice({ type: "removed" });
  expect([seen.length, controller.cached()]).toEqual([1, 1]);
});

test("one that a finalizer keeps is seen as being deleted", async () => {
  const { metadata, spec } = thing("one", 1, 7);
  const left = { metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["theirs"] }, spec };
  const { seen, controller } = await lookTwice({ type: "removed", left });
  expect(seen.slice(1).map((one) => one.metadata.deletionTimestamp)).not.toContain(undefined);
  expect([seen.length > 1, controller.cached()]).toEqual([true, 2]);
});
