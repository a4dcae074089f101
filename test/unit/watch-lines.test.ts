import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { readLines } from "../../src/kubernetes/lines.ts";

async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const size of sizes) {
    yield bytes.subarray(start, start + size);
    start += size;
  }
  yield bytes.subarray(start);
}

test("gives the same lines however the bytes are cut", async () => {
  const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", ""));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat(7)), async (lines, sizes) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
      expect(await Array.fromAsync(readLines(chunked(bytes, sizes), 10_000))).toEqual(lines);
    }),
  );
});

test("drops what follows the last line feed", async () => {
  expect(await Array.fromAsync(readLines(chunked(Buffer.from("a\nb"), [1]), 10))).toEqual(["a"]);
});

test("gives up on a line above the limit", async () => {
  const reading = Array.fromAsync(readLines(chunked(Buffer.from("a".repeat(11)), [4, 4]), 10));
  await expect(reading).rejects.toMatchObject({ code: "ANSWER_TOO_LARGE" });
});
