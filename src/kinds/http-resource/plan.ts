/**
 * HTTPResource's plan: observe, and then create, update or delete what is not as declared.
 *
 * Invariant: nothing is sent but to observe because of an answer that says nothing, such as a 401, a 503 or none at all.
 */
import { sinceEndMs } from "../../core/attempt-times.ts";
import type { Steps } from "../../core/plan.ts";
import type { HTTPResourceSpec } from "../../api/http-resource.ts";
import type { Inputs } from "../../api/request.ts";
import type { Dependency, Kind, Plan, Situation, Verdict } from "../../core/plan.ts";
import { findTooMany } from "../../core/object-size.ts";
import type { Refusal } from "../../core/outcome.ts";
import { dataReferences } from "../request/data-references.ts";
import { dependenciesOf, resolveDependencies } from "../request/dependencies.ts";
import { endpointReferences } from "../request/endpoint.ts";
import { tellNextLook, withNextLook } from "../request/next-look.ts";
import { holderOf, holding } from "../request/referrers.ts";
import { endpointRefs } from "./endpoints.ts";
import { next, recordObservation } from "../../core/remote-object.ts";
import { settlingMs } from "./arrival.ts";
import { hasBeenSeen, untilRetryMs, withoutCandidate, withRemote, type Context } from "./context.ts";
import { contextOf } from "./read-context.ts";
import { deliveredNow, isDelivered } from "./delivery-record.ts";
import { sinceAttemptMs } from "./held-back.ts";
import { inputsReadBy } from "./inputs-read.ts";
import { neededAtEnd } from "./keeps.ts";
import { keptInputs, keptValues, takenValues } from "./referents.ts";
import { withAddress } from "./address.ts";
import { asMadeOf } from "./contested.ts";
import { declarationOf, immutableOf } from "./declaration.ts";
import { withDeclaredID } from "./declared-id.ts";
import { sightOf } from "./identity.ts";
import { correct, create, followDelivery } from "./correct.ts";
import { isObserved, type Absent, type Found } from "./observation.ts";
import { observe } from "./observe.ts";
import { reportInStep } from "./observed-report.ts";
import { withOutputs } from "./outputs.ts";
import { findUndeclared } from "./references.ts";
import { mayLeave, release } from "./release.ts";
import { isRemoval, replace } from "./remove.ts";
import { isReady } from "../../core/conditions.ts";
import { untilDueMs } from "../../core/due.ts";
import { endAsBefore } from "../../core/same-end.ts";
import { durationMs } from "../../core/tools/duration.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import { reportUnobserved, type Report } from "./report.ts";
import { httpResourceReport } from "./status.ts";
import { httpResourceType, type HTTPResource } from "../types.ts";

const references = oncePer((resource: HTTPResource): readonly Dependency[] => {
  const { spec, metadata } = resource;
  const { namespace } = metadata;
  const shapes = [spec.observe, spec.lookup, spec.create, spec.update, spec.beforeDelete, spec.delete].filter(
    (shape) => shape !== undefined,
  );
  return [
    ...endpointRefs(spec).flatMap((ref) => endpointReferences(ref, namespace)),
    ...dependenciesOf(resource),
    ...dataReferences(spec, shapes, namespace),
  ];
});

export const httpResourceKind: Kind<HTTPResource> = {
  type: httpResourceType,
  waitsForReferrers: "whenDeleted",
  holding,
  references,
  neededAtEnd,
  actsAs: ({ spec }) => spec.serviceAccountName,
  // What is shown of a body depends on Secrets, too.
  plan: (situation) =>
    situation.resource.spec.record === "Body" ? planAnew(situation) : endAsBefore(planAnew, situation, dueInMs),
  heldBack,
};

function planAnew(situation: Situation<HTTPResource>): Plan {
  return tellNextLook(plan(situation), situation);
}
function dueInMs({ resource: { metadata, spec }, now }: Situation<HTTPResource>): number {
  return untilDueMs(metadata.uid, durationMs(spec.interval), now);
}

/** What the plan makes of another spec has not been recorded: it counts as observed when that has been. */
function heldBack(situation: Situation<HTTPResource>, why: Refusal): Verdict {
  const context = contextOf(situation);
  return unobserved(context, withNextLook(httpResourceReport(context).refused(why), situation));
}
/** The generation that it was last acted on for stays. */
function unobserved({ status: { observedGeneration } }: Context, verdict: Verdict): Verdict {
  return observedGeneration === undefined ? verdict : { ...verdict, status: { ...verdict.status, observedGeneration } };
}

function* plan(situation: Situation<HTTPResource>): Plan {
  const context = contextOf(situation);
  const report = (): Report => httpResourceReport(context); // of no use where it goes well
  if (situation.resource.metadata.deletionTimestamp !== undefined) return yield* runRelease(situation, context, report());
  if (context.spec.suspend) return report().suspended();
  const tooMany = findTooMany(situation.resource);
  if (tooMany) return report().refused(tooMany);
  const pauseMs = untilRetryMs(context);
  if (pauseMs > 0) return report().waiting(pauseMs);
  if (situation.first && isAtRest(context)) return report().idle();

  const undeclared = findUndeclared(situation.resource);
  if (undeclared) return report().refused(undeclared);
  const known = yield* resolveDependencies(situation, references(situation.resource));
  const stale = known.type === "refusal" ? keptValues(context, known) : undefined;
  // What was taken for another spec does not serve this one, however often it is looked at.
  if (known.type === "refusal" && !stale) {
    const refused = report().refused(known);
    // What only another spec mends, of this object or of one in its circle, is said of this one.
    return context.remote.made === "made" && known.heals ? unobserved(context, refused) : refused;
  }
  const values = known.type === "refusal" ? (stale ?? new Map<string, unknown>()) : known.values;
  const taken = known.type === "refusal" ? undefined : takenValues(context, known.values);
  const asking = { ...context, known: values, ...(taken && { taken }) };
  const named = yield* withDeclaredID(asking);
  if (named.type === "refusal") return report().refused(named);
  const placed = yield* withAddress(named.context);
  return yield* kept(placed, (taken ?? placed.address) ? () => httpResourceReport(placed) : report);
}

/** What it waited for before it was created need not be there when it is deleted, and what it took of others is kept. */
function* runRelease(situation: Situation<HTTPResource>, context: Context, report: Report): Plan {
  const leaves = mayLeave(context);
  if (leaves) return leaves === "gone" ? report.unchanged("Deleting") : report.released("Orphaned");
  const referrer = situation.cycle ? undefined : holderOf(situation);
  if (referrer !== undefined && !context.spec.suspend) return report.inUse(referrer);
  const { resource } = situation;
  const { dependsOn: _, create: __, update: ___, ...spec } = resource.spec;
  const { cycle: ____, ...alone } = situation;
  const needed = neededInputs(spec);
  const keep = keptInputs(context, needed);
  const left = Object.fromEntries(Object.entries(needed).filter(([name]) => !keep.has(name)));
  const asking = { ...resource, spec: { ...spec, inputs: left } };
  const known = yield* resolveDependencies({ ...alone, resource: asking }, references(resource));
  if (known.type === "refusal") {
    const isNotThere = isAnyMissing(situation, references(asking));
    const refused = report.refused(known);
    return isNotThere && !context.spec.suspend ? withoutWhatItNeeds(context, report, refused) : refused;
  }
  const named = yield* withDeclaredID({ ...context, known: new Map([...known.values, ...keep]) });
  if (named.type === "refusal") return report.refused(named);
  return withoutWhatItNeeds(context, report, yield* release(named.context, report));
}

/** Whether one of those that are needed is not there. */
function isAnyMissing(situation: Situation<HTTPResource>, needed: readonly Dependency[]): boolean {
  const names = new Set(needed.map(nameOf));
  return references(situation.resource).some((one, index) => situation.references[index] === undefined && names.has(nameOf(one)));
}
function nameOf({ type, key }: Dependency): string {
  return `${type.kind}/${key.namespace}/${key.name}`;
}

/** What delete needs, and what is not there any more, holds nothing up where that is said. */
const lackReasons = [
  "SecretNotFound",
  "ConfigMapNotFound",
  "KeyNotFound",
  "EndpointNotFound",
  "DependencyNotReady",
  "ServiceAccountNotFound",
];
function withoutWhatItNeeds({ spec }: Context, report: Report, verdict: Verdict): Verdict {
  const isLeft = spec.deletionPolicy === "DeleteOrOrphan" && lackReasons.includes(verdict.reason);
  return isLeft ? report.released("Orphaned") : verdict;
}

/** Those that what is sent for a deletion, and what looks for the object, can see; all, where that cannot be told. */
function neededInputs(spec: HTTPResourceSpec): Inputs {
  const { delete: remove, beforeDelete, observe, lookup, exists, mine, externalID } = spec;
  return inputsReadBy({ remove, beforeDelete, observe, lookup, exists, mine, externalID }, spec.inputs ?? {});
}

/** Keeps the remote object as it is declared. */
function* kept(context: Context, report: () => Report): Steps<Verdict> {
  const { attempt, remote } = context;
  if (attempt?.phase === "Polling" && !isRemoval(attempt)) return yield* followDelivery(context, report(), attempt);
  if (remote.replacing) return yield* replace(context, report());
  const seen = yield* observe(context);
  if (!isObserved(seen)) return reportUnobserved(report(), seen);
  switch (seen.type) {
    case "absent": {
      if (context.imported !== undefined) return report().importNotFound();
      // Of the id that an update gave nobody has seen anything yet, so that its absence proves nothing so soon.
      if (seen.former !== undefined && context.asked === undefined && sinceAttemptMs(context) < settlingMs)
        return report().held("NotSeen");
      const after = withoutCandidate(context, seen.former);
      return yield* absent(after, httpResourceReport(after), seen);
    }
    case "found":
      return yield* present(context, seen);
  }
}

/** It is not there, as far as can be told. */
function* absent(context: Context, report: Report, seen: Absent): Steps<Verdict> {
  const step = next(context.remote, null, declarationOf(context));
  switch (step.type) {
    case "hold":
      return report.held(step.why);
    case "replace":
      return report.replacing(step.why);
    case "create":
      return isTooSoon(context, seen) ? report.held("NotSeen") : yield* create(context, report, seen);
    case "rest":
    case "update":
      throw new Error("what is not there is neither as declared nor changed");
  }
}

/** What differs at the first sight of what was made differs by its server's doing. Of another object nothing is known of that. */
function withAsMade({ asMade, ...context }: Context, { differences }: Found): Context {
  const { made, seen } = context.remote;
  const isFirst = made === "doubt" || (made === "made" && !seen);
  const found = context.isAnother ? undefined : isFirst ? asMadeOf(differences) : asMade;
  return found ? { ...context, asMade: found } : context;
}

/** It is there, or something is that has its id. */
function* present(before: Context, seen: Found): Steps<Verdict> {
  const isAnother = before.isAnother === true || (seen.by !== undefined && seen.externalID !== undefined);
  const context = withAsMade({ ...before, isAnother }, seen);
  const now = yield* deliveredNow(context);
  if (now && "type" in now) return httpResourceReport(context).refused(now);
  const differs = seen.upToDate === false;
  const sight = { ...sightOf(seen), asDeclared: !differs && (now === undefined || isDelivered(context, seen, now)) };
  const isDrift = !sight.asDeclared && (differs || seen.upToDate === undefined) && context.spec.observe !== undefined;
  const after = {
    ...withRemote(context, recordObservation(context.remote, sight)),
    ...(seen.values && { values: seen.values.shown }),
    ...(isDrift && { drift: seen.differences }),
    ...(now && { delivering: { ...now, ...(seen.places && { fields: [...seen.places] }) } }),
  };
  const report = (): Report => httpResourceReport(after);
  const step = next(after.remote, sight, declarationOf(after, seen.differences));
  switch (step.type) {
    case "hold":
      return step.why === "NotMine" && context.imported !== undefined ? report().importNotFound() : report().held(step.why);
    case "replace":
      return report().replacing(step.why, { differences: immutableOf(after, seen.differences) });
    case "update":
      return yield* correct(after, report(), seen);
    case "create":
      throw new Error("what is there is not created");
    case "rest": {
      if (!sight.asDeclared) return differs ? report().drifted(seen) : report().notDelivered(seen);
      const { externalID } = after;
      const { problem } = seen.values ?? {};
      const inStep = reportInStep(after, seen);
      const verdict = problem ? report().withoutOutputs(inStep, problem) : inStep;
      return yield* withOutputs(after, report, { ...seen, externalID, verdict });
    }
  }
}

function isTooSoon({ attempt, remote, intervalMs, now, asked }: Context, { says }: Absent): boolean {
  if (says !== "observe" || asked !== undefined) return false;
  if (attempt?.verb !== "Create" || attempt.succeeded !== true || attempt.phase !== "Done") return false;
  const sinceMs = sinceEndMs(attempt, now);
  return sinceMs < (remote.seen ? Math.min(settlingMs, intervalMs) : intervalMs);
}

function isAtRest(context: Context): boolean {
  const { status, attempt } = context;
  const { seen, former, replacing } = context.remote;
  if (!seen || former !== undefined || replacing) return false;
  return hasBeenSeen(context) && isReady(status.conditions) && (attempt === undefined || attempt.phase === "Done");
}
