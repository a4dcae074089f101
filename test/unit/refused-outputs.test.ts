/** An answer whose outputs are refused, in the engine: whom it holds up, and what is said of it meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { findCondition } from "../../src/core/conditions.ts";
import { notOurs, type OutputObject } from "../../src/core/output.ts";
import { ask, type Plan, type Situation } from "../../src/core/plan.ts";
import { redact } from "../../src/core/redacted.ts";
import { secretType, type Resource } from "../../src/core/resource.ts";
import { createController } from "../../src/engine/controller.ts";
import { idle, memoryStore, thing, type } from "../support/memory-store.ts";

const object: OutputObject = { field: "spec.outputs[0].secret", type: secretType, name: "s", labels: {}, annotations: {} };
const many = Array.from({ length: 40 }, (_, index) => `refused-${index}`);

/** The pauses between tries grow up to half a minute, so only the test's own limit ends it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

test("holds up no worker, and says so: what is not refused is done, one that is declared otherwise ends, and all that is taken is done", async () => {
  const { store, change } = memoryStore(["free", ...many].map((name) => thing(name)));
  const ends: string[] = [];
  let mayWrite = false;
  function* plan({ resource }: Situation): Plan {
    const { name, namespace, uid, generation, resourceVersion } = resource.metadata;
    if (resource.status && "done" in resource.status) return { status: resource.status, result: "unchanged", reason: "Done" };
    if (name !== "free" && generation === 1) {
      const scope = { inputs: {}, metadata: { name, namespace, uid, generation, resourceVersion }, now: "" };
      const outputs = [{ object, data: [], whenMissing: "Keep" }] as const;
      const answer = yield* ask<"writeOutputs">({ type: "writeOutputs", evaluation: { outputs, scope }, patienceMs: Infinity });
      ends.push(`${name} ${answer.type}`);
    }
    return { status: { done: true }, result: "succeeded", reason: "Done" };
  }
  const statuses = new Map<string, Resource["status"]>();
  const controller = createController({
    kinds: [{ type, references: () => [], plan }],
    store: {
      ...store,
      writeOutput: async () => (mayWrite ? { type: "written" } : { ...notOurs(object), mayPass: true }),
      writeStatus(of, resource, status, ...more) {
        statuses.set(resource.metadata.name, status);
        return store.writeStatus(of, resource, status, ...more);
      },
    },
    requester: { ...idle, evaluateOutputs: async () => ({ type: "values", values: [redact({ a: "1" })] }) },
    emit: () => {},
    concurrency: 1,
    reconcileTimeoutMs: 60_000,
    slowWriteMs: 1,
    instanceId: "me",
  });
  const stop = new AbortController();
  const running = controller.run(stop.signal, stop.signal);
  const messageOf = (name: string): string => findCondition(statuses.get(name), "Ready")?.message ?? "";
  await until(() => many.every((name) => messageOf(name).endsWith("only the write is tried again")));
  expect([statuses.get("free"), ends, controller.queue.working.size]).toEqual([{ done: true }, [], 0]);
  change({ ...thing("refused-0", 2, 10_000), status: { ...statuses.get("refused-0") } });
  await until(() => ends.length === 1);
  expect(ends).toEqual(["refused-0 refusal"]);
  mayWrite = true;
  await until(() => many.every((name) => "done" in (statuses.get(name) ?? {})));
  expect(ends.toSorted()).toEqual(many.map((name) => `${name} ${name === "refused-0" ? "refusal" : "ready"}`).toSorted());
  stop.abort(new Error("enough"));
  await running;
}, 180_000);
