/**
 * Sends a create, update or delete by core/delivery's protocol, and returns its outcome.
 *
 * Invariant: what may have arrived and is not repeatable is `unknown`, however badly the server answered.
 */
import { endAfter } from "../../core/attempt-times.ts";
import { isInUse, isPassing, isRejected } from "../../core/answered-status.ts";
import { conclude, followsDoubt, markRetrying } from "../../core/conclusion.ts";
import { decide, runsBefore, type DeliveryRecord, type Desired } from "../../core/delivery.ts";
import { nextTryOf } from "../../core/next-look.ts";
import { wasNotActedOn, type Response } from "../../core/outcome.ts";
import { sendExchange, type Steps } from "../../core/plan.ts";
import { verbDigest, type Context, type Verb, type VerbAttempt } from "./context.ts";
import { exchangeOf, type Asked } from "./exchange.ts";
import { endpointFor, sharedBy } from "./endpoints.ts";
import { findLeaving, keepsOf } from "./keeps.ts";
import { hasArrived } from "./identity.ts";
import { ofFailure, ofSuccess, type Delivered } from "./delivered.ts";
import { tookMs } from "../request/judge.ts";
import { judgeAnswer, saysGone } from "./judge.ts";
import { locate } from "./observation.ts";
import { outputsOf } from "./outputs.ts";
import { beginPolling, unpollable } from "./poll.ts";
import type { Report } from "./report.ts";
import { decideBeforeSend } from "../request/before-send.ts";
import { checkOutputs } from "../request/outputs.ts";
import { repetition } from "../request/request.ts";

interface VerbDelivery {
  readonly verb: Verb;
  readonly request: Pick<Asked, "field" | "shape">;
  /** What it is derived from. */
  readonly response?: Response | undefined;
  readonly object?: unknown;
  /** After it the object has another id, so that a second one would find nothing, or somebody else's. */
  readonly renames?: boolean | undefined;
  /** As in the attempt. */
  readonly differs?: string | undefined;
  readonly repeats?: number;
  readonly mergePatch?: unknown;
  /** Places that need not be in it. */
  readonly same?: readonly string[];
  readonly onUnknown: Desired["onUnknown"];
  /** The digest of an attempt that has to be settled first, whatever the spec says by now. */
  readonly pinnedDigest?: string | undefined;
  /** A refusal is the end of it, though a try before may have arrived: it was refused so before, and whoever can tell sees nothing of it. */
  readonly isSettled?: boolean;
  /** Tries after the first, where it is not spec.retry's. */
  readonly limit?: number;
}

/** Makes one try at most. Throws for an attempt that is over, or whose work is polled: this is not to be asked then. */
export function* deliver(context: Context, report: Report, sending: VerbDelivery): Steps<Delivered> {
  const { now, instanceId } = context;
  const { verb, request } = sending;
  const desired = desiredOf(context, sending);
  const decision = decide(deliveryRecordOf(context, verb, desired.digest), desired, now);
  if (decision.type === "wait") return decision;
  if (decision.type === "unknown") return { type: "unknown", attempt: { ...decision.attempt, verb } };
  if (decision.type !== "send") throw new Error("an attempt that is over is not asked about");
  const isCreate = verb === "Create";
  const attempt: VerbAttempt = {
    ...decision.attempt,
    verb,
    // What was answered as expected before stays so, however this try ends.
    ...(isCreate && decision.attempt.inDoubt && hasArrived(context.attempt) && { succeeded: true }),
    ...(sending.differs !== undefined && { differs: sending.differs }),
    ...(sending.repeats && { repeats: sending.repeats }),
  };

  const expressionsToValidate = isCreate ? locate("spec.externalID", context.spec.externalID) : [];
  const isRemoval = verb === "Delete" || verb === "BeforeDelete";
  const exchange =
    unpollable(request) ??
    (isRemoval ? undefined : findLeaving(context)) ??
    exchangeOf(context, { ...request, ...sending, attempt, expressionsToValidate });
  if ("type" in exchange) return exchange;
  // What is made of the answer could not be made again: where there is no place for it, it is not asked for.
  const unwritable = isRemoval ? undefined : yield* checkOutputs(outputsOf(context));
  if (unwritable) return unwritable;
  const before = decideBeforeSend(exchange, {
    attempt,
    instanceId,
    idempotent: sending.renames ? false : request.shape.idempotent,
    keyed: desired.repeatable && !sending.renames,
    creates: isCreate,
    isPlaced: isCreate && context.address !== undefined,
    inFlight: (sent) => report.inFlight(sent),
  });
  const outcome = yield* sendExchange(exchange, before, isRemoval ? {} : keepsOf(context));
  if (outcome.type === "refusal") return outcome;

  const judgement = yield* judgeAnswer(context, request, exchange, outcome);
  const { response } = judgement;
  const ended: VerbAttempt = endAfter(attempt, now, tookMs(outcome));
  const isGone = isRemoval && saysGone(response);
  if (judgement.succeeded && response) {
    const working = yield* beginPolling(context, { request, exchange, attempt: ended, response });
    if (working) return working;
  }
  const conclusion = conclude(outcome, judgement.succeeded || isGone, ended, desired);
  const isRefused = judgement.reason === "Refused" || (response !== undefined && isRejected(response));
  // What may have renamed the object is in doubt, by whatever method: the old name's absence would else be believed.
  const mayHaveRenamed = sending.renames === true && !isRefused && !wasNotActedOn(outcome);
  if (mayHaveRenamed && conclusion.type !== "succeeded")
    return { type: "unknown", attempt: { ...ended, phase: "Unknown" }, judgement };
  switch (conclusion.type) {
    case "succeeded":
      return yield* ofSuccess(context, { attempt: ended, judgement, scope: exchange.scope });
    case "retry":
      return { type: "retry", attempt: markRetrying(ended, conclusion), judgement };
    case "failed":
    case "unknown": {
      // A refusal says that nothing was done, and so does what never left, if no try before it may have. Nothing else does.
      const isFirst = attempt.tries === 1 || (!desired.repeatable && desired.onUnknown === "Stall");
      const isDoubtful = followsDoubt(attempt, desired);
      const isFinal = judgement.reason === "Refused" || (response !== undefined && !isPassing(response));
      // What its server may be at still only a person can give up.
      const isOver = sending.isSettled === true && isFinal && (context.asked !== undefined || !response || !isInUse(response));
      const isCertain = isRefused ? !isDoubtful || isOver : isFirst && wasNotActedOn(outcome);
      const refused = isFinal && isDoubtful && desired.sentAs !== undefined;
      return ofFailure(ended, judgement, { isCertain, refused, repeatable: desired.repeatable });
    }
  }
}

/** An attempt that is over, or is another verb's, is no answer to whether this one is to be sent: what was observed is. */
function deliveryRecordOf({ status, attempt }: Context, verb: Verb, digest: string): DeliveryRecord {
  const { completedRuns = 0, lastHandledReconcileAt } = status;
  const nextRunAt = nextTryOf(status);
  // Its server knows it again, so that it is sent at the next interval though it was refused.
  const record: DeliveryRecord = { completedRuns, ...(attempt && { attempt: withoutRefusal(attempt) }) };
  const isOpen = attempt?.verb === verb && attempt.phase !== "Done";
  return {
    ...(isOpen ? record : { completedRuns: runsBefore(record, { digest }) }),
    ...(nextRunAt !== undefined && { nextRunAt }),
    ...(lastHandledReconcileAt !== undefined && { lastHandledReconcileAt }),
  };
}

function withoutRefusal(attempt: VerbAttempt): VerbAttempt {
  const { refused: _, ...rest } = attempt;
  return rest;
}

function desiredOf(context: Context, { verb, request, onUnknown, pinnedDigest, limit }: VerbDelivery): Desired {
  const { resource, spec, attempt, asked, retry } = context;
  const { shape } = request;
  return {
    uid: resource.metadata.uid,
    digest: pinnedDigest ?? verbDigest(context, verb),
    ...(asked !== undefined && { reconcileAt: asked }),
    ...repetition(shape.method, sharedBy(spec, shape), {
      endpoint: endpointFor(context, shape),
      attempt,
      idempotent: shape.idempotent,
    }),
    onUnknown,
    assumeDone: false,
    ...(context.mayBeMended && { mayBeMended: true }),
    retry: limit === undefined ? retry : { ...retry, limit },
  };
}
