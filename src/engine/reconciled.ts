/** How one reconcile can end. */
import { findCondition } from "../core/conditions.ts";
import type { Verdict } from "../core/plan.ts";
import type { TelemetryEvent } from "../core/telemetry-event.ts";
import type { Wait } from "./postponed.ts";

export type Reconciled = { readonly type: "settled"; readonly verdict: Verdict } | Interruption;

/** What ends a reconcile before its plan has ended. */
export type Interruption = Conflict | Postponed;

/** Somebody else wrote meanwhile: nothing of this reconcile was recorded, and it is to be run again. */
export interface Conflict {
  readonly type: "conflict";
}
/** Nothing has been sent or written: it has to wait for others. */
export interface Postponed {
  readonly type: "postponed";
  readonly wait: Wait;
}

export type Reconciliation = Extract<TelemetryEvent, { type: "reconciled" }>;

/** What is told of it, in the log and in metrics. */
export function summary(reconciled: Reconciled): Pick<Reconciliation, "result" | "reason" | "detail"> {
  switch (reconciled.type) {
    case "settled": {
      const { result, reason, status, finalizer, detail: own } = reconciled.verdict;
      const isOld = result === "unchanged" || finalizer?.present === false; // its status is that of before
      const detail = isOld ? own : (own ?? findCondition(status, "Ready")?.message);
      return { result, reason, ...(detail && { detail }) };
    }
    case "conflict":
      return { result: "conflict", reason: "Conflict" };
    case "postponed":
      return { result: "postponed", reason: reconciled.wait.reason };
  }
}
