/** What a server sends, as expressions see it; and what expressions yield, as a server gets it. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { stringifyWith } from "../../src/core/templating.ts";
import { parseJSON } from "../../src/core/tools/json.ts";
import { at, exchange, literal, never, reader, scope, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

/** The expression's value, as JSON text, where the server answers with this content. */
async function seen(content: string | Uint8Array, contentType: string | undefined, expression: string): Promise<string> {
  await using server = await loopbackServer((_request, response) =>
    response.writeHead(200, contentType === undefined ? {} : { "content-type": contentType }).end(content),
  );
  await using http = testRequester();
  const outcome = await http.send(exchange({ url: server.url }));
  if (outcome.type !== "response") throw new Error(outcome.message);
  const { response } = outcome;
  expect(response.sizeBytes).toBe(Buffer.byteLength(content));
  expect(response.sha256).toBe(createHash("sha256").update(content).digest("hex"));
  const result = await http.requester.evaluate(
    { scope, response, expressions: [at("spec.expect.that", expression)] },
    reader({}),
    never,
  );
  if (result.type !== "values") throw new Error(result.message);
  return stringifyWith(result.values[0], (text) => JSON.stringify(text));
}

describe("expressions see", () => {
  test.each<[string, string | Uint8Array, string | undefined, string, string]>([
    ["an integer beyond 2^53", '{"id": 12345678901234567890}', "application/json", ".response.body.id", "12345678901234567890"],
    ["a negative one", "[-9007199254740993]", "application/json", ".response.body[0]", "-9007199254740993"],
    ["a decimal", "[1.5, 1e2]", "application/json", ".response.body[0]", "1.5"],
    ["an array", "[1, 2]", "application/json", ".response.body | length", "2"],
    ["a number alone", "7", "application/json", ".response.body + 1", "8"],
    ["a number in plain text", "7", "text/plain", ".response.body", JSON.stringify("7")],
    ["null", "null", "application/json", ".response.body", "null"],
    ["nothing", "", "application/json", ".response.body", '""'],
    ["text", "hello", "text/plain", ".response.body", '"hello"'],
    ["what claims to be JSON and is not", "{oops", "application/json", ".response.body", '"{oops"'],
    ["two JSON values, which are none", "1 2", "application/json", ".response.body", '"1 2"'],
    ["JSON whatever its type says", '{"a": 1}', "text/html", ".response.body.a", "1"],
    ["JSON without a type", '{"a": 1}', undefined, ".response.body.a", "1"],
    ["a key like a prototype's", '{"__proto__": {"a": 1}}', "application/json", '.response.body["__proto__"].a', "1"],
    ["UTF-8", "café", "text/plain; charset=utf-8", ".response.body", '"café"'],
    ["a byte order mark as none", "\uFEFF[1]", "application/json", ".response.body[0]", "1"],
    ["Latin-1", Buffer.from("café", "latin1"), "text/plain; charset=ISO-8859-1", ".response.body", '"café"'],
    ["UTF-16", Buffer.from("café", "utf16le"), 'text/plain; Charset="UTF-16LE"', ".response.body", '"café"'],
    ["JSON in Latin-1", Buffer.from('{"a":"é"}', "latin1"), "application/json; charset=latin1", ".response.body.a", '"é"'],
    ["an unknown charset as UTF-8", "café", "text/plain; charset=klingon", ".response.body", '"café"'],
    ["a broken type as none", "café", "text;;charset", ".response.body", '"café"'],
    ["bytes that are no text, replaced", Buffer.from([0x61, 0xff, 0x62]), "image/png", ".response.body", '"a\uFFFDb"'],
  ])("%s", async (_what, content, contentType, expression, expected) => {
    expect(await seen(content, contentType, expression)).toBe(expected);
  });
});

describe("a request carries", () => {
  async function received(body: unknown, inputs: Record<string, unknown> = {}): Promise<string> {
    await using server = await loopbackServer((_request, response) => response.end());
    await using http = testRequester();
    const outcome = await http.send(
      exchange({
        url: server.url,
        inputs: Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, literal(value)])),
        request: { method: "POST", body: { type: "json", field: "spec.body.json", value: body } },
      }),
    );
    expect(outcome).toMatchObject({ type: "response" });
    return server.requests[0]?.body ?? "";
  }
  test("integers beyond 2^53 from its own body and from inputs, as they were written", async () => {
    expect(await received(parseJSON('{"id": 12345678901234567890}'))).toBe('{"id":12345678901234567890}');
    expect(await received({ id: "${ .inputs.id }" }, { id: parseJSON("12345678901234567890") })).toBe(
      '{"id":12345678901234567890}',
    );
    expect(await received({ text: "no. ${ .inputs.id }" }, { id: parseJSON("9007199254740993") })).toBe(
      '{"text":"no. 9007199254740993"}',
    );
  });

  test("text exactly, with whatever stands in it", async () => {
    const text = 'a\u0000b\u2028 ${ } "quoted" \\ 😀';
    expect(JSON.parse(await received("${ .inputs.text }", { text }))).toBe(text);
    expect(JSON.parse(await received({ [text]: "x" }))).toEqual({ [text]: "x" });
  });
});
