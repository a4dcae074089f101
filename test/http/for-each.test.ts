/** The items of a list: what an expression makes of inputs, and what is sent and shown for one of them. */
import { expect, test } from "@jest/globals";
import type { ScopeItem } from "../../src/core/evaluation.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { at, exchange, fromSecret, literal, never, reader, scope, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

const secrets = { s: { users: '[{"name":"ada","pin":"4711-hidden"},{"name":"grace","pin":"0815-hidden"}]' } };
const users = { users: fromSecret("s", "users", "spec.inputs.users") };

async function listed(text: string, inputs: Exchange["scope"]["inputs"] = {}) {
  await using http = testRequester();
  const list = at("spec.forEach.expression", text);
  return await http.requester.evaluate({ scope: { ...scope, inputs }, list }, reader({ secrets }), never);
}
async function itemsOf(text: string, inputs: Exchange["scope"]["inputs"] = {}): Promise<readonly ScopeItem[]> {
  const result = await listed(text, inputs);
  if (result.type === "refusal") throw new Error(result.message);
  return (result.items ?? []).map((json, index) => ({ json, index, derived: true }));
}
/** A POST of an item's name and place. */
function toSend(url: string, item: ScopeItem): Exchange {
  const body = { type: "json", field: "spec.body.json", value: { name: "${ .item.name }", at: "${ .index }" } } as const;
  const one = exchange({ url: `${url}/\${ .item.pin }`, request: { method: "POST", body }, inputs: users });
  return { ...one, scope: { ...one.scope, item } };
}

test("a list's items keep their numbers to the last digit, and are closed to whoever prints them", async () => {
  const items = await itemsOf(".inputs.a", { a: literal([{ id: 1.1 }, "x", null, true]) });
  expect(items.map(({ json }) => json.open())).toEqual(['{"id":1.1}', '"x"', "null", "true"]);
  expect((await itemsOf("[12345678901234567890]")).map(({ json }) => json.open())).toEqual(["12345678901234567890"]);
  expect(JSON.stringify(await itemsOf(".inputs.users | fromjson", users))).not.toMatch(/ada|4711/);
});
test.each([
  ["no list", "{a: 1}", "ExpressionFailed", "spec.forEach.expression: the expression yields no list"],
  ["nothing", "empty", "ExpressionFailed", "spec.forEach.expression: the expression yields no list"],
  [
    "too long a list",
    "[range(41)]",
    "TooManyItems",
    "spec.forEach.expression: the expression yields 41 items; at most 40 are sent",
  ],
  ["no jq", ".a[", "InvalidExpression", "spec.forEach.expression: not valid jq"],
])("%s is refused, by name", async (_what, text, reason, message) => {
  const result = await listed(text);
  expect(result).toMatchObject({ type: "refusal", reason, heals: false });
  expect(result).toHaveProperty("message", expect.stringContaining(message));
});
test("an item is known again by a digest, where no Secret had a part in the list", async () => {
  const inputs = { a: literal(["x", "y"]) };
  const digestsOf = async (text: string, more: Exchange["scope"]["inputs"] = {}): Promise<readonly string[] | undefined> => {
    const result = await listed(text, { ...inputs, ...more });
    return result.type === "values" ? result.digests : undefined;
  };
  const [x, y] = (await digestsOf(".inputs.a")) ?? [];
  expect(x).not.toBe(y);
  expect(await digestsOf(".inputs.a | reverse")).toEqual([y, x]);
  expect(await digestsOf(".inputs.a", users)).toBeUndefined();
});
test("what is wrong with a list that a Secret holds can heal, and tells nothing of it", async () => {
  const result = await listed(".inputs.users | fromjson | .[0]", users);
  expect(result).toMatchObject({ type: "refusal", reason: "ExpressionFailed", heals: true });
  expect(JSON.stringify(result)).not.toMatch(/ada|4711/);
});
test("an item is seen by the request's expressions; shown, it is asterisks where a Secret had a part in it", async () => {
  const bodies: string[] = [];
  await using server = await loopbackServer((request, response) => {
    bodies.push(`${request.url} ${request.body}`);
    response.end("{}");
  });
  await using http = testRequester();
  const items = await itemsOf(".inputs.users | fromjson", users);
  for (const item of items)
    expect(await http.send(toSend(server.url, item), { objects: { secrets } })).toMatchObject({ type: "response" });
  expect(bodies).toEqual(['/4711-hidden {"name":"ada","at":0}', '/0815-hidden {"name":"grace","at":1}']);
  const [, grace] = items as [ScopeItem, ScopeItem];
  const shown = await http.requester.describe(toSend(server.url, grace), reader({ secrets }), never);
  expect(shown).toMatchObject({ url: `${server.url}/***`, body: '{"name":"***","at":1}' });
});

test("what is wrong with an item that was made of a Secret can heal, too", async () => {
  await using http = testRequester();
  const [item] = (await itemsOf(".inputs.users | fromjson", users)) as [ScopeItem];
  const headers = [{ name: "X-Name", ...at("spec.headers[0].value", '${ .item.name + "\\n" }') }];
  const one = exchange({ request: { headers }, inputs: users });
  for (const [derived, heals] of [
    [true, true],
    [false, false],
  ] as const)
    expect(await http.prepare({ ...one, scope: { ...one.scope, item: { ...item, derived } } }, { secrets })).toMatchObject({
      type: "refusal",
      reason: "InvalidRequest",
      heals,
    });
});
