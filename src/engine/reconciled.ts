/** How one reconcile can end. */
import type { Verdict } from "../core/plan.ts";
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
