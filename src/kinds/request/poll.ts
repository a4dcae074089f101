/**
 * Work that goes on after an answer: where it is asked after, and what an answer to that means. For any kind's plan.
 *
 * Invariant: what is kept of the URL is a template in which no input's value stands, and what a server sent in it is
 * literal text: it is never expanded.
 */
import type { Poll, PollStatus } from "../../api/poll.ts";
import { isPassing } from "../../core/answered-status.ts";
import { mayRead } from "../../core/expression-reads.ts";
import { durationMs } from "../../core/tools/duration.ts";
import type { Scope } from "../../core/evaluation.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Outcome, Response } from "../../core/outcome.ts";
import type { Located } from "../../core/request-template.ts";
import { evaluate, sendExchange, type Steps } from "../../core/plan.ts";
import { retryAfterFieldMs } from "../../core/retry.ts";
import { escapeTemplate, parseTemplate, wholeExpression, type Part } from "../../core/templating.ts";
import { secretsInBody } from "./hidden.ts";
import { buildExchange, type DeclaredRequest } from "./request.ts";
import type { UsedEndpoint } from "../types.ts";

/** Milliseconds until the poll that comes next, and why there is one, for people. */
interface Going {
  readonly type: "going";
  readonly delayMs: number;
  readonly message: string;
}
interface Ended {
  readonly type: "succeeded" | "failed";
  readonly reason: string;
  readonly message: string;
  readonly response?: Response;
  /** Of a failure: the server said that the work has failed. Otherwise it only cannot be followed any more. */
  readonly isSaid?: true;
}
type Begun = (Going & { readonly poll: PollStatus }) | Ended | { readonly type: "none" };
type Polled = Going | Ended | Extract<Outcome, { type: "refusal" }>;

const longestURL = 2048;
const operationFields = ["azure-asyncoperation", "operation-location"] as const;
const fieldNames = {
  "azure-asyncoperation": "Azure-AsyncOperation",
  "operation-location": "Operation-Location",
  location: "Location",
} as const;

const operationStatus = '.response.body | (if type == "object" then .status else null end) | tostring | ascii_downcase';
const failedOperation = `(${operationStatus}) | IN("failed", "canceled", "cancelled")`;
const endedOperation = `(${operationStatus}) | IN("succeeded", "failed", "canceled", "cancelled")`;

/** Whether an answer is followed by a poll. `field`: where `poll` is written. */
export function* beginPoll(
  poll: Poll,
  {
    response,
    scope,
    field,
    now,
  }: { readonly response: Response; readonly scope: Scope; readonly field: string; readonly now: Date },
): Steps<Begun> {
  const found = poll.url === undefined ? inHeader(response, field) : yield* declaredURL(poll.url, { response, scope, field });
  if (found.type !== "url") return found;
  const { url, from } = found;
  const delayMs = pauseMs(poll, response, now);
  return { ...goOn(delayMs, response.statusCode), poll: { url, from, startedAt: now.toISOString() } };
}

/** One look at the work. `declared`: the request whose work it is. */
export function* pollOnce(
  {
    poll,
    declared,
    endpoint,
    field,
  }: {
    readonly poll: Poll;
    readonly declared: DeclaredRequest;
    readonly endpoint: UsedEndpoint | undefined;
    readonly field: string;
  },
  status: PollStatus,
  now: Date,
): Steps<Polled> {
  const exchange = pollExchange(poll, declared, { endpoint, location: { field: `${field}.url`, text: status.url } });
  if ("type" in exchange) return exchange;
  const outcome = yield* sendExchange(exchange, { type: "nothing" });
  if (outcome.type === "refusal") return outcome;
  const seen = yield* judgePoll(poll, { outcome, status, scope: exchange.scope, field, now });
  const leftMs = Date.parse(status.startedAt) + durationMs(poll.timeout) - now.getTime();
  if (seen.type !== "going") return seen;
  if (leftMs <= 0) return { type: "failed", reason: "PollTimeout", message: `${seen.message}; ${field}.timeout is over` };
  return { ...seen, delayMs: Math.min(seen.delayMs, leftMs) };
}

type PollURL =
  { readonly type: "url"; readonly url: string; readonly from: PollStatus["from"] } | Ended | { readonly type: "none" };

function failPoll(reason: string, message: string, response?: Response): Ended {
  return { type: "failed", reason, message, ...(response && { response }) };
}

function inHeader(response: Response, field: string): PollURL {
  if (response.statusCode !== 202) return { type: "none" };
  for (const name of [...operationFields, "location"] as const) {
    const value = response.headers[name];
    if (typeof value !== "string") continue;
    const { shown } = response;
    // Of what has been done more would be lost than shown, so that a short Secret of another request is no reason.
    if (value.length > longestURL || shown.holdsSecret(value) || !shown.sent.isOpen(value))
      return failPoll(
        "PollURLUnusable",
        `answered 202; the URL in ${fieldNames[name]} is too long, or holds a secret of the request`,
        response,
      );
    return { type: "url", url: escapeTemplate(value), from: fieldNames[name] };
  }
  return failPoll(
    "PollURLMissing",
    `answered 202 without a URL to poll in Location or Operation-Location; ${field}.url can name it`,
    response,
  );
}

function* declaredURL(
  text: string,
  { response, scope, field }: { readonly response: Response; readonly scope: Scope; readonly field: string },
): Steps<PollURL> {
  const at = `${field}.url`;
  const template = parseTemplate(text);
  if (template.type === "invalid") return failPoll("InvalidExpression", `${at}: ${template.message}`, response);
  const { parts } = template;
  const asking = parts.filter(seesResponse).map((part) => ({ field: at, text: part.text }));
  if (asking.length === 0) return { type: "url", url: text, from: "spec" };
  // No inputs: what these yield is kept where people can read it.
  const result = yield* evaluate({ scope: { ...scope, inputs: {} }, response, expressions: asking });
  if (result.type === "refusal") return failPoll(result.reason, result.message, response);
  const values = result.values.map((value) => (typeof value === "string" || typeof value === "number" ? String(value) : ""));
  if (values.some(({ length }) => length > 2 * longestURL)) return failPoll("InvalidURL", `${at}: the URL is too long`, response);
  if (values.some((value) => response.shown.holdsSecret(value)))
    return failPoll("PollURLUnusable", `${at}: what it yields holds a secret of the request`, response);
  if (values.some((value) => value === "" || /^\.{1,2}$/.test(value)))
    return failPoll("ExpressionFailed", `${at}: an expression over .response yields no text that could stand in a URL`, response);
  let [url, next] = ["", 0];
  for (const part of parts) {
    if (!seesResponse(part)) url += part.type === "text" ? escapeTemplate(part.text) : `\${ ${part.text} }`;
    else {
      const value = values[next++] ?? "";
      if (wholeExpression(parts) === undefined && !isBehindHost(url))
        return failPoll(
          "InvalidURL",
          `${at}: an expression over .response stands for the whole URL, or for a part of its path or query`,
          response,
        );
      url += wholeExpression(parts) === undefined ? encodeURIComponent(value.toWellFormed()) : escapeTemplate(value);
    }
  }
  return url.length > 2 * longestURL
    ? failPoll("InvalidURL", `${at}: the URL is too long`, response)
    : { type: "url", url, from: "spec" };
}
/** Whether an answer is needed to expand the text. */
export function isMadeOfResponse(text: string): boolean {
  const template = parseTemplate(text);
  return template.type === "template" && template.parts.some(seesResponse);
}
/** True where it cannot be told. */
const seesResponse = ({ type, text }: Part): boolean =>
  type === "expression" && text.includes("response") && mayRead(text, (path) => path.split(".", 1)[0] === "response");
/** Whether what comes after `text` is in a path or query. */
function isBehindHost(text: string): boolean {
  return text.replace(/^https?:\/\//i, "").includes("/");
}

/**
 * What asks after the work, for people. `url`: what is shown in place of its URL, where that is not known before there is
 * an answer; the exchange is then what goes to the request's own origin.
 */
export interface DeclaredPoll {
  readonly exchange: ReturnType<typeof buildExchange>;
  readonly url?: string;
}
export function declaredPoll(
  poll: Poll,
  declared: DeclaredRequest,
  endpoint: UsedEndpoint | undefined,
  field: string,
): DeclaredPoll {
  const { url = "(in the answer: Azure-AsyncOperation, Operation-Location or Location)" } = poll;
  const isKnown = poll.url !== undefined && !isMadeOfResponse(poll.url);
  const location = isKnown ? { location: { field: `${field}.url`, text: url } } : {};
  return { exchange: pollExchange(poll, declared, { endpoint, ...location }), ...(!isKnown && { url }) };
}

function pollExchange(
  poll: Poll,
  declared: DeclaredRequest,
  { endpoint, location }: { readonly endpoint: UsedEndpoint | undefined; readonly location?: Located },
): ReturnType<typeof buildExchange> {
  const { attemptId: _, idempotent: __, shape, ...rest } = declared;
  const { body: ___, headers = [], ...asked } = shape;
  const own = poll.headers ?? [];
  const isReplaced = (name: string): boolean => own.some((header) => header.name.toLowerCase() === name.toLowerCase());
  // What is said of the request's content, or of the state it is to find, is not said of its work.
  const isOfRequest = (name: string): boolean => /^(content|if)-/i.test(name);
  const stays = headers.filter(({ name, value }) => !isReplaced(name) && !isOfRequest(name) && !isMadeOfResponse(value));
  const merged = [...stays, ...own];
  const hidden = [...(rest.hidden ?? []), ...secretsInBody(shape, rest.field)]; // what it asks after has sent that
  const exchange = buildExchange(
    { ...rest, shape: { ...asked, method: "GET", headers: merged }, hidden, expressionsToValidate: [] },
    endpoint,
  );
  if ("type" in exchange) return exchange;
  return { ...exchange, request: { ...exchange.request, ...(location && { location }) } };
}

function goOn(delayMs: number, answered: number | string): Going {
  return {
    type: "going",
    delayMs,
    message: `the work goes on: ${typeof answered === "number" ? `answered ${answered}` : answered}`,
  };
}
function pauseMs({ interval }: Poll, response: Response | undefined, now: Date): number {
  return Math.max(durationMs(interval), retryAfterFieldMs(response, now));
}

function* judgePoll(
  poll: Poll,
  {
    outcome,
    status,
    scope,
    field,
    now,
  }: {
    readonly outcome: Exclude<Outcome, { type: "refusal" }>;
    readonly status: PollStatus;
    readonly scope: Exchange["scope"];
    readonly field: string;
    readonly now: Date;
  },
): Steps<Going | Ended> {
  if (outcome.type === "failure") return goOn(pauseMs(poll, undefined, now), outcome.message);
  const { response } = outcome;
  const { statusCode } = response;
  const goesOn = goOn(pauseMs(poll, response, now), statusCode);
  // The server is away for a while, which says nothing of the work.
  if (statusCode >= 400 && isPassing(response)) return goesOn;
  const isOperation = status.from === "Azure-AsyncOperation" || status.from === "Operation-Location";
  if (poll.until === undefined && statusCode >= 300)
    return failPoll("PollFailed", `the poll was answered ${statusCode}`, response);
  const until = poll.until ?? (isOperation ? endedOperation : ".response.statusCode != 202");
  const failedIf = poll.failedIf ?? (isOperation && poll.until === undefined ? failedOperation : "false");
  const expressions = [
    { field: `${field}.until`, text: until },
    { field: `${field}.failedIf`, text: failedIf },
  ];
  const result = yield* evaluate({ scope, response, expressions });
  if (result.type === "refusal")
    return failPoll(result.reason, `the poll was answered ${statusCode}; ${result.message}`, response);
  const [hasEnded, hasFailed] = result.values;
  if (hasFailed === true)
    return { ...failPoll("PollFailed", `the work has failed: the poll was answered ${statusCode}`, response), isSaid: true };
  if (hasEnded !== true) return goesOn;
  return { type: "succeeded", reason: "Succeeded", message: `the work has ended: the poll was answered ${statusCode}`, response };
}
