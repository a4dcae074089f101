/** What is told of a DisposableRequest that was over when it was taken over: its shadow takes it for done, and sends nothing. */
import { describe, expect, test } from "@jest/globals";
import type { HTTPRequestStatus } from "../../src/api/http-request.ts";
import { httpRequestReport } from "../../src/kinds/http-request/report.ts";
import type { HTTPRequest } from "../../src/kinds/types.ts";
import { managedTypes } from "../../src/serve/kinds.ts";
import { readServed, type ServedObject } from "../../src/serve/served-object.ts";
import { exhaustedStates, readyStates, tellAnswer } from "../../src/serve/status.ts";
import { answer, drive, httpRequest, refused } from "../support/request-plan.ts";

const at = "2026-11-29T12:00:00.750Z";
const now = new Date(at);
const metadata = { namespace: "here", name: "one", uid: "u1", generation: 3, resourceVersion: "7" };
const [, , , type] = managedTypes;

function served(status: object, limit: number, more: object = {}): ServedObject {
  if (!type) throw new Error("no type");
  const forProvider = { url: "http://a.example", method: "POST", rollbackRetriesLimit: limit };
  const read = readServed(type, { metadata: { ...metadata, ...more }, spec: { forProvider }, status });
  if (read.type === "invalid") throw new Error(read.message);
  return read.object;
}
const fresh = httpRequest();
/** As the controller writes it. */
const assumed = withStatus(drive(httpRequest({}, { annotations: { "holdfast.dev/assume-done": "true" } }), at).status);
function withStatus(status: HTTPRequestStatus): HTTPRequest {
  return httpRequest({}, { status, annotations: { "holdfast.dev/reconcile-at": "now" } });
}
const tell = (object: ServedObject, shadow: HTTPRequest): object => tellAnswer({ object, shadow, details: undefined, now });
const lastReconcileTime = "2026-11-01T00:00:00Z";
const requestDetails = { method: "POST", url: "http://a.example" };
const failed = { failed: 3, error: "as it was", response: { statusCode: 500 }, lastReconcileTime, requestDetails };
const done = { synced: true, response: { statusCode: 201 }, lastReconcileTime };

test("the shadow has an attempt, and a run that has succeeded", () => {
  expect(assumed.status).toMatchObject({
    attempt: { phase: "Done", tries: 0 },
    conditions: [
      { type: "Ready", status: "True", reason: "AssumedDone" },
      { type: "Succeeded", status: "True", reason: "AssumedDone" },
    ],
  });
});

describe.each([
  ["before its shadow has looked", fresh],
  ["taken for done", assumed],
])("%s", (_, shadow) => {
  test("what had failed for good is left as it was, for whoever takes it back", () => {
    expect(tell(served(failed, 3), shadow)).toEqual(failed);
    expect(exhaustedStates(served(failed, 3), tell(served(failed, 3), shadow))).toMatchObject([{ reason: "RetriesExhausted" }]);
  });
  test("what the peer has sent stays sent", () => {
    expect(tell(served(done, 3), shadow)).toEqual(done);
  });
});

test("what had failed for good is not Ready, and what was sent is", () => {
  expect(readyStates(served(failed, 3), assumed)).toEqual([]);
  expect(readyStates(served(failed, 3, { deletionTimestamp: "t" }), assumed)).toMatchObject([{ reason: "Deleting" }, {}]);
  expect(readyStates(served(done, 3), assumed)).toMatchObject([{ reason: "Available" }, { reason: "ReconcileSuccess" }]);
});

test("once it is sent again what comes of that is told", () => {
  const sent = { id: "b", digest: "d", phase: "InFlight", startedAt: at, tries: 1 } as const;
  const inFlight = withStatus(httpRequestReport(assumed, now).inFlight(sent));
  expect(tell(served(failed, 5), inFlight)).toEqual(failed);
  expect(tell(served(done, 5), inFlight)).toMatchObject({ synced: true });
  const retrying = tell(served(failed, 5), withStatus(drive(assumed, at, [refused]).status));
  expect(retrying).toMatchObject({ failed: 1, error: expect.stringContaining("nobody listens there") as unknown });
  expect(retrying).not.toHaveProperty("synced");
  const ended = tell(served(failed, 5), withStatus(drive(assumed, at, [answer(200)]).status));
  expect(ended).toMatchObject({ synced: true });
  expect(ended).not.toHaveProperty("failed");
});
