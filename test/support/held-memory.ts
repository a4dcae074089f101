/** What a process holds in memory, told apart from what only waits to be collected. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes that are still reachable: on the heap, in buffers, and in what native code tells V8 of. */
export function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * Watches what is held while something runs. A collection is slow, so one is only made when what is held together with
 * what waits to be collected has grown by more than `limitBytes`, and then ten times a second.
 */
export class HeldMemory implements Disposable {
  readonly #heldBefore = heldBytes();
  readonly #limitBytes: number;
  readonly #timer = setInterval(() => this.#sample(), 5);
  #sampledMs = 0;
  #mostBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The most by which what is held had grown, bytes: 0 where it cannot have grown by more than the limit. */
  get mostBytes(): number {
    return this.#mostBytes;
  }

  #sample(): void {
    const nowMs = performance.now();
    if (nowMs - this.#sampledMs < 100) return;
    const { heapUsed, external } = process.memoryUsage();
    if (heapUsed + external - this.#heldBefore < this.#limitBytes) return;
    this.#mostBytes = Math.max(this.#mostBytes, heldBytes() - this.#heldBefore);
    this.#sampledMs = performance.now();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
