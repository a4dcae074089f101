/** What a shadow's condition says reaches whoever has the object in words of that. */
import { expect, test } from "@jest/globals";
import { findCondition } from "../../src/core/conditions.ts";
import type { Resource } from "../../src/core/resource.ts";
import { notHeld } from "../../src/kinds/http-resource/conditions.ts";
import { managedTypes } from "../../src/serve/kinds.ts";
import { readServed, type ServedObject } from "../../src/serve/served-object.ts";
import { readyStates, tellAnswer } from "../../src/serve/status.ts";
import { toldText } from "../../src/serve/told-text.ts";
import { answer, drive, httpRequest } from "../support/request-plan.ts";

const at = "2026-11-29T12:00:00.750Z";
const metadata = { namespace: "here", name: "one", uid: "u1", generation: 3, resourceVersion: "7" };
const [, , , type] = managedTypes;

function once(): ServedObject {
  if (!type) throw new Error("no type");
  const read = readServed(type, { metadata, spec: { forProvider: { url: "http://a.example", method: "POST" } } });
  if (read.type === "invalid") throw new Error(read.message);
  return read.object;
}
/** All that is said of it. */
function told(shadow: Resource): string {
  const synced = readyStates(once(), shadow).find((state) => state.type === "Synced")?.message ?? "";
  const { error = "" } = tellAnswer({ object: once(), shadow, details: undefined, now: new Date(at) });
  return `${synced}\n${error}`;
}

test("of what may have arrived, or is suspended, only what can be done there is said", () => {
  const unknown = { ...httpRequest(), status: drive(httpRequest(), at, [answer(502)]).status };
  expect(findCondition(unknown.status, "Ready")?.message).toContain("spec.onUnknown");
  expect(told(unknown)).toMatch(
    /OutcomeUnknown.*holdfast\.dev\/arrived.*holdfast\.dev\/reconcile-at, or delete it and make it anew/,
  );
  const suspended = { ...httpRequest(), status: drive(httpRequest({ suspend: true }), at).status };
  expect(told(suspended)).toContain("Suspended: it is suspended, and nothing is sent: the condition Served says why");
  for (const one of [unknown, suspended]) expect(told(one)).not.toContain("spec.");
});

test.each([
  [notHeld([], { upToDate: "true" }, 3)[0]?.message ?? "", /let expectedResponseCheck ask for less/],
  [notHeld([], {}, 3)[0]?.message ?? "", /UPDATE was accepted .* expectedResponseCheck/],
  ["answered 409, where spec.expect.status has 2xx", /where allowedStatusCodes has 2xx/],
  ["answered 200, but spec.expect.that does not yield true", /but expectedResponse does not/],
  ["spec.create: answered 500", /^CREATE: answered 500$/],
])("a field is named as it is there: %s", (message, expected) => {
  expect(toldText(message)).toMatch(expected);
  expect(toldText(message)).not.toContain("spec.");
});
test("of a field that is not there it is said whose it is", () => {
  expect(toldText("spec.tls: no such Secret")).toBe("its shadow's spec.tls: no such Secret");
});
