/** What the status of a served object says of its shadow's. */
import { expect, test } from "@jest/globals";
import type { Resource } from "../../src/core/resource.ts";
import type { ShownAnswer } from "../../src/serve/shown-answers.ts";
import { managedTypes } from "../../src/serve/kinds.ts";
import { identityAnswer } from "../../src/serve/identity-answer.ts";
import { readServed, type ServedObject } from "../../src/serve/served-object.ts";
import { exhaustedStates, lastAction, readyStates, tellAnswer, withStates } from "../../src/serve/status.ts";

const now = new Date("2026-11-29T12:00:00.750Z");
const metadata = { namespace: "here", name: "one", uid: "u1", generation: 3, resourceVersion: "7" };
const [, , requestType, disposableType] = managedTypes;

function served(kind: "Request" | "DisposableRequest", status?: object, more: object = {}, given?: object): ServedObject {
  const type = kind === "Request" ? requestType : disposableType;
  const forProvider =
    given ??
    (kind === "Request"
      ? { payload: {}, mappings: [{ action: "OBSERVE", url: '"http://a.example"' }] }
      : { url: "http://a.example", method: "POST" });
  const resource: Resource = { metadata: { ...metadata, ...more }, spec: { forProvider }, ...(status && { status }) };
  if (!type) throw new Error("no type");
  const read = readServed(type, resource);
  if (read.type === "invalid") throw new Error(read.message);
  return read.object;
}
function shadow(status: object, spec: object = {}): Resource {
  return { metadata: { ...metadata, uid: "u2" }, spec, status };
}
const ready = (status: string, reason: string): readonly object[] => [
  { type: "Ready", status, reason, message: "as it is", lastTransitionTime: now.toISOString() },
];
const tell = (object: ServedObject, from: Resource): object => tellAnswer({ object, shadow: from, details: undefined, now });

test("what was asked last is told of, and an observation only once there was one", () => {
  const attempt = { verb: "Create", phase: "Done", succeeded: true };
  expect(lastAction(shadow({}))).toBe("OBSERVE");
  expect(lastAction(shadow({ attempt }))).toBe("CREATE");
  expect(lastAction(shadow({ attempt, values: { statusCode: 200 } }))).toBe("OBSERVE");
  expect(lastAction(shadow({ attempt: { verb: "Update", phase: "Retrying" }, values: { statusCode: 200 } }))).toBe("UPDATE");
  expect(lastAction(shadow({ attempt: { verb: "Delete", phase: "Retrying" } }))).toBe("REMOVE");
});

test("an answer is told in the peer's shape, with the status of the look that came last", () => {
  const response = { statusCode: 201, body: '{"id":"4"}', headers: { "content-type": "application/json", "x-request-id": "r" } };
  const attempt = { verb: "Create", phase: "Done", succeeded: true, tries: 1 };
  const told = tell(
    served("Request"),
    shadow({ response, attempt, values: { statusCode: 200 }, conditions: ready("True", "Created") }),
  );
  const answer = {
    statusCode: 200,
    body: '{"id":"4"}',
    headers: { "Content-Type": ["application/json"], "X-Request-Id": ["r"] },
  };
  expect(told).toEqual({ response: answer, cache: { lastUpdated: "2026-11-29T12:00:00Z", response: answer } });
});

test("what was told before stays where there is nothing new, with its time", () => {
  const response = { statusCode: 200, body: '{"id":"4"}' };
  const before = {
    response,
    cache: { lastUpdated: "2026-01-01T00:00:00Z", response },
    requestDetails: { method: "GET", url: "http://a.example/4" },
  };
  expect(tell(served("Request", before), shadow({}))).toEqual(before);
  const same = shadow({ response, values: { statusCode: 200 }, conditions: ready("True", "Adopted") });
  expect(tell(served("Request", before), same)).toEqual(before);
});

test("an answer that is not kept, or not whole, still says by what the object is known", () => {
  const of = (externalID: string, id: string): unknown => identityAnswer(shadow({ externalID: id }, { externalID }));
  expect(of(".response.body.id", "4")).toEqual({ body: '{"id":"4"}' });
  expect(of('.response.body["a b"].c', "4")).toEqual({ body: '{"a b":{"c":"4"}}' });
  expect(of('.response.headers["location"]', "/things/4")).toEqual({ headers: { Location: ["/things/4"] } });
  const both = '[.response.body.id, .response.headers["location"]] | tojson | if contains("null") then null else . end';
  expect(of(both, '[4,"/x"]')).toEqual({ body: '{"id":4}', headers: { Location: ["/x"] } });
  expect(of("(try (.response.body.id | tostring) catch null)", "4")).toBeUndefined();
  expect(of(both, "no list")).toBeUndefined();
  expect(identityAnswer(shadow({}, { externalID: ".response.body.id" }))).toBeUndefined();

  const response = { statusCode: 200, bodyOmitted: "a Secret is made of it" };
  const told = tell(
    served("Request"),
    shadow({ response, externalID: "4", values: { statusCode: 200 } }, { externalID: ".response.body.id" }),
  );
  expect(told).toMatchObject({ response: { body: '{"id":"4"}' }, cache: { response: { body: '{"id":"4"}' } } });
  const cut = tell(
    served("Request"),
    shadow(
      { response: { statusCode: 200, body: '{"id":"4","te', bodyTruncated: true }, externalID: "4", values: { statusCode: 200 } },
      { externalID: ".response.body.id" },
    ),
  );
  expect(cut).toMatchObject({ response: { body: '{"id":"4","te' }, cache: { response: { body: '{"id":"4"}' } } });
});

test("failures are counted and told in words, but where the status of a Request says it", () => {
  const attempt = { phase: "Retrying", tries: 2, finishedAt: "2026-11-29T11:59:58.100Z" };
  const failed = { response: { statusCode: 500 }, attempt, conditions: ready("False", "UnexpectedStatus") };
  expect(tell(served("DisposableRequest"), shadow(failed))).toEqual({
    response: { statusCode: 500 },
    failed: 2,
    error: "HTTP POST request failed with status code: 500",
    lastReconcileTime: "2026-11-29T11:59:58Z",
  });
  expect(tell(served("Request"), shadow(failed))).not.toHaveProperty("error");
  const other = { response: { statusCode: 200 }, attempt, conditions: ready("False", "UnexpectedResponse") };
  expect(tell(served("DisposableRequest"), shadow(other))).toMatchObject({
    failed: 2,
    error: "Response does not match the expected format, retries limit 1",
  });
  const away = { attempt, conditions: ready("False", "ConnectionFailed") };
  expect(tell(served("DisposableRequest"), shadow(away))).toMatchObject({ failed: 2, error: "as it is" });
  const done = {
    attempt: { ...attempt, phase: "Done" },
    conditions: [...ready("True", "Succeeded"), { ...ready("True", "Succeeded")[0], type: "Succeeded" }],
  };
  const before = { failed: 2, error: "as it was" };
  expect(tell(served("DisposableRequest", before), shadow(done))).toEqual({
    synced: true,
    lastReconcileTime: "2026-11-29T11:59:58Z",
  });
});

test("what could not be sent, or not be looked at, is told of as a failure, and what only waits is none", () => {
  const of = (kind: "Request" | "DisposableRequest", before: object | undefined, status: object): unknown => {
    const { failed, error } = tell(served(kind, before), shadow(status)) as { readonly failed?: number; readonly error?: string };
    return [failed, error];
  };
  const done = { attempt: { verb: "Create", phase: "Done", succeeded: true, tries: 1 }, values: { statusCode: 200 } };
  const failures = [
    ["DisposableRequest", { conditions: ready("False", "SecretNotFound") }],
    ["Request", { conditions: ready("Unknown", "ConnectionRefused") }],
    ["Request", { ...done, conditions: ready("Unknown", "UnexpectedStatus") }],
  ] as const;
  for (const [kind, status] of failures) {
    expect(of(kind, undefined, status)).toEqual([1, "as it is"]);
    expect(of(kind, { failed: 7, error: "as it was" }, status)).toEqual([7, "as it is"]);
  }
  for (const reason of ["Drifted", "OriginBusy", "RateLimited", "NotHeld"])
    expect(of("Request", undefined, { ...done, conditions: ready("False", reason) })).toEqual([undefined, undefined]);
  expect(of("DisposableRequest", undefined, { conditions: ready("False", "Suspended") })).toEqual([undefined, undefined]);
  expect(of("Request", { failed: 7, error: "as it was" }, { ...done, conditions: ready("True", "Created") })).toEqual([
    undefined,
    undefined,
  ]);
});

test("what was never made is being created, whatever is in its way, and what the peer has made is not available", () => {
  const reasons = (kind: "Request" | "DisposableRequest", before: object | undefined, reason: string): unknown =>
    readyStates(served(kind, before), shadow({ conditions: ready("False", reason) })).map((state) => state.reason);
  expect(reasons("DisposableRequest", undefined, "SecretNotFound")).toEqual(["Creating", "ReconcileError"]);
  expect(reasons("Request", undefined, "ConnectionRefused")).toEqual(["Creating", "ReconcileError"]);
  expect(reasons("DisposableRequest", { synced: true }, "SecretNotFound")).toEqual(["Unavailable", "ReconcileError"]);
  expect(reasons("Request", { response: { statusCode: 200 } }, "OriginBusy")).toEqual(["Unavailable", "ReconcileSuccess"]);
});

test("one that has failed as often as it may says so by a condition, and a run before it is not told of", () => {
  const forProvider = { url: "http://a.example", method: "PUT", rollbackRetriesLimit: 3 };
  const object = served("DisposableRequest", undefined, {}, forProvider);
  const conditions = [
    ...ready("False", "UnexpectedStatus"),
    { type: "Succeeded", status: "False", reason: "UnexpectedResponse", message: "the run before", lastTransitionTime: "" },
  ];
  const of = (tries: number, phase: string): object =>
    tell(object, shadow({ response: { statusCode: 503 }, attempt: { phase, tries }, conditions }));
  const error = "HTTP PUT request failed with status code: 503";
  expect(of(2, "Retrying")).toMatchObject({ failed: 2, error });
  expect(exhaustedStates(object, of(2, "Retrying"))).toEqual([]);
  expect(exhaustedStates(object, { failed: 3, error })).toEqual([
    { type: "ErrorObserved", status: "True", reason: "RetriesExhausted", message: error },
  ]);
  expect(exhaustedStates(served("DisposableRequest"), { failed: 3, error })).toEqual([]);
  expect(exhaustedStates(served("Request"), { failed: 3, error })).toEqual([]);
});

test("what goes on after it was given up goes on being counted", () => {
  const object = served("DisposableRequest", { failed: 2, error: "as it was" });
  const of = (id: string, tries: number): object => {
    const status = { attempt: { phase: "Done", id, tries }, conditions: ready("False", "UnexpectedStatus") };
    const from = shadow(status);
    return tell(object, { ...from, metadata: { ...from.metadata, annotations: { "holdfast.dev/tried": "a 2" } } });
  };
  expect(of("a", 2)).toMatchObject({ failed: 2 });
  expect(of("b", 1)).toMatchObject({ failed: 3 });
});

test("what is under way takes back nothing that was counted", () => {
  const before = { failed: 2, error: "as it was" };
  const attempt = { phase: "InFlight", tries: 3 };
  for (const kind of ["Request", "DisposableRequest"] as const)
    expect(tell(served(kind, before), shadow({ attempt, conditions: ready("False", "Sending") }))).toEqual(before);
});

test("of an answer that Secrets are made of what may be shown is told, where the object is known by it", () => {
  const secretInjectionConfigs = [{ secretRef: { name: "s", namespace: "here" }, secretKey: "k", responsePath: ".body.k" }];
  const mappings = [{ action: "OBSERVE", url: '"http://a.example"' }];
  const of = (before: object | undefined, shown: ShownAnswer | undefined): unknown => {
    const object = served("Request", before, {}, { payload: {}, mappings, secretInjectionConfigs });
    const from = shadow(
      { response: { statusCode: 201, bodyOmitted: "" }, externalID: "4", values: { statusCode: 200 } },
      { externalID: ".response.body.id" },
    );
    return tellAnswer({ object, shadow: from, shown, details: undefined, now }).response?.body;
  };
  const body = '{"id":"4","k":"{{s:here:k}}"}';
  const shown = { statusCode: 200, durationMs: 3, body };
  expect(of(undefined, shown)).toBe(body);
  expect(of({ response: { statusCode: 200, body } }, undefined)).toBe(body);
  const known = '{"id":"4"}';
  expect(of(undefined, undefined)).toBe(known);
  expect(of(undefined, { ...shown, body: undefined })).toBe(known);
  // What is told of the answer that the shadow's status speaks of stands, and of no other.
  expect(of({ response: { statusCode: 200, body } }, { ...shown, statusCode: 201 })).toBe(body);
  expect(of({ response: { statusCode: 201, body } }, { ...shown, statusCode: 201 })).toBe(known);
  expect(of({ response: { statusCode: 200, body } }, { ...shown, body: undefined })).toBe(known);
  expect(of(undefined, { ...shown, body: '{"id":"{{s:here:id}}"}' })).toBe(known);
  const whole = { ...shown, body: '{"id":"{{s:here:id}}","age":45}' };
  expect(of(undefined, whole)).toBe('{"id":"4","age":45}');
  expect(of({ response: { statusCode: 200, body: '{"id":"4","age":45}' } }, whole)).toBe('{"id":"4","age":45}');
});

test("of what was sent once only its own answer is told", () => {
  const secretInjectionConfigs = [{ secretRef: { name: "s", namespace: "here" }, secretKey: "k", responsePath: ".body.k" }];
  const finishedAt = "2026-11-29T11:59:58.100Z";
  const of = (before: object | undefined, shown: ShownAnswer | undefined): unknown => {
    const forProvider = { url: "http://a.example", method: "POST", secretInjectionConfigs };
    const object = served("DisposableRequest", before, {}, forProvider);
    const attempt = { phase: "Done", tries: 1, finishedAt };
    const from = shadow({ attempt, response: { statusCode: 200, durationMs: 3 } });
    return tellAnswer({ object, shadow: from, shown, details: undefined, now }).response?.body;
  };
  const shown = { statusCode: 200, durationMs: 3, body: "shown" };
  expect(of(undefined, shown)).toBe("shown");
  expect(of(undefined, { ...shown, durationMs: 4 })).toBeUndefined();
  expect(of(undefined, { ...shown, statusCode: 201 })).toBeUndefined();
  const before = { response: { statusCode: 200, body: "before" }, lastReconcileTime: "2026-11-29T11:59:58Z" };
  expect(of(before, undefined)).toBe("before");
  expect(of({ ...before, lastReconcileTime: "2026-11-29T11:59:57Z" }, undefined)).toBeUndefined();
});

test.each([
  ["True", "Created", {}, "True Available", "True ReconcileSuccess"],
  ["False", "Sending", { attempt: { phase: "InFlight" } }, "False Creating", "True ReconcileSuccess"],
  ["False", "UnexpectedStatus", { attempt: { phase: "Retrying" } }, "False Creating", "False ReconcileError"],
  ["False", "Drifted", { values: { statusCode: 200 } }, "False Unavailable", "False ReconcileError"],
])("Ready %s by the reason %s is told as the peer does", (status, reason, more, isReady, isSynced) => {
  const states = readyStates(served("Request"), shadow({ ...more, conditions: ready(status, reason) }));
  expect(states.map((state) => `${state.status} ${state.reason}`)).toEqual([isReady, isSynced]);
});

test("what was said of an object that is taken over stands until its shadow says something", () => {
  const conditions = [{ type: "Ready", status: "True", reason: "Available", lastTransitionTime: "t0" }];
  expect(readyStates(served("Request", { conditions }), shadow({}))).toEqual([]);
  expect(readyStates(served("Request"), shadow({})).map(({ reason }) => reason)).toEqual(["Creating", "ReconcileSuccess"]);
});

test("one that is being deleted says so, and a condition that stays as it was keeps its time", () => {
  const object = served(
    "Request",
    {
      conditions: [
        { type: "Ready", status: "False", reason: "Creating", lastTransitionTime: "t0" },
        { type: "Other", status: "True" },
      ],
    },
    { deletionTimestamp: "t" },
  );
  const [first, second] = readyStates(object, undefined);
  expect(first).toMatchObject({ status: "False", reason: "Deleting" });
  const made = withStates(object.resource, first && second ? [first, second] : [], now);
  expect(made).toEqual([
    { type: "Other", status: "True" },
    { type: "Ready", status: "False", reason: "Deleting", lastTransitionTime: "t0", observedGeneration: 3 },
    {
      type: "Synced",
      status: "True",
      reason: "ReconcileSuccess",
      lastTransitionTime: "2026-11-29T12:00:00Z",
      observedGeneration: 3,
    },
  ]);
});
