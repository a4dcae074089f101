/** Deletes a remote object whose id is known, or needs none: what has to be done before, the DELETE, and whether it is gone then. */
import type { Steps, Verdict } from "../../core/plan.ts";
import { isGone, unmade } from "../../core/remote-object.ts";
import { isAwaited } from "./awaited.ts";
import { readsAny, withRemote, type Context, type VerbAttempt } from "./context.ts";
import { deliver } from "./deliver.ts";
import { isUnended, type Delivered } from "./delivered.ts";
import { awaitGone, canLook, concludeGone, isAnother, verifyGone } from "./gone.ts";
import { isObserved, type Found } from "./observation.ts";
import { look, observe } from "./observe.ts";
import { pollDelivery } from "./poll.ts";
import { reportUnended, reportUnobserved, type Report } from "./report.ts";
import { httpResourceReport } from "./status.ts";

export function* remove(known: Context, report: Report): Steps<Verdict> {
  const { spec } = known;
  const found = yield* shownFirst(known, report);
  if ("status" in found) return found;
  const { externalID: _, ...shown } = found;
  const context = seenNow(known, found);
  const own = context === known ? report : httpResourceReport(context);
  const onUnknown = spec.onUnknown === "Resend" ? "Resend" : "Stall";
  if (spec.beforeDelete) {
    const request = { field: "spec.beforeDelete", shape: spec.beforeDelete };
    const prepared = yield* deliver(context, own, {
      verb: "BeforeDelete",
      request,
      ...shown,
      onUnknown,
      limit: Infinity,
    });
    return yield* afterPreparing(context, own, prepared, shown);
  }
  return yield* sendDelete(context, own, shown);
}
/** Once it has been seen, a later 404 is believed: also where the answer to its DELETE was lost. */
function seenNow(known: Context, { response, externalID }: Shown): Context {
  const context = externalID === undefined || externalID === known.externalID ? known : { ...known, externalID };
  const { remote } = context;
  return response === undefined || remote.seen ? context : { ...context, remote: { ...remote, seen: true } };
}

/**
 * The step before has ended, or goes on. What delete reads is observed anew, since that step has changed it. `shown`: what was
 * observed before it; absent: it is some time ago.
 */
function* afterPreparing(context: Context, report: Report, prepared: Delivered, shown?: Shown): Steps<Verdict> {
  if (prepared.type !== "succeeded") return yield* concludeDelete(context, report, { delivered: prepared, isVerified: true });
  const isKnown = shown && !readsShown(context.spec.delete);
  const found = isKnown ? shown : yield* shownFirst(context, report);
  if ("status" in found) return found;
  const { externalID: _, ...known } = found;
  const after = seenNow(context, found);
  return yield* sendDelete(after, after === context ? report : httpResourceReport(after), known);
}

function* sendDelete(context: Context, report: Report, shown: Omit<Shown, "externalID">): Steps<Verdict> {
  const { spec } = context;
  if (!spec.delete) return report.released("Orphaned");
  const onUnknown = spec.onUnknown === "Resend" ? "Resend" : "Stall";
  const request = { field: "spec.delete", shape: spec.delete };
  const delivered = yield* deliver(context, report, { verb: "Delete", request, ...shown, onUnknown, limit: Infinity });
  const after = isUnended(delivered) && delivered.type !== "polling" ? context : sentNow(context);
  const own = after === context ? report : httpResourceReport(after);
  return yield* concludeDelete(after, own, { delivered, isVerified: false });
}
/** What came of a DELETE is looked for under the id that it was sent to. */
function sentNow(context: Context): Context {
  const { externalID, remote } = context;
  return externalID === undefined || externalID === remote.id ? context : withRemote(context, { ...remote, id: externalID });
}

function readsShown(shape: object | undefined): boolean {
  return readsAny(shape, ["response", "object"]);
}
type Shown = Pick<Found, "response" | "object" | "externalID">;

/** What delete reads of the object is observed first, and what nobody has seen yet. What is another's is not deleted, and what is gone need not be. */
function* shownFirst(context: Context, report: Report): Steps<Shown | Verdict> {
  const { spec, externalID } = context;
  const reads = readsShown(spec.delete) || readsShown(spec.beforeDelete);
  const isNeeded = reads || spec.mine !== undefined;
  if (!canLook(context) || (!isNeeded && context.remote.seen)) return {};
  const seen = spec.observe ? yield* look(context) : yield* observe(context);
  if (!isObserved(seen)) return isNeeded ? reportUnobserved(report, seen) : {};
  switch (seen.type) {
    case "absent":
      if (!isNeeded || (!reads && spec.observe)) return {};
      if (!isGone(context.remote, null)) return report.held("NotSeen");
      return concludeGone(context, report);
    case "found":
      if (seen.mine === false) return report.held("NotMine");
      // Where nothing of it is needed it is the known one that is deleted: another says nothing of that.
      if (!isNeeded) return isAnother(seen, externalID) || !seen.response ? {} : { response: seen.response };
      return {
        ...(seen.externalID !== undefined && { externalID: seen.externalID }),
        ...(seen.response && { response: seen.response }),
        ...(seen.object !== undefined && { object: seen.object }),
      };
  }
}

export function isRemoval({ verb }: VerbAttempt): boolean {
  return verb === "Delete" || verb === "BeforeDelete";
}
/** What a deletion, or the step before it, has begun goes on. */
export function* followRemoval(context: Context, report: Report, attempt: VerbAttempt): Steps<Verdict> {
  const delivered = yield* pollDelivery(context, attempt);
  return attempt.verb === "BeforeDelete"
    ? yield* afterPreparing(context, report, delivered)
    : yield* concludeDelete(context, report, { delivered, isVerified: true });
}

/** Deletes what is to be created anew. */
export function* replace(context: Context, report: Report): Steps<Verdict> {
  const { spec, attempt } = context;
  if (!spec.delete || !spec.create) return report.held("Absent");
  if (attempt?.phase === "Polling" && isRemoval(attempt)) return yield* followRemoval(context, report, attempt);
  return isAwaited(context) ? yield* awaitGone(context, report) : yield* remove(context, report);
}

/** `isVerified`: that it is gone says another answer than that to delete. */
export function* concludeDelete(
  context: Context,
  report: Report,
  { delivered, isVerified }: { readonly delivered: Delivered; readonly isVerified: boolean },
): Steps<Verdict> {
  if (isUnended(delivered)) return reportUnended(report, delivered);
  switch (delivered.type) {
    case "succeeded": {
      const { attempt, judgement } = delivered;
      const problem = isVerified ? undefined : yield* verifyGone(context, report, { attempt, judgement });
      if (problem) return problem;
      const isOver = context.resource.metadata.deletionTimestamp !== undefined;
      if (isOver) return report.released("Deleted", judgement.message);
      return httpResourceReport(withRemote(context, unmade)).unmade(attempt, judgement);
    }
    case "retry":
    case "failed":
      return report.retrying({ ...delivered.attempt, phase: "Retrying" }, delivered.judgement);
    case "unknown":
    case "lost":
      return report.outcomeUnknown(
        delivered.attempt,
        delivered.judgement?.message ?? "the process that was deleting it ended",
        undefined,
        delivered.type === "unknown" ? delivered.judgement?.response : undefined,
      );
  }
}
