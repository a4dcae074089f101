/**
 * Tokens that are shared: one for each endpoint and its credentials, asked for once however many wait for it.
 *
 * Guarantees: at most one request for a token is under way for a key; after one that failed, the next comes after a pause that
 * doubles; a token is renewed when four fifths of its life are over, while it is still used. One that is known stays in use
 * until another is there or its life is over, whatever a server says of it. Nobody waits inside a worker unless it asks to.
 */
import { isDeepStrictEqual } from "node:util";
import { deadline, unlessAborted } from "../../core/tools/deadline.ts";
import { doublingMs, shortenedMs } from "../../core/backoff.ts";
import type { Refusal } from "../../core/outcome.ts";
import { RefusedError } from "../refusal.ts";
import { createRenewalTurns, type RenewalTurns } from "./renewal-turns.ts";

export interface Token<V = string> {
  readonly value: V;
  readonly lifetimeMs: number;
  /** Called once it is no longer kept. Never throws. */
  readonly end?: () => void;
}
/** Throws `RefusedError`, or what went wrong. */
export type FetchToken<V = string> = (signal: AbortSignal) => Promise<Token<V>>;

type Got<V> =
  | { readonly type: "token"; readonly value: V }
  /** It is being asked for; `done` resolves when that has ended, well or not. */
  | { readonly type: "pending"; readonly done: Promise<void> };

/** What a request was sent with that was answered 401, and whose it was. */
interface RefusedToken<V> {
  readonly value: V;
  readonly namespace: string;
}

export interface Tokens<V> extends Disposable {
  /** Throws `RefusedError` while it is too early to ask again. */
  get(key: string, fetch: FetchToken<V>): Got<V>;
  /** The same, waiting for what is under way. Rejects with the signal's reason. */
  wait(key: string, fetch: FetchToken<V>, signal: AbortSignal): Promise<V>;
  /**
   * What to send in place of a token that a server refused, waiting for it for a while. Undefined: there is nothing else, and the
   * refusal stands. Everybody else goes on with the token that is known. Rejects with the signal's reason.
   */
  renew(key: string, fetch: FetchToken<V>, refused: RefusedToken<V>, signal: AbortSignal): Promise<V | undefined>;
  /** A request of `namespace` was accepted with what `renew` gave. */
  helped(key: string, namespace: string): void;
  /** Why there is none that can be used, where that is known. */
  problem(key: string): Refusal | undefined;
  /** Keeps it no longer, if nobody has used it for so long. Whether there is none now. */
  forget(key: string, unusedForMs?: number): boolean;
  readonly size: number;
}

interface KnownToken<V> extends Pick<Token<V>, "value" | "end"> {
  readonly gotAtMs: number;
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
  /** It was asked for since the one before was refused. */
  readonly afterRefusal: boolean;
}
interface Entry<V> {
  token?: KnownToken<V> | undefined;
  pending?: Promise<void> | undefined;
  problem?: Refusal | undefined;
  failures: number;
  notBeforeMs: number;
  usedAtMs: number;
  /** It is kept no longer: what is still asked for is ended at once. */
  isForgotten: boolean;
  readonly turns: RenewalTurns;
}

/** A token that says it lives shorter is taken to live so long: what refuses it says so. */
const shortestLifeMs = 10_000;
const longestLifeMs = 86_400_000;
const pauseMs = { initialMs: 1_000, maxMs: 300_000 };
/** Who was told that a password is wrong does not go on until the account is locked; another Secret is another key. */
const refusedPauseMs = { initialMs: 60_000, maxMs: 3_600_000 };
/** While a token is known, its renewal is tried for again after so long at the latest. */
const longestPauseWithTokenMs = 30_000;
/** A token that was asked for since one was refused is not renewed again for so long: the fault is not its age. */
const renewalPauseMs = 10_000;
/** How long a request that was answered 401 waits for another token, with all that it holds. */
const renewalWaitMs = 10_000;
const unusedMs = 3_600_000;
const maxEntries = 10_000;

interface Entries<V> {
  /** The entry, which is used now. */
  of(key: string): Entry<V>;
  forget(key: string): void;
  readonly known: Map<string, Entry<V>>;
}
function createEntries<V>(nowMs: () => number, most: number): Entries<V> {
  const known = new Map<string, Entry<V>>();
  function forget(key: string): void {
    const entry = known.get(key);
    if (!entry) return;
    entry.isForgotten = true;
    known.delete(key);
    entry.token?.end?.();
  }
  return {
    known,
    forget,
    of(key) {
      const turns = createRenewalTurns(nowMs);
      const entry: Entry<V> = known.get(key) ?? { failures: 0, notBeforeMs: 0, usedAtMs: 0, isForgotten: false, turns };
      entry.usedAtMs = nowMs();
      known.delete(key); // to the end: the first is the one that was used least recently
      known.set(key, entry);
      for (const [oldest, { usedAtMs, pending }] of known) {
        if (pending || (known.size <= most && nowMs() - usedAtMs < unusedMs)) break;
        forget(oldest);
      }
      return entry;
    },
  };
}

function learn<V>(entry: Entry<V>, { value, lifetimeMs, end }: Token<V>, now: number, afterRefusal: boolean): void {
  const lifeMs = Math.min(Math.max(lifetimeMs, shortestLifeMs), longestLifeMs);
  const times = { gotAtMs: now, renewAtMs: now + lifeMs * 0.8, expiresAtMs: now + lifeMs };
  entry.token = { value, ...times, afterRefusal, ...(end && { end }) };
  entry.failures = 0;
  entry.problem = undefined;
}
/** `fraction`: random, at least 0 and below 1. */
function learnFailure<V>(entry: Entry<V>, error: unknown, now: number, fraction: number): void {
  const { retryAfterMs = 0, ...problem } = error instanceof RefusedError ? error.refusal : unexpected;
  const isRefused = problem.reason === "CredentialRefused";
  const limits = isRefused ? refusedPauseMs : pauseMs;
  const fullMs = Math.min(
    doublingMs(limits, entry.failures),
    !isRefused && usableToken(entry, now) ? longestPauseWithTokenMs : Infinity,
  );
  entry.failures += 1;
  entry.notBeforeMs = now + Math.max(shortenedMs(fullMs, fraction), retryAfterMs);
  entry.problem = problem;
}
/** The token that can still be sent. */
function usableToken<V>({ token }: Entry<V>, now: number): KnownToken<V> | undefined {
  return token && now < token.expiresAtMs ? token : undefined;
}

/** `nowMs`: a monotonic clock. `random`: at least 0 and below 1. `most`: how many are kept. */
export function createTokens<V = string>(
  nowMs = () => performance.now(),
  random: () => number = Math.random,
  most = maxEntries,
): Tokens<V> {
  const entries = createEntries<V>(nowMs, most);
  const stop = new AbortController();

  async function ask(entry: Entry<V>, fetch: FetchToken<V>, afterRefusal: boolean): Promise<void> {
    try {
      const token = await fetch(stop.signal);
      if (entry.isForgotten) token.end?.();
      else learn(entry, token, nowMs(), afterRefusal);
    } catch (error) {
      learnFailure(entry, error, nowMs(), random());
    } finally {
      entry.pending = undefined;
    }
  }
  /** Whether a refused token is renewed now; its namespace's turn is taken then. */
  function mayRenew({ token, notBeforeMs, turns }: Entry<V>, namespace: string): boolean {
    const now = nowMs();
    const isFresh = token?.afterRefusal === true && now - token.gotAtMs < renewalPauseMs;
    return !isFresh && now >= notBeforeMs && turns.take(namespace);
  }
  function get(key: string, fetch: FetchToken<V>): Got<V> {
    const entry = entries.of(key);
    const { token } = entry;
    const now = nowMs();
    if (token && now < token.renewAtMs) return { type: "token", value: token.value };
    if (!entry.pending && now >= entry.notBeforeMs) entry.pending = ask(entry, fetch, false);
    if (usableToken(entry, now) && token) return { type: "token", value: token.value };
    if (entry.pending) return { type: "pending", done: entry.pending };
    throw new RefusedError({ ...(entry.problem ?? unexpected), retryAfterMs: Math.ceil(entry.notBeforeMs - now) });
  }

  return {
    get,
    async wait(key, fetch, signal) {
      for (;;) {
        const got = get(key, fetch);
        if (got.type === "token") return got.value;
        await unlessAborted(signal, got.done);
      }
    },
    async renew(key, fetch, { value, namespace }, signal) {
      const entry = entries.of(key);
      const known = usableToken(entry, nowMs());
      if (known && !isDeepStrictEqual(known.value, value)) return known.value; // renewed since it was sent
      if (!entry.pending) {
        if (!mayRenew(entry, namespace)) return undefined;
        entry.pending = ask(entry, fetch, true);
      }
      using limit = deadline(signal, renewalWaitMs);
      try {
        await unlessAborted(limit.signal, entry.pending);
      } catch (error) {
        if (!limit.expired) throw error;
      }
      const renewed = usableToken(entry, nowMs())?.value;
      return isDeepStrictEqual(renewed, value) ? undefined : renewed; // some token servers give the same one until it expires
    },
    helped: (key, namespace) => entries.known.get(key)?.turns.helped(namespace),
    problem(key) {
      const entry = entries.known.get(key);
      return entry && !usableToken(entry, nowMs()) ? entry.problem : undefined;
    },
    forget(key, unusedForMs = 0) {
      const entry = entries.known.get(key);
      if (entry && nowMs() - entry.usedAtMs < unusedForMs) return false;
      entries.forget(key);
      return true;
    },
    get size() {
      return entries.known.size;
    },
    [Symbol.dispose]() {
      stop.abort(new Error("the tokens' owner has ended"));
      entries.known.clear();
    },
  };
}

const unexpected: Refusal = {
  type: "refusal",
  reason: "TokenRequestFailed",
  message: "no token could be had",
  heals: true,
};
