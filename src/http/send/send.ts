/**
 * Sends one request and reads its answer, or leaves that to be read later.
 *
 * Invariant: whatever happens, the exchange ends: when it fails, is read, or is closed, and at the latest at its deadline.
 */
import { hash } from "node:crypto";
import type { Outcome, Response } from "../../core/outcome.ts";
import { redact } from "../../core/redacted.ts";
import { createShown } from "../../core/shown.ts";
import { denialIn } from "../connect/egress-connector.ts";
import { egressFailure, egressRefusal } from "../connect/egress-refusal.ts";
import { failure, failureOf, type At, type Failure } from "../failure.ts";
import { ResponseCancelledError, type Budget } from "../limits/budget.ts";
import { smallBytes } from "../limits/memory-shares.ts";
import { anywhere, type Place } from "../place.ts";
import { RefusedError } from "../refusal.ts";
import { decodedContent, headerField, headerFields } from "./content.ts";
import { ContentError, decompress } from "./decompress.ts";
import { Exchange, RedirectError } from "./exchange.ts";
import type { Answer } from "./on-wire.ts";
import type { SendOptions, Sending } from "./sending.ts";

export type { SendOptions, Sending } from "./sending.ts";

/** A refusal where nothing has left: a socket was not allowed to where it would have gone. */
export type Failed = Exclude<Outcome, { type: "response" }>;

/** An answer that has not been read. It holds its slots and its connection until it is read or closed, or the deadline passes. */
export interface Opened {
  readonly type: "opened";
  readonly statusCode: number;
  /** Once. What the network does is an outcome. Throws `ResponseCancelledError` if its place has been given to another exchange. */
  read(): Promise<Outcome>;
  /** Has no effect on one that has ended. */
  close(): void;
}

/** What the network does is an outcome and never an exception. */
export async function send(sending: Sending, budget: Budget, options: SendOptions, signal: AbortSignal): Promise<Outcome> {
  const exchange = new Exchange(sending, budget, options, signal);
  try {
    const answer = await exchange.answer();
    const content = contentNow(answer, options) ?? (await contentOf(exchange, answer));
    return answered(exchange, answer, content);
  } catch (error) {
    return concludeFailure(exchange, error);
  }
}

/** The same as far as the answer's header. */
export async function open(
  sending: Sending,
  budget: Budget,
  options: SendOptions,
  signal: AbortSignal,
): Promise<Opened | Failed> {
  const exchange = new Exchange(sending, budget, options, signal);
  try {
    return leftUnread(exchange, await exchange.answer());
  } catch (error) {
    return concludeFailure(exchange, error);
  }
}

function leftUnread(exchange: Exchange, answer: Answer): Opened {
  const { statusCode } = answer;
  const slots = exchange.slots();
  let cancelled: ResponseCancelledError | undefined;
  const close = (error: Error): void => {
    answer.onBroken = undefined;
    answer.cancel(error);
    exchange.end({ statusCode });
  };
  answer.onBroken = (error) => void concludeFailure(exchange, error);
  for (const slot of slots)
    slot.unread((error) => {
      cancelled = error;
      close(error);
    });
  return {
    type: "opened",
    statusCode,
    async read() {
      if (cancelled) throw cancelled;
      for (const slot of slots) slot.reading();
      try {
        return answered(exchange, answer, await contentOf(exchange, answer));
      } catch (error) {
        return concludeFailure(exchange, error);
      }
    },
    close: () => close(new ResponseCancelledError("closed without being read")),
  };
}

function answered(exchange: Exchange, answer: Answer, content: Buffer): Outcome {
  const response = responseOf(exchange, answer, content);
  exchange.end({ statusCode: answer.statusCode, sizeBytes: response.sizeBytes });
  return { type: "response", response };
}

function concludeFailure(exchange: Exchange, error: unknown): Failed {
  exchange.giveBack(); // before anything is worked out of it
  const { sending, options, trace } = exchange;
  const place = placeOf(exchange);
  const denial = denialIn(error);
  if (denial) {
    const about = { metadata: sending.metadata, server: place.server };
    const denied = trace.sent ? egressFailure(denial, about, options.emit) : egressRefusal(denial, about, options.emit);
    exchange.end({ reason: "EgressDenied", detail: denied.message });
    return denied;
  }
  if (error instanceof RefusedError) {
    exchange.end({ statusCode: 401 }); // the server has refused what was sent, so that nothing was done, and there is nothing else to send
    return error.refusal;
  }
  const { reason, message, comes } = failureWithin(exchange.limit, error, { place, proxied: trace.proxied });
  exchange.end({ reason, detail: message });
  if (reason === "RateLimited" && !trace.sent) return { type: "refusal", reason, message, heals: true };
  return { type: "failure", reason, message, sent: trace.sent || comes === "after" };
}

/** Where a redirect has led is a server's text, and not told. */
function placeOf({ sending, trace }: Exchange): Place {
  const place = sending.placeNow?.() ?? anywhere;
  if (!trace.elsewhere) return place;
  const { server: _, scheme: __, ...rest } = place;
  return rest;
}

function failureWithin({ aborted, reason, expired }: Exchange["limit"], error: unknown, at: At): Failure {
  // The limit may be that of all that is sent for one resource at once, which is the outer signal's.
  if (aborted && error === reason) return failure(expired || reason.name === "TimeoutError" ? "Timeout" : "Aborted", at);
  return error instanceof RedirectError ? failure(error.reason, at) : failureOf(error, at);
}

function responseOf({ sending, durationMs }: Exchange, answer: Answer, content: Buffer): Response {
  const { statusCode, headers } = answer;
  const { text, isExact, isText } = decodedContent(content, headerField(headers, "content-type"));
  const fields = headerFields(headers);
  const isWhole = isExact && isText;
  const hasTrailers = Object.keys(answer.trailers).length > 0;
  const parts = {
    statusCode,
    headers: fields,
    body: redact(text),
    shown: createShown({ headers: fields, body: text, hidden: sending.hidden }, sending.secrets),
    sizeBytes: content.byteLength,
    durationMs,
  };
  if (isWhole && !hasTrailers) return new TextResponse(parts);
  return {
    ...parts,
    sha256: sha256(isWhole ? text : content),
    ...(hasTrailers && { trailers: headerFields(answer.trailers) }),
    ...(!isExact && { bytes: redact(content) }),
    ...(!isText && { undecodable: true }),
  };
}

type Parts = Pick<Response, "statusCode" | "headers" | "body" | "shown" | "sizeBytes" | "durationMs">;
/** Text that is its content byte by byte. A class, since its digest is made when it is asked for: what is only looked at needs none. */
class TextResponse implements Response {
  readonly statusCode: number;
  readonly headers: Response["headers"];
  readonly body: Response["body"];
  readonly shown: Response["shown"];
  readonly sizeBytes: number;
  readonly durationMs: number;
  constructor({ statusCode, headers, body, shown, sizeBytes, durationMs }: Parts) {
    this.statusCode = statusCode;
    this.headers = headers;
    this.body = body;
    this.shown = shown;
    this.sizeBytes = sizeBytes;
    this.durationMs = durationMs;
  }
  get sha256(): string {
    return sha256(this.body.open());
  }
}

function sha256(content: string | Uint8Array): string {
  return hash("sha256", content, "hex");
}

/** What most answers are when they are looked at: all there, short, and not compressed. */
function contentNow(answer: Answer, { maxResponseBytes }: SendOptions): Buffer | undefined {
  const isPlain = headerField(answer.headers, "content-encoding") === undefined;
  return isPlain ? answer.whole(Math.min(smallBytes, maxResponseBytes)) : undefined;
}

/** As it was before it was compressed. What turns out to be long is decompressed a second time. */
async function contentOf(exchange: Exchange, answer: Answer): Promise<Buffer> {
  const { maxResponseBytes, minResponseRate } = exchange.options;
  const mayReadLong = (): Promise<void> => exchange.untimed(() => exchange.sending.mayReadLong?.(exchange.limit.signal));
  const isSmall = await answer.begin(smallBytes, minResponseRate);
  if (!isSmall) await mayReadLong();
  const raw = await answer.read(maxResponseBytes, minResponseRate);
  const encoding = headerField(answer.headers, "content-encoding");
  if (encoding === undefined) return raw;
  if (!isSmall || maxResponseBytes <= smallBytes) return await decompress(raw, encoding, maxResponseBytes);
  try {
    return await decompress(raw, encoding, smallBytes);
  } catch (error) {
    if (!(error instanceof ContentError) || error.code !== "HOLDFAST_CONTENT_TOO_LARGE") throw error;
    await mayReadLong();
    return await decompress(raw, encoding, maxResponseBytes);
  }
}
