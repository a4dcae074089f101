/**
 * HTTPRequest's plan: decide whether what is declared is still to be sent, send it, and say what came of it.
 *
 * The order of everything that may be sent only once is core/delivery's; this file turns its decisions into steps and
 * a status.
 */
import { conclude, decide, type Attempt, type Ledger, type Wish } from "../core/delivery.ts";
import { durationMs } from "../core/duration.ts";
import type { Exchange, Outcome } from "../core/exchange.ts";
import { isExpectedStatus } from "../core/expectation.ts";
import type { Output } from "../core/output.ts";
import {
  evaluated,
  exchanged,
  type Dependency,
  type Kind,
  type Precaution,
  type Plan,
  type Situation,
  type Step,
  type Verdict,
} from "../core/plan.ts";
import { assumeDoneAnnotation, reconcileAtAnnotation } from "../core/resource.ts";
import { dependsOnInputs } from "../core/templating.ts";
import { dependenciesOf, resolveDependencies } from "./dependencies.ts";
import { declaredOutputs, outputsChecked, outputsWritten } from "./outputs.ts";
import { httpRequestReport, type Judgement, type Report } from "./http-request-status.ts";
import { buildExchange, declaredRequest, expectedThat, idempotencyHeader, isIdempotent, sendDigest } from "./request.ts";
import { httpEndpointType, httpRequestType, type HTTPEndpoint, type HTTPRequest } from "./types.ts";

export const httpRequestKind: Kind<HTTPRequest> = {
  type: httpRequestType,
  references,
  plan,
};

function references(resource: HTTPRequest): Dependency[] {
  const { namespace } = resource.metadata;
  const { endpointRef } = resource.spec;
  return [
    ...(endpointRef?.kind === "HTTPEndpoint" ? [{ type: httpEndpointType, key: { namespace, name: endpointRef.name } }] : []),
    ...dependenciesOf(resource),
  ];
}

function* plan(situation: Situation<HTTPRequest>): Plan {
  const { resource, now } = situation;
  const report = httpRequestReport(resource, now);
  if (resource.metadata.deletionTimestamp !== undefined) return report.unchanged("Deleting");
  const endpoint = resource.spec.endpointRef && (situation.references[0] as HTTPEndpoint | undefined);
  const wish = wishOf(resource, endpoint);
  const decision = decide(ledgerOf(resource), wish, now);
  switch (decision.type) {
    case "rest":
      return report.rest();
    case "assumeDone":
      return report.done(decision.attempt, {
        succeeded: true,
        reason: "AssumedDone",
        message: `nothing was sent: ${assumeDoneAnnotation} is set`,
      });
    case "unknown":
      return report.unknown(decision.attempt, "the process that was sending it ended before the outcome was known");
    case "wait":
      return resource.spec.suspend ? report.suspended() : report.waiting(decision.delayMs);
    case "send":
      return resource.spec.suspend
        ? report.suspended()
        : yield* deliver(situation, { attempt: decision.attempt, wish, endpoint, report });
  }
}

interface Delivery {
  readonly attempt: Attempt;
  readonly wish: Wish;
  readonly endpoint: HTTPEndpoint | undefined;
  readonly report: Report;
}

function* deliver(
  situation: Situation<HTTPRequest>,
  { attempt, wish, endpoint, report }: Delivery,
): Generator<Step, Verdict, never> {
  const { resource, now, sender } = situation;
  const { spec } = resource;
  const known = yield* resolveDependencies(situation, references(resource));
  if (known.type === "refusal") return report.refused(known);
  const exchange = buildExchange(declaredRequest(resource, attempt, known.values), endpoint);
  if ("type" in exchange) return report.refused(exchange);
  const outputs = declaredOutputs(spec.outputs, "spec.outputs");
  const unwritable = yield* outputsChecked(outputs);
  if (unwritable) return report.refused(unwritable);
  const outcome = yield* exchanged(
    exchange,
    precaution(exchange, { attempt, sender, report, keyed: idempotencyHeader(spec, endpoint) !== undefined }),
  );
  if (outcome.type === "refusal") return report.refused(outcome);
  const judgement = yield* kept(yield* judge(resource, exchange, outcome), outputs, exchange);
  const ended: Attempt = { ...attempt, finishedAt: new Date(now.getTime() + judgement.tookMs).toISOString() };
  switch (conclude(outcome, judgement.succeeded, ended, wish).type) {
    case "succeeded":
    case "failed":
      return report.done({ ...ended, phase: "Done" }, judgement);
    case "retry":
      return report.retrying({ ...ended, phase: "Retrying" }, wish.retry, judgement);
    case "unknown":
      return report.unknown({ ...ended, phase: "Unknown" }, judgement.message);
  }
}

/** A success whose outputs could not be written is none. */
function* kept<J extends Judgement>(judgement: J, outputs: readonly Output[], { scope }: Exchange): Generator<Step, J, never> {
  const { succeeded, response, message } = judgement;
  if (!succeeded || !response) return judgement;
  const problem = yield* outputsWritten(outputs, { scope, response });
  if (!problem) return judgement;
  return { ...judgement, succeeded: false, reason: problem.reason, message: `${message}; ${problem.message}` };
}

function* judge(
  { spec: { expect } }: HTTPRequest,
  { scope }: Exchange,
  outcome: Exclude<Outcome, { type: "refusal" }>,
): Generator<Step, Judgement & { tookMs: number }, never> {
  if (outcome.type === "failure") return { succeeded: false, reason: outcome.reason, message: outcome.message, tookMs: 0 };
  const { response } = outcome;
  const seen = { response, tookMs: response.durationMs };
  const answered = `answered ${response.statusCode}`;
  if (!isExpectedStatus(expect.status, response.statusCode)) {
    return {
      ...seen,
      succeeded: false,
      reason: "UnexpectedStatus",
      message: `${answered}, where spec.expect.status has ${expect.status.join(", ")}`,
    };
  }
  if (expect.that === undefined) return { ...seen, succeeded: true, reason: "Succeeded", message: answered };
  const result = yield* evaluated({ scope, response, expressions: expectedThat(expect, "spec.expect") });
  if (result.type === "refusal")
    return { ...seen, succeeded: false, reason: result.reason, message: `${answered}; ${result.message}` };
  return result.values[0] === true
    ? { ...seen, succeeded: true, reason: "Succeeded", message: `${answered}, as spec.expect.that says` }
    : {
        ...seen,
        succeeded: false,
        reason: "UnexpectedResponse",
        message: `${answered}, but spec.expect.that does not yield true`,
      };
}

/**
 * Without an intent, a crash would leave no trace of a request that may have left. A key that is honoured makes it
 * needless, if what is sent again is the same; then it is enough to be sure that the run has not been recorded yet.
 */
function precaution(
  { request }: Exchange,
  { attempt, sender, report, keyed }: { attempt: Attempt; sender: string; report: Report; keyed: boolean },
): Precaution {
  if (isIdempotent(request.method)) return { type: "none" };
  if (keyed && !dependsOnInputs(request)) return { type: "confirm" };
  return { type: "intent", status: report.inFlight({ ...attempt, sender }), attemptId: attempt.id, sender };
}

function ledgerOf({ status }: HTTPRequest): Ledger {
  const { attempt, completedRuns = 0, lastHandledReconcileAt, nextRunAt } = status ?? {};
  return {
    completedRuns,
    ...(attempt && { attempt }),
    ...(lastHandledReconcileAt !== undefined && { lastHandledReconcileAt }),
    ...(nextRunAt !== undefined && { nextRunAt }),
  };
}

function wishOf({ spec, metadata: { uid, annotations = {} }, status }: HTTPRequest, endpoint: HTTPEndpoint | undefined): Wish {
  const reconcileAt = annotations[reconcileAtAnnotation];
  const { limit, backoff, on, never } = spec.retry;
  return {
    uid,
    digest: sendDigest(spec),
    ...(reconcileAt !== undefined && { reconcileAt }),
    repeatable: isIdempotent(spec.method) || idempotencyHeader(spec, endpoint) !== undefined,
    onUnknown: spec.onUnknown,
    assumeDone: status?.attempt === undefined && annotations[assumeDoneAnnotation] === "true",
    retry: {
      limit,
      initialMs: durationMs(backoff.initial),
      maxMs: durationMs(backoff.max),
      ...(on && { on }),
      ...(never && { never }),
    },
  };
}
