/** Facts of an answer that a status is to show, and what must not be among them. */
import { expect, test } from "@jest/globals";
import type { Fact } from "../../src/core/plan.ts";
import { at, exchange, fromSecret, never, reader, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

const objects = { secrets: { s: { token: "Zx9-token-Zx9", pin: "4711" } } };
const read = reader(objects);
const inputs = { token: fromSecret("s", "token"), pin: fromSecret("s", "pin") };
const body = {
  id: 7,
  big: Number.MAX_SAFE_INTEGER,
  name: "ada",
  tags: ["a", null],
  echo: "Bearer Zx9-token-Zx9",
  pin: 4711,
  pins: { pin: "x 4711" },
  base64: Buffer.from("Zx9-token-Zx9").toString("base64"),
  made: "made-by-the-server",
  list: [{ "made-by-the-server": 1 }],
  short: "x".repeat(1022),
  long: "x".repeat(1023),
  wide: "é".repeat(512),
  escaped: 'made"by"quotes',
};
const value = (one: unknown): Fact => ({ type: "value", value: one });
const secret: Fact = { type: "secret" };

const cases: readonly (readonly [string, Fact])[] = [
  [".response.body.id", value(7)],
  [".response.body.big + 0", value(Number.MAX_SAFE_INTEGER)],
  ["12345678901234567890 | tostring", value("12345678901234567890")],
  [".response.body.tags", value(["a", null])],
  [".response.body.none", value(null)],
  ["empty", value(null)],
  [".response.body.tags[]", value("a")],
  ["false", value(false)],
  ["error", { type: "failed" }],
  [".response.body.name | keys", { type: "failed" }],
  [".response.body.echo", secret],
  [".response.body.pin", secret],
  [".response.body.pins", secret],
  [".response.body.base64", secret],
  [".inputs.token | length", secret],
  [".inputs | keys", secret],
  ["[.. | .name? // empty] | last # what it reads cannot be told", secret],
  [".response.body.made", secret],
  ["{a: [.response.body.made[3:], .response.body.made]}", secret],
  [".response.body.list", secret],
  [".response.body.escaped", secret],
  ["[[.response.body.escaped]]", secret],
  ["{(.response.body.escaped): 1}", secret],
  [".response.body.made | @base64", secret],
  [".response.body.short", value(body.short)],
  [".response.body.long", { type: "tooLong" }],
  [".response.body.wide", { type: "tooLong" }],
];

test("each is shown as it is, or not at all", async () => {
  await using server = await loopbackServer((_request, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body)),
  );
  await using http = testRequester();
  const headers = [
    { name: "authorization", value: at("spec.headers[0].value", "Bearer ${ .inputs.token }") },
    { name: "x-pin", value: at("spec.headers[1].value", "${ .inputs.pin }") },
  ];
  const sent = exchange({ url: server.url, inputs });
  const outcome = await http.send(
    { ...sent, request: { ...sent.request, headers: headers.map(({ name, value }) => ({ name, ...value })) } },
    { objects },
  );
  if (outcome.type !== "response") throw new Error(outcome.message);
  const withheld = [
    at("spec.outputs[0].data.made", ".response.body.made"),
    at("spec.outputs[0].data.escaped", ".response.body.escaped"),
    at("spec.outputs[0].data.no", ".response.body.id | keys"),
  ];
  const facts = cases.map(([text], index) => at(`spec.values.v${index}`, text));
  const { response } = outcome;
  const result = await http.requester.evaluate(
    { scope: sent.scope, response, expressions: [at("spec.mine", ".response.body.id == 7")], published: { facts, withheld } },
    read,
    never,
  );
  if (result.type !== "values") throw new Error(result.message);
  expect(result.values).toEqual([true]);
  expect(cases.map(([text], index) => [text, result.published?.[index]])).toEqual(cases);
});
