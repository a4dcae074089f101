/**
 * Sends one request and reads its answer.
 *
 * Whatever happens, the answer's body has been read or destroyed, and the deadline's timer is gone, when it returns.
 */
import { createHash } from "node:crypto";
import type { Dispatcher } from "undici";
import { sealed, type Outcome, type Response, type Scope } from "../core/exchange.ts";
import type { RecordOccurrence } from "../core/occurrence.ts";
import type { ClientPool, ClientSettings } from "./client-pool.ts";
import { decodedContent, headerFields, readContent } from "./content.ts";
import { deadline, unlessAborted } from "./deadline.ts";
import { failure, failureOf } from "./failure.ts";
import { redacted } from "./redact.ts";
import type { WireRequest } from "./render.ts";
import { observeStart } from "./start-observed.ts";

export interface SendOptions {
  readonly clients: ClientPool;
  readonly record: RecordOccurrence;
  /** Limit on the content of a response. */
  readonly maxResponseBytes: number;
}
export interface Sending {
  readonly wire: WireRequest;
  readonly settings: ClientSettings;
  /** Replaced in what may be shown of the answer. */
  readonly secrets: readonly string[];
  readonly metadata: Scope["metadata"];
}

/** What the network does is an outcome and never an exception. Redirects are answers like any other. */
export async function send(sending: Sending, options: SendOptions, signal: AbortSignal): Promise<Outcome> {
  const started = performance.now();
  const { wire, settings, metadata } = sending;
  let sent = false;
  using limit = deadline(signal, settings.timeoutMs);
  observeStart(limit.signal, () => {
    sent = true;
  });
  const outcome = await exchanged(sending, options, limit.signal).then(
    (response): Outcome => ({ type: "response", response: { ...response, durationMs: Math.round(performance.now() - started) } }),
    (error: unknown): Outcome => {
      const aborted = limit.signal.aborted && error === limit.signal.reason;
      const { reason, message } = aborted ? failure(limit.expired ? "Timeout" : "Aborted") : failureOf(error);
      return { type: "failure", reason, message, sent };
    },
  );
  options.record({
    type: "exchanged",
    method: wire.method,
    namespace: metadata.namespace,
    name: metadata.name,
    durationMs: Math.round(performance.now() - started),
    ...(outcome.type === "response" ? { statusCode: outcome.response.statusCode, sizeBytes: outcome.response.sizeBytes } : {}),
    ...(outcome.type === "failure" ? { reason: outcome.reason } : {}),
  });
  return outcome;
}

async function exchanged(
  { wire, settings, secrets }: Sending,
  options: SendOptions,
  signal: AbortSignal,
): Promise<Omit<Response, "durationMs">> {
  signal.throwIfAborted();
  using client = options.clients.acquire(settings);
  const { method, origin, path, headers, body } = wire;
  // undici looks at the signal of a request that waits for a connection only when its turn comes.
  const answer = await unlessAborted(
    client.dispatcher.request({ method, origin, path, headers, body: body ?? null, signal }),
    signal,
  );
  try {
    const content = await readContent(answer.body, options.maxResponseBytes);
    const text = decodedContent(content, contentTypeOf(answer));
    return {
      statusCode: answer.statusCode,
      headers: headerFields(answer.headers),
      body: sealed(text),
      redactedBody: redacted(text, secrets),
      sizeBytes: content.byteLength,
      sha256: createHash("sha256").update(content).digest("hex"),
    };
  } finally {
    // Free after a full read; before it, this is what gives the socket back to the system. Then the stream says why
    // it ended once more, and nobody is listening.
    answer.body.on("error", () => {}).destroy();
  }
}

function contentTypeOf({ headers }: Dispatcher.ResponseData): string | undefined {
  const value = headers["content-type"];
  return typeof value === "string" ? value : value?.[0];
}
