/**
 * The end of an HTTPResource: its remote object is deleted, or let go.
 *
 * Invariant: the finalizer goes when the server says that the object is gone, when there was never one, or when somebody
 * asked to leave it; never because of a connection that failed or an answer that says nothing.
 */
import type { Steps } from "../../core/plan.ts";
import type { Verdict } from "../../core/plan.ts";
import { isGone, recordObservation, unmade } from "../../core/remote-object.ts";
import {
  importHint,
  needsExternalID,
  readsAny,
  untilRetryMs,
  withoutCandidate,
  withRemote,
  type Context,
  type VerbAttempt,
} from "./context.ts";
import { deliver } from "./deliver.ts";
import { isUnresolvedCreate, isWatched, remoteOf, sightOf } from "./identity.ts";
import { saysGone } from "./judge.ts";
import { isRepeatable, isUnended, type Delivered } from "./delivered.ts";
import { isObserved, unknown, type Absent, type Found, type Unknown } from "./observation.ts";
import { look, observe } from "./observe.ts";
import { pollDelivery } from "./poll.ts";
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
  if (attempt?.phase === "Polling" && attempt.verb === "Delete") return yield* followDelete(context, report, attempt);
  if (attempt?.phase === "Polling" && attempt.verb !== "Update") return yield* followEarlier(context, report, attempt);
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
  const { spec, externalID, attempt } = context;
  // Of a create that may have arrived, the id that is known is that of what was there before.
  const isNameless =
    externalID === undefined || (isUnresolvedCreate(context) && attempt?.succeeded !== true && context.declaredID === undefined);
  if (isNameless && needsExternalID(spec.delete)) return yield* identify(context, report);
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

function* followDelete(context: Context, report: Report, attempt: VerbAttempt): Steps<Verdict> {
  const delivered = yield* pollDelivery(context, attempt);
  return yield* concludeDelete(context, report, { delivered, isVerified: true });
}

/** Nothing can be deleted without its id: either it can be found, or nothing was ever created, or nobody can say. */
function* identify(context: Context, report: Report): Steps<Verdict> {
  const { spec, attempt } = context;
  // It was taken over under its name; or a create under a key was on its way, of which nothing had been recorded.
  const mayBeThere = !attempt && (spec.lookup || (spec.observe && !needsExternalID(spec.observe)));
  if (!mayBeThere && !mayHaveArrived(context)) return report.released("NothingCreated");
  const seen = yield* observe(context);
  if (!isObserved(seen)) return reportUnobserved(report, seen);
  switch (seen.type) {
    case "absent":
      return attempt && (seen.says === "nobody" || isOfBefore(context, seen) || isArrived(attempt))
        ? report.outcomeUnknown(attempt, "it was being created when it was deleted")
        : report.released("NothingCreated");
    case "found":
      if (seen.externalID !== undefined) return yield* remove({ ...context, externalID: seen.externalID }, report);
      return attempt ? report.outcomeUnknown(attempt, "its id is not known") : report.unknownObservation(nameless(context));
  }
}
function nameless(context: Context): Unknown {
  const message = `spec.delete: needs the id of the object, which is there and whose id is not known: ${importHint}`;
  return unknown("ExternalIDUnknown", message, context);
}
/** Whether it is there, or still being made, whatever it looks like. */
function isArrived({ phase, succeeded }: VerbAttempt): boolean {
  return phase === "Unknown" && succeeded === true;
}
/** Whether what is absent is only what was there before the create. */
function isOfBefore({ externalID }: Context, { says }: Absent): boolean {
  return says === "observe" && externalID !== undefined;
}
/** Not where its server refused it, nor where it provably never left. */
function mayHaveArrived({ attempt, spec, ...rest }: Context): boolean {
  if (attempt?.verb === "Delete") return attempt.phase !== "Done" || attempt.succeeded !== true;
  if (attempt?.verb !== "Create") return attempt !== undefined;
  if (attempt.phase === "Done") return attempt.succeeded === true;
  const resent = isRepeatable({ ...rest, spec }, spec.create ?? { method: "POST" }) || spec.onUnknown === "Resend";
  return attempt.phase !== "Retrying" || resent || attempt.inDoubt === true;
}

function* remove(known: Context, report: Report): Steps<Verdict> {
  const { spec } = known;
  if (!spec.delete) return report.released("Orphaned");
  const found = yield* shownFirst(known, report);
  if ("status" in found) return found;
  const { externalID, ...shown } = found;
  const context = externalID === undefined ? known : { ...known, externalID };
  const onUnknown = spec.onUnknown === "Resend" ? "Resend" : "Stall";
  if (spec.beforeDelete) {
    const request = { field: "spec.beforeDelete", shape: spec.beforeDelete };
    const prepared = yield* deliver(context, report, { verb: "BeforeDelete", request, ...shown, onUnknown, limit: Infinity });
    if (prepared.type !== "succeeded") return yield* concludeDelete(context, report, { delivered: prepared, isVerified: true });
  }
  const request = { field: "spec.delete", shape: spec.delete };
  const delivered = yield* deliver(context, report, { verb: "Delete", request, ...shown, onUnknown, limit: Infinity });
  return yield* concludeDelete(context, report, { delivered, isVerified: false });
}

type Shown = Pick<Found, "response" | "object" | "externalID">;

/** What delete reads of the object is observed first. What is another's is not deleted, and what is gone need not be. */
function* shownFirst(context: Context, report: Report): Steps<Shown | Verdict> {
  const { spec, externalID } = context;
  const reads = [spec.delete, spec.beforeDelete].some((shape) => readsAny(shape, ["response", "object"]));
  const mayAsk = spec.observe ? externalID !== undefined || !needsExternalID(spec.observe) : spec.lookup !== undefined;
  if ((!reads && spec.mine === undefined) || !mayAsk) return {};
  const seen = spec.observe ? yield* look(context) : yield* observe(context);
  if (!isObserved(seen)) return reportUnobserved(report, seen);
  switch (seen.type) {
    case "absent":
      if (!reads && spec.observe) return {};
      if (!isGone(context.remote, null)) return report.held("NotSeen");
      return ended(context, report);
    case "found":
      if (seen.mine === false) return report.held("NotMine");
      return {
        ...(seen.externalID !== undefined && { externalID: seen.externalID }),
        ...(seen.response && { response: seen.response }),
        ...(seen.object !== undefined && { object: seen.object }),
      };
  }
}

/** Its server says that it is gone. */
function ended(context: Context, report: Report): Verdict {
  if (context.resource.metadata.deletionTimestamp !== undefined) return report.released("Deleted");
  // No attempt says any more that it is there.
  const { attempt: _, ...rest } = withRemote(context, unmade);
  return httpResourceReport(rest).unmade(undefined, { message: "spec.observe: it is not there" });
}

/** Deletes what is to be created anew. */
export function* replace(context: Context, report: Report): Steps<Verdict> {
  const { spec, attempt } = context;
  if (!spec.delete || !spec.create) return report.held("Absent");
  if (attempt?.phase === "Polling" && attempt.verb === "Delete") return yield* followDelete(context, report, attempt);
  return yield* remove(context, report);
}

/** `isVerified`: that it is gone says another answer than that to delete. */
function* concludeDelete(
  context: Context,
  report: Report,
  { delivered, isVerified }: { readonly delivered: Delivered; readonly isVerified: boolean },
): Steps<Verdict> {
  if (isUnended(delivered)) return reportUnended(report, delivered);
  switch (delivered.type) {
    case "succeeded": {
      const { attempt, judgement } = delivered;
      const problem =
        !isVerified && saysGone(judgement.response) ? yield* verifyGone(context, report, { attempt, judgement }) : undefined;
      if (problem) return problem;
      const isOver = context.resource.metadata.deletionTimestamp !== undefined;
      return isOver ? report.released("Deleted") : httpResourceReport(withRemote(context, unmade)).unmade(attempt, judgement);
    }
    case "retry":
    case "failed":
      return report.retrying({ ...delivered.attempt, phase: "Retrying" }, delivered.judgement);
    case "unknown":
    case "lost":
      return report.outcomeUnknown(delivered.attempt, delivered.judgement?.message ?? "the process that was deleting it ended");
  }
}

/** A 404 can be that of a wrong URL: whoever can look is asked, once. Undefined: nobody denies that it is gone. */
function* verifyGone(
  context: Context,
  report: Report,
  { attempt, judgement }: Pick<Extract<Delivered, { type: "succeeded" }>, "attempt" | "judgement">,
): Steps<Verdict | undefined> {
  const { spec, externalID } = context;
  const canLook = spec.observe ? externalID !== undefined || !needsExternalID(spec.observe) : spec.lookup !== undefined;
  if (!canLook) return undefined;
  const seen = spec.observe ? yield* look(context) : yield* observe(context);
  switch (seen.type) {
    case "refusal":
    case "unknown":
      return report.retrying({ ...attempt, phase: "Retrying", succeeded: false }, { ...judgement, ...seen, succeeded: false });
    case "found":
    case "absent": {
      const sight = seen.type === "found" && seen.mine !== false ? sightOf(seen) : null;
      return isGone(context.remote, sight) ? undefined : report.notDeleted(attempt, judgement, sight !== null);
    }
  }
}
