/**
 * The end of an HTTPResource: its remote object is deleted, or let go.
 *
 * Invariant: the finalizer goes when the server says that the object is gone, when there was never one, or when somebody
 * asked to leave it; never because of a connection that failed or an answer that says nothing.
 */
import type { Verdict, Steps } from "../../core/plan.ts";
import { importHint, isUnresolvedCreate, needsExternalID, untilRetryMs, type Context, type VerbAttempt } from "./context.ts";
import { deliver } from "./deliver.ts";
import { isRepeatable, type Delivered } from "./delivered.ts";
import { unknown, type Absent, type Unknown } from "./observation.ts";
import { observe } from "./observe.ts";
import { lookedAfter } from "./poll.ts";
import { httpResourceReport, type Report } from "./status.ts";

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
  switch (seen.type) {
    case "refusal":
      return report.refused(seen);
    case "unknown":
      return report.unknownObservation(seen);
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
  return { ...rest, ...(externalID !== undefined && { externalID }), ...(attempt && { attempt }) };
}

/** By the id that is known, if one is. */
function* byKnownID(context: Context, report: Report): Steps<Verdict> {
  const { spec, externalID, attempt } = context;
  if (attempt?.phase === "Polling" && attempt.verb !== "Update") return yield* followed(context, report, attempt);
  // Of a create that may have arrived, the id that is known is that of what was there before.
  const isNameless = externalID === undefined || (isUnresolvedCreate(context) && attempt?.succeeded !== true);
  if (isNameless && needsExternalID(spec.delete)) return yield* identified(context, report);
  // What has the name may be somebody else's, where the create was refused and nobody ever looked.
  const isAnothers = externalID === undefined && !spec.observe && attempt?.verb === "Create" && !mayHaveArrived(context);
  if (isAnothers) return report.released("NothingCreated");
  return yield* remove(context, report);
}

/** What is still being created is deleted when it is there: before, its server might not know it yet, and make it after all. */
function* followed(context: Context, report: Report, attempt: VerbAttempt): Steps<Verdict> {
  const delivered = yield* lookedAfter(context, attempt);
  if (attempt.verb === "Delete") return removed(report, delivered);
  switch (delivered.type) {
    case "refusal":
    case "wait":
    case "polling":
      return removed(report, delivered); // not over yet, whatever it is
    case "succeeded":
    case "failed":
    case "unknown":
    case "retry":
    case "lost": {
      const id = delivered.type === "succeeded" ? delivered.externalID : context.externalID;
      const after = { ...context, attempt: delivered.attempt };
      return yield* byKnownID(id === undefined ? after : { ...after, externalID: id }, report);
    }
  }
}

/** Nothing can be deleted without its id: either it can be found, or nothing was ever created, or nobody can say. */
function* identified(context: Context, report: Report): Steps<Verdict> {
  const { spec, attempt } = context;
  // It was taken over under its name; or a create under a key was on its way, of which nothing had been recorded.
  const mayBeThere = !attempt && (spec.lookup || (spec.observe && !needsExternalID(spec.observe)));
  if (!mayBeThere && !mayHaveArrived(context)) return report.released("NothingCreated");
  const seen = yield* observe(context);
  switch (seen.type) {
    case "refusal":
      return report.refused(seen);
    case "unknown":
      return report.unknownObservation(seen);
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
  if (attempt?.verb !== "Create") return attempt !== undefined;
  if (attempt.phase === "Done") return attempt.succeeded === true;
  const resent = isRepeatable({ ...rest, spec }, spec.create?.method ?? "POST") || spec.onUnknown === "Resend";
  return attempt.phase !== "Retrying" || resent || attempt.inDoubt === true;
}

function* remove(context: Context, report: Report): Steps<Verdict> {
  const { spec } = context;
  if (!spec.delete) return report.released("Orphaned");
  const delivered = yield* deliver(context, report, {
    verb: "Delete",
    request: { field: "spec.delete", shape: spec.delete },
    onUnknown: spec.onUnknown === "Resend" ? "Resend" : "Stall",
    limit: Infinity,
  });
  return removed(report, delivered);
}

function removed(report: Report, delivered: Delivered): Verdict {
  switch (delivered.type) {
    case "succeeded":
      return report.released("Deleted");
    case "refusal":
      return report.refused(delivered);
    case "wait":
      return report.waiting(delivered.delayMs);
    case "polling":
      return report.polling(delivered);
    case "retry":
    case "failed":
      return report.retrying({ ...delivered.attempt, phase: "Retrying" }, delivered.judgement);
    case "unknown":
    case "lost":
      return report.outcomeUnknown(delivered.attempt, delivered.judgement?.message ?? "the process that was deleting it ended");
  }
}
