/**
 * HTTPResource's plan: observe, and then create, update or delete what is not as declared.
 *
 * Invariant: nothing is sent but to observe because of an answer that says nothing, such as a 401, a 503 or none at all.
 */
import type { HTTPResourceSpec } from "../../api/http-resource.ts";
import type { Inputs } from "../../api/request.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Dependency, Kind, Plan, Situation, Verdict, Steps } from "../../core/plan.ts";
import { retryAfterMs } from "../../core/retry.ts";
import { stringsIn } from "../../core/templating.ts";
import { dataReferences } from "../request/data-references.ts";
import { dependenciesOf, resolveDependencies } from "../request/dependencies.ts";
import { endpointReferences } from "../request/endpoint.ts";
import {
  contextOf,
  hasBeenSeen,
  isUnresolvedCreate,
  needsExternalID,
  untilRetryMs,
  verbDigest,
  type Context,
  type VerbAttempt,
} from "./context.ts";
import { deliver } from "./deliver.ts";
import { needsID, type Delivered } from "./delivered.ts";
import { unknown, type Absent, type Found } from "./observation.ts";
import { observe } from "./observe.ts";
import { withOutputs } from "./outputs.ts";
import { lookedAfter } from "./poll.ts";
import { mayLeave, release } from "./release.ts";
import { isReady } from "../../core/conditions.ts";
import { httpResourceReport, type Report } from "./status.ts";
import { httpResourceType, type HTTPResource } from "../types.ts";

export const httpResourceKind: Kind<HTTPResource> = {
  type: httpResourceType,
  references,
  actsAs: ({ spec }) => spec.serviceAccountName,
  plan,
};

function references(resource: HTTPResource): Dependency[] {
  const { spec, metadata } = resource;
  const { namespace } = metadata;
  const shapes = [spec.observe, spec.lookup, spec.create, spec.update, spec.delete].filter((shape) => shape !== undefined);
  return [
    ...endpointReferences(spec.endpointRef, namespace),
    ...dependenciesOf(resource),
    ...dataReferences(spec, shapes, namespace),
  ];
}

function* plan(situation: Situation<HTTPResource>): Plan {
  const context = contextOf(situation);
  const report = httpResourceReport(context);
  if (situation.resource.metadata.deletionTimestamp !== undefined) return yield* released(situation, context, report);
  if (context.spec.suspend) return report.suspended();
  const pauseMs = untilRetryMs(context);
  if (pauseMs > 0) return report.waiting(pauseMs);
  if (situation.first && isAtRest(context)) return report.idle();

  const known = yield* resolveDependencies(situation, references(situation.resource));
  if (known.type === "refusal") return report.refused(known);
  return yield* kept({ ...context, known: known.values }, report);
}

/** What it waited for before it was created need not be there when it is deleted, but what is to be sent needs its inputs. */
function* released(situation: Situation<HTTPResource>, context: Context, report: Report): Plan {
  const leaves = mayLeave(context);
  if (leaves) return leaves === "gone" ? report.unchanged("Deleting") : report.released("Orphaned");
  const { resource } = situation;
  const { dependsOn: _, ...spec } = resource.spec;
  const { cycle: __, ...alone } = situation;
  const asking = { ...resource, spec: { ...spec, inputs: neededInputs(spec) } };
  const known = yield* resolveDependencies({ ...alone, resource: asking }, references(resource));
  return known.type === "refusal" ? report.refused(known) : yield* release({ ...context, known: known.values }, report);
}

/** Those that what is sent for a deletion, and what looks for the object, can see; all, where that cannot be told. */
function neededInputs({ inputs = {}, delete: remove, observe, lookup, exists, upToDate, externalID }: Asking): Inputs {
  const asking = { remove, observe, lookup, exists, upToDate, externalID };
  const texts = stringsIn(asking, "").map(({ text }) => text);
  if (texts.some((text) => /\binputs\b(?!\.[A-Za-z_])/.test(text))) return inputs;
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => texts.some((text) => text.includes(`.inputs.${name}`))));
}
type Asking = Pick<HTTPResourceSpec, "inputs" | "delete" | "observe" | "lookup" | "exists" | "upToDate" | "externalID">;

/** Keeps the remote object as it is declared. */
function* kept(context: Context, report: Report): Steps<Verdict> {
  const { spec, attempt } = context;
  if (attempt?.phase === "Polling" && attempt.verb !== "Delete") return yield* followed(context, report, attempt);
  const seen = yield* observe(context);
  switch (seen.type) {
    case "refusal":
      return report.refused(seen);
    case "unknown":
      return report.unknownObservation(seen);
    case "absent":
      if (context.imported !== undefined) return report.importNotFound();
      if (isTooSoon(context, seen)) return report.unknownObservation(unknown("JustCreated", justCreated, context));
      return spec.create ? yield* create(context, report, seen) : report.absent();
    case "found":
      return isInStep(context, seen)
        ? yield* withOutputs(context, report, {
            ...seen,
            externalID: seen.externalID ?? context.externalID,
            verdict: report.inStep(seen),
          })
        : yield* correct(found(context, seen), seen);
  }
}

/** A server that answers from copies of what it has may not know at once what it has created. */
const settlingMs = 30_000;
const justCreated = "spec.observe: says that the object is not there, which was created only just now";
function isTooSoon({ attempt, intervalMs, now }: Context, { says }: Absent): boolean {
  if (says !== "observe" || attempt?.verb !== "Create" || attempt.succeeded !== true || attempt.phase !== "Done") return false;
  const sinceMs = Math.abs(now.getTime() - Date.parse(attempt.finishedAt ?? attempt.startedAt));
  return sinceMs < Math.min(settlingMs, intervalMs);
}

/** What has been seen, and differs. */
function found(context: Context, { externalID, differences }: Found): Context {
  const drift = context.spec.observe && { drift: differences };
  return { ...context, ...drift, ...(externalID !== undefined && { externalID }) };
}

function isAtRest(context: Context): boolean {
  const { status, attempt } = context;
  return hasBeenSeen(context) && isReady(status.conditions) && (attempt === undefined || attempt.phase === "Done");
}

/** Where nobody can look, what was sent last says whether there is something new to send. */
function isInStep(context: Context, seen: Found): boolean {
  if (seen.upToDate !== undefined) return seen.upToDate;
  return !context.spec.update || wasSentLast(context);
}
function wasSentLast(context: Context): boolean {
  const { attempt, spec, status } = context;
  const update = verbDigest(context, "Update");
  if (!attempt) return spec.observe !== undefined && (status.adoptedUpdate ?? update) === update;
  if (attempt.phase !== "Done" || attempt.succeeded !== true) return false;
  if (attempt.verb === "Update") return attempt.digest === update;
  // What an earlier Holdfast created does not say what update would have sent.
  return attempt.update === undefined ? attempt.digest === verbDigest(context, "Create") : attempt.update === update;
}

/** Asks after the work that a create or update began. */
function* followed(context: Context, report: Report, attempt: VerbAttempt): Steps<Verdict> {
  const delivered = yield* lookedAfter(context, attempt);
  if (delivered.type !== "succeeded") return ended(context, report, delivered);
  const { judgement, externalID = context.externalID } = delivered;
  const verdict =
    attempt.verb === "Create"
      ? report.created(delivered.attempt, judgement, externalID)
      : report.updated(delivered.attempt, judgement);
  return yield* withOutputs(context, report, { verdict, externalID, response: judgement.response });
}

function* create(context: Context, report: Report, { says }: Absent): Steps<Verdict> {
  const { spec, attempt, retry } = context;
  if (!spec.create) return report.absent();
  const unresolved = isUnresolvedCreate(context) ? attempt : undefined;
  if (!unresolved && spec.externalID === undefined && !spec.lookup && needsID(context)) return report.refused(unnamed);
  const policy = spec.onUnknown ?? (spec.lookup ? "Lookup" : "Stall");
  // That of something that arrived, or is still being made, is only that it is not there yet.
  const mayNotBeYet = unresolved?.succeeded === true;
  const lookupSaysNo = policy === "Lookup" && says === "lookup" && (unresolved?.tries ?? 0) <= retry.limit;
  const delivered = yield* deliver(context, report, {
    verb: "Create",
    request: { field: "spec.create", shape: spec.create },
    onUnknown: !mayNotBeYet && (policy === "Resend" || (unresolved && lookupSaysNo)) ? "Resend" : "Stall",
    pinnedDigest: unresolved?.digest,
  });
  if (delivered.type !== "succeeded") return ended(context, report, delivered);
  const { judgement, externalID } = delivered;
  const verdict = report.created(delivered.attempt, judgement, externalID);
  return yield* withOutputs(context, report, { verdict, externalID, response: judgement.response });
}

function* correct(context: Context, seen: Found): Steps<Verdict> {
  const { spec } = context;
  const report = httpResourceReport(context);
  const { update } = spec;
  if (!update || (spec.drift === "Report" && spec.observe)) return report.drifted(seen);
  const { body: { mergePatch, ...body } = {}, ...rest } = update;
  const method = update.method ?? (mergePatch === undefined ? "PUT" : "PATCH");
  if (mergePatch !== undefined && method !== "PATCH")
    return report.refused({
      type: "refusal",
      reason: "InvalidRequest",
      message: "spec.update.body.mergePatch goes with the method PATCH",
      heals: false,
    });
  // A patch that is derived from what was just observed is another one than the one whose outcome is not known.
  const isFresh = mergePatch !== undefined && context.attempt?.verb === "Update" && context.attempt.phase !== "Retrying";
  const { attempt: _, ...fresh } = context;
  const delivered = yield* deliver(isFresh ? fresh : context, report, {
    verb: "Update",
    request: { field: "spec.update", shape: { ...rest, method, ...(Object.keys(body).length > 0 && { body }) } },
    response: seen.response,
    mergePatch,
    onUnknown: spec.onUnknown === "Resend" ? "Resend" : "Stall",
  });
  if (delivered.type !== "succeeded") return ended(context, report, delivered);
  const { judgement } = delivered;
  const verdict = report.updated(delivered.attempt, judgement);
  return yield* withOutputs(context, report, { verdict, externalID: context.externalID, response: judgement.response });
}

const unnamed: Refusal = {
  type: "refusal",
  reason: "InvalidRequest",
  message: "spec.externalID: must say what id the object gets, since observe, update or delete has it in what is sent",
  heals: false,
};

/** What is reported of a delivery that did not succeed. */
function ended(context: Context, report: Report, delivered: Exclude<Delivered, { type: "succeeded" }>): Verdict {
  switch (delivered.type) {
    case "refusal":
      return report.refused(delivered);
    case "wait":
      return report.waiting(delivered.delayMs);
    case "polling":
      return report.polling(delivered);
    case "retry":
      return report.retrying(delivered.attempt, delivered.judgement);
    case "failed":
      return report.failed(delivered.attempt, delivered.judgement);
    case "lost":
      return report.lost(delivered.attempt, delivered.judgement, soonMs(context, delivered.attempt));
    case "unknown": {
      const { attempt, judgement } = delivered;
      if (!judgement) return report.stillUnknown(attempt);
      return report.outcomeUnknown(attempt, judgement.message, soonMs(context, attempt));
    }
  }
}

/** Milliseconds until something can say what came of it; undefined: nobody can before it is due. */
function soonMs({ spec, retry }: Context, attempt: Parameters<Report["outcomeUnknown"]>[0]): number | undefined {
  const canTell = attempt.verb === "Create" ? spec.lookup || (spec.observe && !needsExternalID(spec.observe)) : spec.observe;
  return canTell ? retryAfterMs(retry, attempt) : undefined;
}
