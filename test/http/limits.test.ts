import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { exchange, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer, rawServer } from "../support/loopback.ts";

const root = join(import.meta.dirname, "../..");
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("content that comes too slowly", () => {
  const rate = { minBytesPerSecond: 1_000, rateWindowMs: 1_000 };
  /** 10 kB in pieces, after each of these pauses. */
  const inPieces = (pausesMs: readonly number[]): ReturnType<typeof loopbackServer> =>
    loopbackServer((_request, response) => {
      response.flushHeaders();
      void (async () => {
        for (const ms of pausesMs) {
          await pause(ms);
          response.write(Buffer.alloc(10_000 / pausesMs.length));
        }
        response.end();
      })();
    });

  test("is given up after one stretch below the rate, not at the deadline", async () => {
    await using server = await inPieces([0, 5_000]);
    await using http = testRequester(rate);
    expect(await http.send(exchange({ url: server.url }))).toMatchObject({ reason: "ResponseTooSlow", sent: true });
  });

  test("is waited for where there is no such limit, and where it comes steadily", async () => {
    await using server = await inPieces([0, 500]);
    await using steady = await inPieces(Array<number>(20).fill(120));
    await using patient = testRequester({ minBytesPerSecond: 0 });
    await using strict = testRequester(rate);
    expect(await patient.send(exchange({ url: server.url }))).toMatchObject({ type: "response" });
    expect(await strict.send(exchange({ url: steady.url }))).toMatchObject({ type: "response", response: { sizeBytes: 10_000 } });
  });

  test("does not mean what came while this process had no time", async () => {
    await using server = await inPieces([150, 200, 0, 0]);
    await using http = testRequester(rate);
    const sent = http.send(exchange({ url: server.url }));
    while (server.requests.length === 0) await pause(1);
    await pause(250); // one stretch is over, and nothing of the next is there
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
    expect(await sent).toMatchObject({ type: "response", response: { sizeBytes: 10_000 } });
  });

  test("does not mean an answer that is slow to begin", async () => {
    await using server = await loopbackServer((_request, response) => void setTimeout(() => response.end("ok"), 2_000));
    await using http = testRequester(rate);
    expect(await http.send(exchange({ url: server.url }))).toMatchObject({ type: "response" });
  });
});

test("a server that accepts a connection and does not speak TLS on it is given up", async () => {
  await using server = await rawServer(() => {});
  await using http = testRequester();
  const outcome = await http.send(exchange({ url: server.url.replace("http", "https"), timeoutMs: 60_000 }));
  expect(outcome).toMatchObject({ type: "failure", reason: "ConnectTimeout", sent: false });
});

test("no file descriptor left is a reason of its own, and heals", async () => {
  await using server = await loopbackServer((_request, response) => response.end("ok"));
  await using other = await loopbackServer((_request, response) => response.end("ok"));
  const program = [join(root, "node_modules/.bin/node"), join(root, "test/support/few-files.ts"), server.url, other.url];
  const { stdout } = await promisify(execFile)("sh", ["-c", 'ulimit -n 64; exec "$@"', "few-files", ...program]);
  expect(JSON.parse(stdout)).toMatchObject([
    { type: "failure", reason: "TooManyFiles", sent: false },
    { type: "response", response: { statusCode: 200 } },
  ]);
  expect(server.requests).toHaveLength(1);
});
