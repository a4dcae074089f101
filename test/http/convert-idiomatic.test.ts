/** What is written as one would by hand, and what is kept as it was, send the same bytes. */
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { isRecord } from "../../src/core/tools/json.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import type { TranslateOptions } from "../../src/convert/translation.ts";
import { exchange, scope, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";
import { peerDisposable, peerRequest, translator } from "../support/peer-objects.ts";
import { runs } from "../support/fuzz.ts";
import { requestOf, sourcesOf, type Written } from "../support/translated-requests.ts";

/** What JSON, jq and templates have marks for. */
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: fc.constantFrom("$", "{", "}", '"', "\\", "(", " ", "\n", "/", "é", "日", "\u2028"), maxLength: 12 }),
  fc.constantFrom("${ .parameters }", "$${ x }", "\\(.x)", "1e999", "null", "# no"),
);
const number = fc.constantFrom("12345678901234567890", "0", "-7", "1.25", "1e300", "-0");
const value = fc.letrec((tie) => ({
  one: fc.oneof({ maxDepth: 3 }, text, fc.boolean(), fc.constant(null), tie("list"), tie("object")),
  list: fc.array(tie("one"), { maxLength: 3 }),
  object: fc.dictionary(
    text.filter((name) => name !== "__proto__"),
    tie("one"),
    { maxKeys: 3, noNullPrototype: true },
  ),
})).object;

test("property: whichever way a body is written, the same is sent", async () => {
  await using evaluator = createEvaluator({ deadlineMs: 20_000 });
  await using http = testRequester();
  await using server = await loopbackServer((_request, response) => response.writeHead(200).end("{}"));
  const translated = translator(evaluator);
  let hoisted = 0;
  let typed = 0;

  async function sentBy(object: unknown, options: Partial<TranslateOptions>): Promise<readonly string[]> {
    const before = server.requests.length;
    const { manifest } = await translated(object, options);
    const spec = manifest?.spec ?? {};
    const all = ["create", "update"].flatMap((verb) => (isRecord(spec[verb]) ? [{ method: "PUT", ...spec[verb] }] : []));
    if (spec["parameters"] !== undefined) hoisted += 1;
    if (isRecord(spec["body"]) && "json" in spec["body"]) typed += 1;
    for (const request of (all.length > 0 ? all : [spec]) as readonly Written[]) {
      const seen = { ...scope, parameters: spec["parameters"] ?? null, inputs: sourcesOf() };
      const outcome = await http.send({ ...exchange({ request: requestOf(request) }), scope: seen });
      if (outcome.type !== "response") throw new Error(`${outcome.message} ${JSON.stringify(request)}`);
    }
    return server.requests.slice(before).map(({ url, body }) => `${url} ${body}`);
  }

  await fc.assert(
    fc.asyncProperty(value, number, async (given, digits) => {
      const body = JSON.stringify({ ...(given as object), digits: "#" }).replace('"digits":"#"', `"digits":${digits}`);
      const url = ".payload.baseUrl";
      const headers = { "Content-Type": ["application/json"] };
      const request = peerRequest({
        payload: { baseUrl: `${server.url}/things`, body },
        headers,
        mappings: ["CREATE", "OBSERVE", "UPDATE"].map((action) => ({
          action,
          url,
          ...(action !== "OBSERVE" && { body: ".payload.body" }),
        })),
      });
      const once = peerDisposable({ url: `${server.url}/once`, method: "POST", body, headers });
      for (const [object, count] of [
        [request, 2],
        [once, 1],
      ] as const) {
        const exact = await sentBy(object, { form: "exact" });
        expect(exact).toHaveLength(count);
        expect(await sentBy(object, { choices: { idiomatic: true } })).toEqual(exact);
      }
    }),
    runs(60),
  );
  // Most of them are written otherwise.
  expect(hoisted).toBeGreaterThan(10);
  expect(typed).toBeGreaterThan(10);
}, 240_000);
