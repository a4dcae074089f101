/** Performs a plan's steps about outputs. Invariant: only a process that leads writes one, asked before each try. */
import { setTimeout as sleep } from "node:timers/promises";
import type { OutputEvaluation, Output, Owner } from "../core/output.ts";
import type { OutputsResult } from "../core/plan.ts";
import type { Read, Requester, ResourceStore } from "../core/ports.ts";
import type { MayRecord } from "./unrecorded.ts";

interface OutputDeps {
  readonly store: Pick<ResourceStore, "checkOutput" | "writeOutput" | "answered">;
  readonly requester: Pick<Requester, "evaluateOutputs">;
  readonly mayRecord: () => MayRecord;
}
/** How soon it is seen that this process leads again, milliseconds. */
const standbyMs = 1_000;

/** Each object is looked at; nothing is written. */
export async function checkOutputs(
  outputs: readonly Output[],
  owner: Owner,
  { store }: Pick<OutputDeps, "store">,
  signal: AbortSignal,
): Promise<OutputsResult> {
  for (const { object } of outputs) {
    const problem = await store.checkOutput(owner, object, signal);
    if (problem) return problem;
  }
  return { type: "ready" };
}

/**
 * `conflict`: somebody else has led since. Nothing is written where a value cannot be had. While the store cannot be reached, or
 * this process does not lead, it waits.
 */
export async function writeOutputs(
  evaluation: OutputEvaluation,
  owner: Owner,
  { store, requester, mayRecord, read }: OutputDeps & { readonly read: Read },
  signal: AbortSignal,
): Promise<OutputsResult | { readonly type: "conflict" }> {
  const evaluated = await requester.evaluateOutputs(evaluation, read, signal);
  if (evaluated.type === "refusal") return evaluated;
  for (const [index, { object }] of evaluation.outputs.entries()) {
    const data = evaluated.values[index];
    if (!data) continue;
    const write = () => store.writeOutput(owner, object, data, signal, () => mayRecord() === "yes");
    let result = await write();
    while (result.type === "conflict" && mayRecord() === "wait") {
      await sleep(standbyMs, undefined, { signal });
      result = await write();
    }
    if (result.type === "refusal") return result;
    if (result.type === "conflict") return { type: "conflict" };
  }
  const { response, outputs } = evaluation;
  if (response) store.answered?.(owner, { response, outputs, values: evaluated.values });
  return { type: "ready" };
}
