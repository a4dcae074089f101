/**
 * Performs a plan's steps about outputs. Invariant: only a process that leads writes one, asked before each try; and what they are to
 * hold is evaluated once.
 */
import type { OutputEvaluation, Output, OutputData, Owner } from "../core/output.ts";
import { longestHeld } from "../core/json-document.ts";
import type { OutputsResult } from "../core/plan.ts";
import type { Redacted } from "../core/redacted.ts";
import type { Requester, ResourceStore } from "../core/ports.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { Kept, Written } from "./kept-answers.ts";
import type { HoldingRead } from "./read-once.ts";
import type { MayRecord } from "./unrecorded.ts";

interface OutputDeps {
  readonly store: Pick<ResourceStore, "checkOutput" | "writeOutput" | "answered">;
  readonly requester: Pick<Requester, "evaluateOutputs">;
  readonly mayRecord: () => MayRecord;
  readonly read: HoldingRead;
  readonly emit: EmitTelemetry;
  /** What is kept for another try is counted there, and others that are kept hear of what is written. */
  readonly kept: Pick<Kept, "add" | "landed">;
}

/** Each object is looked at; nothing is written. */
export async function checkOutputs(
  outputs: readonly Output[],
  owner: Owner,
  { store }: { readonly store: Pick<ResourceStore, "checkOutput"> },
  signal: AbortSignal,
): Promise<OutputsResult> {
  for (const { object } of outputs) {
    const problem = await store.checkOutput(owner, object, signal);
    if (problem) return problem;
  }
  return { type: "ready" };
}

/** What a reconcile holds beside its answers and what it has read, bytes. */
const reconcileBytes = 16 * 1024;
/** What the values of an answer take, in times of its text. */
const asValues = 8;

/** Bytes of the answers, as text and as values, and what it takes to wait with them. */
export function sizeOfAnswers({ response, responses = [] }: OutputEvaluation): number {
  // The limit is one of characters, of which each is three bytes at most.
  const sizeOf = (bytes: number): number => (bytes > 3 * longestHeld ? bytes : bytes + asValues * Math.min(bytes, longestHeld));
  return [response, ...responses].reduce((sum, one) => sum + sizeOf(one?.sizeBytes ?? 0), reconcileBytes);
}

/**
 * Writes all of them, as often as it is called. `conflict`: this process does not lead. Nothing is written where a value cannot be
 * had. While the store cannot be reached, it waits. What goes wrong otherwise may pass; it rejects only when `signal` aborts.
 */
export function createOutputsWriter(
  evaluation: OutputEvaluation,
  owner: () => Owner,
  { store, requester, mayRecord, read, emit, kept }: OutputDeps,
  signal: AbortSignal,
): () => Promise<Written> {
  const { outputs, response } = evaluation;
  let values: readonly Redacted<OutputData>[] | undefined;
  let unwritten: readonly string[] | undefined;
  async function evaluateAndWrite(): Promise<Written> {
    if (!values) {
      const evaluated = await requester.evaluateOutputs(evaluation, read, signal);
      if (evaluated.type === "refusal") return evaluated;
      ({ values, unwritten } = evaluated);
      kept.add(read.heldBytes() + evaluated.sizeBytes);
    }
    for (const [index, { object }] of outputs.entries()) {
      const data = values[index];
      const result = data && (await store.writeOutput(owner(), object, data, signal, () => mayRecord() === "yes"));
      if (result?.type === "refusal") return result;
      if (result?.type === "conflict") return { type: "conflict" };
      if (result?.type === "written") kept.landed();
    }
    if (response) store.answered?.(owner(), { response, outputs, values });
    return { type: "ready", ...(unwritten && { unwritten }) };
  }
  return async () => {
    try {
      return await evaluateAndWrite();
    } catch (error) {
      if (signal.aborted) throw error;
      emit({ type: "note", level: "warn", message: "outputs could not be written", error });
      // Its text may quote anything.
      const what = Error.isError(error) ? ("code" in error ? String(error.code) : error.name) : "";
      const message = `spec.outputs: could not be written: ${what}`;
      return { type: "refusal", reason: "OutputRefused", message, heals: true, mayPass: true };
    }
  };
}
