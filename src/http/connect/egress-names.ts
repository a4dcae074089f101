/**
 * What names resolve to, for requests that leave the resolving to a proxy.
 *
 * Invariant: a name that is asked for and cannot be resolved here in a short time has no addresses; nobody waits longer, or asks
 * again at once. One that does not come to be asked for, since its namespace asks for too many, is an error.
 */
import { unlessAborted } from "../../core/tools/deadline.ts";
import { askingNamespace, lookUpName, NoTurnError } from "./name-lookups.ts";

interface Names {
  /** Rejects with the signal's reason, or a `NoTurnError`. */
  resolve(hostname: string, signal: AbortSignal): Promise<readonly string[]>;
}

const maxLookupMs = 2_000;
/** How long an answer counts, and how many are kept. */
const answerMs = 5_000;
const maxAnswers = 1_000;

export function createNames(): Names {
  const answers = new Map<string, { readonly addresses: Promise<readonly string[]>; readonly untilMs: number }>();

  async function ask(hostname: string): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    let timer: NodeJS.Timeout | undefined;
    lookUpName(
      hostname,
      { all: true },
      {
        asked: () => (timer = setTimeout(resolve, maxLookupMs, [])),
        told(error, addresses) {
          if (error instanceof NoTurnError) reject(error);
          // It does not matter here why it has none: the proxy may know the name.
          else resolve(error ? [] : addresses.map(({ address }) => address));
        },
      },
    );
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
  return {
    resolve(hostname, signal) {
      const nowMs = performance.now();
      const key = `${askingNamespace()} ${hostname}`; // nobody waits for another's turn
      let answer = answers.get(key);
      if (!answer || answer.untilMs < nowMs) {
        if (answers.size >= maxAnswers) answers.clear();
        answer = { addresses: ask(hostname), untilMs: nowMs + answerMs };
        answers.set(key, answer);
        answer.addresses.catch(() => {}); // whoever asked may have gone
      }
      return unlessAborted(signal, answer.addresses);
    },
  };
}
