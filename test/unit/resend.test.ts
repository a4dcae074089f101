/** Which HTTPRequests are dead letters: over, and not as declared. */
import { expect, test } from "@jest/globals";
import type { HTTPRequestStatus } from "../../src/api/http-request.ts";
import { deadLetters } from "../../src/cli/dead-letters.ts";
import type { HTTPRequest } from "../../src/kinds/types.ts";
import { answer, drive, httpRequest, reset } from "../support/request-plan.ts";

const now = "2026-01-01T00:00:00Z";
const named = (name: string, { status }: { readonly status: HTTPRequestStatus }, spec = {}): HTTPRequest =>
  httpRequest(spec, { name, status });
const every = { schedule: { every: "1h", missed: "RunOnce" } } as const;
const all = [
  named("good", drive(httpRequest(), now, [answer(200)])),
  named("bad", drive(httpRequest(), now, [answer(400)])),
  named("retrying", drive(httpRequest(), now, [answer(429)])),
  named("unknown", drive(httpRequest(), now, [reset])),
  named("scheduled", drive(httpRequest(every), now, [answer(404)]), every),
  named("suspended", drive(httpRequest(), now, [answer(400)]), { suspend: true }),
  named("refused", drive(httpRequest({ url: "${ .inputs.none }" }), now, [])),
  httpRequest({}, { name: "new" }),
  {
    ...named("going", drive(httpRequest(), now, [answer(400)])),
    metadata: { ...httpRequest().metadata, deletionTimestamp: now },
  },
];
const chosen = (names: readonly string[], settings: Parameters<typeof deadLetters>[2]): unknown =>
  deadLetters(all, names, settings).map(({ request, reason, isUnknown }) => [request.metadata.name, reason, isUnknown]);

test("wish 32: those whose run failed or is not known are, and nothing that goes on, waits or was never sent", () => {
  expect(chosen([], {})).toEqual([
    ["bad", "UnexpectedStatus", false],
    ["unknown", "OutcomeUnknown", true],
    ["scheduled", "UnexpectedStatus", false],
  ]);
  expect(chosen([], { stalled: true })).toEqual([
    ["bad", "UnexpectedStatus", false],
    ["unknown", "OutcomeUnknown", true],
  ]);
  expect(chosen([], { reason: ["OutcomeUnknown"] })).toEqual([["unknown", "OutcomeUnknown", true]]);
  expect(chosen(["bad", "good"], {})).toEqual([["bad", "UnexpectedStatus", false]]);
});
