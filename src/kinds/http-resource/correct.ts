/**
 * Creates or changes the remote object, and says how that ended.
 *
 * Invariant: what is recorded of a create or update is recorded with the answer that made it so.
 */
import type { Steps } from "../../core/plan.ts";
import type { Difference } from "../../core/difference.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Verdict } from "../../core/plan.ts";
import { recordCreate, recordUpdate } from "../../core/remote-object.ts";
import { retryAfterMs } from "../../core/retry.ts";
import { jsonStep } from "../../core/templating.ts";
import { parsePlace } from "../../core/tools/json-place.ts";
import { awaitedArrival } from "./arrival.ts";
import { needsExternalID, verbDigest, withRemote, type Context, type VerbAttempt } from "./context.ts";
import { correctionFor, isAsMade, isContested, replacementDigest } from "./contested.ts";
import { areOthers, deliveredByCreate, deliveredNow, isAskedFor } from "./delivery-record.ts";
import { isImmutableStatus } from "./declaration.ts";
import { deliver } from "./deliver.ts";
import { isKnownAgain, isRepeatable, isUnended, needsID, type Delivered } from "./delivered.ts";
import { willRename } from "./held.ts";
import { hasArrived, isUnresolvedCreate, isWatched, mayBeFollowed } from "./identity.ts";
import { unknown, type Absent, type Found } from "./observation.ts";
import { withOutputs } from "./outputs.ts";
import { pollDelivery } from "./poll.ts";
import { reportUnended, reportUnobserved, type Report } from "./report.ts";
import { httpResourceReport } from "./status.ts";

/** Asks after the work that a create or update began. */
export function* followDelivery(context: Context, report: Report, attempt: VerbAttempt): Steps<Verdict> {
  return yield* reportDelivered(context, report, yield* pollDelivery(context, attempt));
}

/** A create or an update has. */
function* reportSuccess(context: Context, delivered: Extract<Delivered, { type: "succeeded" }>): Steps<Verdict> {
  const { judgement, externalID, attempt } = delivered;
  const isCreate = attempt.verb === "Create";
  const id = isCreate ? { ...(externalID !== undefined && { id: externalID }), isWatched: isWatched(context.spec) } : undefined;
  const now = context.delivering ?? (yield* deliveredNow(context));
  const made = now && !("type" in now) ? (isCreate ? deliveredByCreate(context, now) : now) : undefined;
  const isAsSent = attempt.digest === verbDigest(context, attempt.verb);
  // Of work that went on for a while, what was delivered is what was sent then.
  const sent = made && attempt.inputs !== undefined ? { ...made, inputs: attempt.inputs } : made;
  const delivering = isAsSent ? sent : undefined;
  const isPast = context.spec.update !== undefined && (!isAsSent || areOthers(attempt.inputs, made?.inputs));
  const { delivering: _, ...rest } = withRemote(context, id ? recordCreate(id) : recordUpdate(context.remote, externalID));
  const after = { ...rest, ...(delivering && { delivering }) };
  const report = httpResourceReport(after);
  const verdict = isCreate ? report.created(attempt, judgement, isPast) : report.updated(attempt, judgement, isPast);
  return yield* withOutputs(after, () => report, {
    verdict,
    externalID: after.externalID,
    response: judgement.response,
    isCreated: isCreate,
  });
}

export function* create(context: Context, report: Report, { says }: Absent): Steps<Verdict> {
  const { spec, attempt, retry } = context;
  if (!spec.create) return report.held("Absent");
  const unresolved = isUnresolvedCreate(context) ? attempt : undefined;
  if (!unresolved && spec.externalID === undefined && !spec.lookup && needsID(context)) return report.refused(unnamed);
  const policy = spec.onUnknown ?? (spec.lookup ? "Lookup" : "Stall");
  // Of something that arrived, or is still being made, an absence is only that it is not there yet.
  const isArrived = hasArrived(unresolved);
  if (unresolved && isArrived && !mayBeFollowed(unresolved) && context.asked === undefined)
    return report.stillUnknown(unresolved);
  const isMissed = policy === "Lookup" && says === "lookup";
  const lookupSaysNo = isMissed && (unresolved?.tries ?? 0) <= retry.limit;
  const isRefused = unresolved?.refused === true;
  const waits = unresolved && isKnownAgain(context, spec.create) ? isMissed && isRefused : lookupSaysNo;
  const awaited = waits ? awaitedArrival(context) : undefined;
  if (awaited && !isArrived) return report.awaitingArrival(awaited);
  // What is safe by its method alone is sent as it is declared now.
  const isPinned = unresolved?.sentAs !== undefined || !isRepeatable(context, spec.create);
  const delivered = yield* deliver(context, report, {
    verb: "Create",
    request: { field: "spec.create", shape: spec.create },
    onUnknown: !isArrived && (policy === "Resend" || (unresolved && lookupSaysNo)) ? "Resend" : "Stall",
    pinnedDigest: isPinned ? unresolved?.digest : undefined,
    isSettled: isRefused && (context.asked !== undefined || (!isArrived && (isMissed || policy === "Resend"))),
  });
  return yield* reportDelivered(context, report, delivered);
}

export function* correct(context: Context, report: Report, seen: Found): Steps<Verdict> {
  const { spec } = context;
  const { update } = spec;
  if (!update) return report.drifted(seen);
  const { body: { mergePatch, ...body } = {}, ...rest } = update;
  const method = update.method ?? (mergePatch === undefined ? "PUT" : "PATCH");
  if (mergePatch !== undefined && method !== "PATCH")
    return report.refused({
      type: "refusal",
      reason: "InvalidRequest",
      message: "spec.update.body.mergePatch goes with the method PATCH",
      heals: false,
    });
  if (mergePatch !== undefined && update.object !== undefined)
    return report.refused({
      type: "refusal",
      reason: "InvalidRequest",
      message: "spec.update.object does not go with body.mergePatch, which is held against the object itself",
      heals: false,
    });
  const correction = correctionFor(context, seen);
  const replaceable = replaceableOf(context, seen.differences);
  if (isContested(correction) && correction.pauseMs > 0) return report.contested(correction.repeats, correction.pauseMs);
  const renames = yield* willRename(context, seen);
  if (typeof renames !== "boolean") return reportUnobserved(report, unknown(renames.reason, renames.message, context));
  // A patch that is derived from what was just observed is another one than the one whose outcome is not known.
  const isFresh = mergePatch !== undefined && context.attempt?.verb === "Update" && context.attempt.phase !== "Retrying";
  const { attempt: _, ...fresh } = context;
  const delivered = yield* deliver(isFresh ? fresh : context, report, {
    verb: "Update",
    request: { field: "spec.update", shape: { ...rest, method, ...(Object.keys(body).length > 0 && { body }) } },
    response: seen.response,
    object: seen.object,
    renames,
    differs: correction.differs,
    repeats: replaceable ? correction.repeats : Math.max(1, correction.repeats),
    mergePatch,
    same: sameInAnotherForm(spec, seen),
    onUnknown: spec.onUnknown === "Resend" ? "Resend" : "Stall",
  });
  const { statusCode = 0 } = delivered.type === "failed" ? (delivered.judgement.response ?? {}) : {};
  return delivered.type === "failed" && replaceable && isImmutableStatus(spec, statusCode)
    ? report.replacing("Immutable", { attempt: delivered.attempt, differences: replaceable })
    : yield* reportDelivered(context, report, delivered);
}

/**
 * Places of `compare` at which nothing differs, while something does elsewhere: a merge patch leaves them alone, since to send them
 * would ask for a change where there is none. Of a list, all of it. Where something was not compared, no place is known to be the
 * same.
 */
function sameInAnotherForm(
  { compare = [] }: Context["spec"],
  { differences, isPartial }: Pick<Found, "differences" | "isPartial">,
): readonly string[] {
  if (isPartial === true) return [];
  const places = compare.map(({ path }) => outsideLists(path)).filter((place) => place !== "");
  const isApart = (a: string, b: string): boolean => !isAtOrBelow(a, b) && !isAtOrBelow(b, a);
  // Of many not all are told.
  const isKnown = differences.length > 0 && differences.length < 20;
  return !isKnown ? [] : places.filter((place) => differences.every(({ path }) => isApart(path, place)));
}
/** The place, or the list that it is in, as differences print it. */
function outsideLists(path: string): string {
  const place = parsePlace(path);
  const list = place.findIndex(({ key, isEach }) => isEach === true || typeof key === "number");
  return place
    .slice(0, list < 0 ? place.length : list)
    .map(({ key }) => jsonStep(key))
    .join("");
}
function isAtOrBelow(path: string, place: string): boolean {
  return place === "." || path === place || (path.startsWith(place) && /^[.[]/.test(path.slice(place.length)));
}

/**
 * For what it may be made anew, where update is refused. Undefined: that could not help, since all that differs does so by its
 * server's doing, or it was made anew for the same before; or a person only wants it sent again.
 */
function replaceableOf(context: Context, differences: readonly Difference[]): readonly Difference[] | undefined {
  const { spec, status } = context;
  const left = differences.filter((one) => !isAsMade(context, one));
  if (spec.replace === undefined) return left;
  if (differences.length === 0 ? isAskedFor(context) : left.length === 0) return undefined;
  return status.replacedFor === replacementDigest(context, left) ? undefined : left;
}

const unnamed: Refusal = {
  type: "refusal",
  reason: "InvalidRequest",
  message: "spec.externalID: must say what id the object gets, since observe, update or delete has it in what is sent",
  heals: false,
};

/** What is reported of a create or an update. */
function* reportDelivered(context: Context, report: Report, delivered: Delivered): Steps<Verdict> {
  if (isUnended(delivered)) return reportUnended(report, delivered);
  switch (delivered.type) {
    case "succeeded":
      return yield* reportSuccess(context, delivered);
    case "retry":
      return report.retrying(delivered.attempt, delivered.judgement);
    case "failed":
      return report.failed(delivered.attempt, delivered.judgement);
    case "lost":
      return report.lost(delivered.attempt, delivered.judgement, soonMs(context, delivered.attempt));
    case "unknown": {
      const { attempt, judgement } = delivered;
      if (!judgement) return report.stillUnknown(attempt);
      return report.outcomeUnknown(attempt, judgement.message, soonMs(context, attempt), judgement.response);
    }
  }
}

/** Milliseconds until an observation or a lookup can tell its outcome; undefined: none can before the next interval. */
function soonMs({ spec, retry }: Context, attempt: Parameters<Report["outcomeUnknown"]>[0]): number | undefined {
  const canTell = attempt.verb === "Create" ? spec.lookup || (spec.observe && !needsExternalID(spec.observe)) : spec.observe;
  return canTell ? retryAfterMs(retry, attempt) : undefined;
}
