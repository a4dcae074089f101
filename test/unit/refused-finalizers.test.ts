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
      writeStatus(of, resource, status, ...more) {
        statuses.push(status);
        return store.writeStatus(of, resource, status, ...more);
      },
      ...changes,
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

test("what has ended is recorded before an annotation that cannot be written", async () => {
  const annotate = (): Promise<never> => Promise.reject(new Error("not now"));
  expect(await written({ annotation: { name: "a", value: "1" } }, { annotate })).toEqual({ of: "the plan" });
});
