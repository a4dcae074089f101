/**
 * Sends one request and reads its answer, or leaves that to be read later.
 *
 * Invariant: an exchange is recorded once, when it ends; by then its answer has been read or destroyed, its slots are free, and
 * its deadline's timer is gone. It ends when it fails, is read, or is closed, and at the latest at its deadline.
 */
import { hash } from "node:crypto";
import type { EgressDenial } from "../../core/egress.ts";
import type { FailureReason, Outcome, Response } from "../../core/outcome.ts";
import { redact } from "../../core/redacted.ts";
import { ResponseCancelledError, type Budget, type Slot } from "../limits/budget.ts";
import type { Trace } from "../connect/socket-trace.ts";
import { decodedContent, headerField, headerFields } from "./content.ts";
import { deadline, type Deadline } from "../../core/tools/deadline.ts";
import { denialIn } from "../connect/egress-connector.ts";
import { egressFailure, egressRefusal } from "../connect/egress-refusal.ts";
import { ContentError, decompress } from "./decompress.ts";
import { sendChain, RedirectError, type Held } from "./chain.ts";
import type { Chain, RunOptions } from "./send-hop.ts";
import { failure, failureOf, type At, type Failure } from "../failure.ts";
import { anywhere, type Place } from "../place.ts";
import type { Answer } from "./on-wire.ts";
import { smallBytes } from "../limits/memory-shares.ts";
import type { RateTurn } from "../limits/rate-limits.ts";
import { RefusedError } from "../refusal.ts";
import type { Secrets } from "../../core/mask-secrets.ts";
import { createShown } from "../../core/shown.ts";

export interface SendOptions extends RunOptions {
  /** Limit on the content of a response, compressed and not. */
  readonly maxResponseBytes: number;
}
export interface Sending extends Chain {
  /** Its endpoint, as telemetry names it. */
  readonly endpoint?: string | undefined;
  /** For people; absent: that is not told. */
  readonly place?: Place;
  /** Masked in what may be shown of the answer. */
  readonly secrets: () => Secrets;
  /** Asked before more than `smallBytes` of an answer are read. Absent: nobody needs to be. */
  readonly mayReadLong?: (signal: AbortSignal) => Promise<void>;
}

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
  const exchange = await beginExchange(sending, budget, options, signal);
  return "type" in exchange ? exchange : exchange.read();
}

/** The same as far as the answer's header. */
export async function open(
  sending: Sending,
  budget: Budget,
  options: SendOptions,
  signal: AbortSignal,
): Promise<Opened | Failed> {
  const exchange = await beginExchange(sending, budget, options, signal);
  if ("type" in exchange) return exchange;
  const { answer, slots, read, end, failed } = exchange;
  let cancelled: ResponseCancelledError | undefined;
  const close = (error: Error): void => {
    answer.onBroken = undefined;
    answer.cancel(error);
    end({ statusCode: answer.statusCode });
  };
  answer.onBroken = failed;
  for (const slot of slots)
    slot.unread((error) => {
      cancelled = error;
      close(error);
    });
  return {
    type: "opened",
    statusCode: answer.statusCode,
    async read() {
      if (cancelled) throw cancelled;
      for (const slot of slots) slot.reading();
      return read();
    },
    close: () => close(new ResponseCancelledError("closed without being read")),
  };
}

interface Begun {
  readonly answer: Answer;
  readonly slots: readonly [Slot, Slot];
  readonly read: () => Promise<Outcome>;
  /** What broke it, as an outcome. */
  readonly failed: (error: unknown) => Failed;
  /** Gives everything back, and records how it ended. */
  readonly end: (how: Ending) => void;
}
type Ending =
  { readonly statusCode?: number; readonly sizeBytes?: number } | { readonly reason: FailureReason; readonly detail: string };

async function beginExchange(
  sending: Sending,
  budget: Budget,
  options: SendOptions,
  signal: AbortSignal,
): Promise<Begun | Failed> {
  const startedMs = performance.now();
  const { first } = sending;
  const limit = deadline(signal, first.settings.timeoutMs);
  const trace: Trace = { connection: "none", answered: false, proxied: false, elsewhere: false, sent: false };
  let slot: Slot | undefined;
  let held: Held | undefined;
  let hasEnded = false;

  function end(how: Ending): void {
    if (hasEnded) return;
    hasEnded = true;
    held?.release();
    slot?.release();
    limit[Symbol.dispose]();
    options.emit({
      type: "exchanged",
      method: first.request.method,
      ...ownerOf(sending),
      durationMs: Math.round(performance.now() - startedMs),
      ...how,
    });
  }
  function concludeFailure(error: unknown): Failed {
    const denial = denialIn(error);
    if (denial) {
      const denied = deniedOutcome(denial, sending, trace, options);
      end({ reason: "EgressDenied", detail: denied.message });
      return denied;
    }
    if (error instanceof RefusedError) return endRefused(error, end);
    const { reason, message, comes } = failureWithin(limit, error, placedAt(sending, trace));
    end({ reason, detail: message });
    if (reason === "RateLimited" && !trace.sent) return { type: "refusal", reason, message, heals: true };
    return { type: "failure", reason, message, sent: trace.sent || comes === "after" };
  }
  let waitedMs = 0;
  /** Waiting for a turn, and for those before it, is none of the server's time. */
  async function waitUntimed<T>(wait: () => T | Promise<T>): Promise<T> {
    const fromMs = performance.now();
    limit.pause();
    try {
      return await wait();
    } finally {
      waitedMs += performance.now() - fromMs;
      limit.restart(first.settings.timeoutMs - (performance.now() - startedMs - waitedMs));
    }
  }
  const { turn: own } = sending;
  const turn = async (): Promise<RateTurn | undefined> => own && waitUntimed(() => own(limit.signal));
  try {
    const take = (): Slot | Promise<Slot> => budget.take(limit.signal);
    slot = await (sending.turn ? waitUntimed(take) : take());
    held = await sendChain(sending, { slot, trace, signal: limit.signal, turn }, options);
  } catch (error) {
    return concludeFailure(error);
  }
  const { answer, originSlot } = held;
  return {
    answer,
    slots: [slot, originSlot],
    failed: concludeFailure,
    end,
    async read() {
      try {
        const mayReadLong = (): Promise<void> => waitUntimed(async () => sending.mayReadLong?.(limit.signal));
        const response = await responseOf(answer, { ...sending, mayReadLong }, options);
        end({ statusCode: answer.statusCode, sizeBytes: response.sizeBytes });
        return { type: "response", response: { ...response, durationMs: Math.round(performance.now() - startedMs) } };
      } catch (error) {
        return concludeFailure(error);
      }
    },
  };
}

/** Where a redirect has led is a server's text, and not told. */
function placeNow({ place = anywhere }: Sending, { elsewhere }: Trace): Place {
  const { server: _, scheme: __, ...rest } = place;
  return elsewhere ? rest : place;
}
function deniedOutcome(denial: EgressDenial, sending: Sending, trace: Trace, { emit }: SendOptions): Failed {
  const about = { metadata: sending.metadata, server: placeNow(sending, trace).server };
  return trace.sent ? egressFailure(denial, about, emit) : egressRefusal(denial, about, emit);
}
/** Whose request it is, as telemetry has it. */
function ownerOf({ metadata: { namespace, name }, endpoint }: Sending) {
  return { namespace, name, ...(endpoint !== undefined && { endpoint }) };
}
function placedAt(sending: Sending, trace: Trace): At {
  return { place: placeNow(sending, trace), proxied: trace.proxied };
}
/** The server has refused what was sent, so that nothing was done, and there is nothing else to send. */
function endRefused({ refusal }: RefusedError, end: Begun["end"]): Failed {
  end({ statusCode: 401 });
  return refusal;
}

function failureWithin(limit: Deadline, error: unknown, at: At): Failure {
  const { aborted, reason } = limit.signal;
  // The limit may be that of all that is sent for one resource at once, which is the outer signal's.
  if (aborted && error === reason) return failure(limit.expired || reason.name === "TimeoutError" ? "Timeout" : "Aborted", at);
  return error instanceof RedirectError ? failure(error.reason, at) : failureOf(error, at);
}

async function responseOf(
  answer: Answer,
  sending: Pick<Sending, "secrets"> & { readonly mayReadLong: () => Promise<void> },
  options: SendOptions,
): Promise<Omit<Response, "durationMs">> {
  const { statusCode, headers } = answer;
  const content = await contentOf(answer, sending.mayReadLong, options);
  const { text, isExact, isText } = decodedContent(content, headerField(headers, "content-type"));
  const fields = headerFields(headers);
  const trailers = headerFields(answer.trailers);
  return {
    statusCode,
    headers: fields,
    ...(Object.keys(trailers).length > 0 && { trailers }),
    body: redact(text),
    ...(!isExact && { bytes: redact(content) }),
    ...(!isText && { undecodable: true }),
    shown: createShown({ headers: fields, body: text }, sending.secrets),
    sizeBytes: content.byteLength,
    sha256: hash("sha256", content, "hex"),
  };
}

/** As it was before it was compressed. What turns out to be long is decompressed a second time. */
async function contentOf(
  answer: Answer,
  mayReadLong: () => Promise<void>,
  { maxResponseBytes, minResponseRate }: SendOptions,
): Promise<Buffer> {
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
