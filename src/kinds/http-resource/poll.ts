/**
 * The work that goes on after the answer to a create, update or delete.
 *
 * Invariant: an attempt that was answered is not sent again while its work is asked after, and what cannot be followed any
 * more is not taken for failed where it must not be begun twice.
 */
import type { Steps } from "../../core/plan.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Refusal, Response } from "../../core/outcome.ts";
import { deliveredByCreate, deliveredNow } from "./delivery-record.ts";
import type { Context, Verb, VerbAttempt } from "./context.ts";
import { declaredOf, type Asked } from "./exchange.ts";
import { isRepeatable, ofFailure, ofSuccess, takenFrom, type Delivered } from "./delivered.ts";
import { endpointFor } from "./endpoints.ts";
import { saysGone } from "./judge.ts";
import { beginPoll, isMadeOfResponse, pollOnce } from "../request/poll.ts";
import { scopeOf } from "../request/request.ts";

type Request = Pick<Asked, "field" | "shape">;

/** Where the URL is made of what was observed, it cannot be made again when the work is asked after. */
export function unpollable({ field, shape: { poll, url = "", path = "", query = [] } }: Request): Refusal | undefined {
  if (!poll || ![url, path, ...query.map(({ value }) => value)].some(isMadeOfResponse)) return undefined;
  const message = `${field}.poll: does not go with a URL, path or query that is made of .response`;
  return { type: "refusal", reason: "InvalidRequest", message, heals: false };
}

/** Of an answer that is as expected. Undefined: it is the end. */
export function* beginPolling(
  context: Context,
  {
    request: { field, shape },
    exchange: { scope },
    attempt,
    response,
  }: {
    readonly request: Request;
    readonly exchange: Exchange;
    readonly attempt: VerbAttempt;
    readonly response: Response;
  },
): Steps<Delivered | undefined> {
  if (!shape.poll) return undefined;
  const found = yield* beginPoll(shape.poll, { response, scope, field: `${field}.poll`, now: context.now });
  switch (found.type) {
    case "none":
    case "succeeded":
      return undefined;
    case "failed":
      return loseTrack(context, shape, { attempt, judgement: { ...found, ...prefixMessage(field, found), succeeded: false } });
    case "going": {
      const externalID = attempt.verb === "Create" ? yield* takenFrom(context, scope, response) : undefined;
      const { poll, delayMs } = found;
      const id = externalID === undefined ? {} : { externalID };
      return {
        type: "polling",
        attempt: { ...attempt, ...(yield* sentInputs(context, attempt)), phase: "Polling" },
        poll,
        delayMs,
        ...prefixMessage(field, found),
        response,
        ...id,
      };
    }
  }
}

/** When the work has ended they can have other values than those that were sent. */
function* sentInputs(context: Context, { verb }: VerbAttempt): Steps<{ readonly inputs?: string }> {
  if (verb !== "Create" && verb !== "Update") return {};
  const now = context.delivering ?? (yield* deliveredNow(context));
  if (!now || "type" in now) return {};
  const { inputs } = verb === "Create" ? deliveredByCreate(context, now) : now;
  return inputs === undefined ? {} : { inputs };
}

/** One look at the work of an attempt that is Polling. */
export function* pollDelivery(context: Context, attempt: VerbAttempt): Steps<Delivered> {
  const { spec, status, now, externalID } = context;
  const { field, shape } = declaredVerb(context, attempt.verb);
  const known = attempt.verb === "Create" ? externalID : undefined;
  const ended: VerbAttempt = { ...attempt, finishedAt: now.toISOString() };
  if (!shape?.poll || !status.poll) {
    const message = `${field}: it was answered as expected; its work is no longer asked after`;
    const scope = scopeOf({ shared: spec, metadata: context.resource.metadata, now: attempt.startedAt });
    const judgement = { succeeded: true, reason: "Succeeded", message };
    return yield* ofSuccess(context, { attempt: ended, judgement, scope, known });
  }
  const declared = declaredOf(context, { field, shape, attempt, expressionsToValidate: [] });
  const { poll } = status;
  const endpoint = endpointFor(context, shape);
  const polled = yield* pollOnce({ poll: shape.poll, declared, endpoint, field: `${field}.poll` }, poll, now);
  switch (polled.type) {
    case "refusal":
      return polled;
    case "going":
      return {
        type: "polling",
        attempt,
        poll,
        delayMs: polled.delayMs,
        ...prefixMessage(field, polled),
        ...(known !== undefined && { externalID: known }),
      };
    case "succeeded": {
      const judgement = { ...polled, ...prefixMessage(field, polled), succeeded: true };
      return yield* ofSuccess(context, { attempt: ended, judgement, scope: scopeOf(declared), known });
    }
    case "failed": {
      const judgement = { ...polled, ...prefixMessage(field, polled), succeeded: false };
      const isOperation = poll.from === "Operation-Location" || poll.from === "Azure-AsyncOperation";
      const isGone = saysGone(polled.response) && shape.poll.until === undefined && !isOperation;
      if (attempt.verb === "Delete" && isGone)
        return { type: "succeeded", attempt: { ...ended, phase: "Done", succeeded: true }, judgement };
      if (polled.isSaid) return ofFailure(ended, judgement, { isCertain: true, repeatable: false });
      return loseTrack(context, shape, { attempt: ended, judgement });
    }
  }
}

type Ended = Parameters<typeof ofFailure>;

/** It has arrived, and nobody can say what became of it. */
function loseTrack(
  context: Context,
  shape: Asked["shape"] | undefined,
  { attempt, judgement }: { readonly attempt: Ended[0]; readonly judgement: Ended[1] },
): Delivered {
  const repeatable = shape !== undefined && isRepeatable(context, shape);
  const over = ofFailure(attempt, judgement, { isCertain: false, repeatable });
  if (over.type === "unknown") return { ...over, attempt: { ...over.attempt, succeeded: true } };
  // Its server knows it again, and can say once more where to ask.
  return over.type === "failed" && attempt.verb === "Create"
    ? { ...over, attempt: { ...over.attempt, succeeded: true, inDoubt: true } }
    : over;
}

function declaredVerb({ spec }: Context, verb: Verb): { readonly field: string; readonly shape: Asked["shape"] | undefined } {
  switch (verb) {
    case "Create":
      return { field: "spec.create", shape: spec.create };
    case "Update": {
      const { body: { mergePatch: _, ...content } = {}, method = "PUT", ...rest } = spec.update ?? {};
      // It is not sent again, but its Secrets can stand in what is answered.
      const body = Object.keys(content).length > 0 ? { body: content } : {};
      return { field: "spec.update", shape: spec.update && { ...rest, ...body, expect: spec.update.expect, method } };
    }
    case "BeforeDelete":
      return { field: "spec.beforeDelete", shape: spec.beforeDelete };
    case "Delete":
      return { field: "spec.delete", shape: spec.delete };
  }
}

function prefixMessage(field: string, { message }: { readonly message: string }): { readonly message: string } {
  return { message: `${field}: ${message}` };
}
