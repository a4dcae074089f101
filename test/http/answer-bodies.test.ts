/** What a server sends as content, and what expressions and outputs make of it: no byte is another one than it was. */
import { describe, expect, test } from "@jest/globals";
import { array, assert, asyncProperty, constantFrom, oneof, tuple, uint8Array } from "fast-check";
import type { Response } from "../../src/core/outcome.ts";
import { configMapType } from "../../src/core/resource.ts";
import { at, exchange, never, reader, scope, testRequester } from "../support/loopback-requester.ts";
import { anyText, runs } from "../support/fuzz.ts";
import { loopbackServer } from "../support/loopback.ts";

type Answer = { readonly type?: string; readonly content: string | Uint8Array };

/** What each expression yields over the answer, and what an output of it holds. */
async function asked(answer: Answer, expressions: readonly string[]) {
  return (await askedAll([answer], expressions))[0];
}
async function askedAll(answers: readonly Answer[], expressions: readonly string[]) {
  await using server = await loopbackServer(({ url }, response) => {
    const { type, content = "" } = answers[Number(url.slice(1))] ?? {};
    response.writeHead(200, type === undefined ? {} : { "content-type": type }).end(content);
  });
  await using http = testRequester();
  const yielded = [];
  for (const [index] of answers.entries()) {
    const outcome = await http.send(exchange({ url: `${server.url}/${index}` }));
    if (outcome.type !== "response") throw new Error(outcome.message);
    yielded.push({
      response: outcome.response,
      values: await http.requester.evaluate(
        { scope, response: outcome.response, expressions: expressions.map((text) => at("spec.expect.that", text)) },
        reader({}),
        never,
      ),
      kept: await kept(http, outcome.response, expressions),
    });
  }
  return yielded;
}
async function kept({ requester }: ReturnType<typeof testRequester>, response: Response, expressions: readonly string[]) {
  const data = expressions.map((text, index) => ({ name: `key${index}`, field: `spec.outputs[0].data.key${index}`, text }));
  const object = { field: "spec.outputs[0].configMap", type: configMapType, name: "kept", labels: {}, annotations: {} };
  const outputs = [{ object, data, whenMissing: "Keep" }] as const;
  const evaluated = await requester.evaluateOutputs({ outputs, scope, response }, reader({}), never);
  if (evaluated.type === "refusal") return `${evaluated.reason} ${evaluated.message}`;
  return Object.values(evaluated.values[0]?.open() ?? {});
}

const json = "application/json";

describe("content in plain text arrives as it is", () => {
  const tokens = [
    "123e10",
    "12e4567",
    "00123",
    "12345678901234567890123",
    "true",
    '"quoted"',
    "null",
    "1.10",
    "0x1F",
    "1E5",
    "-0",
    "NaN",
    "plain\n",
    "",
    " 7 ",
    "\ttrue",
    "[not a list",
    "{neither}",
    "é ☃ 𝄞",
    "a\u0000b",
  ];
  test.each([
    "text/plain",
    "text/plain; charset=utf-8",
    "text/csv",
    "application/x-pem-file",
    "application/octet-stream",
    undefined,
  ])("where its type is %s", async (type) => {
    const answers = tokens.map((content) => ({ content, ...(type !== undefined && { type }) }));
    const yielded = await askedAll(answers, [".response.body", ".response.text", ".response.base64"]);
    for (const [index, token] of tokens.entries()) {
      const all = [token, token, Buffer.from(token).toString("base64")];
      expect(yielded[index]).toMatchObject({ values: { type: "values", values: all }, kept: all });
    }
  });
  test("of any characters", async () => {
    await assert(
      asyncProperty(array(anyText(), { minLength: 20, maxLength: 20 }), async (texts) => {
        const answers = texts.map((content) => ({ type: "text/csv", content: content.toWellFormed() }));
        const yielded = await askedAll(answers, [".response.body", ".response.text"]);
        expect(yielded.map(({ kept }) => kept)).toEqual(answers.map(({ content }) => [unsigned(content), unsigned(content)]));
      }),
      runs(5),
    );
  });
});
const unsigned = (text: string): string => text.replace(/^\uFEFF/, "");

test("content comes back byte by byte from base64, whatever it is", async () => {
  const bytes = oneof(uint8Array({ maxLength: 64 }), constantFrom(Buffer.from([0xff, 0xfe, 0x41, 0]), Buffer.from("\uFEFFx")));
  const type = constantFrom("application/x-pkcs12", "text/plain", json, "application/xml; charset=utf-16le", undefined);
  await assert(
    asyncProperty(array(tuple(bytes, type), { minLength: 20, maxLength: 20 }), async (all) => {
      const answers = all.map(([content, type]) => ({ content, ...(type !== undefined && { type }) }));
      const yielded = await askedAll(answers, [".response.base64"]);
      expect(yielded.map(({ kept }) => kept)).toEqual(all.map(([content]) => [Buffer.from(content).toString("base64")]));
    }),
    runs(5),
  );
});

describe("JSON", () => {
  test.each([
    json,
    "application/json; charset=utf-8",
    "application/vnd.api+json",
    "application/problem+json",
    "text/json",
    "APPLICATION/JSON",
  ])("is what says so, whatever it is: %s", async (type) => {
    const answers = ["null", '"quoted"', "12345678901234567890123", '{"id":1}', " [1]"].map((content) => ({ type, content }));
    const yielded = await askedAll(answers, [".response.body"]);
    expect(yielded.map(({ kept }) => kept)).toEqual([[null], ["quoted"], ["12345678901234567890123"], ['{"id":1}'], ["[1]"]]);
  });
  test.each([undefined, "text/plain", 'text/plain; charset="utf-8"', "application/octet-stream", "text/html", "no type"])(
    "is an object or a list where the type says nothing: %s",
    async (type) => {
      const answers = ['{"id":1}', "\r\n [1] ", "{'id':1}", "\uFEFF{}"].map((content) => ({
        content,
        ...(type !== undefined && { type }),
      }));
      const yielded = await askedAll(answers, [".response.body | type"]);
      expect(yielded.map(({ kept }) => kept)).toEqual([["object"], ["array"], ["string"], ["object"]]);
    },
  );
  test.each(["application/x-ndjson", "application/yaml", "text/csv", "application/javascript"])(
    "is not what says that it is %s",
    async (type) => {
      expect(await asked({ type, content: '{"id":1}' }, [".response.body"])).toMatchObject({ kept: ['{"id":1}'] });
    },
  );
  test("that is none is text, and is said to be", async () => {
    expect(await asked({ type: json, content: '{"x":NaN}' }, [".response.body"])).toMatchObject({ kept: ['{"x":NaN}'] });
  });
});

describe("a charset", () => {
  const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le");
  const signed = "\uFEFF";
  test.each([
    ['text/plain; charset="ISO-8859-1"', Buffer.from("\u00e9", "latin1"), "é"],
    ["text/plain; charset=windows-1252", Buffer.from([0x80]), "€"],
    ["text/plain; charset=utf-16le", utf16("é"), "é"],
    ["text/plain; charset=utf-16", utf16(`${signed}é`), "é"],
    ["text/plain", utf16(`${signed}é`), "é"],
    ["text/plain; charset=utf-16", utf16(`${signed}é`).swap16(), "é"],
    ["text/plain; charset=shift_jis", Buffer.from([0x82, 0xa0]), "あ"],
    ["text/plain; charset=nobody-knows", Buffer.from("é"), "é"],
    [json, Buffer.from(`${signed}"é"`), "é"],
    [json, utf16(`${signed}"é"`), "é"],
    [`${json}; charset=utf-16le`, utf16('"é"'), "é"],
    ["application/octet-stream", Buffer.from(`${signed}é`), `${signed}é`],
  ])("%s is honoured, and a byte order mark of text", async (type, content, text) => {
    expect(await asked({ type, content }, [".response.body"])).toMatchObject({ kept: [text] });
  });
});

describe("content that cannot be decoded", () => {
  const keystore = { type: "application/x-pkcs12", content: Buffer.from([0x30, 0x82, 0xff, 0xfe, 0x00, 0x80, 0x41]) };
  test.each([
    ".response.body",
    ".response.text",
    ".response.body | @base64",
    ".response.body | length",
    '"\\(.response.body)"',
    ".response.body[0:1]",
    ".response | tojson",
    ".response.base64 | @base64d",
  ])("makes no output by %s", async (expression) => {
    expect(await asked(keystore, [".response.statusCode", expression])).toMatchObject({
      kept: expect.stringMatching(/^OutputNotText spec\.outputs\[0\]\.data\.key1: .*\.response\.base64/),
    });
  });
  test.each([
    [".response.base64", "MIL//gCAQQ=="],
    ['.response.text // "none"', "none"],
    ["if .response.text == null then .response.base64 else .response.text end", "MIL//gCAQQ=="],
    ['.response.headers["x-absent"]', null],
    [".response.statusCode", "200"],
  ])("makes one of what does not read it: %s", async (expression, value) => {
    expect(await asked(keystore, [expression])).toMatchObject({ kept: [value] });
  });
  test.each([
    ["text/plain", [0xc3, 0x28]],
    [json, [0x22, 0xff, 0x22]],
    ["text/plain; charset=utf-16le", [0x00, 0xd8, 0x41, 0x00]],
    ["application/octet-stream", [0xff, 0xfe, 0x41, 0x00]],
    ["text/plain; charset=shift_jis", [0x82]],
  ])("is %s too, where the bytes are not that", async (type, bytes) => {
    const { response, values, kept } = (await asked({ type, content: Buffer.from(bytes) }, [".response.body"])) ?? {};
    expect([response?.undecodable, kept]).toEqual([true, expect.stringMatching(/^OutputNotText/)]);
    expect(values).toMatchObject({ type: "values", values: [expect.stringContaining("\uFFFD")] });
  });
  test("is what base64 in JSON stands for, too; and not a U+FFFD that was sent", async () => {
    const answer = { type: json, content: JSON.stringify({ p12: "MIL//gCAQQ==", odd: "a\uFFFD" }) };
    expect(await asked(answer, [".response.body.odd"])).toMatchObject({ kept: ["a\uFFFD"] });
    const clean = { type: json, content: JSON.stringify({ p12: "MIL//gCAQQ==" }) };
    expect(await asked(clean, [".response.body.p12"])).toMatchObject({ kept: ["MIL//gCAQQ=="] });
    expect(await asked(clean, [".response.body.p12 | @base64d"])).toMatchObject({
      kept: expect.stringMatching(/^OutputNotText/),
    });
  });
});

test("an expression sees the same, whatever others are evaluated with it", async () => {
  const answer = { type: json, content: "{}" };
  const alone = await asked(answer, [".response | keys | tojson"]);
  const beside = await asked(answer, [".response.base64", ".response | keys | tojson"]);
  expect(alone?.kept).toEqual([beside?.kept[1]]);
});
