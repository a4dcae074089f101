/** A path that is one whole expression is a link; a value that is a list is a parameter that repeats. */
import { describe, expect, test } from "@jest/globals";
import { at, exchange, literal, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

type Request = NonNullable<Parameters<typeof exchange>[0]["request"]>;

/** What reaches the server: `path` under `/wapi`, with `value` as an input. */
async function sent(path: string, value: unknown, request: Request = {}): Promise<unknown> {
  await using server = await loopbackServer((_request, response) => response.end());
  await using http = testRequester();
  const text = typeof value === "string" ? value.replace("ORIGIN", server.url) : value;
  const url = { type: "joined", base: `${server.url}/wapi`, path: at("spec.path", path) } as const;
  const outcome = await http.send(exchange({ url, inputs: { value: literal(text) }, request }));
  const [received] = server.requests;
  return received ? { url: received.url, body: received.body } : outcome;
}

describe("a path that is one whole expression is a link", () => {
  const link = "${ .inputs.value }";
  test.each<[string, unknown, string]>([
    ["an id of several segments", "record:a/ZG5z:web.example/default", "/wapi/record:a/ZG5z:web.example/default"],
    ["a path below the base", "/wapi/record:a/ZG5z", "/wapi/record:a/ZG5z"],
    ["a URL below the base", "ORIGIN/wapi/things/5", "/wapi/things/5"],
    ["the base itself", "/wapi", "/wapi"],
    ["with a query", "things?embed=a%20b&page=2", "/wapi/things?embed=a%20b&page=2"],
    ["a query alone", "?page=2", "/wapi?page=2"],
    ["with an encoded slash, as it stands", "queues/%2F/jobs", "/wapi/queues/%2F/jobs"],
    ["in other letters", "café", "/wapi/caf%C3%A9"],
    ["a number", 7, "/wapi/7"],
  ])("%s", async (_title, value, url) => {
    expect(await sent(link, value)).toMatchObject({ url });
  });
  test("to which query parameters are added", async () => {
    const query = [{ name: "b", ...at("spec.query[0].value", "2") }];
    expect(await sent(link, "things?a=1", { query })).toMatchObject({ url: "/wapi/things?a=1&b=2" });
  });
  test("and with a slash before it a segment, as ever", async () => {
    expect(await sent("/${ .inputs.value }", "team/a")).toMatchObject({ url: "/wapi/team%2Fa" });
  });
});

test("an encoded slash in a path is refused, with the way to write it", async () => {
  expect(await sent("/queues/%2F/jobs", 1)).toMatchObject({
    reason: "InvalidURL",
    message: expect.stringContaining('written as an expression: ${ "team/a" }'),
  });
});

describe("a list", () => {
  test.each<[unknown, string]>([
    [["a", "b c", 3, true], "tag=a&tag=b%20c&tag=3&tag=true"],
    [[], ""],
    ["[1, 2]", "tag=%5B1%2C%202%5D"],
  ])("as a query parameter: %j", async (value, query) => {
    const pairs = [{ name: "tag", ...at("spec.query[0].value", "${ .inputs.value }") }];
    expect(await sent("/a", value, { query: pairs })).toMatchObject({ url: `/wapi/a${query && `?${query}`}` });
  });
  test.each<[unknown, string]>([
    [["a", "b c", 3], "tag=a&tag=b+c&tag=3&last=x"],
    [[], "last=x"],
    [[{ a: 1 }], `tag=${encodeURIComponent('{"a":1}')}&last=x`],
  ])("as a form's field: %j", async (value, body) => {
    const fields = [
      { name: "tag", ...at("spec.body.form[0].value", "${ .inputs.value }") },
      { name: "last", ...at("spec.body.form[1].value", "x") },
    ];
    expect(await sent("/a", value, { method: "POST", body: { type: "form", fields } })).toMatchObject({ body });
  });
  test("keeps the digits of its numbers", async () => {
    const query = [{ name: "id", ...at("spec.query[0].value", "${ [12345678901234567890] }") }];
    expect(await sent("/a", 1, { query })).toMatchObject({ url: "/wapi/a?id=12345678901234567890" });
  });
  test("with null is refused", async () => {
    const fields = [{ name: "tag", ...at("spec.body.form[0].value", "${ .inputs.value }") }];
    expect(await sent("/a", [null], { method: "POST", body: { type: "form", fields } })).toMatchObject({
      reason: "ExpressionFailed",
      message: expect.stringMatching(/^spec\.body\.form\[0\]\.value: .* null$/),
    });
  });
});
