/**
 * What names resolve to, for requests that leave the resolving to a proxy.
 *
 * Invariant: a name that cannot be resolved here in a short time has no addresses; nobody waits longer, or asks again at once.
 */
import { lookup } from "node:dns/promises";
import { deadline, unlessAborted } from "../core/deadline.ts";

export interface Names {
  /** Rejects only with the signal's reason. */
  resolve(hostname: string, signal: AbortSignal): Promise<readonly string[]>;
}

const maxLookupMs = 2_000;
/** How long an answer counts, and how many are kept. */
const answerMs = 5_000;
const maxAnswers = 1_000;

export function createNames(): Names {
  const answers = new Map<string, { readonly addresses: Promise<readonly string[]>; readonly untilMs: number }>();

  async function ask(hostname: string): Promise<readonly string[]> {
    using limit = deadline(new AbortController().signal, maxLookupMs);
    try {
      const found = await unlessAborted(limit.signal, lookup(hostname, { all: true }));
      return found.map(({ address }) => address);
    } catch {
      return []; // why is nobody's concern here: the proxy may know it
    }
  }
  return {
    resolve(hostname, signal) {
      const nowMs = performance.now();
      let answer = answers.get(hostname);
      if (!answer || answer.untilMs < nowMs) {
        if (answers.size >= maxAnswers) answers.clear();
        answer = { addresses: ask(hostname), untilMs: nowMs + answerMs };
        answers.set(hostname, answer);
      }
      return unlessAborted(signal, answer.addresses);
    },
  };
}
