/**
 * What came of requests that were sent, until it is recorded.
 *
 * Invariant: only the write is tried again, however long that takes, and nobody holds a worker for it. An outcome ends in one
 * of three: it is written; it is shown to be another's to write; or the process ends, which says it in the log.
 */
import { StatusTooLargeError, type Announce, type Finalizer, type WriteResult } from "../core/ports.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { Resource, ResourceType } from "../core/resource.ts";
import { deadline } from "../core/tools/deadline.ts";
import { createBackoff } from "./backoff.ts";
import { queueKey } from "./key.ts";
import { describeUnrecorded, shrinkStatus } from "./unrecorded-text.ts";

export interface SentOutcome {
  readonly type: ResourceType;
  /** As it was read, or last written. */
  readonly resource: Resource;
  /** The whole status as it should be. */
  readonly status: object;
  /** What else is to be written, before the status. */
  readonly finalizer?: Finalizer;
  /** Throws what the store throws. `mayWrite` is asked before each try. */
  readonly write: (status: object, signal: AbortSignal, mayWrite: () => boolean) => Promise<WriteResult>;
  /** Whether the object is gone, or another has its name. Throws what the store throws. */
  readonly isGone: (signal: AbortSignal) => Promise<boolean>;
  /** `wait`: this process does not lead now, and nobody else has led since. `no`: somebody else has. */
  readonly mayRecord: () => MayRecord;
}
export type MayRecord = "yes" | "wait" | "no";

export interface UnrecordedOutcomes {
  /**
   * Resolves when it is written, or not this process's to write any more (`conflict`); rejects with the signal's reason when it
   * aborts, after it has been said in the log what could not be recorded.
   */
  record(outcome: SentOutcome, signal: AbortSignal): Promise<WriteResult>;
  /** Undefined: there is room. Else nothing more is to be sent for this namespace until it resolves. */
  untilRoom(namespace: string): Promise<void> | undefined;
  /** The watch tells that the object is another one by now (`uid`); undefined: that it is gone, or is not watched any more. */
  noteChange(id: string, uid: string | undefined): void;
  /** A status that belongs to no request that was sent could be written, or not. */
  notePlainWrite(error?: unknown): void;
  /** Why statuses cannot be written, as a sentence; undefined: they can. */
  readonly problem: () => string | undefined;
  /** How many cannot be written, and for how long the oldest of them could not. */
  readonly failing: () => { readonly count: number; readonly oldestSecs: number };
}

interface UnrecordedOptions {
  readonly emit: EmitTelemetry;
  readonly announce: Announce;
  /** Most bytes of statuses that are kept; a namespace alone has a quarter of them. */
  readonly maxBytes?: number;
  /** Limit on one try of a write, milliseconds. */
  readonly tryLimitMs?: number;
}

/** The pause between two tries of one write, milliseconds. */
const pauseMs = { first: 1_000, last: 60_000 };
/** All of them together make so many tries a second at most: one for each pause of this length, milliseconds. */
const spacingMs = 20;
/** Another write of the same kind and namespace landed: it is worth trying again, but not each time one lands. Milliseconds. */
const wakeAfterMs = 5_000;
/** Shorter failures heal by themselves before anybody could act. Milliseconds. */
const worthTellingMs = 15_000;
/** As large as the statuses of some ten thousand requests. */
const defaultMaxBytes = 32 * 1024 * 1024;
const defaultTryLimitMs = 30_000;

interface Entry {
  readonly id: string;
  readonly outcome: SentOutcome;
  readonly sinceMs: number;
  readonly ending: AbortController;
  status: object;
  /** The watch tells of the object no more. */
  isUnheard: boolean;
  /** Undefined: it has not failed yet. */
  failure?: { error: unknown; atMs: number };
  /** 0 until it has failed. */
  sizeBytes: number;
  wake: () => void;
}
const anotherObject = Symbol("another object has its name");

export function createUnrecordedOutcomes(options: UnrecordedOptions): UnrecordedOutcomes {
  const { emit, announce, maxBytes = defaultMaxBytes, tryLimitMs = defaultTryLimitMs } = options;
  const entries = new Map<string, Entry>();
  const failing = new Set<Entry>();
  const pauses = createBackoff();
  let bytes = 0;
  const bytesIn = new Map<string, number>();
  let room = Promise.withResolvers<void>();
  let plainRefusal: { error: unknown; sinceMs: number } | undefined;

  function grow(namespace: string, by: number): void {
    bytes += by;
    const own = (bytesIn.get(namespace) ?? 0) + by;
    if (own > 0) bytesIn.set(namespace, own);
    else bytesIn.delete(namespace);
  }
  function fail(entry: Entry, error: unknown): void {
    const { type, resource } = entry.outcome;
    if (!entry.failure) {
      failing.add(entry);
      entry.sizeBytes = JSON.stringify(entry.status).length;
      grow(resource.metadata.namespace, entry.sizeBytes);
      const message = "what came of a request cannot be recorded yet; it is kept, and only the write is tried again";
      emit({ type: "note", level: "warn", message, fields: describeUnrecorded(type, resource, entry.status), error });
    }
    entry.failure = { error, atMs: performance.now() };
  }
  function end(entry: Entry): void {
    entries.delete(entry.id);
    pauses.forget(entry.id);
    if (!failing.delete(entry)) return;
    grow(entry.outcome.resource.metadata.namespace, -entry.sizeBytes);
    if (bytes > (maxBytes * 3) / 4) return; // whoever waits for room would soon wait again
    room.resolve();
    room = Promise.withResolvers();
  }
  /** What was refused there may be accepted by now. */
  function wakeOthers({ outcome: { type, resource } }: Entry): void {
    const dueMs = performance.now() - wakeAfterMs;
    for (const { outcome, failure, wake } of failing) {
      const isAlike = outcome.type.kind === type.kind && outcome.resource.metadata.namespace === resource.metadata.namespace;
      if (isAlike && failure && failure.atMs < dueMs) wake();
    }
  }
  async function pause(entry: Entry): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    entry.wake = resolve;
    const delayMs = Math.max(pauses.next(entry.id, pauseMs), failing.size * spacingMs);
    using limit = deadline(entry.ending.signal, delayMs);
    limit.signal.addEventListener("abort", () => resolve(), { once: true });
    if (!limit.signal.aborted) await promise;
    entry.ending.signal.throwIfAborted();
  }
  /** It does not fit: what can be left out is, and people are told. */
  function shrink(entry: Entry): void {
    const { type, resource } = entry.outcome;
    entry.status = shrinkStatus(entry.status);
    const message = "the object is too large for its whole status: what was answered, and the history, are left out";
    announce(type, resource, { type: "Warning", reason: "StatusTooLarge", message });
  }
  async function isGone({ outcome, ending }: Entry): Promise<boolean> {
    using limit = deadline(ending.signal, tryLimitMs);
    return outcome.isGone(limit.signal).catch(() => false); // it is not known, and asked again after the next try
  }
  async function land(entry: Entry): Promise<WriteResult> {
    const { mayRecord, write } = entry.outcome;
    const mayWrite = (): boolean => mayRecord() === "yes";
    for (let isShrunk = false; ;) {
      if (mayRecord() === "no") return { type: "conflict" };
      if (mayWrite())
        try {
          using limit = deadline(entry.ending.signal, tryLimitMs);
          const result = await write(entry.status, limit.signal, mayWrite);
          if (result.type === "written" || mayRecord() !== "wait") return result;
        } catch (error) {
          entry.ending.signal.throwIfAborted();
          if (error instanceof StatusTooLargeError && !isShrunk) {
            isShrunk = true;
            shrink(entry);
            continue;
          }
          fail(entry, error);
          if (entry.isUnheard && (await isGone(entry))) return { type: "conflict" };
        }
      await pause(entry);
    }
  }
  function tellLost({ outcome, status, failure }: Entry): void {
    const { type, resource, finalizer } = outcome;
    const message = "what came of a request could not be recorded before the process ended: run the command to record it";
    const fields = describeUnrecorded(type, resource, status, { finalizer, withCommand: true });
    emit({ type: "note", level: "error", message, fields, error: failure?.error });
  }

  return {
    async record(outcome, signal) {
      const { type, resource, status } = outcome;
      const ending = new AbortController();
      const onAbort = (): void => ending.abort(signal.reason);
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      const id = queueKey(type.kind, resource.metadata);
      const entry: Entry = {
        id,
        outcome,
        status,
        ending,
        sinceMs: performance.now(),
        sizeBytes: 0,
        isUnheard: false,
        wake: () => {},
      };
      entries.set(id, entry);
      try {
        const result = await land(entry);
        if (result.type === "written") wakeOthers(entry);
        return result;
      } catch (error) {
        if (ending.signal.reason === anotherObject) return { type: "conflict" };
        tellLost(entry);
        throw error;
      } finally {
        signal.removeEventListener("abort", onAbort);
        end(entry);
      }
    },
    untilRoom: (namespace) => (bytes >= maxBytes || (bytesIn.get(namespace) ?? 0) >= maxBytes / 4 ? room.promise : undefined),
    noteChange(id, uid) {
      const entry = entries.get(id);
      if (!entry || entry.outcome.resource.metadata.uid === uid) return;
      if (uid !== undefined) return entry.ending.abort(anotherObject);
      entry.isUnheard = true;
      entry.wake();
    },
    notePlainWrite(error) {
      plainRefusal = error === undefined ? undefined : { error, sinceMs: plainRefusal?.sinceMs ?? performance.now() };
    },
    problem() {
      const [oldest] = failing; // in the order in which they failed first
      const { sinceMs, error } = oldest ? { sinceMs: oldest.sinceMs, error: oldest.failure?.error } : (plainRefusal ?? {});
      if (sinceMs === undefined || performance.now() - sinceMs < worthTellingMs) return undefined;
      const secs = Math.round((performance.now() - sinceMs) / 1000);
      const kept = oldest ? `, of which ${failing.size} tell what came of requests,` : "";
      const why = Error.isError(error) ? error.message : String(error);
      return `statuses${kept} cannot be written, for ${secs} s: ${why}`;
    },
    failing() {
      const [oldest] = failing;
      return { count: failing.size, oldestSecs: oldest ? (performance.now() - oldest.sinceMs) / 1000 : 0 };
    },
  };
}
