import { describe, expect, test } from "@jest/globals";
import { at, exchange, fromSecret, literal, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

const echo = (): ReturnType<typeof loopbackServer> =>
  loopbackServer((request, response) =>
    response
      .setHeader("content-type", "application/json")
      .setHeader("x-echo", request.headers["x-token"] ?? "none")
      .end(JSON.stringify(request)),
  );

test("wish 18, mistake 4: sends what the templates say, and answers with status, headers and content", async () => {
  await using server = await echo();
  await using http = testRequester();
  const outcome = await http.send(
    exchange({
      url: `${server.url}/v1/users/\${ .inputs.name }?a=\${ .inputs.name }`,
      inputs: { name: literal("Ada L/ovelace&?#"), token: fromSecret("hook", "token"), big: literal({ n: 1 }) },
      request: {
        method: "POST",
        query: [{ ...at("spec.query[0].value", "x ${ .inputs.name }"), name: "q&" }],
        headers: [
          { ...at("spec.headers[0].value", "Bearer ${ .inputs.token }"), name: "Authorization" },
          { ...at("spec.headers[1].value", "one"), name: "X-Many" },
          { ...at("spec.headers[2].value", "two"), name: "x-many" },
          { ...at("spec.headers[3].value", "2022-11-28"), name: "X-Version" },
        ],
        literalHeaders: [{ name: "Idempotency-Key", value: "k1" }],
        body: {
          type: "json",
          field: "spec.body.json",
          value: { text: "Hi ${ .inputs.name }", all: "${ .inputs.big }", "${ k }": ["$${ x }", null] },
        },
      },
    }),
    { objects: { secrets: { hook: { token: "s3cr3t" } } } },
  );
  expect(outcome).toMatchObject({
    type: "response",
    response: { statusCode: 200, headers: { "content-type": "application/json" } },
  });
  expect(server.requests).toHaveLength(1);
  expect(server.requests[0]).toMatchObject({
    method: "POST",
    url: "/v1/users/Ada%20L%2Fovelace%26%3F%23?a=Ada%20L%2Fovelace%26%3F%23&q%26=x%20Ada%20L%2Fovelace%26%3F%23",
    headers: {
      authorization: "Bearer s3cr3t",
      "x-many": "one, two",
      "x-version": "2022-11-28",
      "idempotency-key": "k1",
      "content-type": "application/json",
      "user-agent": "holdfast/test",
    },
    body: '{"text":"Hi Ada L/ovelace&?#","all":{"n":1},"${ k }":["${ x }",null]}',
  });
});

test("what may be shown of an answer has none of the secrets that went out", async () => {
  await using server = await echo();
  await using http = testRequester();
  const secret = 'p"ss wörd/+';
  const outcome = await http.send(
    exchange({
      url: `${server.url}/\${ .inputs.token }`,
      inputs: { token: fromSecret("hook", "token") },
      request: {
        method: "POST",
        headers: [{ ...at("spec.headers[0].value", "${ .inputs.token | @base64 }"), name: "x-token" }],
        body: { type: "text", field: "spec.body.text", text: "${ .inputs.token }" },
      },
    }),
    { objects: { secrets: { hook: { token: secret } } } },
  );
  if (outcome.type !== "response") throw new Error(JSON.stringify(outcome));
  const { body, shown } = outcome.response;
  const shownBody = shown.body()?.text ?? "";
  for (const form of [encodeURIComponent(secret), Buffer.from(secret).toString("base64"), JSON.stringify(secret).slice(1, -1)]) {
    expect(body.open()).toContain(form);
    expect(shownBody).not.toContain(form);
  }
  expect(JSON.parse(shownBody)).toMatchObject({ url: "/***", headers: { "x-token": "***" }, body: "***" });
  expect(JSON.stringify(outcome.response.body)).toBe('"***"');
  expect(outcome.response.headers["x-echo"]).toBe(Buffer.from(secret).toString("base64"));
  expect(shown.field("x-echo")).toBe("***");
});

describe("what expressions make of a secret is one, too:", () => {
  const key = { account: { login: "somebody", password: "0pen-sesame!" }, token: "abcdefgh-ijklmnop-qrstuvwx" };
  test.each([
    ["a value of a key file", ".inputs.key | fromjson | .account.password", key.account.password],
    ["a part of a value", "(.inputs.key | fromjson | .token)[0:9]", "abcdefgh-"],
    [
      "base64 of more than it",
      '@base64 "\\(.inputs.key | fromjson | .account | .login + ":" + .password)"',
      "c29tZWJvZHk6MHBlbi1zZXNhbWUh",
    ],
    ["a reversed text", ".inputs.key | fromjson | .token | explode | reverse | implode", "xwvutsrq-ponmlkji-hgfedcba"],
    ["what is found without its name", "[..] | .[2] | fromjson | .token[9:17]", "ijklmnop"],
    ["an object", ".inputs.key | fromjson | {deep: [.token | ascii_upcase]}", "ABCDEFGH-IJKLMNOP-QRSTUVWX"],
  ])("%s", async (_name, expression, sent) => {
    await using server = await echo();
    await using http = testRequester();
    const text = `<\${ ${expression} }> and \${ .metadata.name | ascii_upcase }-more`;
    const outcome = await http.send(
      exchange({
        url: server.url,
        inputs: { key: fromSecret("files", "key") },
        request: { method: "POST", headers: [], body: { type: "text", field: "spec.body.text", text } },
      }),
      { objects: { secrets: { files: { key: JSON.stringify(key) } } } },
    );
    if (outcome.type !== "response") throw new Error(JSON.stringify(outcome));
    const escaped = JSON.stringify(sent).slice(1, -1);
    expect(outcome.response.body.open()).toContain(escaped);
    const seen = outcome.response.shown.body()?.text ?? "";
    expect(seen).not.toContain(escaped);
    expect(seen).toContain("***");
    expect(seen).toContain("-more"); // and what no secret had a part in stays
  });
});
