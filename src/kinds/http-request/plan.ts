/**
 * HTTPRequest's plan: decide whether what is declared is still to be sent, send it, and report the outcome.
 *
 * The order of everything that may be sent only once is core/delivery's; this file turns its decisions into steps and
 * a status.
 */
import { endAfter } from "../../core/attempt-times.ts";
import { conclude, leaveOpen, markRetrying } from "../../core/conclusion.ts";
import { decide, type Attempt, type Decision, type DeliveryRecord, type Desired } from "../../core/delivery.ts";
import type { Exchange } from "../../core/exchange.ts";
import { nextTryOf } from "../../core/next-look.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Output } from "../../core/output.ts";
import {
  evaluate,
  sendExchange,
  type Dependency,
  type Kind,
  type Patience,
  type Plan,
  type Situation,
  type Verdict,
  type Steps,
} from "../../core/plan.ts";
import { arrivedAnnotation, assumeDoneAnnotation, reconcileAtOf } from "../../core/resource.ts";
import { digest } from "../../core/tools/digest.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import { dataReferences } from "../request/data-references.ts";
import { dependenciesOf, resolveDependencies } from "../request/dependencies.ts";
import { endpointReferences, usedEndpoint } from "../request/endpoint.ts";
import { dueToGo, expire } from "./expiry.ts";
import { deliverEach, type Delivery } from "./for-each.ts";
import { findUndeclared } from "./references.ts";
import { tellNotAgain } from "./not-again.ts";
import { occasionOf } from "./occasion.ts";
import { triggerReferences } from "./told.ts";
import { isSource } from "./trigger.ts";
import type { Judgement } from "../request/recorded.ts";
import { judgeResponse } from "../request/judge.ts";
import { tellUnwatched } from "./unwatched.ts";
import { tellNextLook, withNextLook } from "../request/next-look.ts";
import { beginPoll, pollOnce } from "../request/poll.ts";
import { decideBeforeSend } from "../request/before-send.ts";
import {
  buildExchange,
  declaredRequest,
  idempotencyHeader,
  repetition,
  retryPolicy,
  scopeOf,
  sendDigest,
} from "../request/request.ts";
import { checkOutputs, unwrittenText, writeOutputs } from "../request/outputs.ts";
import { outputsOf, patienceOf } from "./outputs.ts";
import { httpRequestType, type Endpoint, type HTTPRequest, type HTTPResource } from "../types.ts";

const references = oncePer((resource: HTTPRequest): readonly Dependency[] => {
  const { spec, metadata } = resource;
  const { namespace } = metadata;
  return [
    ...endpointReferences(spec.endpointRef, namespace),
    ...dependenciesOf(resource),
    ...triggerReferences(spec.trigger, namespace),
    ...dataReferences(spec, [spec], namespace),
  ];
});

export const httpRequestKind: Kind<HTTPRequest> = {
  type: httpRequestType,
  references,
  actsAs: ({ spec }) => spec.serviceAccountName,
  watches({ spec: { trigger } }) {
    return trigger?.selector && { kind: trigger.kind, matches: (one) => isSource(trigger, one) };
  },
  *plan(situation) {
    return tellUnwatched(yield* tellNextLook(plan(situation), situation), situation);
  },
  heldBack,
};

/** Where it exists. */
function namedByTrigger({ resource, references: found }: Situation<HTTPRequest>): HTTPRequest | HTTPResource | undefined {
  const [named] = triggerReferences(resource.spec.trigger, resource.metadata.namespace);
  const index = references(resource).findIndex(({ type, key }) => type.kind === named?.type.kind && key.name === named.key.name);
  return found[index] as HTTPRequest | HTTPResource | undefined;
}

function heldBack(situation: Situation<HTTPRequest>, why: Refusal): Verdict {
  const occasion = occasionOf(situation, namedByTrigger(situation));
  return "type" in occasion ? withNextLook(occasion.report.refused(why), situation) : occasion;
}

function* plan(situation: Situation<HTTPRequest>): Plan {
  const { resource, now } = situation;
  const { endpointRef } = resource.spec;
  const occasion = occasionOf(situation, namedByTrigger(situation));
  if (!("type" in occasion)) return occasion;
  const { scheduled, told, report } = occasion;
  const endpoint = usedEndpoint(endpointRef, situation.references);
  const inputs = yield* inputsDigest(situation);
  const compared = comparable(inputs, resource);
  const desired: Desired = {
    ...desiredOf(resource, endpoint),
    ...(compared !== undefined && { inputs: compared }),
    ...(situation.mayBeMended && { mayBeMended: true }),
    ...(scheduled && { schedule: scheduled }),
    ...(told && { trigger: told.trigger }),
  };
  const decision = decide(deliveryRecordOf(resource), desired, now);
  const event = "attempt" in decision ? told?.stateFor(decision.attempt).event : undefined;
  const verdict = yield* carryOut(situation, { decision, desired, endpoint, report, event, inputs });
  if (told) return told.goOn(verdict);
  return decision.type === "rest" ? verdict : dueToGo(resource, verdict, now);
}

interface Decided extends Omit<Delivery, "attempt"> {
  readonly decision: Decision;
  readonly inputs: string | undefined;
}
function* carryOut(situation: Situation<HTTPRequest>, { decision, inputs, ...how }: Decided): Plan {
  const { resource } = situation;
  const { schedule, trigger, suspend, rerunOn } = resource.spec;
  const { report } = how;
  switch (decision.type) {
    case "rest": {
      if (suspend && (schedule || trigger)) return report.suspended();
      const rest = (note?: string): Verdict => report.rest(inputs ?? (rerunOn && resource.status?.attempt?.inputs), note);
      return yield* expire(situation, rest(), rest);
    }
    case "awaitTick":
      return suspend ? report.suspended() : report.awaitTick(decision.over);
    case "assumeDone":
      return report.done(decision.attempt, {
        succeeded: true,
        reason: "AssumedDone",
        message: `nothing was sent: ${assumeDoneAnnotation} is set`,
      });
    case "unknown":
      return report.stillUnknown(decision.attempt);
    case "arrived":
      return report.arrived(decision.attempt);
    case "over":
      return suspend ? report.suspended() : report.givenUp(decision.attempt, decision.why);
    case "poll":
      return suspend ? report.suspended() : yield* look(situation, { ...how, attempt: decision.attempt });
    case "wait":
      return suspend ? report.suspended() : report.waiting(decision.delayMs);
    case "send":
      return suspend ? report.suspended() : yield* deliver(situation, { ...how, attempt: decision.attempt });
  }
}

/** Of the values as they are now of inputs that make a new run. While one of them cannot be had, what has been attempted stands. */
function* inputsDigest(situation: Situation<HTTPRequest>): Steps<string | undefined> {
  const { resource, now } = situation;
  const { spec, metadata } = resource;
  const names = spec.rerunOn?.inputs;
  if (!names) return undefined;
  const all = Object.entries(spec.inputs ?? {});
  const inputs = Object.fromEntries(all.filter(([name]) => names.includes(name) || names.includes("*")));
  const named = { ...resource, spec: { ...spec, inputs } };
  const known = yield* resolveDependencies({ ...situation, resource: named }, references(resource));
  if (known.type === "refusal") return undefined;
  const scope = scopeOf({ shared: named.spec, metadata, now: now.toISOString(), known: known.values });
  const result = yield* evaluate({ inputsOf: scope });
  return result.type === "values" ? `${digest(names.toSorted()).slice(0, 8)}:${String(result.values[0])}` : undefined;
}
/** What there is to compare: values of other inputs than those of which a digest was kept are no change. */
function comparable(inputs: string | undefined, { status }: HTTPRequest): string | undefined {
  const before = status?.attempt?.inputs;
  const namesOf = (text: string): string => text.slice(0, text.indexOf(":") + 1);
  return before === undefined || inputs === undefined || namesOf(before) === namesOf(inputs) ? inputs : undefined;
}

function* deliver(situation: Situation<HTTPRequest>, { attempt, desired, endpoint, report, event }: Delivery): Steps<Verdict> {
  const { resource, now, instanceId } = situation;
  const { spec } = resource;
  const undeclared = findUndeclared(resource);
  if (undeclared) return report.refused(undeclared);
  const known = yield* resolveDependencies(situation, references(resource));
  if (known.type === "refusal") return report.refused(known);
  if (spec.forEach) return yield* deliverEach(situation, { attempt, desired, endpoint, report, event }, known.values);
  const declared = declaredRequest(resource, attempt, known.values, event);
  const exchange = buildExchange({ ...declared, seesOnly: situation.seesOnly }, endpoint);
  if ("type" in exchange) return report.refused(exchange);
  const outputs = outputsOf(resource);
  const unwritable = yield* checkOutputs(outputs);
  if (unwritable) return report.refused(unwritable);
  const outcome = yield* sendExchange(
    exchange,
    decideBeforeSend(exchange, {
      attempt,
      instanceId,
      inFlight: report.inFlight,
      idempotent: spec.idempotent,
      keyed: idempotencyHeader(spec, endpoint) !== undefined,
    }),
  );
  if (outcome.type === "refusal") return report.refused(outcome);
  const judged = yield* judgeResponse(spec.expect, exchange, outcome);
  const ended: Attempt = endAfter(attempt, now, judged.tookMs);
  if (spec.poll && judged.succeeded && judged.response) {
    const begun = yield* beginPoll(spec.poll, { response: judged.response, scope: exchange.scope, field: "spec.poll", now });
    if (begun.type === "going")
      return report.polling({ ...ended, phase: "Polling" }, begun.poll, { ...begun, response: judged.response });
    if (begun.type === "failed") return report.done({ ...ended, phase: "Done" }, { ...begun, succeeded: false });
  }
  const judgement = yield* keepOutputs(judged, outputs, exchange, patienceOf(spec, desired, now));
  const conclusion = conclude(outcome, judgement.succeeded, ended, desired);
  switch (conclusion.type) {
    case "succeeded":
      return report.done({ ...ended, phase: "Done" }, judgement);
    case "failed": {
      const told = judged.succeeded ? judgement : tellNotAgain(judgement, { outcome, desired, method: spec.method });
      return report.done({ ...ended, phase: "Done" }, told);
    }
    case "retry":
      return report.retrying(markRetrying(ended, conclusion), desired, judgement);
    case "unknown":
      return report.unknown(leaveOpen(ended), judgement);
  }
}

/** Looks at the work that an attempt began. It was answered, so whatever comes of that, it is not sent again. */
function* look(situation: Situation<HTTPRequest>, { attempt, desired, endpoint, report, event }: Delivery): Steps<Verdict> {
  const { resource, now } = situation;
  const { spec, status } = resource;
  const done: Attempt = { ...attempt, phase: "Done", finishedAt: now.toISOString() };
  if (!spec.poll || !status?.poll) {
    const message = "it was answered as expected; its work is no longer asked after";
    return report.done(done, { succeeded: true, reason: "Succeeded", message });
  }
  const known = yield* resolveDependencies(situation, references(resource));
  if (known.type === "refusal") return report.refused(known);
  const { seesOnly } = situation;
  const declared = { ...declaredRequest(resource, attempt, known.values, event), seesOnly };
  const polled = yield* pollOnce({ poll: spec.poll, declared, endpoint, field: "spec.poll" }, status.poll, now);
  switch (polled.type) {
    case "refusal":
      return report.refused(polled);
    case "going":
      return report.polling(attempt, status.poll, polled);
    case "failed":
      return report.done(done, { ...polled, succeeded: false });
    case "succeeded": {
      const outputs = outputsOf(resource);
      const ended = { ...polled, succeeded: true };
      return report.done(done, yield* keepOutputs(ended, outputs, { scope: scopeOf(declared) }, patienceOf(spec, desired, now)));
    }
  }
}

/** A success whose outputs could not be written is none. */
function* keepOutputs<J extends Judgement>(
  judgement: J,
  outputs: readonly Output[],
  { scope }: Pick<Exchange, "scope">,
  patience: Patience,
): Steps<J> {
  const { succeeded, response, message } = judgement;
  if (!succeeded || !response) return judgement;
  const result = yield* writeOutputs(outputs, { scope, response }, patience);
  if (result.type === "ready") return { ...judgement, message: `${message}${unwrittenText(result.unwritten)}` };
  return { ...judgement, succeeded: false, reason: result.reason, message: `${message}; ${result.message}` };
}

function deliveryRecordOf({ status }: HTTPRequest): DeliveryRecord {
  const { attempt, completedRuns = 0, lastHandledReconcileAt } = status ?? {};
  const nextRunAt = nextTryOf(status ?? {});
  return {
    completedRuns,
    ...(attempt && { attempt }),
    ...(lastHandledReconcileAt !== undefined && { lastHandledReconcileAt }),
    ...(nextRunAt !== undefined && { nextRunAt }),
  };
}

function desiredOf({ spec, metadata, status }: HTTPRequest, endpoint: Endpoint | undefined): Desired {
  const { uid, annotations = {} } = metadata;
  const reconcileAt = reconcileAtOf(metadata);
  const arrived = annotations[arrivedAnnotation];
  return {
    uid,
    digest: sendDigest(spec),
    ...(reconcileAt !== undefined && { reconcileAt }),
    ...(arrived !== undefined && { arrived }),
    ...repetition(spec.method, spec, { endpoint, attempt: status?.attempt, idempotent: spec.idempotent }),
    onUnknown: spec.onUnknown,
    assumeDone: status?.attempt === undefined && annotations[assumeDoneAnnotation] === "true",
    retry: retryPolicy(spec.retry),
  };
}
