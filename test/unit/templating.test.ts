import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { ByteSource, PartTemplate, RequestTemplate } from "../../src/core/request-template.ts";
import { parseJSON } from "../../src/core/tools/json.ts";
import {
  dependsOnInputs,
  parseTemplate,
  stringifyWith,
  stringsIn,
  templatesOf,
  wholeExpression,
} from "../../src/core/templating.ts";
import { runs } from "../support/fuzz.ts";

const shape = (source: string): unknown => {
  const template = parseTemplate(source);
  return template.type === "invalid" ? template : template.parts.map(({ type, text }) => (type === "text" ? text : [text]));
};

describe("an expression ends at its balanced brace:", () => {
  test.each<[string, unknown]>([
    ["", []],
    ["plain $ text { } $x", ["plain $ text { } $x"]],
    ["a ${ .b } c", ["a ", [".b"], " c"]],
    ["${.a}${.b}", [[".a"], [".b"]]],
    ["${ {a: {b: 1}} }", [["{a: {b: 1}}"]]],
    ['${ "}" }', [['"}"']]],
    ['${ "\\"}" }x', [['"\\"}"'], "x"]],
    ['${ "\\\\" }x', [['"\\\\"'], "x"]],
    ['${ "a \\( {b: "}"} | .b ) }" }x', [['"a \\( {b: "}"} | .b ) }"'], "x"]],
    ['${ "\\(("\\(1)"))" }x', [['"\\(("\\(1)"))"'], "x"]],
    ["${ ( }x", [["("], "x"]],
    ["$${ .a }", ["${ .a }"]],
    ["$$${ .a }", ["$${ .a }"]],
    ["$${ ${ .a }", ["${ ", [".a"]]],
    ["${ .a }}", [[".a"], "}"]],
  ])("%j", (source, parts) => expect(shape(source)).toEqual(parts));

  test.each(["${", "${ .a", '${ "}', '${ "\\(}" }', "a ${ {b: 1} c"])("%j has none, and says so", (source) =>
    expect(shape(source)).toEqual({ type: "invalid", message: "an expression that starts with ${ has no closing }" }),
  );
  test.each(["${}", "a ${  } b"])("%j is empty, and says so", (source) =>
    expect(shape(source)).toEqual({ type: "invalid", message: "an expression is empty: ${ }" }),
  );
});

test("what is balanced comes out as it went in, whatever stands around it", () => {
  const { expression } = fc.letrec<{ expression: string; string: string }>((tie) => ({
    string: fc
      .array(
        fc.oneof(
          fc.constantFrom("a", "{", "}", ")", "\\\\", '\\"', "$"),
          tie("expression").map((inner) => `\\(${inner})`),
        ),
        { maxLength: 3 },
      )
      .map((parts) => `"${parts.join("")}"`),
    expression: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom(".a", "1 + 1", "."),
      tie("expression").map((inner) => `{a: ${inner}}`),
      tie("expression").map((inner) => `(${inner})`),
      tie("string"),
    ),
  }));
  const text = fc.constantFrom("", "x", " } ", "$", '"', "\\");
  fc.assert(
    fc.property(text, expression, text, (before, inner, after) => {
      fc.pre(!before.endsWith("$"));
      expect(shape(`${before}\${ ${inner} }${after}`)).toEqual([before, [inner], after].filter((part) => part !== ""));
    }),
    runs(100),
  );
});

test("only a string that is one expression is whole", () => {
  const whole = (source: string): unknown => {
    const template = parseTemplate(source);
    return template.type === "template" ? wholeExpression(template.parts) : template;
  };
  expect(whole("${ .a }")).toBe(".a");
  for (const source of [" ${ .a }", "${ .a }${ .b }", "x", "", "$${ .a }"]) expect(whole(source)).toBeUndefined();
});

describe("a JSON value's strings", () => {
  test("are replaced, and its keys and numbers are not", () => {
    const value = parseJSON('{"${ k }":["s",{"n":12345678901234567890,"b":false,"z":null}]}');
    expect(stringifyWith(value, (text) => `<${text}>`)).toBe('{"${ k }":[<s>,{"n":12345678901234567890,"b":false,"z":null}]}');
  });

  test("are as JSON.stringify has them, where they replace themselves", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) =>
        expect(stringifyWith(value, (text) => JSON.stringify(text))).toBe(JSON.stringify(value)),
      ),
      runs(100),
    );
  });

  test("have names", () => {
    expect(stringsIn({ a: [{ b: "x" }], "odd key": "y" }, "spec.body.json")).toEqual([
      { field: "spec.body.json.a[0].b", text: "x" },
      { field: 'spec.body.json["odd key"]', text: "y" },
    ]);
  });

  test("are found below any depth, and below a key named __proto__", () => {
    let deep: unknown = "bottom";
    for (let depth = 0; depth < 50_000; depth += 1) deep = [deep];
    expect(stringifyWith(deep, () => "0")).toBe("[".repeat(50_000) + "0" + "]".repeat(50_000));
    const odd = JSON.parse('{"__proto__":{"polluted":"x"}}') as unknown;
    expect(stringifyWith(odd, () => "1")).toBe('{"__proto__":{"polluted":1}}');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe("a rendered request", () => {
  const request: RequestTemplate = {
    method: "POST",
    url: { type: "absolute", field: "spec.url", text: "http://h/" },
    query: [],
    headers: [],
    literalHeaders: [],
  };
  const withPath = (text: string): RequestTemplate => ({
    ...request,
    url: { type: "joined", base: "http://h", path: { field: "spec.path", text } },
  });

  test.each(["/x", "/${ .metadata.name }", '/${ .metadata.uid }/${ .parameters.a["b c"][0] }', "/$${ .now }"])(
    "%j is the same each time",
    (text) => expect(dependsOnInputs(withPath(text))).toBe(false),
  );
  test.each([
    "/${ .inputs.a }",
    "/${ .now }",
    "/${ now }",
    "/${ . }",
    "/${ .metadata }",
    "/${ .metadata.labels.a }",
    "/${ .metadata.name, .now }",
    "/${ .metadata | .name }",
    "/${",
    "/${ .parameters[.now] }",
  ])("%j can differ", (text) => expect(dependsOnInputs(withPath(text))).toBe(true));
  test("can differ through any of its templates", () => {
    const dynamic = { field: "f", text: "${ .inputs.a }" };
    expect(dependsOnInputs({ ...request, query: [{ ...dynamic, name: "q" }] })).toBe(true);
    expect(dependsOnInputs({ ...request, headers: [{ ...dynamic, name: "h" }] })).toBe(true);
    expect(dependsOnInputs({ ...request, body: { type: "text", ...dynamic } })).toBe(true);
    expect(dependsOnInputs({ ...request, body: { type: "json", field: "b", value: { a: [dynamic.text] } } })).toBe(true);
    expect(dependsOnInputs({ ...request, body: { type: "form", fields: [{ ...dynamic, name: "a" }] } })).toBe(true);
    const part = { name: "a", content: { type: "text", ...dynamic } } as const;
    expect(dependsOnInputs({ ...request, body: { type: "multipart", parts: [part] } })).toBe(true);
  });

  test("is one on bytes that a Secret or ConfigMap holds, and none on those that are written down", () => {
    const kept = { type: "secret", field: "b", name: "s", key: "k" } as const;
    const part = (source: ByteSource): PartTemplate => ({ name: "a", content: { type: "bytes", source } });
    for (const source of [kept, { ...kept, type: "configMap" }] as const) {
      expect(dependsOnInputs({ ...request, body: { type: "bytes", source } })).toBe(true);
      expect(dependsOnInputs({ ...request, body: { type: "multipart", parts: [part(source)] } })).toBe(true);
    }
    const written = { type: "base64", field: "b", text: "AA==" } as const;
    expect(dependsOnInputs({ ...request, body: { type: "bytes", source: written } })).toBe(false);
    expect(dependsOnInputs({ ...request, body: { type: "multipart", parts: [part(written)] } })).toBe(false);
    expect(templatesOf({ ...request, body: { type: "json", field: "b", value: ["x"] } })).toEqual([
      { field: "spec.url", text: "http://h/" },
      { field: "b[0]", text: "x" },
    ]);
  });
});
