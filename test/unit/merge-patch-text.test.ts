/** What a merge patch leaves alone: what is there already, also in another form. */
import { expect, test } from "@jest/globals";
import { createShown } from "../../src/core/shown.ts";
import { redact } from "../../src/core/redacted.ts";
import { mergePatchText } from "../../src/http/render/compare.ts";
import { answer } from "../support/resource-plan.ts";

function patch(wanted: object, observed: unknown, same: readonly string[]): unknown {
  const text = JSON.stringify(observed);
  const { response } = answer(200) as Extract<ReturnType<typeof answer>, { type: "response" }>;
  const seen = { scope: {}, response: { ...response, body: redact(text), shown: createShown({ headers: {}, body: text }) } };
  const body = { type: "mergePatch", field: "spec.update.body.mergePatch", value: wanted, same } as const;
  return JSON.parse(mergePatchText(body, seen, () => "null"));
}

test.each<[string, object, unknown, readonly string[], unknown]>([
  ["sends what differs", { name: "WWW", ttl: 1 }, { name: "www", ttl: 2 }, [], { name: "WWW", ttl: 1 }],
  ["leaves what is the same in another form", { name: "WWW", ttl: 1 }, { name: "www", ttl: 2 }, [".name"], { ttl: 1 }],
  ["at a place within", { a: { b: "X", c: 1 } }, { a: { b: "x", c: 2 } }, [".a.b"], { a: { c: 1 } }],
  ["sends what is not there", { name: "WWW" }, {}, [".name"], { name: "WWW" }],
  ["adds nothing that is not declared", { ttl: 1 }, { name: "www", ttl: 2 }, [".name", ".a.b"], { ttl: 1 }],
  ["takes a list whole", { all: [{ p: "1" }], n: 1 }, { all: [{ p: 1 }], n: 2 }, [".all"], { n: 1 }],
])("%s", (_what, wanted, observed, same, sent) => {
  expect(patch(wanted, observed, same)).toEqual(sent);
});
