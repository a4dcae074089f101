/**
 * A stream of bytes as lines of text, however it was cut into chunks. Invariant: a character is decoded only once all
 * its bytes are there; the byte of a line feed is never part of another character in UTF-8.
 */
import { ApiUnreachableError, tooLarge } from "./api-error.ts";

/** Without their line feeds; what follows the last one is dropped, it was cut off. Throws for a line above the limit. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, maxLineBytes: number): AsyncGenerator<string, void> {
  let parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]).toString("utf8");
      parts = [];
      sizeBytes = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    parts.push(chunk.subarray(start));
    sizeBytes += chunk.length - start;
    if (sizeBytes > maxLineBytes) throw new ApiUnreachableError("reading a watch", tooLarge);
  }
}
