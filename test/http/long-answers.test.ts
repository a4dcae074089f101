/** Long answers take turns in memory; short ones wait for nobody. */
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { expect, test } from "@jest/globals";
import type { Prepared } from "../../src/core/ports.ts";
import { exchange, never, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

/** Of 300,000 digits, and no bomb once it is packed: that is some kilobytes. */
const long = JSON.stringify(randomBytes(2_500).toString("hex").repeat(60));
const packed = gzipSync(long);
const packedSmall = gzipSync(JSON.stringify("y".repeat(20_000)));
const server = () =>
  loopbackServer(({ url }, response) => {
    if (url === "/packed") response.setHeader("content-encoding", "gzip").end(packed);
    else if (url === "/packed-small") response.setHeader("content-encoding", "gzip").end(packedSmall);
    else if (url === "/chunks") {
      for (let n = 0; n < 4; n += 1) response.write("z".repeat(20_000));
      response.end();
    } else if (url === "/long") response.end(long);
    else response.end("ok");
  });
async function prepared(http: TestRequester, namespace: string, url: string) {
  const requests = http.requester.begin(`HTTPRequest/${namespace}/${url}`);
  const one = await requests.prepare(exchange({ url }), () => Promise.resolve({ type: "absent" }), never);
  if (one.type !== "prepared") throw new Error(one.type);
  return { requests, send: () => (one as Prepared).send(never) };
}
const sizeOf = (outcome: unknown): number => (outcome as { response: { sizeBytes: number } }).response.sizeBytes;

test.each([
  ["/long", 300_002],
  ["/packed", 300_002],
  ["/chunks", 80_000],
])("%s waits until another reconcile of its namespace has ended, but not for another namespace's", async (path, sizeBytes) => {
  await using origin = await server();
  await using http = testRequester({ memoryShares: 2 });
  const url = `${origin.url}${path}`;
  const first = await prepared(http, "a", url);
  expect(sizeOf(await first.send())).toBe(sizeBytes);
  const second = await prepared(http, "a", url);
  let isRead = false;
  const reading = second.send().then((outcome) => {
    isRead = true;
    return outcome;
  });
  const other = await prepared(http, "b", url);
  expect(sizeOf(await other.send())).toBe(sizeBytes);
  for (const small of ["/small", "/packed-small"]) {
    const short = await prepared(http, "a", `${origin.url}${small}`);
    expect(await short.send()).toMatchObject({ type: "response" });
  }
  expect(isRead).toBe(false);
  other.requests[Symbol.dispose]();
  first.requests[Symbol.dispose]();
  expect(sizeOf(await reading)).toBe(sizeBytes);
});

test("what waits for memory is not out of time, and ends when its reconcile does", async () => {
  await using origin = await server();
  await using http = testRequester({ memoryShares: 2 });
  const first = await prepared(http, "a", `${origin.url}/long`);
  await first.send();
  const requests = http.requester.begin("HTTPRequest/a/second");
  const sent = exchange({ url: `${origin.url}/long`, timeoutMs: 1_500 });
  const second = await requests.prepare(sent, () => Promise.resolve({ type: "absent" }), never);
  if (second.type !== "prepared") throw new Error(second.type);
  const stop = new AbortController();
  const outcome = second.send(stop.signal);
  await new Promise((resolve) => setTimeout(resolve, 3_000)); // twice its own timeout
  first.requests[Symbol.dispose]();
  expect(sizeOf(await outcome)).toBe(300_002);
  requests[Symbol.dispose]();

  const holder = await prepared(http, "a", `${origin.url}/long`);
  await holder.send();
  const third = await http.requester.begin("HTTPRequest/a/third").prepare(sent, () => Promise.resolve({ type: "absent" }), never);
  if (third.type !== "prepared") throw new Error(third.type);
  const ending = third.send(stop.signal);
  setTimeout(() => stop.abort(new Error("given up")), 100);
  expect(await ending).toMatchObject({ type: "failure", reason: "Aborted", sent: true });
});
