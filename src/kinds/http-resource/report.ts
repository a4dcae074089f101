/** Each way that a reconcile of an HTTPResource can end. */
import type { HTTPResourceStatus } from "../../api/http-resource.ts";
import type { Difference } from "../../core/difference.ts";
import type { Refusal, Response } from "../../core/outcome.ts";
import type { Verdict } from "../../core/plan.ts";
import type { Judgement } from "../request/recorded.ts";
import type { Arrival } from "./arrival.ts";
import type { VerbAttempt } from "./context.ts";
import type { Unended, Working } from "./delivered.ts";
import type { Held, Replacement } from "./held-back.ts";
import type { Found, Unknown, Unobserved } from "./observation.ts";

export interface Report {
  unchanged(reason: string): Verdict;
  suspended(): Verdict;
  waiting(delayMs: number): Verdict;
  /** Nothing to ask yet. */
  idle(): Verdict;
  refused(refusal: Refusal): Verdict;
  unknownObservation(seen: Unknown): Verdict;
  /** Nothing is sent, for this reason. */
  held(why: Held): Verdict;
  /** It is to be deleted and created anew; `attempt`: the update that was refused for it. `differences`: for which. */
  replacing(why: Replacement, about?: { readonly attempt?: VerbAttempt; readonly differences?: readonly Difference[] }): Verdict;
  /** It has been deleted for that. */
  unmade(attempt: VerbAttempt | undefined, judgement: Pick<Judgement, "message">): Verdict;
  /** Others that are there still refer to it; the first of them, as `Kind "name"`. */
  inUse(by: string): Verdict;
  /** Its deletion was accepted, and is not known to be over; `attempt`: by the answer to this one, now. */
  deleting(attempt?: VerbAttempt): Verdict;
  /** An answer to delete says that it is gone, and nothing else does. `isThere`: it has been seen since. */
  notDeleted(attempt: VerbAttempt, judgement: Judgement, isThere: boolean): Verdict;
  inStep(seen: Found): Verdict;
  drifted(seen: Found): Verdict;
  /** It does not differ as far as can be told, but what is declared has not been delivered, and nothing is sent. */
  notDelivered(seen: Found): Verdict;
  /** The same correction did not hold so often in a row; the next one comes after a pause, milliseconds. */
  contested(repeats: number, pauseMs: number): Verdict;
  /** There is none with the id that a person gave. */
  importNotFound(): Verdict;
  /** The work that a request began goes on. */
  polling(working: Working): Verdict;
  /** Not a verdict: the status to record before sending. */
  inFlight(attempt: VerbAttempt): HTTPResourceStatus;
  /** `isPast`: what is declared has changed since it was sent. */
  created(attempt: VerbAttempt, judgement: Judgement, isPast: boolean): Verdict;
  updated(attempt: VerbAttempt, judgement: Judgement, isPast: boolean): Verdict;
  /** To be tried again after a pause. */
  retrying(attempt: VerbAttempt, judgement: Judgement & Pick<Unknown, "pageSeenAt">): Verdict;
  /** Over for now; looked at again when the object is due. */
  failed(attempt: VerbAttempt, judgement: Judgement): Verdict;
  /** May or may not have arrived. `looksInMs`: milliseconds until something can say more. `answer`: where one came, which does not say. */
  outcomeUnknown(attempt: VerbAttempt, why: string, looksInMs?: number, answer?: Response): Verdict;
  /** The same of an attempt of which nothing new is known. */
  stillUnknown(attempt: VerbAttempt): Verdict;
  /** A create may have arrived, and a look does not show it: it is looked for again. */
  awaitingArrival(awaited: Arrival): Verdict;
  /** Created, and nobody knows under which id. `looksInMs`: as above. */
  lost(attempt: VerbAttempt, judgement: Pick<Judgement, "message">, looksInMs?: number): Verdict;
  released(reason: string, detail?: string): Verdict;
  /** The verdict, but not ready, since its outputs could not be written, or its values not be shown. */
  withoutOutputs(verdict: Verdict, refusal: Refusal): Verdict;
}

export function reportUnobserved(report: Report, why: Unobserved): Verdict {
  return why.type === "refusal" ? report.refused(why) : report.unknownObservation(why);
}

export function reportUnended(report: Report, delivered: Unended): Verdict {
  switch (delivered.type) {
    case "refusal":
      return report.refused(delivered);
    case "wait":
      return report.waiting(delivered.delayMs);
    case "polling":
      return report.polling(delivered);
  }
}
