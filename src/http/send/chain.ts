/**
 * From a rendered request to the answer that counts: redirects followed, a dead connection replaced once.
 *
 * Invariant: what is in use for a request is given back before the next one, and for the answer that counts it is in what is
 * returned.
 */
import type { FailureReason } from "../../core/outcome.ts";
import { deadline, unlessAborted } from "../../core/tools/deadline.ts";
import { forNamespace } from "../connect/name-lookups.ts";
import type { Slot } from "../limits/budget.ts";
import type { Answer } from "./on-wire.ts";
import { createRedirects, isRedirect, locationOf } from "./redirects.ts";
import { createSecondTries } from "./second-tries.ts";
import { sendHop, type Chain, type Run, type RunOptions } from "./send-hop.ts";

/** An answer, and what is in use until it has been read or closed. */
export interface Held {
  readonly answer: Answer;
  readonly originSlot: Slot;
  release(): void;
}

export class RedirectError extends Error {
  override readonly name = "RedirectError";
  readonly reason: FailureReason;
  constructor(reason: FailureReason) {
    super(reason);
    this.reason = reason;
  }
}

/** How long a redirect's content is waited for. */
const maxDrainMs = 1_000;

/** Rejects with a `RedirectError`, an `EgressDeniedError`, a `BudgetExhaustedError`, a `RateLimitedError`, the signal's reason, or what the network did. */
export function sendChain(chain: Chain, run: Run, options: RunOptions): Promise<Held> {
  return forNamespace(chain.metadata.namespace, () => followRedirects(chain, run, options));
}
async function followRedirects(chain: Chain, run: Run, options: RunOptions): Promise<Held> {
  const { template, maxRedirects } = chain;
  const redirects = createRedirects(template, maxRedirects);
  const secondTries = createSecondTries(chain, run, options);
  let hop = chain.first;
  let isFresh = false;
  for (;;) {
    const sent = await sendHop(hop, isFresh, { chain, run, options });
    hop = sent.hop;
    isFresh = sent.type === "failed";
    if (sent.type === "failed") {
      if (!secondTries.mayRepeat(sent.error, hop)) throw sent.error;
      continue;
    }
    using held = sent.held;
    const { answer, originSlot } = sent;
    if (await secondTries.mayRenew(answer, hop)) {
      await drain(answer, options.redirectDrainBytes, run.signal);
      options.emit({ type: "retried", reason: "credential" });
      continue;
    }
    if (maxRedirects === 0 || !isRedirect(answer.statusCode)) {
      const kept = held.move();
      return { answer, originSlot, release: () => kept.dispose() };
    }
    await drain(answer, options.redirectDrainBytes, run.signal);
    const next = redirects.next(hop, answer.statusCode, locationOf(answer.headers));
    if (next.type === "refused") throw new RedirectError(next.reason);
    options.emit({ type: "redirected", statusCode: answer.statusCode });
    if (next.hop.request.origin !== hop.request.origin) chain.moved?.();
    hop = next.hop;
  }
}

/** Reads it to its end, so that its connection can be used again; or, where that is more than it is worth, closes that. */
async function drain(answer: Answer, maxBytes: number, signal: AbortSignal): Promise<void> {
  using limit = deadline(signal, maxDrainMs);
  try {
    await unlessAborted(limit.signal, answer.read(maxBytes));
  } catch (error) {
    answer.cancel(error as Error);
  }
}
