import { expect, test } from "@jest/globals";
import type { Kind, Situation, Verdict } from "../../src/core/plan.ts";
import type { ResourceStore } from "../../src/core/ports.ts";
import { tellHeldBack, tellWait } from "../../src/engine/tell-wait.ts";
import { memoryStore, thing, type } from "../support/memory-store.ts";

const never = new Promise<never>(() => {});
const ready = { type: "Ready", status: "True", reason: "Succeeded", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" };

/** Whether its kind was asked what to say of a wait. */
async function isAsked(status: object): Promise<boolean> {
  let asked = false;
  const kind = {
    heldBack() {
      asked = true;
      return { status, result: "waiting", reason: "RateLimited" } as unknown as Verdict;
    },
  } as unknown as Kind;
  const situation = { resource: { ...thing("a", 2), status } } as unknown as Situation;
  const wait = { reason: "RateLimited", turnInMs: 60_000, kept: true, free: never } as const;
  await tellWait(kind, situation, wait, { deps: {} as never, signal: new AbortController().signal });
  return asked;
}

test.each<[string, object, boolean]>([
  ["nothing has been said", {}, true],
  ["it is as declared, and waits for its next look", { observedGeneration: 2, conditions: [ready] }, false],
  ["it was as declared before it changed", { observedGeneration: 1, conditions: [ready] }, true],
  ["it has been tried, and its status says what came of that", { observedGeneration: 2, attempt: { phase: "Retrying" } }, false],
  ["something else is wrong", { observedGeneration: 2, conditions: [{ ...ready, status: "False" }] }, true],
])("a wait for a turn, where %s", async (_, status, isTold) => {
  expect(await isAsked(status)).toBe(isTold);
});

test("what holds it back, and cannot be told, is no reason to be unready; that it was told is one not to be", async () => {
  const noted: unknown[] = [];
  const { store } = memoryStore([thing("a")]);
  const refusal = { type: "refusal", reason: "FinalizerRefused", message: "no", heals: true } as const;
  const kind = { type, heldBack: () => ({ status: { told: true }, result: "waiting", reason: "" }) } as unknown as Kind;
  const situation = { resource: thing("a") } as unknown as Situation;
  const { signal } = new AbortController();
  const told = (writeStatus: ResourceStore["writeStatus"]) => {
    const deps = {
      store: { ...store, writeStatus },
      written: () => {},
      announce: () => {},
      waitFor: (awaited: Promise<unknown>) => awaited,
      unrecorded: { notePlainWrite: (error?: unknown) => noted.push(error) },
    };
    return tellHeldBack(kind, situation, refusal, { deps: deps as never, signal });
  };
  await expect(told(() => Promise.reject(new Error("403")))).rejects.toThrow("403");
  expect(noted).toEqual([]);
  expect(await told((...write) => store.writeStatus(...write))).toMatchObject({ status: { told: true } });
  expect(noted).toEqual([undefined]);
});
