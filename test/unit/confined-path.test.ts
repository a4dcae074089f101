/**
 * A path under an admin's endpoint stays under its base, however a server reads it.
 *
 * The oracle is a reading of paths of its own: it decodes as often as anything changes, takes backslashes for slashes, drops
 * parameters, and walks the segments.
 */
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { RequestTemplate } from "../../src/core/request-template.ts";
import { RefusedError } from "../../src/http/refusal.ts";
import { checkURL, urlText } from "../../src/http/render/url.ts";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";

const base = "https://crm.example/tenants/v1";
const piece = fc.constantFrom(
  ..."/ // . .. ... ..; .%2e %2e %2E%2e %252e %2f %2F %5c %255c %252f \\ ? # ; = @ : a b-c %20 %41 % %zz http: crm.example é".split(
    " ",
  ),
  " ",
  "\n",
  "\t",
  "\u0000",
);

/** Whether any reading of the path leads out of the base; walks as the most careless server would. */
function escapes(path: string): boolean {
  let text = path;
  for (let before = ""; before !== text;) {
    before = text;
    text = text.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
  const walked: string[] = [];
  for (const raw of text.replaceAll("\\", "/").split("/")) {
    const segment = raw.split(";")[0] ?? "";
    if (segment === "..") {
      walked.pop();
      if (walked.length < 3) return true; // above "", "tenants", "v1"
    } else if (segment !== ".") walked.push(segment);
  }
  return walked[1] !== "tenants" || walked[2] !== "v1";
}

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
    const pieces = fc.array(piece, { maxLength: 6 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(pieces, fc.option(pieces, { nil: undefined }), (written, value) => {
        const url = sentTo(`/${written.replaceAll("${", "")}`, value);
        if (!url) return;
        passed += 1;
        expect([url.origin, url.search, url.hash]).toEqual(["https://crm.example", "", ""]);
        expect({ path: url.pathname, escapes: escapes(url.pathname) }).toEqual({ path: url.pathname, escapes: false });
      }),
      runs(4_000),
    );
    expect(passed).toBeGreaterThan(100); // it does not refuse everything
  },
  fuzzTimeoutMs,
);

test("honest paths pass as they are", () => {
  expect(sentTo("/orders/1%20a/b.c/..d")?.href).toBe(`${base}/orders/1%20a/b.c/..d`);
  expect(sentTo("/orders/", "a b?c#d")?.href).toBe(`${base}/orders/a%20b%3Fc%23d`);
});
