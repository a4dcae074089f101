/** The ends of a reconcile that cannot know whether a request was acted on, or under which id it created something. */
import { pauseSinceMs } from "../../core/backoff.ts";
import { isStalledFor, reconciling, stalled } from "../../core/conditions.ts";
import { isSameTry, unknownReasonText } from "../../core/delivery.ts";
import type { Response } from "../../core/outcome.ts";
import type { Verdict } from "../../core/plan.ts";
import { recordResponse } from "../request/recorded.ts";
import type { Context, VerbAttempt } from "./context.ts";
import { firstLook, isLookedUp, isNameless, mayHaveArrived, whyUnknown } from "./held-back.ts";
import { isWatched } from "./identity.ts";
import type { Report } from "./report.ts";
import { withID, type StatusDraft } from "./status-draft.ts";
import { failingMs } from "./worth-writing.ts";

type Ends = Pick<Report, "outcomeUnknown" | "stillUnknown" | "awaitingArrival" | "lost">;

export function unknownReport(context: Context, { status, known, attempted, due, hint }: StatusDraft): Ends {
  const { resource, spec, status: before, now, retry, intervalMs } = context;
  const { uid, deletionTimestamp } = resource.metadata;

  interface More {
    readonly looksInMs?: number | undefined;
    readonly answer?: Response | undefined;
  }
  function stuck(reason: string, message: string, attempt: VerbAttempt, { looksInMs, answer }: More = {}): Verdict {
    const nextRunAt = looksInMs === undefined ? undefined : new Date(now.getTime() + looksInMs).toISOString();
    const isTold = isStalledFor(reason, before.conditions) && isSameTry(before.attempt, attempt);
    return {
      status: status(stalled(reason, `${message}${hint}`), {
        ...attempted(attempt),
        ...(nextRunAt !== undefined && { nextRunAt }),
        ...recordResponse(answer, spec),
      }),
      result: isTold ? "unchanged" : "stalled", // it counts once, however often it is looked at
      reason,
      ...(looksInMs === undefined ? due() : { requeueAfterMs: looksInMs }),
    };
  }
  /** It is looked up again after a pause: the list may show it a little later. */
  function awaitingLookup(message: string, attempt: VerbAttempt): Verdict {
    const made = status(reconciling("ExternalIDUnknown", message), attempted(attempt));
    const pause = { initialMs: retry.initialMs, maxMs: Math.max(intervalMs, retry.initialMs) };
    const requeueAfterMs = pauseSinceMs(uid, pause, failingMs(made, "Reconciling", now));
    return { status: made, requeueAfterMs, result: "waiting", reason: "ExternalIDUnknown" };
  }
  const outcomeUnknown: Report["outcomeUnknown"] = (attempt, why, looksInMs, answer) =>
    stuck("OutcomeUnknown", mayHaveArrived(why, attempt, deletionTimestamp !== undefined), attempt, { looksInMs, answer });
  const lost: Report["lost"] = (attempt, { message }, looksInMs) => {
    const { status: made, ...verdict } = spec.lookup
      ? awaitingLookup(`${message}, ${isLookedUp}`, attempt)
      : stuck("ExternalIDUnknown", `${message}, ${isNameless}`, attempt, { looksInMs });
    return { ...verdict, status: withID(made, undefined) };
  };
  return {
    outcomeUnknown,
    stillUnknown(attempt) {
      const [wasStalled] = known("Stalled");
      if (wasStalled?.reason === "OutcomeUnknown" || wasStalled?.reason === "ExternalIDUnknown") {
        return stuck(wasStalled.reason, wasStalled.message, attempt);
      }
      const [wasReady] = known("Ready");
      if (wasReady?.reason === "ExternalIDUnknown" && spec.lookup) return awaitingLookup(wasReady.message, attempt);
      return attempt.succeeded === true
        ? lost(attempt, { message: "it was answered as expected" })
        : outcomeUnknown(attempt, unknownReasonText(before.attempt?.phase));
    },
    awaitingArrival({ attempt, sinceMs, leftMs }) {
      const [was] = known("Ready");
      const told = was?.reason === "OutcomeUnknown" ? whyUnknown(was.message) : unknownReasonText(before.attempt?.phase);
      const seconds = Math.ceil((sinceMs + leftMs) / 1000);
      const end = deletionTimestamp === undefined ? "is created again" : "the deletion goes on";
      const then = isWatched(spec)
        ? `It is not there yet; it is looked for again, and ${end} where it is still not there ${seconds} s after the first look`
        : `Nobody can look whether it has; ${end} after ${seconds} s`;
      const message = `${told}: it may or may not have arrived. ${then}${hint}`;
      const requeueAfterMs = Math.min(leftMs, pauseSinceMs(uid, firstLook, sinceMs));
      const nextRunAt = new Date(now.getTime() + requeueAfterMs).toISOString();
      const made = status(reconciling("OutcomeUnknown", message), { ...attempted(attempt), nextRunAt });
      return { status: made, requeueAfterMs, result: "waiting", reason: "OutcomeUnknown" };
    },
    lost,
  };
}
