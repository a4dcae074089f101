/**
 * Origins that mean harm: none holds more memory than 64 MiB or takes more time than the deadline and a second, each has its reason,
 * and the exchange after it works, with the same requester.
 */
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { createAuthority } from "../support/certificates.ts";
import { exchange, literal, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { loopbackServer, rawServer, type LoopbackServer } from "../support/loopback.ts";
import { HeldMemory } from "../support/held-memory.ts";
import { eventually, socketsTo } from "../support/tcp-table.ts";

/** For what does not end before it; whatever else is found to be wrong is so before that, on a busy machine, too. */
const deadlineMs = 1_200;
const longMs = 30_000;
const mebibyte = 1024 * 1024;
const ok = "HTTP/1.1 200 OK\r\n";

const authority = createAuthority("Hostile");
let http: TestRequester;
let honest: LoopbackServer;

beforeAll(async () => {
  http = testRequester({ minBytesPerSecond: 100, rateWindowMs: 300 });
  honest = await loopbackServer((_request, response) => response.end("honest"));
});
afterAll(async () => {
  await http[Symbol.asyncDispose]();
  await honest[Symbol.asyncDispose]();
  authority[Symbol.dispose]();
});
let memory: HeldMemory;
beforeEach(() => {
  memory = new HeldMemory(64 * mebibyte);
});
afterEach(() => memory[Symbol.dispose]());

/** Writes what `next` gives as fast as it is taken, until the socket closes. */
function flood(socket: Socket, next: () => string | Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(next()));
  };
  socket.on("drain", more);
  more();
}
function trickle(socket: Socket, text: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(text), everyMs);
  socket.on("close", () => clearInterval(timer));
}
const bomb = gzipSync(Buffer.alloc(200 * mebibyte));
const lines = (count: number): string => Array.from({ length: count }, (_, index) => `x-${index}: 0123456789\r\n`).join("");

interface Origin {
  readonly reason: string | RegExp;
  readonly behave: (socket: Socket) => void;
  /** What it sends comes to an end, so its connection can be used again. */
  readonly leavesConnection?: true;
}
const origins: Record<string, Origin> = {
  "resets the connection": { reason: "ConnectionReset", behave: (socket) => socket.resetAndDestroy() },
  "resets it in the middle of the content": {
    reason: "ConnectionReset",
    behave(socket) {
      socket.write(`${ok}Content-Length: 1000\r\n\r\nbegin`);
      setTimeout(() => socket.resetAndDestroy(), 20);
    },
  },
  "says nothing": { reason: "Timeout", behave: () => {} },
  "sends its header a byte at a time": {
    reason: "Timeout",
    behave(socket) {
      socket.write(ok);
      trickle(socket, "x", 20);
    },
  },
  "sends its content a byte at a time": {
    reason: "ResponseTooSlow",
    behave(socket) {
      socket.write(`${ok}Content-Length: 100000\r\n\r\n`);
      trickle(socket, "x", 50);
    },
  },
  "sends its content just fast enough": {
    reason: "Timeout",
    behave(socket) {
      socket.write(`${ok}Content-Length: 100000\r\n\r\n`);
      trickle(socket, "x".repeat(20), 50);
    },
  },
  "sends a gzip bomb": {
    reason: "ResponseTooLarge",
    leavesConnection: true,
    behave: (socket) =>
      socket.write(Buffer.concat([Buffer.from(`${ok}Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`), bomb])),
  },
  "sends 100,000 header fields": { reason: "HeadersTooLarge", behave: (socket) => socket.write(`${ok}${lines(100_000)}\r\n`) },
  "sends a header field that does not end": {
    reason: "HeadersTooLarge",
    behave(socket) {
      socket.write(`${ok}x-long: `);
      flood(socket, () => "x".repeat(16_384));
    },
  },
  "sends trailers that do not end": {
    reason: "HeadersTooLarge",
    behave(socket) {
      socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n`);
      flood(socket, () => "x-trailer: 0123456789\r\n".repeat(500));
    },
  },
  "sends chunks without end": {
    reason: "ResponseTooLarge",
    behave(socket) {
      socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n`);
      flood(socket, () => `4000\r\n${"x".repeat(16_384)}\r\n`);
    },
  },
  "sends chunks of one byte without end": {
    reason: /^(ResponseTooLarge|Timeout)$/,
    behave(socket) {
      socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n`);
      flood(socket, () => "1\r\nx\r\n".repeat(4_000));
    },
  },
  "sends a chunk extension that does not end": {
    reason: "ResponseTooSlow",
    behave(socket) {
      socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n4;`);
      flood(socket, () => "x".repeat(16_384));
    },
  },
  "sends content without a length and without end": {
    reason: "ResponseTooLarge",
    behave(socket) {
      socket.write(`${ok}\r\n`);
      flood(socket, () => Buffer.alloc(65_536));
    },
  },
  "sends nothing but informational responses": {
    reason: "InvalidResponse",
    behave: (socket) => flood(socket, () => "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n".repeat(200)),
  },
  "sends a second answer that nobody asked for": {
    reason: "200",
    behave: (socket) => flood(socket, () => `${ok}Content-Length: 2\r\n\r\nok`.repeat(200)),
  },
  "speaks something else": {
    reason: "InvalidResponse",
    behave: (socket) => flood(socket, () => "\0\x01\x02garbage\r\n".repeat(1_000)),
  },
  "announces two lengths": {
    reason: "InvalidResponse",
    behave: (socket) => socket.write(`${ok}Content-Length: 2\r\nContent-Length: 4\r\n\r\nok`),
  },
  "announces a length and chunks": {
    reason: "InvalidResponse",
    behave: (socket) => socket.write(`${ok}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  },
  "answers with a status that there is not": {
    reason: "InvalidResponse",
    behave: (socket) => socket.write("HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n"),
  },
  "switches protocols unasked": {
    reason: /^(InvalidResponse|ConnectionReset)$/,
    behave: (socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
  },
  "redirects in a circle": {
    reason: "RedirectLoop",
    leavesConnection: true,
    behave: (socket) => socket.write("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
  },
  "redirects with content that does not end": {
    reason: "RedirectLoop",
    behave(socket) {
      socket.write("HTTP/1.1 302 Found\r\nLocation: /\r\nTransfer-Encoding: chunked\r\n\r\n");
      flood(socket, () => `4000\r\n${"x".repeat(16_384)}\r\n`);
    },
  },
};

async function expectHarmless(startedMs: number): Promise<void> {
  expect(performance.now() - startedMs).toBeLessThan(longMs);
  expect(memory.mostBytes / mebibyte).toBeLessThan(64);
  expect(await http.send(exchange({ url: honest.url }))).toMatchObject({ type: "response", response: { sizeBytes: 6 } });
}

test.each(Object.keys(origins))("F13: an origin that %s", async (name) => {
  const { reason, behave, leavesConnection } = origins[name] ?? { reason: "", behave: () => {} };
  await using server = await rawServer((socket) => socket.once("data", () => behave(socket)));
  const timeoutMs = String(reason).includes("Timeout") ? deadlineMs : longMs;
  const startedMs = performance.now();
  const outcome = await http.send(exchange({ url: server.url, timeoutMs }));
  await expectHarmless(startedMs);
  const got = outcome.type === "response" ? `${outcome.response.statusCode}` : outcome.reason;
  expect(got).toMatch(typeof reason === "string" ? new RegExp(`^${reason}$`) : reason);
  const open = async (): Promise<number> => (await socketsTo(server.port))["established"] ?? 0;
  const most = leavesConnection ? 1 : 0;
  expect(await eventually(open, (count) => count <= most)).toBeLessThanOrEqual(most);
  expect(http.sockets().active).toBe(0);
});

test("F13: an origin whose certificate has expired", async () => {
  const expired = authority.issue("IP:127.0.0.1", { days: -1 });
  await using server = await loopbackServer((_request, response) => response.end(), expired);
  const startedMs = performance.now();
  const outcome = await http.send(exchange({ url: server.url, tls: { ca: literal(authority.ca) }, timeoutMs: longMs }));
  expect(outcome).toMatchObject({ type: "failure", reason: "CertificateInvalid", sent: false });
  await expectHarmless(startedMs);
});
