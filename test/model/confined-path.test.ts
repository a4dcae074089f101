/** A path under an admin's endpoint stays under its base, however a server reads it. The oracle is the readers. */
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { RequestTemplate } from "../../src/core/request-template.ts";
import { RefusedError } from "../../src/http/refusal.ts";
import { checkURL, urlText } from "../../src/http/render/url.ts";
import { leavesBase } from "../../src/http/render/confinement.ts";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";
import { whoLeaves } from "../support/url-readers.ts";

const base = "https://crm.example/tenants/v1";
const piece = fc.constantFrom(
  ..."/ / // . .. .. ... ..; %2e %2e %2E%2e %252e %25252e %2f %2F %5c %255c %252f \\ ? # ; ; %3b %253b = @ : a b-c %20 %41 % %zz %25 http: crm.example é".split(
    " ",
  ),
  ..."%00 %09 %0a %7f %c2%85 %c0%ae %c0%af %e0%80%ae %ef%bc%8e %ef%bc%8f %e2%80%a5 %e2%80%8b %u002e %25u002f %e9 \uff0e \uff0f \u2025 \u2215 \u200b \u3002".split(
    " ",
  ),
  ..."tenants v1 V1 %76%31 admin".split(" "),
  " ",
  "\n",
  "\t",
  "\u0000",
);
const pieces = fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(""));

function sentTo(path: string, value?: string): URL | undefined {
  const text = value === undefined ? path : `${path}\${ .inputs.value }`;
  const request = {
    url: { type: "joined", base, confined: true, path: { field: "spec.path", text } },
  } as unknown as RequestTemplate;
  try {
    return checkURL(
      urlText(request, () => value ?? ""),
      request,
    );
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    expect(error.refusal).toMatchObject({ reason: "InvalidURL", message: expect.stringMatching(/^spec\.path: /) });
    return undefined;
  }
}

test(
  "wish 13: whatever path is written and whatever an expression yields, what is sent stays below the base",
  () => {
    let passed = 0;
    fc.assert(
      fc.property(pieces, fc.option(pieces, { nil: undefined }), (written, value) => {
        const url = sentTo(`/${written.replaceAll("${", "")}`, value);
        if (!url) return;
        passed += 1;
        expect([url.origin, url.search, url.hash]).toEqual(["https://crm.example", "", ""]);
        expect({ path: url.pathname, leaves: whoLeaves("/tenants/v1", url.pathname) }).toEqual({
          path: url.pathname,
          leaves: [],
        });
      }),
      runs(4_000),
    );
    expect(passed).toBeGreaterThan(100); // it does not refuse everything
  },
  fuzzTimeoutMs,
);

test(
  "whatever a server names as a place, none that is taken for below the base is another one for anybody",
  () => {
    let [below, refused] = [0, 0];
    const start = fc.constantFrom("", "/tenants/v1/", "/tenants/v1", "https://crm.example/tenants/v1/", "x/", "//crm.example/");
    fc.assert(
      fc.property(start, pieces, fc.boolean(), (prefix, rest, encodedSlash) => {
        const target = URL.parse(`${prefix}${rest}`, `${base}/orders/1`);
        if (!target || leavesBase(target, base, { encodedSlash }) !== undefined) return void (refused += 1);
        below += 1;
        expect(target.origin).toBe("https://crm.example");
        expect({ target: target.pathname, leaves: whoLeaves("/tenants/v1", target.pathname) }).toEqual({
          target: target.pathname,
          leaves: [],
        });
      }),
      runs(8_000),
    );
    expect(Math.min(below, refused)).toBeGreaterThan(500);
  },
  fuzzTimeoutMs,
);

test("honest paths pass as they are", () => {
  expect(sentTo("/orders/1%20a/b.c/..d")?.href).toBe(`${base}/orders/1%20a/b.c/..d`);
  expect(sentTo("/orders/", "a b?c#d")?.href).toBe(`${base}/orders/a%20b%3Fc%23d`);
});

test.each([
  ["combining marks", "\u0300"],
  ["marks of two kinds, which change places", "\u0316\u0300"],
  ["marks beyond 16 bits", "\u{1d165}"],
  ["voiced marks, which become combining ones", "\uff9e"],
])("a run of 30 %s passes, and a longer one is refused, however it is encoded, before anybody normalizes it", (_what, marks) => {
  const encoded = (text: string, times: number): string => (times === 0 ? text : encoded(encodeURIComponent(text), times - 1));
  const run = (length: number): string => Array.from(marks.repeat(length)).slice(0, length).join("");
  for (const times of [0, 1, 2]) {
    const leaves = (text: string): string | undefined => leavesBase(new URL(`${base}/${encoded(text, times)}`), base);
    expect(leaves(`a${run(30)}b${run(30)}`)).toBeUndefined();
    expect(leaves(`a${run(31)}b`)).toContain("30 combining marks");
  }
  expect(sentTo("/orders/", `a${run(31)}`)).toBeUndefined();
});

test.each(["\u00a5", "\u20a9"])("%s, which code pages of Windows have in place of a backslash, leads nowhere", (sign) => {
  for (const path of [`a${sign}..${sign}..${sign}admin`, `..${sign}admin`, encodeURIComponent(encodeURIComponent(`a${sign}..`))])
    expect({ path, refused: leavesBase(new URL(`${base}/${path}`), base) }).toEqual({ path, refused: expect.any(String) });
});
