import { afterAll, describe, expect, test } from "@jest/globals";
import type { Exchange } from "../../src/core/exchange.ts";
import { at, exchange, fromSecret, literal, testRequester } from "../support/loopback-requester.ts";

const http = testRequester();
afterAll(async () => http[Symbol.asyncDispose]());

const secrets = { hook: { token: "s3cr3t-v4lue", bytes: Uint8Array.of(0xff, 0xfe), line: "t0ken\n" } };
const inputs: Exchange["scope"]["inputs"] = {
  token: fromSecret("hook", "token"),
  line: fromSecret("hook", "line", "spec.inputs.line"),
  "a-line": fromSecret("hook", "line", "spec.inputs.a-line"),
  nothing: literal(null),
  list: literal([1]),
  object: literal({}),
  empty: literal(""),
  dots: literal(".."),
  dot: literal("."),
  host: literal("evil.example/x"),
  at: literal("user@evil"),
  unicode: literal("☃"),
};
const refusal = async (changes: Parameters<typeof exchange>[0]): Promise<unknown> => {
  const prepared = await http.prepare(exchange({ inputs, ...changes }), { secrets });
  if (prepared.type === "refusal") expect(JSON.stringify(prepared)).not.toMatch(/s3cr3t|v4lue/);
  return prepared;
};
const header = (text: string): Parameters<typeof exchange>[0] => ({
  request: { headers: [{ ...at("spec.headers[0].value", text), name: "X-A" }] },
});

describe("an input that is not there is refused, and heals:", () => {
  const only = (source: Exchange["scope"]["inputs"][string]): Promise<unknown> => refusal({ inputs: { token: source } });
  test("mistake 7: no such Secret, ConfigMap or key, and no right to read", async () => {
    expect(await only(fromSecret("gone", "token"))).toEqual({
      type: "refusal",
      reason: "SecretNotFound",
      message: 'spec.inputs.token: there is no Secret "gone"',
      heals: true,
    });
    expect(await only({ type: "configMap", name: "gone", key: "k", field: "spec.inputs.version" })).toEqual({
      type: "refusal",
      reason: "ConfigMapNotFound",
      message: 'spec.inputs.version: there is no ConfigMap "gone"',
      heals: true,
    });
    expect(await only(fromSecret("hook", "constructor"))).toEqual({
      type: "refusal",
      reason: "KeyNotFound",
      message: 'spec.inputs.token: Secret "hook" has no key "constructor"',
      heals: true,
    });
    expect(await only(fromSecret("forbidden", "token"))).toMatchObject({ reason: "ReferenceForbidden", heals: true });
  });
  test("bytes that are no text", async () => {
    expect(await only(fromSecret("hook", "bytes"))).toMatchObject({
      reason: "InvalidRequest",
      message: 'spec.inputs.token: key "bytes" of Secret "hook" is not UTF-8 text',
      heals: true,
    });
  });
  test("a value that does not fit where it goes, which only its Secret, or a label, can mend", async () => {
    for (const text of ["${ .inputs.line }", '${ .inputs["a-line"] }', '${ .inputs."a-line" }', "${ .inputs | .line }"])
      expect(await refusal(header(text))).toMatchObject({ reason: "InvalidRequest", heals: true });
    expect(await refusal(header("${ .inputs.unicode }"))).toMatchObject({ reason: "InvalidRequest", heals: false });
    for (const inputs of [{}, { token: fromSecret("hook", "token") }])
      for (const [text, heals] of [
        ["${ .metadata.labels.team }", true],
        ["${ .metadata.annotations.team }", true],
        ["${ .metadata.name | tonumber }", false],
      ] as const)
        expect(await refusal({ ...header(text), inputs })).toMatchObject({ reason: "ExpressionFailed", heals });
    expect(await refusal({ url: "https://${ .inputs.token | fromjson }/" })).toMatchObject({
      reason: "ExpressionFailed",
      heals: true,
    });
    expect(await refusal({ tls: { ca: fromSecret("hook", "token", "spec.tls.ca") } })).toMatchObject({
      reason: "InvalidTLS",
      heals: true,
    });
  });
});

describe("a URL is refused when", () => {
  const joined = (path: string, base = "http://h/api"): Parameters<typeof exchange>[0] => ({
    url: { type: "joined", base, path: at("spec.path", path) },
  });
  test.each<[string, string, Parameters<typeof exchange>[0]]>([
    ["a value in a path is null", "ExpressionFailed", joined("/a/${ .inputs.nothing }")],
    ["a value in a path is a list", "ExpressionFailed", joined("/a/${ .inputs.list }")],
    ["a value in a path is empty", "InvalidURL", joined("/a/${ .inputs.empty }/b")],
    ["a value in a path is ..", "InvalidURL", joined("/a/${ .inputs.dots }/b")],
    ["two values make ..", "InvalidURL", joined("/${ .inputs.dot }${ .inputs.dot }")],
    ["a path leads upwards", "InvalidURL", joined("/../admin")],
    ["a path leads upwards, encoded", "InvalidURL", joined("/%2E%2e/admin")],
    ["a path has an empty segment", "InvalidURL", joined("//evil.example")],
    ["a path has a backslash", "InvalidURL", joined("/\\evil.example")],
    ["a path has an encoded slash", "InvalidURL", joined("/a%2fb")],
    ["a path has an encoded backslash", "InvalidURL", joined("/a%5Cb")],
    ["a link is a list", "ExpressionFailed", joined("${ .inputs.list }")],
    ["a link is empty", "InvalidURL", joined("${ .inputs.empty }")],
    ["a link leads upwards", "InvalidURL", joined('${ "a/../../b" }')],
    ["a link leads to another path of its host", "InvalidURL", joined('${ "/apis/b" }')],
    ["a link leads to another host", "InvalidURL", joined('${ "//h/api/b" }')],
    ["a link is a URL outside the base", "InvalidURL", joined('${ "http://h.example/api/b" }')],
    ["a link has a fragment", "InvalidURL", joined('${ "b#c" }')],
    ["a link has a space", "InvalidURL", joined('${ "b c" }')],
    ["a path has a broken escape", "InvalidURL", joined("/a%2")],
    ["a path has a query", "InvalidURL", joined("/a?b=c")],
    ["a path has a fragment", "InvalidURL", joined("/a#b")],
    ["a path has a line break", "InvalidURL", joined("/a\nb")],
    ["a value in an absolute URL's path is null", "ExpressionFailed", { url: "http://h/${ .inputs.nothing }" }],
    ["a value in an absolute URL's path is ..", "InvalidURL", { url: "http://h/a/${ .inputs.dots }" }],
    ["a value in a URL's query is null", "ExpressionFailed", { url: "http://h/?a=${ .inputs.nothing }" }],
    ["a host holds more than a host", "InvalidURL", { url: "http://${ .inputs.host }/x" }],
    ["a host holds a user", "InvalidURL", { url: "http://${ .inputs.at }/x" }],
    ["the whole is a list", "ExpressionFailed", { url: "${ .inputs.list }" }],
    ["the whole is no URL", "InvalidURL", { url: "${ .inputs.token }" }],
    ["the first value is no base", "InvalidURL", { url: "${ .inputs.token }/x" }],
    ["the scheme is neither http nor https", "InvalidURL", { url: '${ "file:///etc/passwd" }' }],
    ["it names a user", "InvalidURL", { url: "http://user:password@h/" }],
    ["it has a fragment", "InvalidURL", { url: "http://h/#x" }],
    ["it holds a space", "InvalidURL", { url: "http://h/a b" }],
    ["its port is none", "InvalidURL", { url: "http://h:99999/" }],
    [
      "a query parameter's list holds null",
      "ExpressionFailed",
      { request: { query: [{ ...at("spec.query[0].value", "${ [1, null] }"), name: "q" }] } },
    ],
    [
      "a query parameter's list holds a list",
      "ExpressionFailed",
      { request: { query: [{ ...at("spec.query[0].value", "${ [[1]] }"), name: "q" }] } },
    ],
    [
      "a query parameter holds a list and more",
      "ExpressionFailed",
      { request: { query: [{ ...at("spec.query[0].value", "a${ [1] }"), name: "q" }] } },
    ],
    [
      "a query parameter is null",
      "ExpressionFailed",
      { request: { query: [{ ...at("spec.query[0].value", "${ .inputs.nothing }"), name: "q" }] } },
    ],
  ])("%s", async (_, reason, changes) => {
    expect(await refusal(changes)).toMatchObject({
      type: "refusal",
      reason,
      heals: JSON.stringify(changes).includes(".inputs.token"),
      message: expect.stringMatching(/^spec\.(path|url|query\[0\]\.value): /) as unknown,
    });
  });
  test("and the message says what to do", async () => {
    expect(await refusal(joined("/a/${ .inputs.nothing }"))).toMatchObject({
      message: "spec.path: the expression ${ .inputs.nothing } yields null; a text or number is needed",
    });
  });
});

describe("a header is refused when", () => {
  test.each<[string, string, string]>([
    ["its value is null", "ExpressionFailed", "${ .inputs.nothing }"],
    ["its value is an object", "ExpressionFailed", "${ .inputs.object }"],
    ["its value ends in a line break", "InvalidRequest", "Bearer ${ .inputs.line }"],
    ["its value begins another header", "InvalidRequest", '${ "a\\r\\nx-evil: 1" }'],
    ["its value holds NUL", "InvalidRequest", '${ "\\u0000" }'],
    ["its value is outside Latin-1", "InvalidRequest", "${ .inputs.unicode }"],
  ])("%s", async (_, reason, text) => {
    expect(await refusal(header(text))).toMatchObject({
      type: "refusal",
      reason,
      message: expect.stringMatching(/^spec\.headers\[0\]\.value: /) as unknown,
    });
  });
  test.each(["Host", "content-length", "Transfer-Encoding", "bad name"])("its name is %s", async (name) => {
    expect(await refusal({ request: { literalHeaders: [{ name, value: "x" }] } })).toMatchObject({ reason: "InvalidRequest" });
  });
});

describe("an expression is refused when", () => {
  test("it does not end, is empty or is no jq, in jq's own words", async () => {
    expect(await refusal(header("${ .a"))).toMatchObject({
      reason: "InvalidExpression",
      message: "spec.headers[0].value: an expression that starts with ${ has no closing }",
    });
    expect(await refusal(header("${ .foo | }"))).toMatchObject({
      reason: "InvalidExpression",
      message: "spec.headers[0].value: not valid jq: syntax error, unexpected end of file (line 1, column 6), in .foo |",
    });
    expect(await refusal({ expressionsToValidate: [at("spec.expect.that", ".response.body ==")] })).toMatchObject({
      reason: "InvalidExpression",
      message: expect.stringMatching(/^spec\.expect\.that: not valid jq: /) as unknown,
    });
    expect(await refusal({ expressionsToValidate: [at("spec.externalID", " ${ .response.body.id } ")] })).toMatchObject({
      reason: "InvalidExpression",
      message: "spec.externalID: this field is jq itself: write it without ${ }, in  ${ .response.body.id } ",
    });
    const body = { type: "json", field: "spec.body.json", value: { a: ["${ nope }"] } } as const;
    expect(await refusal({ request: { body } })).toMatchObject({
      message: "spec.body.json.a[0]: not valid jq: nope/0 is not defined (line 1, column 1), in nope",
    });
  });
  test("it fails, and nothing of a secret is shown", async () => {
    expect(await refusal(header("${ .inputs.token | tonumber }"))).toMatchObject({
      reason: "ExpressionFailed",
      message: "spec.headers[0].value: string cannot be parsed as a number, in .inputs.token | tonumber",
    });
    for (const text of [
      "${ .inputs.token | error }",
      "${ .inputs.token - 1 }",
      "${ .inputs.token | fromjson }",
      "${ .inputs.token[:4] | error }",
    ])
      expect(await refusal(header(text))).toMatchObject({ reason: "ExpressionFailed" });
  });
  test("it fails where there is no secret, and jq's text is shown", async () => {
    expect(await refusal({ ...header('${ error("no version: " + .inputs.v) }'), inputs: { v: literal("1.2") } })).toMatchObject({
      message: 'spec.headers[0].value: no version: 1.2, in error("no version: " + .inputs.v)',
    });
  });
});

test("many values and all bodies are fine", async () => {
  const body = {
    type: "json",
    field: "spec.body.json",
    value: { a: "${ .inputs.nothing }", b: "x ${ .inputs.list }", c: "${ .inputs.object }" },
  } as const;
  expect(await refusal({ url: "http://h:8080/a%2Fb//c?x=${ .inputs.empty }", request: { body } })).toMatchObject({
    type: "prepared",
  });
});
