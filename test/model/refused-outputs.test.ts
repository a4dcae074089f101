/**
 * An answer whose outputs are refused, in the engine: whom it holds up, and what is said of it meanwhile. By the clock: what is not
 * refused for long is not told.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { findCondition } from "../../src/core/conditions.ts";
import { notOurs, type OutputObject } from "../../src/core/output.ts";
import { ask, type Plan, type Situation } from "../../src/core/plan.ts";
import type { Precondition } from "../../src/core/ports.ts";
import { redact } from "../../src/core/redacted.ts";
import { secretType, type Resource } from "../../src/core/resource.ts";
import { unlessAborted } from "../../src/core/tools/deadline.ts";
import { createController, type ControllerOptions } from "../../src/engine/controller.ts";
import { createOwnObject, type OwnObjectDeps } from "../../src/engine/own-object.ts";
import { idle, memoryStore, thing, type } from "../support/memory-store.ts";

const object: OutputObject = { field: "spec.outputs[0].secret", type: secretType, name: "s", labels: {}, annotations: {} };
const many = Array.from({ length: 40 }, (_, index) => `refused-${index}`);

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 60_000; !isSo(); await sleep(5))
    if (performance.now() > endMs) throw new Error(`${what}: not so within 60 s`);
}

/** Of each but `free` outputs are written, once, without an end and whatever is annotated but `a`. What the store says of that is the test's. */
function world(names: readonly string[], options: Partial<ControllerOptions> = {}) {
  const { store, change } = memoryStore(names.map((name) => thing(name)));
  const ends: string[] = [];
  const answers = { mayWrite: false, mayTell: true };
  const tells: { readonly precondition: Precondition; readonly mayWrite: (() => boolean) | undefined }[] = [];
  function* plan({ resource }: Situation): Plan {
    const { name, namespace, uid, generation, resourceVersion } = resource.metadata;
    if (resource.status && "done" in resource.status) return { status: resource.status, result: "unchanged", reason: "Done" };
    if (name !== "free" && generation === 1) {
      const scope = { inputs: {}, metadata: { name, namespace, uid, generation, resourceVersion }, now: "" };
      const outputs = [{ object, data: [], whenMissing: "Keep" }] as const;
      const step = { type: "writeOutputs", evaluation: { outputs, scope }, patienceMs: Infinity, endsBy: "a" } as const;
      ends.push(`${name} ${(yield* ask<"writeOutputs">(step)).type}`);
    }
    return { status: { done: true }, result: "succeeded", reason: "Done" };
  }
  const statuses = new Map<string, Resource["status"]>();
  const controller = createController({
    kinds: [{ type, references: () => [], plan }],
    store: {
      ...store,
      writeOutput: async () => (answers.mayWrite ? { type: "written" } : { ...notOurs(object), mayPass: true }),
      async writeStatus(of, resource, status, precondition, signal, ...more) {
        if (!answers.mayTell && !("done" in status)) {
          tells.push({ precondition, mayWrite: more[0] });
          return unlessAborted(signal, new Promise(() => {}));
        }
        statuses.set(resource.metadata.name, status);
        return store.writeStatus(of, resource, status, precondition, signal, ...more);
      },
    },
    requester: { ...idle, evaluateOutputs: async () => ({ type: "values", values: [redact({ a: "1" })], sizeBytes: 1 }) },
    emit: () => {},
    concurrency: 1,
    reconcileTimeoutMs: 60_000,
    slowWriteMs: 1,
    instanceId: "me",
    ...options,
  });
  const [stop, drain] = [new AbortController(), new AbortController()];
  const running = controller.run(stop.signal, drain.signal);
  return {
    controller,
    statuses,
    ends,
    answers,
    tells,
    change,
    running,
    stop: () => stop.abort(new Error("enough")),
    isTold: (name: string) =>
      findCondition(statuses.get(name), "Ready")?.message.endsWith("only the write is tried again") === true,
  };
}

test("holds up no worker, and says so: what is not refused is done, one that is declared otherwise ends, and all that is taken is done", async () => {
  const { controller, statuses, ends, answers, change, running, stop, isTold } = world(["free", ...many]);
  await until("all are told", () => many.every(isTold));
  expect([statuses.get("free"), ends, controller.queue.working.size]).toEqual([{ done: true }, [], 0]);
  change({ ...thing("refused-0", 2, 10_000), status: { ...statuses.get("refused-0") } });
  await until("one has ended", () => ends.length === 1);
  expect(ends).toEqual(["refused-0 refusal"]);
  answers.mayWrite = true;
  await until("all are done", () => many.every((name) => "done" in (statuses.get(name) ?? {})));
  expect(ends.toSorted()).toEqual(many.map((name) => `${name} ${name === "refused-0" ? "refusal" : "ready"}`).toSorted());
  stop();
  await running;
}, 180_000);

test("is given up when the process is told to end, and another run is asked for; what came of it is recorded", async () => {
  const { statuses, ends, change, running, stop, isTold } = world(["asked", "stopped"]);
  await until("both are told", () => isTold("asked") && isTold("stopped"));
  const { metadata } = thing("asked", 1, 10_000);
  const status = { ...statuses.get("asked") };
  let looks = 0;
  const annotations = new Proxy<Record<string, string>>(
    { b: "1" },
    {
      get(target, name) {
        looks += name === "a" ? 1 : 0;
        return Reflect.get(target, name);
      },
    },
  );
  change({ ...thing("asked"), status, metadata: { ...metadata, annotations } });
  await until("another annotation has been seen, and is no reason to end", () => looks > 1);
  change({ ...thing("asked"), status, metadata: { ...metadata, resourceVersion: "10001", annotations: { a: "1", b: "1" } } });
  await until("one has ended", () => ends.length === 1);
  stop();
  await running; // what is under way is not cut off
  expect(ends).toEqual(["asked refusal", "stopped refusal"]);
  expect([statuses.get("asked"), statuses.get("stopped")]).toEqual([{ done: true }, { done: true }]);
}, 180_000);

test("that cannot be told is no reason to be unready", async () => {
  const { store } = memoryStore([thing("one")]);
  const noted: unknown[] = [];
  const writeStatus = (): Promise<never> => Promise.reject(new Error("no"));
  const deps: OwnObjectDeps = {
    store: { ...store, writeStatus },
    written: () => {},
    gone: () => {},
    mayAct: () => true,
    mayRecord: () => "yes",
    unrecorded: { record: () => Promise.reject(new Error("nothing is sent")), notePlainWrite: (error) => noted.push(error) },
    mayLag: false,
    waitFor: (awaited) => awaited,
    waitForRecord: (awaited) => awaited,
  };
  const plan = (): never => {
    throw new Error("nothing is decided");
  };
  const { signal } = new AbortController();
  const object = createOwnObject({ type, references: () => [], plan }, thing("one"), deps, signal);
  await expect(object.tell({}, signal)).rejects.toThrow("no");
  expect(noted).toEqual([]);
});

test("is written though nothing can be told meanwhile, which is told by who leads alone, and on no status that is another by now", async () => {
  let leads = true;
  const { statuses, ends, answers, tells, running, stop } = world(["one"], { term: () => (leads ? 1 : 2) });
  answers.mayTell = false;
  await until("it is to be told", () => tells.length > 0);
  leads = false;
  expect([tells[0]?.precondition, tells[0]?.mayWrite?.()]).toEqual([{ type: "unchanged" }, false]);
  leads = true;
  answers.mayWrite = true;
  await until("it is done", () => statuses.size === 1);
  expect([ends, statuses.get("one")]).toEqual([["one ready"], { done: true }]);
  stop();
  await running;
}, 180_000);
