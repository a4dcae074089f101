/**
 * The content of one answer, as it comes and as it is read.
 *
 * Invariant: while nobody reads, no more than `unreadBytes` are taken from the socket. It ends once: complete, or broken.
 */
import { ContentError } from "./decompress.ts";
import { WireError } from "./wire-error.ts";

export interface MinimumRate {
  readonly bytesPerSecond: number;
  /** Each stretch of this length must come up to it, milliseconds. */
  readonly windowMs: number;
}

interface Reader {
  readonly maxBytes: number;
  /** More than that has come. */
  readonly onMore: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Where it comes from. */
interface Flow {
  pause(): void;
  resume(): void;
  /** Ends the request from this side; `breakOff` is called with the error. */
  fail(error: unknown): void;
}

const unreadBytes = 64 * 1024;
const nothing = Buffer.alloc(0);

export class Reading {
  readonly #flow: Flow;
  #bytes: Buffer = nothing;
  #reader: Reader | undefined;
  sizeBytes = 0;
  state: "open" | "complete" | "broken" = "open";
  /** What broke it. */
  error: unknown;

  constructor(flow: Flow) {
    this.#flow = flow;
  }

  /** More of it has come. Many small pieces cost no more than few large ones. */
  add(piece: Buffer): void {
    const needed = this.sizeBytes + piece.byteLength;
    if (this.sizeBytes === 0) {
      this.#bytes = piece; // most answers are of one piece, which is not copied
    } else {
      if (needed > this.#bytes.byteLength) {
        const larger = Buffer.allocUnsafe(needed * 2);
        this.#bytes.copy(larger, 0, 0, this.sizeBytes);
        this.#bytes = larger;
      }
      piece.copy(this.#bytes, this.sizeBytes);
    }
    this.sizeBytes = needed;
    if (this.#reader && needed > this.#reader.maxBytes) this.#reader.onMore();
    this.#pauseUnread();
  }
  /** All of it has come. */
  complete(): void {
    this.state = "complete";
    this.#reader?.resolve();
  }
  /** No more of it comes. False: nobody reads it, and nobody has been told. */
  breakOff(error: unknown): boolean {
    this.state = "broken";
    this.error = error;
    this.#reader?.reject(error);
    return this.#reader !== undefined;
  }
  /** All of it, where it is there and no longer than that. */
  whole(maxBytes: number): Buffer | undefined {
    return this.state === "complete" && this.sizeBytes <= maxBytes ? this.#bytes.subarray(0, this.sizeBytes) : undefined;
  }
  /** As of `Answer`. */
  async begin(sizeBytes: number, rate?: MinimumRate): Promise<boolean> {
    if (this.state === "open" && this.sizeBytes <= sizeBytes) await this.#wait(sizeBytes, rate, () => this.#reader?.resolve());
    if (this.state === "broken") throw this.error;
    return this.state === "complete" && this.sizeBytes <= sizeBytes;
  }
  /** As of `Answer`. */
  async read(maxBytes: number, rate?: MinimumRate): Promise<Buffer> {
    const giveUp = (): void => this.#flow.fail(tooLarge(maxBytes));
    if (this.sizeBytes > maxBytes) {
      giveUp();
      throw this.error ?? tooLarge(maxBytes);
    }
    if (this.state === "open") await this.#wait(maxBytes, rate, giveUp);
    if (this.state === "broken") throw this.error;
    return this.#bytes.subarray(0, this.sizeBytes);
  }

  #pauseUnread(): void {
    if (!this.#reader && this.sizeBytes > unreadBytes) this.#flow.pause();
  }
  /** Until the end has come, or `onMore` has ended it. */
  async #wait(maxBytes: number, rate: MinimumRate | undefined, onMore: () => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#reader = { maxBytes, resolve, reject, onMore };
    this.#flow.resume();
    const watch = rate && this.#watch(rate);
    try {
      await promise;
    } finally {
      clearInterval(watch);
      this.#reader = undefined;
      if (this.state === "open") this.#pauseUnread();
    }
  }
  #watch({ bytesPerSecond, windowMs }: MinimumRate): NodeJS.Timeout {
    let before = this.sizeBytes;
    const reader = this.#reader;
    const judge = (): void => {
      if (this.#reader !== reader) return; // it has ended meanwhile
      if ((this.sizeBytes - before) * 1000 < bytesPerSecond * windowMs)
        this.#flow.fail(new WireError("HOLDFAST_RESPONSE_TOO_SLOW", `less than ${bytesPerSecond} bytes a second`));
      before = this.sizeBytes;
    };
    // What has come while this process had no time for it is taken in first.
    return setInterval(() => setImmediate(judge), windowMs);
  }
}

function tooLarge(maxBytes: number): ContentError {
  return new ContentError("HOLDFAST_CONTENT_TOO_LARGE", `more than ${maxBytes} bytes`);
}
