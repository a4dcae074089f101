/** An HTTPRequest's outputs. Pure. */
import { findCondition } from "../../core/conditions.ts";
import type { Desired } from "../../core/delivery.ts";
import type { Patience } from "../../core/plan.ts";
import { reconcileAtAnnotation } from "../../core/resource.ts";
import type { Output } from "../../core/output.ts";
import { declaredOutputs, madeBefore } from "../request/outputs.ts";
import type { HTTPRequest } from "../types.ts";

/** With what is known of runs that have succeeded before: those have made them. */
export function outputsOf({ spec, status }: Pick<HTTPRequest, "spec" | "status">): readonly Output[] {
  const outputs = declaredOutputs(spec.outputs, "spec.outputs");
  const hasSucceeded =
    findCondition(status, "Succeeded")?.status === "True" || status?.history?.some(({ succeeded }) => succeeded) === true;
  return hasSucceeded ? madeBefore(outputs) : outputs;
}

/** Other runs wait for this one's end: the ends of others' that it is to tell of, or another value of an input. Milliseconds. */
const othersWaitMs = 120_000;

/** For how long an answer is kept whose outputs are not taken: until the next tick, which is another chance, and else without an end. */
export function patienceOf(
  { trigger, rerunOn }: Pick<HTTPRequest["spec"], "trigger" | "rerunOn">,
  { schedule }: Pick<Desired, "schedule">,
  now: Date,
): Patience {
  const untilTickMs = schedule?.next ? Math.max(0, schedule.next.getTime() - now.getTime()) : Infinity;
  return { patienceMs: Math.min(untilTickMs, trigger || rerunOn ? othersWaitMs : Infinity), endsBy: reconcileAtAnnotation };
}
