/**
 * A process's wall clock, that a test can set: for what must not depend on it. The monotonic clock goes on as it was.
 *
 * With Debian's libfaketime, where it is installed, it is the C library's clock; else it is JavaScript's `Date`, which is
 * the only way by which a program in this language reads it.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";

export interface WallClock extends AsyncDisposable {
  /** For the process whose clock it is. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets it to be so many seconds ahead of the true time; below 0, behind it. */
  jumpTo(aheadSecs: number): Promise<void>;
}

const triplet = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" }[arch() as "x64" | "arm64"];
const library = process.env["HOLDFAST_LIBFAKETIME"] ?? `/usr/lib/${triplet}/faketime/libfaketimeMT.so.1`;

export async function wallClock(): Promise<WallClock> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-clock-"));
  const file = join(folder, "ahead");
  await writeFile(file, "+0");
  const preloaded = join(import.meta.dirname, "shifted-date.ts");
  return {
    env: existsSync(library)
      ? { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1" }
      : { NODE_OPTIONS: `--import ${preloaded}`, HOLDFAST_TEST_CLOCK: file },
    jumpTo: (aheadSecs) => writeFile(file, `${aheadSecs < 0 ? "" : "+"}${aheadSecs}`),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
