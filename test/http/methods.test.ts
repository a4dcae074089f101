/** Methods that few servers have, and what a method means for its connection. */
import { describe, expect, test } from "@jest/globals";
import { definitions } from "../../src/api/definitions.ts";
import { validator } from "../../src/api/validate.ts";
import { isIdempotent } from "../../src/core/http-method.ts";
import { exchange, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer, rawServer } from "../support/loopback.ts";
import { shownBody } from "../support/shown-body.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createEmit } from "../../src/telemetry/emit.ts";
import { createLog } from "../../src/telemetry/log.ts";

const freed = (): Promise<void> => new Promise(setImmediate);

/** What admission says of a method, in each place where one is written. */
function told(method: string): readonly string[] {
  const specs = {
    HTTPRequest: { url: "http://a", method },
    HTTPResource: { observe: { url: "http://a" }, create: { url: "http://a", method }, update: { url: "http://a", method } },
    EgressPolicy: { rules: [{ action: "Allow", to: { methods: [method] } }] },
  };
  return definitions
    .flatMap(({ kind, spec }) => (Object.hasOwn(specs, kind) ? validator(spec)(specs[kind as keyof typeof specs]).problems : []))
    .filter(({ path }) => /method/.test(path))
    .map(({ message }) => message);
}

describe("a method", () => {
  test.each(["GET", "PURGE", "MKCOL", "PROPFIND", "M-SEARCH", "REPORT", "X!#$%&'*+.^_`|~9"])("may be %s", (method) => {
    expect(told(method)).toEqual([]);
  });
  test.each(["purge", "Get", "", "GET ", "GET\r\nX: y", "GE(T", "ÜBEN", "A".repeat(33)])("may not be %j", (method) => {
    expect(told(method).length).toBeGreaterThanOrEqual(3);
  });
  test("that opens a tunnel is told where tunnels are declared", () => {
    expect(told("CONNECT")[0]).toContain("CONNECT opens a tunnel");
  });
  test.each(["TRACE", "TRACK"])("%s, whose answer is the request with its credential, may not be", (method) => {
    expect(told(method)[0]).toContain("answered with the request itself");
  });
  test("is idempotent where RFC 9110 says so, and of no other is that known", () => {
    const all = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST", "PATCH", "PURGE", "MKCOL", "PROPFIND", "LOCK"];
    expect(all.filter(isIdempotent)).toEqual(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);
  });
  test("goes out as it is written", async () => {
    await using server = await rawServer((socket) =>
      socket.once("data", (head) => {
        socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n${String(head).split("\r\n")[0]}`);
      }),
    );
    await using http = testRequester();
    for (const method of ["PURGE", "MKCOL", "PROPFIND", "BREW"]) {
      const outcome = await http.send(exchange({ url: `${server.url}/a`, request: { method } }));
      expect(shownBody(outcome)).toBe(`${method} /a HTTP/1.1`);
    }
  });
  test("has a label of its own in metrics where many have it", async () => {
    const metrics = createMetrics({ kinds: [], concurrency: 1 });
    const emit = createEmit(createLog({ level: "error", format: "json", scrub: (text) => text }), metrics);
    for (const method of ["PURGE", "BREW", "GET"])
      emit({ type: "exchanged", method, namespace: "n", name: "a", durationMs: 1, statusCode: 200 });
    const text = await metrics.registry.metrics();
    expect(text).toContain('holdfast_http_requests_total{method="other",code="2xx",reason=""} 2');
    expect(text).not.toContain("PURGE");
  });
});

test.each(["HEAD", "GET", "PUT", "PURGE"])("15 requests by %s go over one connection", async (method) => {
  await using server = await loopbackServer(({ method }, response) => {
    response.writeHead(200, { "content-length": "5" }).end(method === "HEAD" ? undefined : "hello");
  });
  await using http = testRequester();
  for (let round = 0; round < 15; round += 1) {
    expect(await http.send(exchange({ url: server.url, request: { method } }))).toMatchObject({ response: { statusCode: 200 } });
    await freed();
  }
  expect([server.requests.length, server.accepted]).toEqual([15, 1]);
});

test("a server that answers HEAD with content does not answer the next request with it", async () => {
  await using server = await rawServer((socket) =>
    socket.on("data", (head) => {
      const isHead = String(head).startsWith("HEAD");
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${isHead ? "stale" : "fresh"}`);
    }),
  );
  await using http = testRequester();
  for (let round = 0; round < 5; round += 1) {
    expect(await http.send(exchange({ url: server.url, request: { method: "HEAD" } }))).toMatchObject({
      response: { statusCode: 200, sizeBytes: 0 },
    });
    await freed();
    expect(shownBody(await http.send(exchange({ url: server.url })))).toBe("fresh");
    await freed();
  }
});
