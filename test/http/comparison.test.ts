/** What update would send, held against an answer, with both sides put through jq. */
import { describe, expect, test } from "@jest/globals";
import type { BodyTemplate } from "../../src/core/request-template.ts";
import { at, exchange, never, reader, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

/** Where `observed` does not have what is wanted, once both have gone through jq at these places. */
function differing(wanted: unknown, observed: unknown, ...entries: (readonly [string, string])[]): Promise<unknown> {
  return compare({ type: "json", field: "spec.update.body.json", value: wanted }, observed, entries);
}
/** `undefined`: they cannot be compared. */
async function compare(
  body: BodyTemplate,
  observed: unknown,
  entries: readonly (readonly [string, string])[] = [],
  object?: unknown,
  compared?: string,
): Promise<unknown> {
  await using server = await loopbackServer((_request, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(observed)),
  );
  await using http = testRequester();
  const sent = exchange({ url: server.url });
  const outcome = await http.send(sent);
  if (outcome.type !== "response") throw new Error(outcome.message);
  const normalise = entries.map(([path, as], index) => ({ path, as: at(`spec.compare[${index}].as`, as) }));
  const { response } = outcome;
  const result = await http.requester.evaluate(
    {
      scope: { ...sent.scope, ...(object !== undefined && { object }) },
      response,
      expressions: [],
      compare: body,
      normalise,
      ...(compared !== undefined && { compared: at("spec.update.object", compared) }),
    },
    reader({}),
    never,
  );
  if (result.type !== "values") throw new Error(result.message);
  return result.differences?.map(({ path }) => path);
}

describe("entries of compare that overlap apply one after the other", () => {
  const names = (...list: string[]) => ({ list: list.map((name) => ({ name })) });
  test.each<[string, unknown, unknown, (readonly [string, string])[], string[]]>([
    [
      "two at one place",
      { tags: ["B", "a"] },
      { tags: ["a", "b"] },
      [
        [".tags", "map(ascii_downcase)"],
        [".tags", "sort"],
      ],
      [],
    ],
    [
      "a place below one",
      names("B", "a"),
      names("a", "b"),
      [
        [".list[].name", "ascii_downcase"],
        [".list", "sort_by(.name)"],
      ],
      [],
    ],
    [
      "a place above one",
      names("B", "A"),
      names("a", "b"),
      [
        [".list", "sort_by(.name)"],
        [".list[].name", "ascii_downcase"],
      ],
      [],
    ],
    [
      "one whose place another makes",
      { a: '{"b": "X"}' },
      { a: { b: "x" } },
      [
        [".a", "fromjson"],
        [".a.b", "ascii_downcase"],
      ],
      [],
    ],
    [
      "one whose items another takes away",
      names("a", "b"),
      names("A"),
      [
        [".list", ".[:1]"],
        [".list[].name", "ascii_downcase"],
      ],
      [],
    ],
    [
      "three",
      { n: "60S" },
      { n: 60 },
      [
        [".n", "ascii_downcase"],
        [".n", 'rtrimstr("s")'],
        [".n", "tonumber"],
      ],
      [],
    ],
    [
      "and in their order",
      { n: 1 },
      { n: 3 },
      [
        [".n", "if . == 3 then 2 else . end"],
        [".n", "if . == 2 then 1 else . end"],
      ],
      [],
    ],
    [
      "not in another",
      { n: 1 },
      { n: 3 },
      [
        [".n", "if . == 2 then 1 else . end"],
        [".n", "if . == 3 then 2 else . end"],
      ],
      [".n"],
    ],
    [
      "but for one that fails",
      { n: "A" },
      { n: "a" },
      [
        [".n", "keys"],
        [".n", "ascii_downcase"],
      ],
      [],
    ],
  ])("%s", async (_what, wanted, observed, entries, expected) => {
    expect(await differing(wanted, observed, ...entries)).toEqual(expected);
  });
});

describe("a text is held against what is observed, by what it is", () => {
  const text = (value: string): BodyTemplate => ({ type: "text", field: "spec.update.body.text", text: value });
  test.each<[string, string, unknown, boolean | undefined]>([
    ["the same text", "hello", "hello", true],
    ["another text", "hello", "by hand", false],
    ["JSON that is written otherwise", '{"a": [1, 2]}', '{"a":[1,2]}', true],
    ["other JSON", '{"a": 1}', '{"a":2}', false],
    ["JSON and what is none", '{"a": 1}', "by hand", false],
    ["what is none and JSON", "hello", '{"a":1}', false],
    ["the text of a number", "5", 5, true],
    ["another number", "6", 5, false],
    ["a number in another form", "5.0", 5, false],
    ["the text of a boolean", "true", true, true],
    ["JSON and an object", '{"a": 1}', { a: 1 }, true],
    ["JSON and another object", '{"a": 1}', { a: 2 }, false],
    ["what is no JSON, and an object", "hello", { a: 1 }, undefined],
  ])("%s", async (_title, wanted, object, isSame) => {
    // Where observe.object finds it, and where it is the whole answer.
    for (const observed of [compare(text(wanted), { found: object }, [], object), compare(text(wanted), object)]) {
      const places = await observed;
      expect(Array.isArray(places) ? places.length === 0 : places).toBe(isSame);
    }
  });
});

describe("a form's texts are held against numbers", () => {
  const form: BodyTemplate = {
    type: "form",
    fields: ["ttl", "on", "name"].map((name, index) => ({
      name,
      field: `spec.update.body.form[${index}].value`,
      text: ["300", "true", "www"][index] ?? "",
    })),
  };
  test.each<[string, string | undefined, unknown, readonly string[]]>([
    ["of all of it", undefined, { ttl: 300, on: true, name: "www" }, []],
    ["of a part", "{ttl: .body.ttl, on: .body.on}", { ttl: 300, on: true }, []],
    [
      "of a part of another shape",
      "{zone: .body, all: [.body.ttl]}",
      { zone: { ttl: 300, on: true, name: "www" }, all: [300] },
      [],
    ],
    ["of one field", ".body.ttl", 300, []],
    ["that are others", "{zone: .body}", { zone: { ttl: 301, on: false, name: "www" } }, [".zone.ttl", ".zone.on"]],
  ])("%s", async (_title, compared, observed, expected) => {
    const told = (await compare(form, observed, [], undefined, compared)) as string[];
    expect(told.length === 0).toBe(expected.length === 0);
  });
});
