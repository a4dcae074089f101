/** When a key is looked at again, and why. What is to be run again as it was keeps its lane. */
import type { Backoff } from "./backoff.ts";
import type { DueReason, DueReasons } from "./due-reasons.ts";
import type { Postponed } from "./postponed.ts";
import type { Reconciled } from "./reconciled.ts";
import type { WorkQueue } from "./work-queue.ts";

interface RequeueDeps {
  readonly queue: Pick<WorkQueue, "add" | "laneOf">;
  readonly postponed: Pick<Postponed, "wait">;
  readonly reasons: Pick<DueReasons, "note">;
  readonly pauses: Backoff;
  readonly now: () => Date;
}
export interface Requeue {
  readonly settle: (id: string, reconciled: Reconciled) => void;
  readonly addLater: (id: string, delayMs: number, reason: DueReason, about?: string) => void;
}

export const waitIsLong: DueReason = "waitIsLong";
/** After somebody else's write the watch soon brings the newer object, which makes the key due; this is the fallback. */
export const conflictPauseMs = { initialMs: 200, maxMs: 10_000 };

export function createRequeue({ queue, postponed, reasons, pauses, now }: RequeueDeps): Requeue {
  function settle(id: string, reconciled: Reconciled): void {
    switch (reconciled.type) {
      case "conflict":
        return addLater(id, pauses.next(id, conflictPauseMs), "conflict");
      case "postponed": {
        const { wait } = reconciled;
        const lane = queue.laneOf(id);
        return postponed.wait(id, wait, {
          free() {
            reasons.note(id, "waitIsOver", { about: wait.reason });
            queue.add(id, { lane, kept: wait.kept });
          },
          long() {
            reasons.note(id, waitIsLong);
            queue.add(id, { lane: "listing" });
          },
        });
      }
      case "settled": {
        pauses.forget(id);
        const { requeueAfterMs, dueAt, result, reason } = reconciled.verdict;
        const leftMs = dueAt ? Math.max(0, dueAt.getTime() - now().getTime()) : Infinity;
        const delayMs = Math.min(requeueAfterMs ?? Infinity, leftMs);
        if (delayMs !== Infinity) addLater(id, delayMs, result === "retrying" ? "retry" : "interval", reason);
      }
    }
  }
  function addLater(id: string, delayMs: number, reason: DueReason, about?: string): void {
    reasons.note(id, reason, { about, delayMs });
    const isAgain = delayMs > 0 && (reason === "interval" || reason === "retry");
    queue.add(id, { delayMs, lane: isAgain ? "due" : queue.laneOf(id) });
  }
  return { settle, addLater };
}
