/** A program that is known to insert parts of the answer, and one that is kept as it was, send the same bytes: those that went there. */
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { HTTPResourceSpec } from "../../src/api/http-resource.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Response } from "../../src/core/outcome.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { at, exchange, never, reader, scope, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";
import { peerRequest, translator } from "../support/peer-objects.ts";
import { requestOf, sourcesOf, type Written } from "../support/translated-requests.ts";
import { runs } from "../support/fuzz.ts";

/** What JSON, jq, templates and the peer's placeholders have marks for. */
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: fc.constantFrom("$", "{", "}", '"', "\\", "(", ")", "\n", "/", "%", "a", "é", "日"), maxLength: 12 }),
  fc.constantFrom("${ .inputs }", "$${ x }", "\\(.externalID)", "{{ a:b }}", "1e999", "null", "# no", '"', "\u2028"),
);
const id = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "B", "7", "-", "_", "/", "%2F", " ", "é", "?", "&", "="), minLength: 1, maxLength: 8 }),
  fc.uuid(),
);
const field = fc.string({ unit: fc.constantFrom("a", "B", "7", " ", '"', "\\", "$", "{", "}", ":", ";"), maxLength: 8 });
const payload = fc.record({
  name: text,
  key: text.filter((name) => name !== "__proto__"),
  list: fc.array(fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)), { maxLength: 3 }),
  number: fc.constantFrom("12345678901234567890", "0", "-7", "1.25"),
});
/** Placeholders within text, with text around them. */
const some = (one: fc.Arbitrary<string>): fc.Arbitrary<string> => one.filter((value) => value.trim() !== ""); // an empty credential is never sent
const secrets = fc.record({ before: text, value: some(text), after: text, token: some(field) });

const body = (answer: string): string =>
  `{name: .payload.body.name, word: .payload.body.word, list: .payload.body.list, number: .payload.body.number, id: ${answer}.body.id, note: ("of " + ${answer}.body.id), deep: {a: [{b: .payload.body.word}]}}`;
/** `known`: places of the answer that the object's URL is made of. */
const mappings = (bind: string, answer: string, known: readonly string[]): readonly object[] => {
  const url = `${known.length === 0 ? "" : bind}.payload.baseUrl + "/one"${known.map((path) => ` + "/" + ${answer}.body.${path}`).join("")}`;
  const headers = { "X-Word": ['("w " + .payload.body.token)'], "X-Id": [`${bind}("i " + ${answer}.body.tag)`] };
  return [
    { action: "CREATE", url: ".payload.baseUrl", body: "{word: .payload.body.word}" },
    { action: "OBSERVE", url },
    { action: "UPDATE", url, body: bind + body(answer), headers },
    { action: "REMOVE", url },
  ];
};
/** The same, in ways that say which parts of the answer they insert, and that do not. */
const waysTo = (known: readonly string[]): readonly (readonly object[])[] => [
  mappings("", ".response", known),
  mappings(".response as $r | ", "$r", known),
  mappings("", "(.response | {body})", known),
];
/** What is one segment of a URL whether it is encoded or not. */
const isPlain = (id: string): boolean => /^[A-Za-z0-9_-]+$/.test(id);

test.each([
  ["no part of the answer", []],
  ["one part", ["id"]],
  ["two parts", ["team", "id"]],
])(
  "whichever way a program is written, the same is sent, where an object is known by %s",
  async (_, known) => {
    await using evaluator = createEvaluator({ deadlineMs: 20_000 });
    await using http = testRequester();
    let answered = "";
    await using server = await loopbackServer((_request, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(answered),
    );
    const translated = translator(evaluator);

    async function sentBy(
      way: readonly object[],
      payload: object,
      secrets: object,
      form: "exact" | "readable" = "exact",
    ): Promise<readonly object[]> {
      const before = server.requests.length;
      const { manifest } = await translated(peerRequest({ payload, mappings: way }), { form });
      const spec = manifest?.spec as unknown as HTTPResourceSpec;
      const seen = { ...scope, parameters: spec.parameters ?? null, inputs: sourcesOf(spec.inputs) };
      const objects = { secrets: { it: secrets as Readonly<Record<string, string>> } };
      const send = async (request: Written, more: Partial<Exchange> = {}): Promise<Response> => {
        const outcome = await http.send({ ...exchange({ request: requestOf(request) }), scope: seen, ...more }, { objects });
        if (outcome.type !== "response") throw new Error(`${outcome.message} ${JSON.stringify(request)}`);
        return outcome.response;
      };
      const { create, observe, update, delete: remove, externalID } = spec;
      expect(externalID === undefined).toBe(known.length === 0);
      if (!create || !observe || !update || !remove) throw new Error(JSON.stringify(spec));
      const response = await send({ ...create, method: "POST" });
      const found = await http.requester.evaluate(
        { scope: seen, response, expressions: [at("spec.externalID", externalID ?? "null")] },
        reader(objects),
        never,
      );
      if (found.type !== "values") throw new Error(found.message);
      const withID = { scope: { ...seen, ...(externalID !== undefined && { externalID: String(found.values[0]) }) } };
      await send({ ...observe, method: "GET" }, withID);
      await send({ ...update, method: "PUT" }, { ...withID, response });
      await send({ ...remove, method: "DELETE" }, withID);
      return server.requests
        .slice(before)
        .map(({ method, url, headers, body }) => ({ method, url, word: headers["x-word"], id: headers["x-id"], body }));
    }

    await fc.assert(
      fc.asyncProperty(payload, secrets, id, id, async ({ number, key, ...given }, secret, id, team) => {
        answered = JSON.stringify({ id, team, tag: "t7" });
        const inside = {
          ...given,
          [key]: "more",
          word: `${secret.before}{{ it:here:word }}${secret.after}`,
          token: "{{it:here:token}}",
        };
        const json = `${JSON.stringify(inside).slice(0, -1)},"number":${number}}`;
        const values = { word: secret.value, token: secret.token };
        const sent = [];
        const payload = { baseUrl: `${server.url}/things`, body: json };
        const ways = waysTo(known);
        for (const way of ways) sent.push(await sentBy(way, payload, values));
        // An id is a segment of its own where people read the URL.
        const isSame = known.every((path) => isPlain(path === "id" ? id : team));
        if (isSame) for (const way of ways) sent.push(await sentBy(way, payload, values, "readable"));
        const [first, ...others] = sent;
        for (const other of others) expect(other).toEqual(first);

        const word = secret.before + secret.value + secret.after;
        const [create, , update] = (first ?? []) as readonly { readonly body: string; readonly word?: string }[];
        expect(JSON.parse(create?.body ?? "")).toEqual({ word });
        const expected = {
          name: given.name,
          word,
          list: given.list,
          number: Number(number),
          id,
          note: `of ${id}`,
          deep: { a: [{ b: word }] },
        };
        expect(JSON.parse(update?.body ?? "")).toEqual(expected);
        expect(update?.body).toContain(`"number":${number}`);
        expect(update?.word).toBe(`w ${secret.token}`.trim());
      }),
      runs(14),
    );
  },
  240_000,
);
