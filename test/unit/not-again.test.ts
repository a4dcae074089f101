/** What a request says that has failed and is not tried again: why, where another try might have ended otherwise. */
import { expect, test } from "@jest/globals";
import type { HTTPRequestSpec } from "../../src/api/http-request.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { answer, condition, drive, httpRequest, refused, type Answer } from "../support/request-plan.ts";

const backoff = { initial: "1s", max: "1s" };
const post = { url: "https://example.com/", method: "POST" } as const;
const readyAfter = (spec: Partial<HTTPRequestSpec>, ended: Answer) =>
  condition(drive(httpRequest({ ...post, ...spec }), "2026-01-01T00:00:00Z", [ended]).status, "Ready");
const told = (spec: Partial<HTTPRequestSpec>, ended: Answer): string => readyAfter(spec, ended)?.message ?? "";

test.each([503, 500])("a POST without a key that is answered %i says why retry.limit does not apply, and what would", (code) => {
  expect(told({ retry: { limit: 5, backoff } }, answer(code))).toBe(
    `answered ${code}, where spec.expect.status has 2xx. It is not tried again, since a POST without a key may have been carried out: where a second one does no harm, declare idempotencyKey or idempotent: true, or list ${code} in retry.when, which takes the place of the usual list. To send it again change the annotation holdfast.dev/reconcile-at`,
  );
});

test.each<[string, Partial<HTTPRequestSpec>, Outcome, string]>([
  ["an answer", {}, answer(500), "500"],
  ["a failure before it left", {}, refused, "ConnectionRefused"],
  ["a failure of what has a key", { idempotencyKey: { header: "Idempotency-Key" } }, refused, "ConnectionRefused"],
])("a list of one's own that has not %s is named", (_, spec, ended, what) => {
  const message = told({ ...spec, retry: { backoff, when: ["503"] } }, ended);
  expect(message).toContain(`since retry.when, which takes the place of the usual list, does not have ${what}. To send`);
});

const listed = { retry: { limit: 0, backoff, when: ["503"] } };
test.each<[string, Partial<HTTPRequestSpec>, Outcome]>([
  ["would be answered the same again", {}, answer(422)],
  ["was tried as often as it may be", listed, answer(503)],
  ["was tried as often as it may be, as by itself", { retry: { limit: 0, backoff } }, answer(429)],
  ["is never to be tried again", { retry: { backoff, never: ["500"] } }, answer(500)],
])("what %s says no more", (_, spec, ended) => {
  expect(readyAfter(spec, ended)).toMatchObject({ status: "False" });
  expect(told(spec, ended)).not.toContain("It is not tried again");
});

test("an item says it, too", () => {
  const keyed = { forEach: { items: ["a"] }, idempotencyKey: { header: "Idempotency-Key" } };
  const ended: Answer = { type: "outcomes", outcomes: [answer(500)] };
  expect(told({ ...keyed, retry: { backoff, when: ["503"] } }, ended)).toContain("does not have 500. To send it again");
  expect(told({ ...keyed, retry: { limit: 0, backoff } }, ended)).not.toContain("It is not tried again");
});
