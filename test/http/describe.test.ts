import { describe, expect, test } from "@jest/globals";
import { parseJSON } from "../../src/core/tools/json.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { at, exchange, fromSecret, literal, never, reader, scope, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

const secrets = { hook: { token: "s3cr3t-v4lue", url: "https://hooks.example.com/T0P", config: '{"password":"hunter22"}' } };

describe("what would be sent is described", () => {
  const described = async (changes: Parameters<typeof exchange>[0]): Promise<unknown> => {
    await using http = testRequester();
    const description = await http.requester.describe(exchange(changes), reader({ secrets }), never);
    expect(JSON.stringify(description)).not.toMatch(/s3cr3t|v4lue|T0P|hunter/);
    expect(http.occurrences).toEqual([]);
    return description;
  };
  const inputs: Exchange["scope"]["inputs"] = {
    token: fromSecret("hook", "token"),
    url: fromSecret("hook", "url"),
    config: fromSecret("hook", "config"),
    version: literal("1.2"),
  };

  test("with asterisks for whatever a secret had a part in", async () => {
    const headers = ["Bearer ${ .inputs.token }", "${ .inputs.config | fromjson | .password }", "${ .inputs.version }"];
    expect(
      await described({
        url: "http://h/${ .inputs.version }/${ .inputs.token }",
        inputs,
        request: {
          method: "POST",
          query: [{ ...at("q", "${ .inputs.token | length }"), name: "length" }],
          headers: headers.map((text, index) => ({ ...at(`spec.headers[${index}].value`, text), name: `x-${index}` })),
          body: { type: "json", field: "spec.body.json", value: { v: "${ .inputs.version }", t: "${ .inputs.token }" } },
        },
      }),
    ).toEqual({
      type: "described",
      method: "POST",
      url: "http://h/1.2/***?length=3",
      headers: [
        { name: "x-0", value: "Bearer ***" },
        { name: "x-1", value: "***" },
        { name: "x-2", value: "1.2" },
        { name: "user-agent", value: "holdfast/test" },
        { name: "content-type", value: "application/json" },
      ],
      body: '{"v":"1.2","t":"***"}',
    });
  });

  test("with asterisks for a URL that is a secret, in whole or at its beginning", async () => {
    expect(await described({ url: "${ .inputs.url }", inputs })).toMatchObject({ type: "described", url: "***" });
    expect(await described({ url: "${ .inputs.url }/x", inputs })).toMatchObject({ type: "described", url: "***/x" });
  });

  test("or refused as it would be when it is sent", async () => {
    expect(await described({ url: "${ .inputs.token }", inputs })).toMatchObject({ type: "refusal", reason: "InvalidURL" });
  });
});

describe("expressions see the answer:", () => {
  const evaluated = async (body: string | Buffer, contentType: string, ...texts: string[]): Promise<unknown> => {
    await using server = await loopbackServer((_request, response) =>
      response
        .writeHead(201, { "content-type": contentType, "X-Many": ["a", "b"], "set-cookie": ["c=1", "d=2"], ["__proto__"]: "p" })
        .end(body),
    );
    await using http = testRequester();
    const outcome = await http.send(exchange({ url: server.url }));
    if (outcome.type !== "response") throw new Error(outcome.message);
    const evaluation = {
      scope: { ...scope, inputs: { a: literal(1) } },
      response: outcome.response,
      expressions: texts.map((text) => at("spec.expect.that", text)),
    };
    const result = await http.requester.evaluate(evaluation, reader({}), never);
    return result.type === "values" ? result.values : result;
  };

  test("its status, header fields and JSON, whose big integers stay as they are", async () => {
    const body = '{"id":12345678901234567890,"ok":true}';
    const values = await evaluated(
      body,
      "application/json",
      ".response.statusCode",
      ".response.body",
      '.response.headers["x-many"]',
      '.response.headers["set-cookie"]',
      ".inputs.a",
    );
    expect(JSON.stringify(values)).toBe(JSON.stringify([201, parseJSON(body), "a, b", ["c=1", "d=2"], 1]));
  });

  test("its text where it is no JSON, in its own charset", async () => {
    expect(await evaluated("", "text/plain", ".response.body")).toEqual([""]);
    expect(await evaluated('{"a":1', "application/json", ".response.body")).toEqual(['{"a":1']);
    expect(await evaluated('1}, "inputs": {"a": 2', "application/json", ".inputs.a")).toEqual([1]);
    expect(await evaluated(Buffer.from("ü", "latin1"), "text/plain; charset=ISO-8859-1", ".response.body")).toEqual(["ü"]);
    expect(await evaluated("ü", "text/plain; charset=nonsense", ".response.body")).toEqual(["ü"]);
    expect(await evaluated("${ .inputs.a }", "text/plain", ".response.body")).toEqual(["${ .inputs.a }"]);
  });

  test("what fails on it says so without quoting it", async () => {
    expect(await evaluated('"server text"', "application/json", ".response.body.a")).toEqual({
      type: "refusal",
      reason: "ExpressionFailed",
      message: "spec.expect.that: cannot index string with string, in .response.body.a",
      heals: false,
    });
    expect(JSON.stringify(await evaluated('"server text"', "application/json", ".response.body | error"))).not.toContain(
      "server",
    );
    const deep = `${"[".repeat(11_000)}${"]".repeat(11_000)}`;
    expect(await evaluated(deep, "application/json", ".response.statusCode")).toMatchObject({ reason: "ExpressionFailed" });
  });
});
