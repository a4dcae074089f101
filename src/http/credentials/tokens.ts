/**
 * Tokens that are shared: one for each endpoint and its credentials, asked for once however many wait for it.
 *
 * Guarantees: at most one request for a token is under way for a key; after one that failed, the next comes after a pause that
 * doubles; a token is renewed when four fifths of its life are over, while it is still used. Nobody waits inside a worker
 * unless it asks to.
 */
import { unlessAborted } from "../../core/tools/deadline.ts";
import { doublingMs, shortenedMs } from "../../core/backoff.ts";
import type { Refusal } from "../../core/outcome.ts";
import { RefusedError } from "../refusal.ts";

export interface Token {
  readonly value: string;
  readonly lifetimeMs: number;
}
/** Throws `RefusedError`, or what went wrong. */
export type FetchToken = (signal: AbortSignal) => Promise<Token>;

type Got =
  | { readonly type: "token"; readonly value: string }
  /** It is being asked for; `done` resolves when that has ended, well or not. */
  | { readonly type: "pending"; readonly done: Promise<void> };

interface Tokens extends Disposable {
  /** Throws `RefusedError` while it is too early to ask again. */
  get(key: string, fetch: FetchToken): Got;
  /** The same, waiting for what is under way. Rejects with the signal's reason. */
  wait(key: string, fetch: FetchToken, signal: AbortSignal): Promise<string>;
  /** The server did not accept `value`. False: a fresh one was refused just now, and another would be. */
  rejected(key: string, value: string): boolean;
  /** Why there is none, where that is known. */
  problem(key: string): Refusal | undefined;
  readonly size: number;
}

interface Entry {
  token?: { readonly value: string; readonly renewAtMs: number; readonly expiresAtMs: number } | undefined;
  pending?: Promise<void> | undefined;
  problem?: Refusal | undefined;
  failures: number;
  notBeforeMs: number;
  rejectedAtMs: number;
  usedAtMs: number;
}

/** A token that says it lives shorter is taken to live so long: what refuses it says so. */
const shortestLifeMs = 10_000;
const longestLifeMs = 86_400_000;
const pauseMs = { initialMs: 1_000, maxMs: 300_000 };
/** A token that was renewed since it was refused is not renewed again for so long: the fault is not its age. */
const renewalPauseMs = 10_000;
const unusedMs = 3_600_000;
const maxEntries = 10_000;

/** `nowMs`: a monotonic clock. `random`: at least 0 and below 1. */
export function createTokens(nowMs = () => performance.now(), random: () => number = Math.random): Tokens {
  const entries = new Map<string, Entry>();
  const stop = new AbortController();

  function entryOf(key: string): Entry {
    const known = entries.get(key);
    const entry: Entry = known ?? { failures: 0, notBeforeMs: 0, rejectedAtMs: -Infinity, usedAtMs: 0 };
    entry.usedAtMs = nowMs();
    entries.delete(key); // to the end: the first is the one that was used least recently
    entries.set(key, entry);
    for (const [oldest, { usedAtMs, pending }] of entries) {
      if (pending || (entries.size <= maxEntries && nowMs() - usedAtMs < unusedMs)) break;
      entries.delete(oldest);
    }
    return entry;
  }
  async function ask(entry: Entry, fetch: FetchToken): Promise<void> {
    try {
      const { value, lifetimeMs } = await fetch(stop.signal);
      const lifeMs = Math.min(Math.max(lifetimeMs, shortestLifeMs), longestLifeMs);
      entry.token = { value, renewAtMs: nowMs() + lifeMs * 0.8, expiresAtMs: nowMs() + lifeMs };
      entry.failures = 0;
      entry.problem = undefined;
    } catch (error) {
      const fullMs = doublingMs(pauseMs, entry.failures);
      entry.failures += 1;
      entry.notBeforeMs = nowMs() + shortenedMs(fullMs, random());
      entry.problem = error instanceof RefusedError ? error.refusal : unexpected;
    } finally {
      entry.pending = undefined;
    }
  }
  function get(key: string, fetch: FetchToken): Got {
    const entry = entryOf(key);
    const { token } = entry;
    const now = nowMs();
    if (token && now < token.renewAtMs) return { type: "token", value: token.value };
    if (!entry.pending && now >= entry.notBeforeMs) entry.pending = ask(entry, fetch);
    if (token && now < token.expiresAtMs) return { type: "token", value: token.value };
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
    rejected(key, value) {
      const entry = entryOf(key);
      if (entry.token?.value !== value) return true; // renewed since then, or being renewed
      if (nowMs() - entry.rejectedAtMs < renewalPauseMs) return false;
      entry.rejectedAtMs = nowMs();
      entry.token = undefined;
      return true;
    },
    problem: (key) => entries.get(key)?.problem,
    get size() {
      return entries.size;
    },
    [Symbol.dispose]() {
      stop.abort(new Error("the tokens' owner has ended"));
      entries.clear();
    },
  };
}

const unexpected: Refusal = {
  type: "refusal",
  reason: "TokenRequestFailed",
  message: "no token could be had",
  heals: true,
};
