/** Performs a plan's steps about outputs. Invariant: only a process that may act writes one, asked before each try. */
import type { OutputEvaluation, Output, Owner } from "../core/output.ts";
import type { OutputsResult } from "../core/plan.ts";
import type { Read, Requester, ResourceStore } from "../core/ports.ts";

interface OutputDeps {
  readonly store: Pick<ResourceStore, "checkOutput" | "writeOutput">;
  readonly requester: Pick<Requester, "evaluateOutputs">;
  readonly mayAct: () => boolean;
}

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

/** `conflict`: this process may not act any more. Nothing is written where a value cannot be had. */
export async function writeOutputs(
  evaluation: OutputEvaluation,
  owner: Owner,
  { store, requester, mayAct, read }: OutputDeps & { readonly read: Read },
  signal: AbortSignal,
): Promise<OutputsResult | { readonly type: "conflict" }> {
  const evaluated = await requester.evaluateOutputs(evaluation, read, signal);
  if (evaluated.type === "refusal") return evaluated;
  for (const [index, { object }] of evaluation.outputs.entries()) {
    const data = evaluated.values[index];
    if (!data) continue;
    const result = await store.writeOutput(owner, object, data, signal, mayAct);
    if (result.type === "refusal") return result;
    if (result.type === "conflict") return { type: "conflict" };
  }
  return { type: "ready" };
}
