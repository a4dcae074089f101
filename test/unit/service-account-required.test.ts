/** Where a ServiceAccount is required, Holdfast's own rights help nobody without one, not even to be told what a Secret is like. */
import { describe, expect, test } from "@jest/globals";
import { ask, type Kind, type Plan, type Step } from "../../src/core/plan.ts";
import type { Requester } from "../../src/core/ports.ts";
import { createController } from "../../src/engine/controller.ts";
import { idle, memoryStore, thing, type, until } from "../support/memory-store.ts";
import type { ApiClient } from "../../src/kubernetes/api-client.ts";
import { createAccessReview } from "../../src/kubernetes/access-review.ts";

// Where a ServiceAccount is required, Holdfast's own rights help nobody without one, not even to be told what a Secret is like.
describe("service account required", () => {
  /** What one step of a plan is answered, for an object of this namespace. */
  async function answered(
    step: Step,
    kind: Partial<Kind>,
    namespace = "n",
  ): Promise<{ answer: unknown; asked: readonly string[] }> {
    const answers: unknown[] = [];
    const asked: string[] = [];
    const requester: Requester = {
      ...idle,
      async evaluate() {
        asked.push("evaluate");
        return { type: "values", values: [] };
      },
      async check() {
        asked.push("check");
        return { type: "usable" };
      },
    };
    function* plan(): Plan {
      answers.push(yield step);
      return { status: { done: true }, result: "succeeded", reason: "Done" };
    }
    const object = thing("a");
    const { store } = memoryStore([{ ...object, metadata: { ...object.metadata, namespace } }]);
    const noting = {
      ...store,
      async checkOutput() {
        asked.push("checkOutput");
        return undefined;
      },
    };
    const stop = new AbortController();
    const controller = createController({
      kinds: [{ type, references: () => [], plan, ...kind }],
      store: noting,
      requester,
      requireServiceAccount: true,
      emit: () => {},
      concurrency: 1,
      reconcileTimeoutMs: 60_000,
      instanceId: "me",
    });
    const running = controller.run(stop.signal, stop.signal);
    await until(() => answers.length === 1);
    stop.abort(new Error("enough"));
    await running;
    return { answer: answers[0], asked };
  }

  const output = {
    object: { type, name: "kept", field: "", labels: {}, annotations: {} },
    data: [],
    whenMissing: "Keep",
  } as const;
  const steps: readonly Step[] = [
    { type: "evaluate", evaluation: {} as never },
    { type: "checkOutputs", outputs: [output] },
    { type: "exchange", exchange: {} as never, beforeSend: { type: "nothing" } },
    {
      type: "exchanges",
      exchanges: [],
      beforeSend: { type: "nothing" },
      judge: () => ask<"evaluate">({ type: "evaluate", evaluation: {} as never }),
    },
  ];
  test.each(steps.map((step) => [step.type, step] as const))("nothing is asked for one that names none: %s", async (_, step) => {
    const { answer, asked } = await answered(step, { actsAs: () => undefined });
    expect(answer).toMatchObject({ type: "refusal", reason: "ServiceAccountRequired" });
    expect(asked).toEqual([]);
  });
  test("what acts as one is asked for", async () => {
    const { answer, asked } = await answered(steps[0] as Step, { actsAs: () => "deployer" });
    expect([answer, asked]).toEqual([{ type: "values", values: [] }, ["evaluate"]]);
  });
  test("what a namespace's endpoint refers to is neither read nor sent to see whether it is of use; what an admin's does is", async () => {
    const check: Step = { type: "check", connection: {} as never, asks: true };
    expect(await answered(check, {})).toEqual({ answer: { type: "usable" }, asked: [] });
    expect(await answered(check, {}, "")).toEqual({ answer: { type: "usable" }, asked: ["check"] });
  });
});

// Who may read the metrics, beside what the chart's tests ask a real API server.
describe("access review", () => {
  test("a flood of tokens takes no more than a few of the calls that the controller needs, and passes", async () => {
    const asked: ((error: Error) => void)[] = [];
    const call: ApiClient["call"] = () => new Promise((_, reject) => asked.push(reject));
    const access = createAccessReview({ call } as ApiClient);
    const { signal } = new AbortController();
    const flood = Array.from({ length: 100 }, (_, index) => access(`token-${index}`, "/metrics", signal).catch(String));
    expect(asked).toHaveLength(8);
    for (const fail of asked.splice(0)) fail(new Error("the API server is away"));
    const ends = await Promise.all(flood);
    expect(ends.filter((end) => end === "Error: the API server is away")).toHaveLength(8);
    void access("another", "/metrics", signal).catch(() => {});
    expect(asked).toHaveLength(1);
  });
});
