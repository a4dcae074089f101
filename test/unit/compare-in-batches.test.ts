/** `compare` asks jq as seldom as its places allow. */
import { expect, test } from "@jest/globals";
import { redact } from "../../src/core/redacted.ts";
import type { Response } from "../../src/core/outcome.ts";
import { compareBody } from "../../src/http/evaluate/comparison.ts";

/** How often jq was asked, and what it was asked each time. */
async function asked(...paths: readonly string[]): Promise<readonly (readonly string[])[]> {
  const batches: (readonly string[])[] = [];
  const response = { headers: { "content-type": "application/json" }, body: redact('{"a":{"b":1},"l":[{"n":1},{"n":2}]}') };
  const normalise = paths.map((path) => ({ path, as: { field: path, text: "." } }));
  const compare = { type: "json", field: "spec.update.body.json", value: { a: { b: 1 } } } as const;
  const metadata = { name: "x", namespace: "n", uid: "u" };
  await compareBody(
    {
      scope: { inputs: {}, metadata, now: "2026-01-01T00:00:00Z" },
      response: response as unknown as Response,
      expressions: [],
      compare,
      normalise,
    },
    {
      ask: () => Promise.resolve(new Map()),
      bytes: new Map(),
      async over(document, expressions) {
        batches.push(expressions.map(({ field }) => field));
        return JSON.parse(document) as unknown[];
      },
    },
  );
  return batches;
}

test("places that are apart go in together, in the order in which they are declared", async () => {
  expect(await asked(".a.b", ".c", '.d["e f"]', ".l[].n", ".a.c")).toEqual([[".a.b", ".c", '.d["e f"]', ".l[].n", ".a.c"]]);
  expect(await asked()).toEqual([]);
});

test("a place within another goes in after it, with what comes then", async () => {
  expect(await asked(".a", ".c", ".a.b", ".c.d", ".e")).toEqual([
    [".a", ".c"],
    [".a.b", ".c.d", ".e"],
  ]);
  expect(await asked(".l[].n", ".l[0]", ".l[1].n")).toEqual([[".l[].n"], [".l[0]", ".l[1].n"]]);
  expect(await asked(".a", ".a")).toEqual([[".a"], [".a"]]);
  expect(await asked(".l[].n", ".l[].m", ".l[]")).toEqual([[".l[].n", ".l[].m"], [".l[]"]]);
});
