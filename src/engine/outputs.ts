/** Performs a plan's steps about outputs. Invariant: only a process that leads writes one, asked before each try. */
import { setTimeout as sleep } from "node:timers/promises";
import type { OutputEvaluation, Output, Owner } from "../core/output.ts";
import type { OutputsResult } from "../core/plan.ts";
import { doublingMs } from "../core/backoff.ts";
import { conditions, findCondition, reconciling, type Condition } from "../core/conditions.ts";
import type { Refusal } from "../core/outcome.ts";
import type { Announce, Read, Requester, ResourceStore, WaitForRecord } from "../core/ports.ts";
import type { ResourceType } from "../core/resource.ts";
import type { OwnObject } from "./own-object.ts";
import type { MayRecord } from "./unrecorded.ts";

interface OutputDeps {
  readonly store: Pick<ResourceStore, "checkOutput" | "writeOutput" | "answered">;
  readonly requester: Pick<Requester, "evaluateOutputs">;
  readonly mayRecord: () => MayRecord;
}
/** How soon it is seen that this process leads again, or that the object has changed, milliseconds. */
const standbyMs = 1_000;
/** A write that takes longer waits for something. Milliseconds. */
const slowMs = 1_000;
/** Between two tries of what is refused, milliseconds. */
const refusedPauseMs = { initialMs: 1_000, maxMs: 30_000 };
/** What heals sooner is not worth a status. Milliseconds. */
const worthTellingMs = 5_000;

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

interface Wanting {
  readonly patienceMs: number;
  /** Whether the object is declared as it was. */
  readonly isWanted: () => boolean;
  /** What others may wait for is theirs from now on. */
  readonly letGo: () => void;
  /** Says in the status why it is not written. Never rejects. */
  readonly tell: (refusal: Refusal) => Promise<void>;
  /** As of `Waits`. */
  readonly waitForRecord: WaitForRecord;
}
type Written = Awaited<ReturnType<typeof writeOutputs>>;

/**
 * What `write` gives. Where a right, a policy or a quota is against it the answer is kept, and only the write is tried again: until
 * it is taken, for as long as it is wanted. Then, and when `signal` aborts, the refusal stands.
 */
export async function writeUntilTaken(
  write: () => Promise<Written>,
  { patienceMs, isWanted, letGo, tell, waitForRecord }: Wanting,
  signal: AbortSignal,
): Promise<Written> {
  const sinceMs = performance.now();
  const leftMs = (): number => sinceMs + patienceMs - performance.now();
  const timer = setTimeout(letGo, slowMs);
  const first = await write().finally(() => clearTimeout(timer));
  if (!mayPass(first) || leftMs() <= 0) return first;
  letGo();
  async function pause(pauseMs: number): Promise<void> {
    for (const endMs = performance.now() + Math.min(pauseMs, leftMs()); isWanted() && performance.now() < endMs;)
      await sleep(Math.min(standbyMs, Math.max(1, endMs - performance.now())), undefined, { signal });
  }
  let latest: Written & Refusal = first;
  for (let failures = 0; isWanted() && leftMs() > 0; failures += 1) {
    if (performance.now() - sinceMs > worthTellingMs) await waitForRecord(tell(latest));
    try {
      await waitForRecord(pause(doublingMs(refusedPauseMs, failures)));
      if (!isWanted()) break;
      const result = await waitForRecord(write());
      if (!mayPass(result)) return result;
      latest = result;
    } catch (error) {
      if (!signal.aborted) throw error;
      break;
    }
  }
  return latest;
}

function mayPass(result: Written): result is Written & Refusal {
  return result.type === "refusal" && "mayPass" in result;
}

/** Bytes; of an empty answer some all the same. */
export function sizeOfAnswers({ response, responses = [] }: OutputEvaluation): number {
  return [response, ...responses].reduce((sum, one) => sum + (one?.sizeBytes ?? 0), 1024);
}

/** The status goes on saying which attempt it is of. Where it cannot be written, either, that is for another time. */
export async function tellKept(
  object: Pick<OwnObject, "current" | "writeStatus">,
  { reason, message }: Refusal,
  { now, announce, type }: { readonly now: () => Date; readonly announce: Announce; readonly type: ResourceType },
): Promise<void> {
  const { metadata, status = {} } = object.current();
  const { conditions: before = [] }: { readonly conditions?: readonly Condition[] } = status;
  const told = reconciling(reason, `${message}; what was answered is kept, and only the write is tried again`);
  if (told.every(({ type: one, message: text }) => findCondition(status, one)?.message === text)) return;
  const others = before.filter((one) => !["Ready", "Reconciling", "Stalled"].includes(one.type));
  const at = metadata.generation;
  const whole = {
    observedGeneration: at,
    ...status,
    conditions: [...conditions(told, before, at, now().toISOString()), ...others],
  };
  const conflict = await object.writeStatus(whole).catch(() => "refused" as const);
  if (!conflict) announce(type, object.current(), { type: "Warning", reason, message });
}
