import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import type { Outcome } from "../../src/core/outcome.ts";
import { exchange, testRequester, type TestRequesterOptions } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

async function answered(content: Buffer, encoding: string | string[], options: TestRequesterOptions = {}): Promise<Outcome> {
  await using server = await loopbackServer((_request, response) =>
    response.setHeader("content-encoding", encoding).end(content),
  );
  await using http = testRequester(options);
  const outcome = await http.send(exchange({ url: server.url }));
  expect(await http.send(exchange({ url: server.url, request: { method: "HEAD" } }))).toMatchObject({ type: "response" });
  return outcome;
}

const text = JSON.stringify({ serial: "12345678901234567890", text: "café ".repeat(500) });
const forms: Record<string, (text: string) => Buffer> = {
  gzip: gzipSync,
  "x-gzip": gzipSync,
  GZIP: gzipSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
  deflate: deflateSync,
  "deflate without its frame": deflateRawSync,
  identity: (text) => Buffer.from(text),
};

test.each(Object.keys(forms))("%s content is decompressed, and its size and digest are those of what comes out", async (form) => {
  const outcome = await answered(forms[form]?.(text) ?? Buffer.alloc(0), form.replace(/ .*/, ""));
  if (outcome.type !== "response") throw new Error(outcome.message);
  const { body, sizeBytes, sha256 } = outcome.response;
  expect(body.open()).toBe(text);
  expect(sizeBytes).toBe(Buffer.byteLength(text));
  expect(sha256).toBe(createHash("sha256").update(text).digest("hex"));
});

test("content that is empty is that in every encoding", async () => {
  expect(await answered(Buffer.alloc(0), "gzip")).toMatchObject({ type: "response", response: { sizeBytes: 0 } });
});

describe("what cannot be read is told as such:", () => {
  test.each([
    ["two encodings", gzipSync(gzipSync(text)), "gzip, gzip"],
    ["two fields", gzipSync(gzipSync(text)), ["gzip", "gzip"]],
    ["an unknown encoding", Buffer.from(text), "compress"],
    ["something else", Buffer.from(text), "gzip"],
    ["half of it", gzipSync(text).subarray(0, 40), "gzip"],
    ["half of it", zstdCompressSync(text).subarray(0, 40), "zstd"],
    ["half of it", brotliCompressSync(text).subarray(0, 30), "br"],
  ])("%s", async (_what, content, encoding) => {
    const outcome = await answered(content, encoding);
    expect(outcome).toMatchObject({ type: "failure", reason: "InvalidResponse", sent: true });
  });
});

test("what comes out counts, not what was sent", async () => {
  const content = Buffer.from(Array.from({ length: 40_000 }, (_, index) => `${index} `).join(""));
  const compressed = gzipSync(content);
  expect(compressed.byteLength).toBeLessThan(120_000);
  expect(await answered(compressed, "gzip", { maxResponseBytes: content.byteLength })).toMatchObject({ type: "response" });
  expect(await answered(compressed, "gzip", { maxResponseBytes: content.byteLength - 1 })).toMatchObject({
    reason: "ResponseTooLarge",
  });
});

test.each(["gzip", "br", "zstd", "deflate"])("a bomb in %s is told by its ratio", async (encoding) => {
  const bomb = forms[encoding]?.("\0".repeat(50_000_000)) ?? Buffer.alloc(0);
  const outcome = await answered(bomb, encoding, { maxResponseBytes: 40_000_000 });
  expect(outcome).toMatchObject({ type: "failure", reason: "CompressionRatio" });
});
