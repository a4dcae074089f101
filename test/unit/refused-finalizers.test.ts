/** A finalizer or an annotation that the store is against, in the engine: what is said of it, and what is recorded all the same. */
import { expect, test } from "@jest/globals";
import type { Outcome } from "../../src/core/outcome.ts";
import type { Situation, Verdict } from "../../src/core/plan.ts";
import { FinalizerRefusedError, type ResourceStore } from "../../src/core/ports.ts";
import { createController } from "../../src/engine/controller.ts";
import { idle, letsGo, memoryStore, nothingHeld, thing, type, until } from "../support/memory-store.ts";

const send = async (): Promise<Outcome> => ({ type: "failure", reason: "Timeout", message: "", sent: true });

/** What is written of the only object, whose plan ends with this verdict, in a store with these changes. */
async function written(
  verdict: Omit<Verdict, "status" | "result" | "reason">,
  changes: Partial<ResourceStore>,
  sends = false,
  order?: string[],
): Promise<object> {
  const { store } = memoryStore([thing("one")]);
  const statuses: object[] = [];
  const controller = createController({
    kinds: [
      {
        type,
        references: () => [],
        *plan() {
          if (sends) yield { type: "exchange", exchange: {} as never, beforeSend: { type: "nothing" } };
          return { status: { of: "the plan" }, result: "succeeded", reason: "Done", ...verdict };
        },
        heldBack: ({ resource }: Situation, { reason, message }) => ({
          status: { ...resource.status, reason, message },
          result: "waiting",
          reason,
        }),
      },
    ],
    store: {
      ...store,
      ...changes,
      writeStatus(of, resource, status, ...more) {
        order?.push("status");
        statuses.push(status);
        return store.writeStatus(of, resource, status, ...more);
      },
    },
    requester: { ...idle, begin: () => ({ prepare: async () => ({ type: "prepared", send, ...letsGo }), ...nothingHeld }) },
    emit: () => {},
    concurrency: 1,
    reconcileTimeoutMs: 60_000,
    instanceId: "me",
  });
  const stop = new AbortController();
  const running = controller.run(stop.signal, stop.signal);
  await until(() => statuses.length > 0);
  stop.abort(new Error("enough"));
  await running;
  return statuses[0] ?? {};
}

test.each([
  [true, false],
  [true, true],
  [false, false],
])("a finalizer that is refused (to be there: %s, after a look: %s) is told of in the status", async (present, sends) => {
  const setFinalizer = (): Promise<never> => Promise.reject(new FinalizerRefusedError("metadata.finalizers: no"));
  const status = await written({ finalizer: { name: "f", present } }, { setFinalizer }, sends);
  expect(status).toEqual({ reason: "FinalizerRefused", message: "metadata.finalizers: no" });
});

const annotation = { name: "a", value: "1", otherwise: { of: "what is not annotated" } };
test.each<[string, ResourceStore["annotate"]]>([
  ["may not", async () => ({ type: "forbidden" })],
  ["cannot", () => Promise.reject(new Error("not now"))],
  ["is changed by others all the time, and cannot", async () => ({ type: "conflict" })],
])("what has ended is recorded where an annotation %s be written, and does not say that it is", async (_, annotate) => {
  expect(await written({ annotation }, { annotate }, true)).toEqual({ of: "what is not annotated" });
});
test("no status says that an annotation is set before it is", async () => {
  const order: string[] = [];
  const annotate: ResourceStore["annotate"] = async (_type, resource) => {
    order.push("annotation");
    return { type: "written", resource };
  };
  await written({ annotation }, { annotate }, true, order);
  expect(order.slice(0, 2)).toEqual(["annotation", "status"]);
});
