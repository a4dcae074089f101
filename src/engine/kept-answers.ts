/**
 * Answers whose outputs are not taken: kept, until they are or nobody wants that any more.
 *
 * Invariant: only the write is tried again; nobody holds a worker for it, all that are kept are bounded in bytes, and all of them
 * together in tries a second.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { doublingMs } from "../core/backoff.ts";
import { conditions, reconciling, type Condition } from "../core/conditions.ts";
import type { Refusal } from "../core/outcome.ts";
import type { OutputsResult } from "../core/plan.ts";
import { startingUpMs, type OutputRefusal } from "../core/output.ts";
import type { Announce, WaitForRecord } from "../core/ports.ts";
import type { ResourceType } from "../core/resource.ts";
import { deadline } from "../core/tools/deadline.ts";
import { spacedMs } from "./backoff.ts";
import { createLongestWaiting, type Turn } from "./longest-waiting.ts";
import type { OwnObject } from "./own-object.ts";
import { createRoom } from "./room.ts";
import type { MayRecord } from "./unrecorded.ts";

export interface KeptAnswers {
  keep(namespace: string, sizeBytes: number): Kept;
}
/** Until it is disposed. */
export interface Kept extends Disposable {
  /** False: it is not counted, and not to be kept for long. */
  readonly hasRoom: boolean;
  /** So many bytes more. */
  add(sizeBytes: number): void;
  /** Milliseconds until the next try. `failures`: those before the latest. */
  pauseMs(failures: number): number;
  /** An output of its namespace has been written. */
  landed(): void;
  /** Its turn comes when another's output has been written there. */
  turn(): Turn;
}

const defaultMaxBytes = 32 * 1024 * 1024;
/** How soon it is seen that this process leads again, or that nobody wants it any more, milliseconds. */
const standbyMs = 1_000;
/** A write that takes longer waits for something. Milliseconds. */
const slowMs = 1_000;
/** Between two tries of what is refused, milliseconds. */
const refusedPauseMs = { initialMs: 1_000, maxMs: 30_000 };
/** What heals sooner is not worth a status; another refusal than was told has to last, too, the longer the more there were. Milliseconds. */
const tellingMs = { initialMs: 5_000, maxMs: 300_000 };
/** A status that is not written by then is written another time. Milliseconds. */
const tellLimitMs = 10_000;

/** `maxBytes`: of all; a namespace alone has a quarter of them. */
export function createKeptAnswers(maxBytes = defaultMaxBytes): KeptAnswers {
  const room = createRoom(maxBytes);
  const waiting = createLongestWaiting();
  let refused = 0;
  return {
    keep(namespace, sizeBytes) {
      const hasRoom = room.untilFree(namespace) === undefined;
      let takenBytes = 0;
      let isRefused = false;
      function add(bytes: number): void {
        if (!hasRoom) return;
        takenBytes += bytes;
        room.take(namespace, bytes);
      }
      add(sizeBytes);
      return {
        hasRoom,
        add,
        pauseMs(failures) {
          refused += isRefused ? 0 : 1;
          isRefused = true;
          return spacedMs(doublingMs(refusedPauseMs, failures), refused);
        },
        landed: () => waiting.wakeOne(namespace),
        turn: () => waiting.wait(namespace),
        [Symbol.dispose]() {
          refused -= isRefused ? 1 : 0;
          if (hasRoom) room.take(namespace, -takenBytes);
        },
      };
    },
  };
}

interface Wanting {
  readonly kept: Pick<Kept, "hasRoom" | "pauseMs" | "turn">;
  readonly patienceMs: number;
  /** Whether the object is declared as it was, and this process goes on. */
  readonly isWanted: () => boolean;
  readonly mayRecord: () => MayRecord;
  /** What others may wait for is theirs from now on. */
  readonly letGo: () => void;
  /** Says in the status why it is not written; false: it could not. Never rejects. */
  readonly tell: (refusal: Refusal) => Promise<boolean>;
  /** Of `Waits`: without a limit of time. */
  readonly wait: WaitForRecord;
}
export type Written = OutputsResult | OutputRefusal | { readonly type: "conflict" };

const unwritten: Refusal = {
  type: "refusal",
  reason: "OutputRefused",
  message: "spec.outputs: could not be written while this process led; what the answer holds for them is gone",
  heals: true,
};

/**
 * What `write` gives. Where a right, a policy or a quota is against it the answer is kept, and only the write is tried again: until
 * it is taken, for as long as it is wanted and there is patience. While this process may lead again, it waits for that. Then, where
 * somebody else leads, and when `signal` aborts, the refusal stands: what was sent is known, and is not lost with its outputs. What comes
 * after a long wait for the API server may be its first answer, before it knows its roles: that does not end it at once.
 */
export async function writeUntilTaken(
  write: () => Promise<Written>,
  { kept, patienceMs, isWanted, mayRecord, letGo, tell, wait }: Wanting,
  signal: AbortSignal,
): Promise<OutputsResult> {
  let untilMs = performance.now() + (kept.hasRoom ? patienceMs : Math.min(patienceMs, startingUpMs));
  let latest: Refusal = unwritten;
  const tellIfDue = createTelling(tell);
  async function pause(pauseMs: number): Promise<void> {
    using turn = kept.turn();
    let endMs = performance.now() + pauseMs;
    const woken = turn.woken.then(() => (endMs = 0));
    while (isWanted() && performance.now() < endMs)
      await Promise.race([woken, sleep(Math.min(standbyMs, Math.max(1, endMs - performance.now())), undefined, { signal })]);
  }
  let mayExtend = true;
  async function writeOnce(): Promise<Written> {
    let isSlow = false;
    const slow = setTimeout(() => {
      isSlow = true;
      letGo();
    }, slowMs);
    const result = await wait(write()).finally(() => clearTimeout(slow));
    const enoughMs = performance.now() + startingUpMs;
    if (!isSlow || !mayExtend || untilMs >= enoughMs) return result;
    [untilMs, mayExtend] = [enoughMs, false];
    return result;
  }
  try {
    for (let failures = 0; ; failures += 1) {
      const result = await writeOnce();
      const isOther = result.type === "conflict";
      if (isOther && mayRecord() !== "wait") return latest;
      if (result.type === "ready" || (result.type === "refusal" && !("mayPass" in result))) return result;
      if (!isOther) latest = result;
      const leftMs = isOther ? Infinity : untilMs - performance.now();
      if (leftMs <= 0 || !isWanted()) return latest;
      letGo();
      if (!isOther) await wait(tellIfDue(latest));
      await wait(pause(isOther ? standbyMs : Math.min(leftMs, kept.pauseMs(failures))));
      if (!isWanted()) return latest;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    return latest;
  }
}

/** Tells of a refusal that lasts, and of another one in its place, by ever longer pauses: some say something else each time. */
export function createTelling(tell: Wanting["tell"]): (refusal: Refusal) => Promise<void> {
  let dueMs = performance.now() + tellingMs.initialMs;
  let tells = 0;
  let told: string | undefined;
  return async (refusal) => {
    if (refusal.message === told || performance.now() < dueMs) return;
    told = (await tell(refusal)) ? refusal.message : undefined;
    dueMs = performance.now() + doublingMs(tellingMs, tells);
    tells += 1;
  };
}

/** The status goes on saying which attempt it is of. False: it cannot be written, either, or not soon. */
export async function tellKept(
  object: Pick<OwnObject, "current" | "tell">,
  { reason, message }: Refusal,
  { now, announce, type }: { readonly now: () => Date; readonly announce: Announce; readonly type: ResourceType },
  signal: AbortSignal,
): Promise<boolean> {
  const { metadata, status = {} } = object.current();
  const { conditions: before = [] }: { readonly conditions?: readonly Condition[] } = status;
  const told = reconciling(reason, `${message}; what was answered is kept, and only the write is tried again`);
  const others = before.filter((one) => !["Ready", "Reconciling", "Stalled"].includes(one.type));
  const at = metadata.generation;
  const whole = {
    observedGeneration: at,
    ...status,
    conditions: [...conditions(told, before, at, now().toISOString()), ...others],
  };
  using limit = deadline(signal, tellLimitMs);
  const isTold = await object.tell(whole, limit.signal).then(
    (conflict) => conflict === undefined,
    () => false,
  );
  if (isTold) announce(type, object.current(), { type: "Warning", reason, message });
  return isTold;
}
