/**
 * A server in a process of its own, with the worst answer that each limit of an answer allows, and a path whose requests it
 * times, at a port of its own. `node guard-origin.ts` prints both ports.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

const MiB = 1024 * 1024;
const fill = (piece: string, bytes: number): string => piece.repeat(Math.floor(bytes / piece.length));
const list = (item: string): string => `[${fill(`${item},`, MiB - 200)}1]`;

/** Contents up to the limit of 1 MiB. */
const contents: Readonly<Record<string, () => string | Buffer>> = {
  "empty-objects": () => list("{}"),
  "small-objects": () => list('{"a":1}'),
  numbers: () => list("1"),
  "long-numbers": () => list("1234567890123456"),
  strings: () => list('""'),
  nested: () => `${"[".repeat(9_000)}${"]".repeat(9_000)}`,
  "many-keys": () => `{${Array.from({ length: 60_000 }, (_, n) => `"k${n}":1`).join(",")},"z":1}`,
  "control-characters": () => "\u0001".repeat(MiB - 1),
  quotes: () => '"'.repeat(MiB - 1),
  "two-byte-text": () => `\u{4e00}${"x".repeat(MiB - 4)}`,
  "astral-text": () => "\u{1F600}".repeat(MiB / 4 - 1),
  "json-text": () => JSON.stringify(fill('\\"', MiB / 2 - 10)),
  "not-utf-8": () => Buffer.alloc(MiB - 1, 0xff),
  slashes: () => fill("/", MiB - 1),
  spaces: () => fill(" ", MiB - 1),
  parentheses: () => fill('string (") and null (', MiB - 1),
  "one-too-long": () => "x".repeat(MiB + 1),
};
/** Fields up to the limit of 16 KiB. */
const fields: Readonly<Record<string, readonly string[]>> = {
  "many-empty": Array.from({ length: 1_500 }, (_, n) => [`a${n}`, ""]).flat(),
  "many-cookies": Array.from({ length: 700 }, () => ["set-cookie", "a=b; c"]).flat(),
  "long-link": ["link", `<${" ".repeat(7_000)}${"<a>; ".repeat(1_200)}`],
  "long-type": ["content-type", `text/plain; charset="${"; ".repeat(7_000)}"`],
  "long-retry": ["retry-after", "1 ".repeat(7_000)],
  "long-etag": ["etag", `"${"a".repeat(15_000)}"`],
  "long-location": ["location", `/${"../".repeat(4_500)}`],
};
const packed: Readonly<Record<string, () => Buffer>> = {
  bomb: () => gzipSync(Buffer.alloc(100 * MiB)),
  "just-below-the-ratio": () =>
    gzipSync(Array.from({ length: MiB / 8 }, (_, n) => `${(n * 7919) % 1000}      `.slice(0, 7)).join(",")),
};
const special: Readonly<Record<string, (response: ServerResponse) => void>> = {
  informational(response) {
    for (let n = 0; n < 15; n += 1) response.writeProcessing();
    response.end("{}");
  },
  drops: (response) => void response.writeHead(200, { "content-length": "1000000" }).write("x", () => response.destroy()),
  "byte-by-byte"(response) {
    response.setHeader("content-type", "application/json");
    for (let n = 0; n < 20_000; n += 1) response.write("1");
    response.end();
  },
  trailers(response) {
    response.setHeader("trailer", "a");
    response.write("{}");
    response.addTrailers(Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`t${n}`, "1"])));
    response.end();
  },
};

/** By name, what a server can answer at each of its limits. */
export const answerNames: readonly string[] = [contents, fields, packed, special].flatMap((each) => Object.keys(each));

function answer(name: string, response: ServerResponse): void {
  const content = contents[name]?.();
  if (content !== undefined) return void response.writeHead(200, { "content-type": "application/json" }).end(content);
  const header = fields[name];
  if (header) return void response.writeHead(name === "long-location" ? 302 : 200, header as never).end("{}");
  const body = packed[name]?.();
  if (body) return void response.writeHead(200, { "content-encoding": "gzip" }).end(body);
  const own = special[name];
  if (own) own(response);
  else response.writeHead(200, { "content-type": "application/json" }).end('{"id":"1"}');
}

if (process.argv[1] === import.meta.filename) {
  const hits: number[] = [];
  let stalledMs = 0;
  let last = performance.now();
  setInterval(() => {
    stalledMs = Math.max(stalledMs, performance.now() - last - 10);
    last = performance.now();
  }, 10);
  const attackers = createServer((request, response) => {
    request.resume();
    const [, , name = ""] = (request.url ?? "").split(/[/?]/);
    answer(name, response);
  });
  const victims = createServer((request, response) => {
    if (request.url !== "/report") {
      hits.push(performance.now());
      return response.end("{}");
    }
    // Since the last report: the longest time without a request of the victim's, and what this process was itself late by.
    const gaps = [...hits, performance.now()].slice(1).map((at, index) => at - (hits[index] ?? at));
    const report = { count: hits.length, longestGapMs: Math.round(Math.max(0, ...gaps)), stalledMs: Math.round(stalledMs) };
    hits.splice(0, hits.length - 1);
    stalledMs = 0;
    return response.end(JSON.stringify(report));
  });
  const ports = [attackers, victims].map(async (server) => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    return (server.address() as AddressInfo).port;
  });
  process.stdout.write(`${(await Promise.all(ports)).join(" ")}\n`);
}
