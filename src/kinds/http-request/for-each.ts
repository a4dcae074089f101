/**
 * One request an item of a list, in parallel: each item with an attempt id of its own, and judged for itself.
 *
 * Invariant: while an attempt lasts, an item that has succeeded, or has failed for good, is not sent again.
 */
import { endAfter } from "../../core/attempt-times.ts";
import type { TriggerEvent } from "../../api/trigger.ts";
import type { ForEach, ItemStatus } from "../../api/for-each.ts";
import { conclude, leaveOpen, markRetrying } from "../../core/conclusion.ts";
import { isKnownAgain, isTaken, type Attempt, type Desired } from "../../core/delivery.ts";
import { attemptUUID } from "../../core/tools/digest.ts";
import type { ListEvaluation, Scope, ScopeItem } from "../../core/evaluation.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Outcome, Refusal, Response } from "../../core/outcome.ts";
import { redact } from "../../core/redacted.ts";
import type { Output } from "../../core/output.ts";
import {
  evaluate,
  sendExchanges,
  type EvaluationResult,
  type Patience,
  type Situation,
  type Verdict,
  type Steps,
} from "../../core/plan.ts";
import { tellNotAgain } from "./not-again.ts";
import type { Report } from "./report.ts";
import type { Judgement } from "../request/recorded.ts";
import { judgeResponse } from "../request/judge.ts";
import { checkOutputs, unwrittenText, writeOutputs } from "../request/outputs.ts";
import { outputsOf, patienceOf } from "./outputs.ts";
import { decideBeforeSend } from "../request/before-send.ts";
import { buildExchange, declaredRequest, idempotencyHeader, scopeOf, type DeclaredRequest } from "../request/request.ts";
import { keptWithin, maxKeptBytes, sumUp, withoutBody, type ItemEnd, type SentItem } from "./sent-item.ts";
import type { HTTPRequest, UsedEndpoint } from "../types.ts";

export interface Delivery {
  readonly attempt: Attempt;
  readonly desired: Desired;
  readonly endpoint: UsedEndpoint | undefined;
  readonly report: Report;
  /** What a trigger tells of. */
  readonly event: TriggerEvent | undefined;
}

type Known = ReadonlyMap<string, unknown>;

/** One attempt of all items that are not over. `known`: inputs that come from other objects, by name. */
export function* deliverEach(
  { resource, now, instanceId, seesOnly }: Situation<HTTPRequest>,
  { attempt, desired, endpoint, report }: Delivery,
  known: Known,
): Steps<Verdict> {
  const { spec, status: before } = resource;
  if (!desired.repeatable) return report.refused(notRepeatable(resource));
  const list = listOf(resource, attempt, known);
  const items = "list" in list ? derivedItems(yield* evaluate(list)) : list;
  if ("type" in items) return report.refused(items);
  const earlier = earlierOf(before, attempt, items);
  const due: readonly ItemStatus["phase"][] = isTaken(before ?? {}, desired) ? ["Retrying", "Unknown"] : ["Retrying"];
  const pending = items.filter((item) => due.includes(earlier.get(itemId(attempt, item))?.phase ?? "Retrying"));
  const exchanges: Exchange[] = [];
  for (const item of pending) {
    const exchange = buildExchange({ ...declaredItem(resource, { attempt, item, known }), seesOnly }, endpoint);
    if ("type" in exchange) return report.refused(exchange);
    exchanges.push(exchange);
  }
  const [first] = exchanges;
  if (!first) {
    const over = items.map((item) => ({ ...(earlier.get(itemId(attempt, item)) as ItemStatus), index: item.index }));
    const ended = { ...attempt, finishedAt: now.toISOString() };
    if (over.some(({ phase }) => phase === "Unknown")) return report.unknown(leaveOpen(ended), sumUp(over, [], now));
    return report.done({ ...ended, phase: "Done" }, over.length === 0 ? nothingToSend : sumUp(over, [], now));
  }
  // Whatever was on its way when a process died may have arrived.
  const wasSending = before?.attempt?.id === attempt.id && before.attempt.phase === "InFlight";
  const keyed = idempotencyHeader(spec, endpoint) !== undefined;
  const outputs = outputsOf(resource);
  const unwritable = yield* checkOutputs(outputs);
  if (unwritable) return report.refused(unwritable);
  const room = { leftBytes: outputs.length > 0 ? maxKeptBytes : 0 };
  const result = yield* sendExchanges(
    exchanges,
    decideBeforeSend(first, { attempt, instanceId, inFlight: report.inFlight, idempotent: spec.idempotent, keyed }),
    function* (outcome, position) {
      const [item, exchange] = [pending[position] as ScopeItem, exchanges[position] as Exchange];
      const { tries: tried = 0, inDoubt: doubted = tried > 0 } = earlier.get(itemId(attempt, item)) ?? {};
      const inDoubt = desired.sentAs !== undefined && attempt.inDoubt === true && (doubted || wasSending);
      const one = yield* judgeItem(outcome, { spec, item, exchange, attempt, tried, inDoubt, desired });
      return outputs.length > 0 ? keptWithin(room, one) : withoutBody(one);
    },
  );
  if (result.type === "refusal") return report.refused(result);
  const patience = patienceOf(spec, desired, now);
  const { sent, note } = yield* keepOutputs(result.judgements, { outputs, scope: first.scope, count: items.length, patience });
  const tookMs = Math.max(...sent.map((one) => one.judgement.tookMs));
  const ended: Attempt = endAfter(attempt, now, tookMs);
  const statuses = items.map((item): ItemStatus => {
    const { index } = item;
    const one = sent.find((each) => each.item.index === index);
    const past = earlier.get(itemId(attempt, item));
    return { ...((one?.status ?? past) as ItemStatus), index };
  });
  const sum = sumUp(statuses, sent, now);
  const judgement = { ...sum, message: `${sum.message}${note}` };
  const inDoubt = attempt.inDoubt === true || sent.some((one) => one.inDoubt);
  const unsent = sent.every((one) => one.unsent);
  const isOpen = statuses.some(({ phase }) => phase === "Unknown");
  if (statuses.some(({ phase }) => phase === "Retrying")) {
    // Of items in doubt that were sent in two ways a server knows all again by neither.
    const isMixed = !unsent && !isKnownAgain(attempt, desired);
    const { refused: _, ...tried } = ended;
    const retrying = markRetrying(tried, { type: "retry", inDoubt, unsent, ...(isMixed && { sentAs: spec.method }) });
    return report.retrying({ ...retrying, ...(isOpen && { refused: true }) }, desired, judgement);
  }
  return isOpen
    ? report.unknown(leaveOpen({ ...ended, inDoubt }), judgement)
    : report.done({ ...ended, phase: "Done" }, judgement);
}

/** One of the requests. Its own attempt id is the same whenever that of the whole is. */
export function declaredItem(
  resource: Pick<HTTPRequest, "spec" | "metadata">,
  { attempt, item, known }: { readonly attempt: Attempt; readonly item: ScopeItem; readonly known: Known },
): DeclaredRequest {
  const declared = declaredRequest(resource, { ...attempt, id: itemId(attempt, item) }, known);
  return { ...declared, sees: { ...declared.sees, item } };
}
function itemId({ id }: Attempt, { index, identity }: ScopeItem): string {
  return attemptUUID([id, identity ?? String(index)]);
}
/** What came of the items so far, by their ids. A list whose items are known by their places is another if its length is. */
function earlierOf(
  status: HTTPRequest["status"],
  attempt: Attempt,
  items: readonly ScopeItem[],
): ReadonlyMap<string, ItemStatus> {
  const before = status?.attempt?.id === attempt.id ? (status.items ?? []) : [];
  const isKnown = before.length === items.length || items.every(({ identity }) => identity !== undefined);
  return new Map(isKnown ? before.map((item) => [item.id, item]) : []);
}

/** The items, where they are written in the spec; else what to evaluate for `derivedItems`. */
export function listOf(
  resource: Pick<HTTPRequest, "spec" | "metadata">,
  attempt: Attempt,
  known: Known,
): readonly ScopeItem[] | ListEvaluation {
  const { items = [], expression } = resource.spec.forEach as ForEach;
  if (expression === undefined)
    return items.map((value, index) => ({ json: redact(JSON.stringify(value)), index, derived: false }));
  const scope = scopeOf(declaredRequest(resource, attempt, known));
  return { scope, list: { field: "spec.forEach.expression", text: expression } };
}
/**
 * The items that an expression yielded, or the refusal that it ended in. Where their digests are known, an item is known again
 * by its value, and of equal ones by their number.
 */
export function derivedItems(result: EvaluationResult): readonly ScopeItem[] | Refusal {
  if (result.type === "refusal") return result;
  const { items = [], digests } = result;
  return items.map((json, index) => {
    const digest = digests?.[index];
    const twins = digests?.slice(0, index).filter((one) => one === digest).length;
    return { json, index, derived: true, ...(digest !== undefined && { identity: `${digest}/${twins}` }) };
  });
}

interface ItemDelivery {
  readonly spec: HTTPRequest["spec"];
  readonly item: ScopeItem;
  readonly exchange: Exchange;
  readonly attempt: Attempt;
  /** How many times it had been sent before. */
  readonly tried: number;
  /** Whether one of these tries may have arrived. */
  readonly inDoubt: boolean;
  readonly desired: Desired;
}
function* judgeItem(outcome: Outcome, { spec, item, exchange, attempt, tried, inDoubt, desired }: ItemDelivery): Steps<SentItem> {
  const about = { index: item.index, id: itemId(attempt, item) };
  const keepDoubt = (mayHaveArrived: boolean) => (desired.sentAs === undefined ? {} : { inDoubt: mayHaveArrived });
  if (outcome.type === "refusal") {
    const { reason, message, heals } = outcome;
    const judgement = { succeeded: false, reason, message, tookMs: 0 };
    const isOpen = inDoubt && desired.onUnknown === "Stall";
    const phase = heals ? "Retrying" : isOpen ? "Unknown" : "Failed";
    const status = { ...about, phase, reason, tries: tried, ...(phase !== "Failed" && keepDoubt(inDoubt)) } as const;
    const end: ItemEnd = { inDoubt, unsent: true, status };
    return { item, judgement, ...end, otherwise: end };
  }
  const judgement = yield* judgeResponse(spec.expect, exchange, outcome);
  // An item that waited for its turn has not been tried.
  const own = { ...attempt, tries: tried + 1, inDoubt };
  const { reason, response } = judgement;
  const endAs = (asExpected: boolean): ItemEnd => {
    const conclusion = conclude(outcome, asExpected, own, desired);
    const { type } = conclusion;
    const phase = ({ succeeded: "Succeeded", retry: "Retrying", unknown: "Unknown", failed: "Failed" } as const)[type];
    const mayHaveArrived = type === "unknown" || (type === "retry" && conclusion.inDoubt);
    const isOver = type === "succeeded" || type === "failed";
    const known = { tries: own.tries, ...(response && { statusCode: response.statusCode }) };
    return {
      inDoubt: mayHaveArrived,
      unsent: type === "retry" && conclusion.unsent,
      status: { ...about, phase, reason, ...known, ...(!isOver && keepDoubt(mayHaveArrived)) },
    };
  };
  const end = endAs(judgement.succeeded);
  const isOver = end.status.phase === "Failed";
  const told = isOver ? tellNotAgain(judgement, { outcome, desired, method: spec.method }) : judgement;
  return { item, judgement: told, ...end, otherwise: endAs(false) };
}

/** A success whose outputs could not be written is none. */
function* keepOutputs(
  sent: readonly SentItem[],
  {
    outputs,
    scope,
    count,
    patience,
  }: { readonly outputs: readonly Output[]; readonly scope: Scope; readonly count: number; readonly patience: Patience },
): Steps<{ readonly sent: readonly SentItem[]; readonly note: string }> {
  const responses: (Response | undefined)[] = Array.from({ length: count });
  for (const { item, judgement } of sent) if (judgement.succeeded) responses[item.index] = judgement.response;
  if (responses.every((response) => response === undefined)) return { sent, note: "" };
  const { item: _, ...shared } = scope;
  const result = yield* writeOutputs(outputs, { scope: shared, responses }, patience);
  if (result.type === "ready") return { sent, note: unwrittenText(result.unwritten) };
  const { reason, message } = result;
  const refused = sent.map((one) =>
    one.judgement.succeeded
      ? {
          ...one,
          ...one.otherwise,
          judgement: { ...one.judgement, succeeded: false, reason, message },
          status: { ...one.otherwise.status, reason },
        }
      : one,
  );
  return { sent: refused, note: "" };
}

const nothingToSend: Judgement = { succeeded: true, reason: "Succeeded", message: "nothing to send: 0 items", items: [] };
function notRepeatable({ spec: { method, endpointRef } }: HTTPRequest): Refusal {
  return {
    type: "refusal",
    reason: "InvalidRequest",
    message: `spec.forEach: ${method} is sent for several items only with an idempotencyKey, here or on the endpoint, or where idempotent is true`,
    heals: endpointRef !== undefined,
  };
}
