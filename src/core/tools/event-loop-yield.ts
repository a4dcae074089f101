/**
 * Pauses in work that waits for nothing, so that what else the process has to do, a probe, the lease, a watch, need not
 * wait until all of it is done.
 *
 * Invariant: whoever yields after each piece of work never keeps the event loop for much longer than a slice and a piece.
 */
import { setImmediate } from "node:timers/promises";

/** Resolves once everything else has had its turn; undefined where that was less than a slice ago. */
export type YieldIfLong = () => Promise<void> | undefined;

const sliceMs = 10;

/** To be shared by all who work at the same time: together they have one slice. */
export function createYieldIfLong(): YieldIfLong {
  let sinceMs = performance.now();
  let breath: Promise<void> | undefined;
  async function take(): Promise<void> {
    await setImmediate();
    sinceMs = performance.now();
    breath = undefined;
  }
  return () => (performance.now() - sinceMs >= sliceMs ? (breath ??= take()) : undefined);
}
