/**
 * Whether the workers still take what is due. A liveness probe asks; an event loop that hangs does not even answer it.
 *
 * Invariant: whatever the outside does, an API server that is away or an origin that never answers, is no reason to fail:
 * each reconcile has its deadline, after which its worker takes the next key.
 */
import type { WorkQueue } from "./work-queue.ts";

export interface Liveness {
  /** A worker took a key. */
  took(): void;
  /** What is wrong, as sentences; none: it lives. To be asked every now and then. */
  readonly failing: () => readonly string[];
}

interface LivenessSettings {
  readonly queue: Pick<WorkQueue, "depth">;
  /** Whether keys are to be taken at all: this process leads, and its caches are warm. */
  readonly isWorking: () => boolean;
  /** How long no key was taken while one was due: longer than a reconcile may take, milliseconds. */
  readonly limitMs: number;
  /** Milliseconds of a clock that never jumps. */
  readonly now?: () => number;
}

export function createLiveness({ queue, isWorking, limitMs, now = () => performance.now() }: LivenessSettings): Liveness {
  /** Since when a key has been due and none was taken, as far as has been seen. */
  let stuckSinceMs = now();
  return {
    took() {
      stuckSinceMs = now();
    },
    failing() {
      if (queue.depth === 0 || !isWorking()) stuckSinceMs = now();
      const stuckMs = now() - stuckSinceMs;
      if (stuckMs <= limitMs) return [];
      return [`${queue.depth} keys are due, and no worker has taken one for ${Math.round(stuckMs / 1000)} s`];
    },
  };
}
