/** What servers and people send, as anything at all: nothing throws what it should not, hangs, or lets through what it must not. */
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { retryAfterFieldMs } from "../../src/core/retry.ts";
import { parseTemplate } from "../../src/core/templating.ts";
import { resolveLocation } from "../../src/http/send/location.ts";
import { createRedirects, type Hop } from "../../src/http/send/redirects.ts";
import { pageURL } from "../../src/http/render/url.ts";
import { nextLink } from "../../src/core/tools/link-header.ts";
import { ApiError, ApiUnreachableError } from "../../src/kubernetes/api-error.ts";
import { readEvents } from "../../src/kubernetes/watch-stream.ts";
import { readYAML } from "../../src/standalone/yaml.ts";
import { anyText, fuzzTimeoutMs, runs } from "../support/fuzz.ts";

const someText = fc.oneof(
  fc.string(),
  anyText(),
  fc.string({ unit: fc.constantFrom("$", "{", "}", '"', "\\", "(", ")", ".", "a") }),
);

test(
  "Retry-After, whatever it says, is a time from none to an hour",
  () => {
    const now = new Date("2026-01-02T03:04:05Z");
    const field = fc.oneof(
      someText,
      fc.bigInt().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      fc.constantFrom("-1", "1e9", "0x10", " 5", "9999999999", "99999999999", "Fri, 99 Foo 2026 99:99:99 GMT"),
    );
    fc.assert(
      fc.property(field, (text) => {
        const askedMs = retryAfterFieldMs({ headers: { "retry-after": text } }, now);
        expect(askedMs >= 0 && askedMs <= 3_600_000).toBe(true);
      }),
      runs(150),
    );
  },
  fuzzTimeoutMs,
);

test(
  "Location, whatever it says, is followed to an http or https URL without a user, never from https to http, or refused",
  () => {
    const authority = fc.constantFrom(
      "b.example",
      "b.example:8443",
      "user@b.example",
      "[::1]",
      "127.1",
      "",
      "a b",
      "xn--",
      "%00",
    );
    const location = fc.oneof(
      someText,
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc
        .tuple(
          fc.constantFrom("http:", "https:", "HTTP:", "javascript:", "data:", "file:", "ws:", ""),
          fc.constantFrom("//", "/", "\\\\", ""),
          authority,
          someText,
        )
        .map((parts) => parts.join("")),
    );
    const code = fc.constantFrom(301, 302, 303, 307, 308);
    fc.assert(
      fc.property(location, code, fc.constantFrom("http", "https"), fc.boolean(), (text, status, scheme, withBody) => {
        const origin = `${scheme}://a.example`;
        const body = withBody ? { body: Buffer.from("b") } : {};
        const hop: Hop = {
          request: {
            method: "POST",
            origin,
            path: "/p",
            headers: { authorization: "Bearer t", "x-from-input": "t" },
            ...body,
          },
          settings: { tls: {}, timeoutMs: 1 } as Hop["settings"],
          repeatable: true,
          trusted: true,
        };
        const template = {
          method: "POST",
          url: { type: "absolute", field: "spec.url", text: `${origin}/p` },
          query: [],
          headers: [{ field: "f", name: "x-from-input", text: "${ .inputs.t }" }],
          literalHeaders: [],
        } as const;
        const next = createRedirects(template, 5).next(hop, status, text);
        if (next.type === "refused") return;
        const to = new URL(next.hop.request.origin);
        expect(["http:", "https:"]).toContain(to.protocol);
        expect(scheme === "https" && to.protocol === "http:").toBe(false);
        expect(next.hop.request.path).toMatch(/^\/[\x21-\x7e]*$/);
        if (to.origin !== origin) expect(next.hop.request.headers).toEqual({});
      }),
      runs(300),
    );
  },
  fuzzTimeoutMs,
);

/** What might lead away from `base`, or might not. */
const place = fc.oneof(
  someText,
  fc
    .array(
      fc.constantFrom(
        ..."https: http: // / \\\\ .. . ; ? # @ %2e %2f %252e %00 a.example b.example :8443 v1 user pass [::1] 127.1".split(" "),
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join("")),
);
const base = "https://a.example/v1";
const joined = { type: "joined", base, path: { field: "spec.path", text: "/items" } } as const;
const request = { method: "GET", url: joined, query: [], headers: [], literalHeaders: [] } as const;

test(
  "a Link header, whatever it says, is read, and its next page stays below the endpoint's base or is refused",
  () => {
    const parameter = fc.constantFrom(
      'rel="next"',
      "rel=next",
      "rel*=UTF-8''next",
      "__proto__=x",
      "constructor*=y",
      'a="',
      "",
      "rel",
    );
    const link = fc
      .tuple(place, parameter, someText)
      .map(([uri, rel, rest]) => `<${uri}>; ${rel}${rest === "" ? "" : `;${rest}`}`);
    const links = fc.array(link, { minLength: 1, maxLength: 3 }).map((all) => all.join(", "));
    const header = fc.oneof({ weight: 1, arbitrary: someText }, { weight: 5, arbitrary: links });
    let [read, refused] = [0, 0];
    fc.assert(
      fc.property(header, (text) => {
        const link = nextLink(text);
        const next = link.type === "link" ? link.uri : undefined;
        expect(Object.getOwnPropertyNames(Object.prototype).length).toBe(ownNames);
        if (next === undefined) return;
        read += 1;
        try {
          const { username, hash, origin, pathname } = pageURL(
            new URL(`${base}/items`),
            { field: "spec.lookup", text: next },
            request,
          );
          expect([origin, /^\/v1(\/|$)/.test(pathname), username, hash]).toEqual(["https://a.example", true, "", ""]);
        } catch (error) {
          refused += 1;
          expect(error).toMatchObject({ name: "RefusedError" });
          if (next.length > 8) expect((error as Error).message).not.toContain(next);
        }
      }),
      runs(600),
    );
    expect(Math.min(read - refused, refused)).toBeGreaterThan(10);
  },
  fuzzTimeoutMs,
);

test(
  "the URL of a poll, whatever a server says it is, takes no credential to another origin and stays below the endpoint's base",
  () => {
    let [followed, refused] = [0, 0];
    fc.assert(
      fc.property(place, fc.boolean(), (text, isJoined) => {
        const url = isJoined ? joined : ({ type: "absolute", field: "spec.url", text: `${base}/items` } as const);
        const location = { field: "spec.poll.url", text: text.replaceAll("${", () => "$${") };
        const first: Hop = {
          request: { method: "GET", origin: "https://a.example", path: "/v1/items", headers: { authorization: "Bearer t" } },
          settings: { tls: {}, timeoutMs: 1 } as Hop["settings"],
          repeatable: true,
          trusted: true,
        };
        try {
          const { request: sent, trusted } = resolveLocation(first, { ...request, url, location }, () => "");
          followed += 1;
          expect(sent.origin).toMatch(/^https:\/\/[^/@]+$/);
          expect(sent.path).toMatch(/^\/[\x21-\x7e]*$/);
          if (isJoined) expect([sent.origin, /^\/v1(\/|\?|$)/.test(sent.path)]).toEqual(["https://a.example", true]);
          if (sent.origin !== "https://a.example") expect([sent.headers, trusted]).toEqual([{}, false]);
        } catch (error) {
          refused += 1;
          expect(error).toMatchObject({ name: "RefusedError" });
        }
      }),
      runs(600),
    );
    expect(Math.min(followed, refused)).toBeGreaterThan(10);
  },
  fuzzTimeoutMs,
);

test(
  "a watch's stream, whatever is in it and however it is cut, gives events or an error of its own",
  async () => {
    const event = fc.record({
      type: fc.constantFrom("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", "OTHER"),
      object: fc.oneof(
        fc.record({
          metadata: fc.record({ name: fc.string(), uid: fc.string(), resourceVersion: fc.string() }),
          spec: fc.jsonValue(),
        }),
        fc.jsonValue(),
      ),
    });
    const line = fc.oneof(
      event.map((value) => Buffer.from(JSON.stringify(value))),
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
    );
    async function* chunked(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
      let start = 0;
      for (const size of [...sizes, bytes.length]) {
        yield bytes.subarray(start, start + size);
        start += size;
      }
    }
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 5 }), fc.array(fc.nat(20)), async (lines, sizes) => {
        const bytes = Buffer.concat(lines.flatMap((one) => [one, Buffer.from("\n")]));
        try {
          for await (const { type } of readEvents(chunked(bytes, sizes)))
            expect(["applied", "deleted", "bookmark"]).toContain(type);
        } catch (error) {
          expect(error instanceof ApiError || error instanceof ApiUnreachableError).toBe(true);
        }
      }),
      runs(150),
    );
  },
  fuzzTimeoutMs,
);

test(
  "a template is taken apart whatever it is, and what is escaped is text",
  () => {
    fc.assert(
      fc.property(someText, (text) => {
        expect(["template", "invalid"]).toContain(parseTemplate(text).type);
        const parts = text === "" ? [] : [{ type: "text", text }];
        expect(parseTemplate(text.replaceAll("${", () => "$${"))).toEqual({ type: "template", parts });
      }),
      runs(300),
    );
  },
  fuzzTimeoutMs,
);

test(
  "a manifest is read or refused, and touches nothing of this program's objects",
  () => {
    const key = fc.constantFrom("__proto__", "constructor", "prototype", "toString", "<<", "a", "*a", "&a b", "? x");
    const value = fc.oneof(
      someText,
      fc.constantFrom("*a", "&a {}", "!!binary x", "!!js/function x", "{ <<: *a }", "|", "[[[[[[", "{{{{"),
    );
    const pair = fc.tuple(fc.nat(4), key, value).map(([depth, name, text]) => `${"  ".repeat(depth)}${name}: ${text}`);
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 12 }), (lines) => {
        for (const { value: document } of readYAML(lines.join("\n")).documents) JSON.stringify(document);
        expect(Object.getOwnPropertyNames(Object.prototype).length).toBe(ownNames);
        expect(({} as { a?: unknown }).a).toBeUndefined();
      }),
      runs(150),
    );
  },
  fuzzTimeoutMs,
);
const ownNames = Object.getOwnPropertyNames(Object.prototype).length;
