/** What update would send, held against an answer, with both sides put through jq. */
import { describe, expect, test } from "@jest/globals";
import { at, exchange, never, reader, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

/** Where `observed` does not have what is wanted, once both have gone through jq at these places. */
async function differing(wanted: unknown, observed: unknown, ...entries: (readonly [string, string])[]): Promise<unknown> {
  await using server = await loopbackServer((_request, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(observed)),
  );
  await using http = testRequester();
  const sent = exchange({ url: server.url });
  const outcome = await http.send(sent);
  if (outcome.type !== "response") throw new Error(outcome.message);
  const normalise = entries.map(([path, as], index) => ({ path, as: at(`spec.compare[${index}].as`, as) }));
  const compare = { type: "json", field: "spec.update.body.json", value: wanted } as const;
  const { response } = outcome;
  const result = await http.requester.evaluate(
    { scope: sent.scope, response, expressions: [], compare, normalise },
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
