/**
 * The end of an HTTPResource: its remote object is deleted, or let go.
 *
 * Invariant: the finalizer goes when the server says that the object is gone, when there was never one, or when somebody
 * asked to leave it; never because of a connection that failed or an answer that says nothing.
 */
import type { Steps } from "../../core/plan.ts";
import type { Verdict } from "../../core/plan.ts";
import { recordObservation } from "../../core/remote-object.ts";
import { awaitedArrival } from "./arrival.ts";
import { isAwaited } from "./awaited.ts";
import {
  importHint,
  needsExternalID,
  untilRetryMs,
  withoutCandidate,
  withRemote,
  type Context,
  type VerbAttempt,
} from "./context.ts";
import { awaitGone } from "./gone.ts";
import { hasArrived, isUnresolvedCreate, isWatched, remoteOf, sightOf } from "./identity.ts";
import { isRepeatable, isUnended } from "./delivered.ts";
import { isObserved, unknown, type Absent, type Unknown } from "./observation.ts";
import { look, observe } from "./observe.ts";
import { pollDelivery } from "./poll.ts";
import { followRemoval, isRemoval, remove } from "./remove.ts";
import { reportUnended, reportUnobserved, type Report } from "./report.ts";
import { httpResourceReport } from "./status.ts";

/** `gone`: nothing keeps it. `orphan`: it goes, and the remote object stays. */
export function mayLeave({ spec, hasFinalizer, isOrphan }: Context): "gone" | "orphan" | undefined {
  if (!hasFinalizer) return "gone";
  return !spec.delete || spec.deletionPolicy === "Orphan" || isOrphan ? "orphan" : undefined;
}

/** For one that may not leave yet. */
export function* release(context: Context, report: Report): Steps<Verdict> {
  const { spec, imported } = context;
  if (spec.suspend) return report.suspended();
  const pauseMs = untilRetryMs(context);
  if (pauseMs > 0) return report.waiting(pauseMs);
  if (imported === undefined || !spec.observe) return yield* byKnownID(context, report);
  const seen = yield* observe(context);
  if (!isObserved(seen)) return reportUnobserved(report, seen);
  switch (seen.type) {
    case "found":
      return yield* byKnownID(context, report);
    case "absent": {
      const before = withoutImport(context);
      return yield* byKnownID(before, httpResourceReport(before));
    }
  }
}

/** What is known without the id that a person gave. */
function withoutImport(context: Context): Context {
  const { imported: _, externalID: __, attempt: ___, ...rest } = context;
  const { externalID, attempt } = rest.status;
  const before = { ...rest, ...(externalID !== undefined && { externalID }), ...(attempt && { attempt }) };
  return { ...before, remote: remoteOf(before) };
}

/** By the id that is known, if one is. */
function* byKnownID(context: Context, report: Report): Steps<Verdict> {
  const { spec, attempt, remote } = context;
  if (attempt?.phase === "Polling" && isRemoval(attempt)) return yield* followRemoval(context, report, attempt);
  if (attempt?.phase === "Polling" && attempt.verb !== "Update") return yield* followEarlier(context, report, attempt);
  if (isAwaited(context)) return yield* awaitGone(context, report);
  const mayHaveAnother = remote.former !== undefined || remote.made === "renaming";
  if (!mayHaveAnother || !isWatched(spec)) return yield* byID(context, report);
  const seen = yield* observe(context);
  if (!isObserved(seen)) return reportUnobserved(report, seen);
  switch (seen.type) {
    case "found": {
      const after = withRemote(context, recordObservation(remote, sightOf(seen)));
      return yield* byID(after, httpResourceReport(after));
    }
    case "absent": {
      if (remote.made === "renaming" && attempt) return report.outcomeUnknown(attempt, renaming);
      const after = withoutCandidate(context, seen.former);
      return yield* byID(after, httpResourceReport(after));
    }
  }
}
export const renaming = "the object is not there by its id, and an update that may have arrived gives it another";

function* byID(context: Context, report: Report): Steps<Verdict> {
  const { spec, attempt } = context;
  if (isUnresolvedCreate(context) || isNameless(context)) return yield* identify(context, report);
  // What has the name may be somebody else's, where the create was refused and nobody ever looked.
  const isRefused = context.remote.id === undefined && attempt?.verb === "Create" && !mayHaveArrived(context);
  if (isRefused && !spec.observe) return report.released("NothingCreated");
  if (isRefused && context.declaredID !== undefined) {
    const seen = yield* look(context);
    if (!isObserved(seen)) return reportUnobserved(report, seen);
    if (seen.type === "absent") return report.released("NothingCreated");
  }
  return yield* remove(context, report);
}

/** What is still being created is deleted when it is there: before, its server might not know it yet, and make it after all. */
function* followEarlier(context: Context, report: Report, attempt: VerbAttempt): Steps<Verdict> {
  const delivered = yield* pollDelivery(context, attempt);
  if (isUnended(delivered)) return reportUnended(report, delivered);
  const id = delivered.type === "succeeded" ? delivered.externalID : context.externalID;
  const after = { ...context, attempt: delivered.attempt };
  return yield* byKnownID(id === undefined ? after : { ...after, externalID: id }, report);
}

/** Whether its DELETE cannot be written. Of a create that may have arrived, the id that is known is that of what was there before. */
function isNameless(context: Context): boolean {
  const { spec, externalID, attempt, declaredID } = context;
  const isOfBefore = isUnresolvedCreate(context) && !hasArrived(attempt) && declaredID === undefined;
  return (externalID === undefined || isOfBefore) && needsExternalID(spec.delete);
}

/**
 * Either it can be found, or nothing was ever created, or nobody can say. What may be on its way still is not deleted before it
 * is there, or would be: a DELETE that comes first finds nothing.
 */
function* identify(context: Context, report: Report): Steps<Verdict> {
  const { spec, attempt } = context;
  // It was taken over under its name; or a create under a key was on its way, of which nothing had been recorded.
  const mayBeThere = !attempt && (spec.lookup || (spec.observe && !needsExternalID(spec.observe)));
  if (!mayBeThere && !mayHaveArrived(context)) return report.released("NothingCreated");
  const seen = yield* observe(context);
  if (!isObserved(seen)) return reportUnobserved(report, seen);
  switch (seen.type) {
    case "absent": {
      const isOpen = seen.says === "nobody" ? isNameless(context) : isOfBefore(context, seen) || hasArrived(attempt);
      if (attempt && isOpen) return report.outcomeUnknown(attempt, "it was being created when it was deleted");
      const awaited = awaitedArrival(context);
      if (awaited) return report.awaitingArrival(awaited);
      // What nobody has ever seen may be looked for at a wrong place.
      return isNameless(context) ? report.released("NothingCreated") : yield* remove(context, report);
    }
    case "found":
      if (seen.externalID !== undefined) return yield* remove({ ...context, externalID: seen.externalID }, report);
      if (!isNameless(context)) return yield* remove(context, report);
      return attempt ? report.outcomeUnknown(attempt, "its id is not known") : report.unknownObservation(nameless(context));
  }
}
function nameless(context: Context): Unknown {
  const message = `spec.delete: needs the id of the object, which is there and whose id is not known: ${importHint}`;
  return unknown("ExternalIDUnknown", message, context);
}
/** Whether what is absent is only what was there before the create. */
function isOfBefore({ spec, externalID, declaredID }: Context, { says }: Absent): boolean {
  return says === "observe" && externalID !== undefined && declaredID === undefined && needsExternalID(spec.observe);
}
/** Not where its server refused it, nor where it provably never left. */
function mayHaveArrived({ attempt, spec, ...rest }: Context): boolean {
  if (attempt?.verb === "Delete") return attempt.phase !== "Done" || attempt.succeeded !== true;
  if (attempt?.verb !== "Create") return attempt !== undefined;
  if (attempt.phase === "Done") return attempt.succeeded === true;
  const resent = isRepeatable({ ...rest, spec }, spec.create ?? { method: "POST" }) || spec.onUnknown === "Resend";
  return attempt.phase !== "Retrying" || resent || isUnresolvedCreate({ attempt });
}
