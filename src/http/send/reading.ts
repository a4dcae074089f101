/**
 * The content of one answer, as it comes and as it is read.
 *
 * Invariant: while nobody reads, no more than `unreadBytes` are taken from the socket. It ends once: complete, or broken.
 */
import { createContent } from "./content.ts";
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

interface Flow {
  readonly pause: () => void;
  readonly resume: () => void;
  /** Ends the request from this side; `breakOff` is called with the error. */
  readonly fail: (error: unknown) => void;
}

export interface Reading {
  /** More of it has come. */
  add(piece: Buffer): void;
  /** All of it has come. */
  complete(): void;
  /** No more of it comes. False: nobody reads it, and nobody has been told. */
  breakOff(error: unknown): boolean;
  readonly state: "open" | "complete" | "broken";
  /** What broke it. */
  readonly error: unknown;
  /** As of `Answer`. */
  readonly begin: (sizeBytes: number, rate?: MinimumRate) => Promise<boolean>;
  readonly read: (maxBytes: number, rate?: MinimumRate) => Promise<Buffer>;
}

const unreadBytes = 64 * 1024;

export function createReading({ pause, resume, fail }: Flow): Reading {
  const content = createContent();
  let state: Reading["state"] = "open";
  let broken: unknown;
  let reader: Reader | undefined;

  function pauseUnread(): void {
    if (!reader && content.sizeBytes > unreadBytes) pause();
  }
  /** Until the end has come, or `onMore` has ended it. */
  async function wait(maxBytes: number, rate: MinimumRate | undefined, onMore: () => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    reader = { maxBytes, resolve, reject, onMore };
    resume();
    let before = content.sizeBytes;
    const watch =
      rate &&
      setInterval(() => {
        if ((content.sizeBytes - before) * 1000 < rate.bytesPerSecond * rate.windowMs)
          fail(new WireError("HOLDFAST_RESPONSE_TOO_SLOW", `less than ${rate.bytesPerSecond} bytes a second`));
        before = content.sizeBytes;
      }, rate.windowMs);
    try {
      await promise;
    } finally {
      clearInterval(watch);
      reader = undefined;
      if (state === "open") pauseUnread();
    }
  }
  return {
    add(piece) {
      content.add(piece);
      if (reader && content.sizeBytes > reader.maxBytes) reader.onMore();
      pauseUnread();
    },
    complete() {
      state = "complete";
      reader?.resolve();
    },
    breakOff(error) {
      state = "broken";
      broken = error;
      reader?.reject(error);
      return reader !== undefined;
    },
    get state() {
      return state;
    },
    get error() {
      return broken;
    },
    async begin(sizeBytes, rate) {
      if (state === "open" && content.sizeBytes <= sizeBytes) await wait(sizeBytes, rate, () => reader?.resolve());
      if (state === "broken") throw broken;
      return state === "complete" && content.sizeBytes <= sizeBytes;
    },
    async read(maxBytes, rate) {
      if (content.sizeBytes > maxBytes) {
        const error = tooLarge(maxBytes);
        fail(error);
        throw broken ?? error;
      }
      if (state === "open") await wait(maxBytes, rate, () => fail(tooLarge(maxBytes)));
      if (state === "broken") throw broken;
      return content.all();
    },
  };
}

function tooLarge(maxBytes: number): ContentError {
  return new ContentError("HOLDFAST_CONTENT_TOO_LARGE", `more than ${maxBytes} bytes`);
}
