/**
 * What came of requests that were sent, until it is recorded.
 *
 * Invariant: only the write is tried again, however long that takes, and nobody holds a worker for it. An outcome ends in one
 * of three: it is written; it is shown to be another's to write; or the process ends, which says it in the log.
 */
import {
  FinalizerRefusedError,
  StatusTooLargeError,
  type Announce,
  type OutcomeJournal,
  type WriteResult,
} from "../core/ports.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { TransitionEvent } from "../core/transition-event.ts";
import type { Finalizer, Resource, ResourceType } from "../core/resource.ts";
import { deadline } from "../core/tools/deadline.ts";
import { createBackoff, spacedMs } from "./backoff.ts";
import { forgetJournaled } from "./journaled.ts";
import { queueKey } from "./key.ts";
import { createRoom, type Room } from "./room.ts";
import { describeProblem, describeUnrecorded, shrinkStatus } from "./unrecorded-text.ts";

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
  /** The attempt by which it finds its object again, where it was declared. */
  readonly attempt?: { readonly id: string; readonly sender: string };
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
  readonly untilRoom: (namespace: string) => Promise<void> | undefined;
  /** The watch tells that the object is another one by now (`uid`); undefined: that it is gone, or is not watched any more. */
  readonly noteChange: (id: string, uid: string | undefined) => void;
  /** A status that belongs to no request that was sent could be written; or was refused, of the resource with this key. */
  notePlainWrite(refused?: { readonly id: string; readonly error: unknown }): void;
  /** The resource with this key has nothing more to write for now: it waits for no status that was refused. */
  readonly noteSettled: (id: string) => void;
  /** Why statuses cannot be written, as a sentence; undefined: they can. */
  readonly problem: () => string | undefined;
  /** How many cannot be written, and for how long the oldest of them could not. */
  readonly failing: () => { readonly count: number; readonly oldestSecs: number };
}

interface UnrecordedOptions {
  readonly emit: EmitTelemetry;
  readonly announce: Announce;
  /** Where what is not written at once is kept, too. */
  readonly journal?: OutcomeJournal | undefined;
  /** Most bytes of statuses that are kept; a namespace alone has a quarter of them. */
  readonly maxBytes?: number;
  /** Limit on one try of a write, milliseconds. */
  readonly tryLimitMs?: number;
}

/** The pause between two tries of one write, milliseconds. */
const pauseMs = { initialMs: 1_000, maxMs: 60_000 };
/** Another write of the same kind and namespace landed: it is worth trying again, but not each time one lands. Milliseconds. */
const wakeAfterMs = 5_000;
const wakeEveryMs = 1_000;
/** How soon it is seen that this process leads again, milliseconds. */
const standbyMs = 1_000;
/** Shorter failures heal by themselves before anybody could act. Milliseconds. */
const worthTellingMs = 15_000;
/** As large as the statuses of some ten thousand requests. */
const defaultMaxBytes = 32 * 1024 * 1024;
const defaultTryLimitMs = 30_000;
/** A write usually takes less: the journal's disk is not asked for each request. Milliseconds. */
const journalAfterMs = 500;

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
const notLeading = new Error("this process does not lead, and nobody else is known to");
const anotherObject = Symbol("another object has its name");

/** It does not fit: what can be left out is, and people are told. */
const tooLarge: TransitionEvent = {
  type: "Warning",
  reason: "StatusTooLarge",
  message: "the object is too large for its whole status: what was answered, and the history, are left out",
};

function tellLost(emit: EmitTelemetry, { outcome: { type, resource, finalizer }, status, failure }: Entry): void {
  const message = "what came of a request could not be recorded before the process ended: run the command to record it";
  const fields = describeUnrecorded(type, resource, status, { finalizer, withCommand: true });
  emit({ type: "note", level: "error", message, fields, error: failure?.error });
}

function journalOutcome({ journal, emit }: UnrecordedOptions, { id, outcome, status }: Entry): void {
  const { attempt, resource } = outcome;
  if (!journal || !attempt) return;
  try {
    journal.keep(id, { uid: resource.metadata.uid, attemptId: attempt.id, sender: attempt.sender, status });
  } catch (error) {
    emit({ type: "note", level: "error", message: "the journal cannot be written", error });
  }
}

export function createUnrecordedOutcomes(options: UnrecordedOptions): UnrecordedOutcomes {
  const { emit, maxBytes = defaultMaxBytes } = options;
  const entries = new Map<string, Entry>();
  const failing = new Set<Entry>();
  const room = createRoom(maxBytes);
  const landing = createLanding(options, failing, room);
  /** `ids`: of those that will try it again; there is one at least. */
  let plainRefusal: { readonly ids: Set<string>; readonly error: unknown; readonly sinceMs: number } | undefined;
  function noteSettled(id: string): void {
    if (plainRefusal?.ids.delete(id) && plainRefusal.ids.size === 0) plainRefusal = undefined;
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
      const journaling = setTimeout(() => journalOutcome(options, entry), journalAfterMs);
      try {
        const result = await landing.land(entry);
        if (result.type === "written") {
          landing.wakeOthers(entry);
          plainRefusal = undefined; // a status has been written
        }
        forgetJournaled(options, id);
        return result;
      } catch (error) {
        if (ending.signal.reason === anotherObject) return { type: "conflict" };
        journalOutcome(options, entry);
        tellLost(emit, entry);
        throw error;
      } finally {
        clearTimeout(journaling);
        signal.removeEventListener("abort", onAbort);
        entries.delete(id);
        landing.end(entry);
      }
    },
    untilRoom: (namespace) => room.untilFree(namespace),
    noteSettled,
    noteChange(id, uid) {
      if (uid === undefined) noteSettled(id);
      const entry = entries.get(id);
      if (!entry || entry.outcome.resource.metadata.uid === uid) return;
      if (uid !== undefined) return entry.ending.abort(anotherObject);
      entry.isUnheard = true;
      entry.wake();
    },
    notePlainWrite(refused) {
      if (!refused) return void (plainRefusal = undefined);
      const { ids = new Set<string>(), sinceMs = performance.now() } = plainRefusal ?? {};
      plainRefusal = { ids: ids.add(refused.id), error: refused.error, sinceMs };
    },
    problem() {
      const [oldest] = failing; // in the order in which they failed first
      const { sinceMs, error } = oldest ? { sinceMs: oldest.sinceMs, error: oldest.failure?.error } : (plainRefusal ?? {});
      if (sinceMs === undefined || performance.now() - sinceMs < worthTellingMs) return undefined;
      return describeProblem(failing.size, (performance.now() - sinceMs) / 1000, error);
    },
    failing() {
      const [oldest] = failing;
      return { count: failing.size, oldestSecs: oldest ? (performance.now() - oldest.sinceMs) / 1000 : 0 };
    },
  };
}

interface Landing {
  /** Tries until it is written, or another's; rejects when the entry is ended. */
  land(entry: Entry): Promise<WriteResult>;
  /** Another write of the kind and namespace landed: what was refused there may be accepted by now. */
  wakeOthers(entry: Entry): void;
  end(entry: Entry): void;
}
/** The writes. `failing`: those that have failed, in the order in which they did first. */
function createLanding(
  { emit, announce, tryLimitMs = defaultTryLimitMs }: UnrecordedOptions,
  failing: Set<Entry>,
  room: Room,
): Landing {
  const pauses = createBackoff();
  let wokenMs = 0;

  function fail(entry: Entry, error: unknown): void {
    const { type, resource } = entry.outcome;
    if (!entry.failure) {
      failing.add(entry);
      entry.sizeBytes = JSON.stringify(entry.status).length;
      room.take(resource.metadata.namespace, entry.sizeBytes);
      const message = "what came of a request cannot be recorded yet; it is kept, and only the write is tried again";
      emit({ type: "note", level: "warn", message, fields: describeUnrecorded(type, resource, entry.status), error });
      if (error instanceof FinalizerRefusedError)
        announce(type, resource, { type: "Warning", reason: "FinalizerRefused", message: error.message });
    }
    entry.failure = { error, atMs: performance.now() };
  }
  function wakeOthers({ outcome: { type, resource } }: Entry): void {
    if (failing.size === 0 || performance.now() - wokenMs < wakeEveryMs) return;
    wokenMs = performance.now();
    const dueMs = wokenMs - wakeAfterMs;
    for (const { outcome, failure, wake } of failing) {
      const isAlike = outcome.type.kind === type.kind && outcome.resource.metadata.namespace === resource.metadata.namespace;
      if (isAlike && failure && failure.atMs < dueMs) wake();
    }
  }
  async function pause(entry: Entry): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    entry.wake = resolve;
    const ownMs = entry.outcome.mayRecord() === "wait" ? standbyMs : pauses.next(entry.id, pauseMs);
    using limit = deadline(entry.ending.signal, spacedMs(ownMs, failing.size));
    limit.signal.addEventListener("abort", () => resolve(), { once: true });
    if (!limit.signal.aborted) await promise;
    entry.ending.signal.throwIfAborted();
  }
  async function isGone({ outcome, ending }: Entry): Promise<boolean> {
    using limit = deadline(ending.signal, tryLimitMs);
    return outcome.isGone(limit.signal).catch(() => false); // it is not known, and asked again after the next try
  }
  async function land(entry: Entry): Promise<WriteResult> {
    const { type, resource, mayRecord, write } = entry.outcome;
    const mayWrite = (): boolean => mayRecord() === "yes";
    for (let isShrunk = false; ;) {
      if (mayRecord() === "no") return { type: "conflict" };
      if (!mayWrite()) fail(entry, notLeading);
      else
        try {
          using limit = deadline(entry.ending.signal, tryLimitMs);
          const result = await write(entry.status, limit.signal, mayWrite);
          if (result.type === "written" || mayRecord() !== "wait") return result;
        } catch (error) {
          entry.ending.signal.throwIfAborted();
          if (error instanceof StatusTooLargeError && !isShrunk) {
            isShrunk = true;
            entry.status = shrinkStatus(entry.status);
            announce(type, resource, tooLarge);
            continue;
          }
          fail(entry, error);
          if (entry.isUnheard && (await isGone(entry))) return { type: "conflict" };
        }
      await pause(entry);
    }
  }

  return {
    land,
    wakeOthers,
    end(entry) {
      pauses.forget(entry.id);
      if (failing.delete(entry)) room.take(entry.outcome.resource.metadata.namespace, -entry.sizeBytes);
    },
  };
}
