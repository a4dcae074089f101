import { describe, expect, test } from "@jest/globals";
import { httpRequest, type HTTPRequestSpec, type HTTPRequestStatus } from "../../src/api/http-request.ts";
import { validator } from "../../src/api/validate.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Outcome, Refusal } from "../../src/core/outcome.ts";
import { redact } from "../../src/core/redacted.ts";
import { createShown } from "../../src/core/shown.ts";
import { sameJSON } from "../../src/core/tools/json.ts";
import type { BeforeSend, Step } from "../../src/core/plan.ts";
import type { HTTPEndpoint, HTTPRequest } from "../../src/kinds/types.ts";
import {
  answer as answerWith,
  condition,
  driveIn,
  httpRequest as request,
  reset,
  type Answer,
  type Driven,
} from "../support/request-plan.ts";

function answer(statusCode: number, body = "{}"): Outcome {
  const headers = { "content-type": "application/json", "x-secret": "no" };
  return {
    type: "response",
    response: {
      statusCode,
      headers,
      body: redact(body),
      shown: createShown({ headers, body }),
      sizeBytes: body.length,
      sha256: "ab",
      durationMs: 12,
    },
  };
}
/** `answers`: for its steps, in their order. */
function drive(resource: HTTPRequest, answers: readonly Answer[] = [], endpoint?: HTTPEndpoint): Driven {
  return driveIn({ resource, references: [endpoint] }, answers);
}
function precautionOf<T extends BeforeSend["type"]>(step: Step | undefined, type: T): Extract<BeforeSend, { type: T }> {
  if (step?.type !== "exchange" || step.beforeSend.type !== type) throw new Error(`no ${type}`);
  return step.beforeSend as Extract<BeforeSend, { type: T }>;
}
function exchangeOf(step: Step | undefined): Exchange {
  if (step?.type !== "exchange") throw new Error("no exchange");
  return step.exchange;
}

describe("a POST", () => {
  test("is recorded as in flight before it is sent, and as done afterwards", () => {
    const { steps, status } = drive(request(), [answer(202)]);
    const [step] = steps;
    expect(step).toMatchObject({
      type: "exchange",
      beforeSend: { type: "recordIntent", sender: "me", status: { attempt: { phase: "InFlight", sender: "me", tries: 1 } } },
    });
    expect(status).toMatchObject({
      attempt: { phase: "Done", tries: 1 },
      completedRuns: 1,
      observedGeneration: 1,
      response: { statusCode: 202 },
    });
    expect(status.attempt).not.toHaveProperty("sender");
    expect(condition(status, "Ready")?.status).toBe("True");
    expect(condition(status, "Succeeded")?.status).toBe("True");
    expect(condition(status, "Reconciling")).toBeUndefined();
  });
  test("is not sent again once done, and nothing is written", () => {
    const { status } = drive(request(), [answer(202)]);
    const again = drive(request({}, { status }));
    expect(again.steps).toEqual([]);
    expect(sameJSON(again.status, status)).toBe(true);
  });
  test.each<[string, Partial<HTTPRequestSpec>]>([
    ["timeout", { timeout: "3s" }],
    ["maxRedirects", { maxRedirects: 3 }],
    ["suspend", { suspend: true }],
    ["retry", { retry: { limit: 9, backoff: { initial: "2s", max: "1m" } } }],
    ["expect", { expect: { status: ["418"] } }],
    ["record", { record: "None" }],
    ["onUnknown", { onUnknown: "Resend" }],
  ])("is not sent again for a change of %s", (_field, change) => {
    const { status } = drive(request(), [answer(202)]);
    const again = drive(request(change, { status, generation: 2 }));
    expect(again.steps).toEqual([]);
    expect(again.status.observedGeneration).toBe(2);
    expect(condition(again.status, "Ready")?.status).toBe("True");
  });
  test.each<[string, Partial<HTTPRequestSpec>]>([
    ["url", { url: "https://example.com/other" }],
    ["query", { query: [{ name: "a", value: "b" }] }],
    ["headers", { headers: [{ name: "a", value: "b" }] }],
    ["body", { body: { json: { text: "other" } } }],
    ["inputs", { inputs: { a: { value: 1 } } }],
  ])("is sent once more for a change of %s", (_field, change) => {
    const { status } = drive(request(), [answer(202)]);
    expect(drive(request(change, { status, generation: 2 }), [answer(202)]).steps).toHaveLength(1);
  });
  test("that was reset after its first byte is unknown, and stays so", () => {
    const { status } = drive(request(), [reset]);
    expect(condition(status, "Stalled")).toMatchObject({ status: "True", reason: "OutcomeUnknown" });
    const again = drive(request({}, { status }));
    expect(again.steps).toEqual([]);
    expect(again.verdict.requeueAfterMs).toBeUndefined();
  });
  test("whose outcome is unknown counts once, however often it is looked at, and once more when it was sent again", () => {
    const first = drive(request(), [reset]);
    expect(first.verdict).toMatchObject({ result: "stalled", reason: "OutcomeUnknown" });
    const { status } = first;
    expect(drive(request({}, { status })).verdict).toMatchObject({ result: "unchanged", reason: "OutcomeUnknown" });
    const edited = request({ timeout: "9s" }, { status, generation: 2 });
    expect(drive(edited).verdict).toMatchObject({ result: "unchanged", reason: "OutcomeUnknown" });
    const annotations = { "holdfast.dev/reconcile-at": "now" };
    const resent = drive(request({}, { status, annotations }), [reset]);
    expect(resent.verdict).toMatchObject({ result: "stalled", reason: "OutcomeUnknown" });
  });
  test("that a dead process left in flight is unknown", () => {
    const [step] = drive(request(), [answer(202)]).steps;
    const left = precautionOf(step, "recordIntent").status as HTTPRequestStatus;
    const { steps, status } = drive(request({}, { status: left }));
    expect(steps).toEqual([]);
    expect(status.attempt).toMatchObject({ phase: "Unknown" });
    expect(condition(status, "Ready")?.reason).toBe("OutcomeUnknown");
  });
  test("is tried again after a pause that begins when the try has ended, whatever it waited for and however it ended", () => {
    const retry = { backoff: { initial: "2s", max: "2s" }, limit: 9 };
    const keyed = request({ retry, idempotencyKey: { header: "Idempotency-Key" } });
    for (const ended of [reset, answer(503)] as readonly Answer[]) {
      const { status } = drive(keyed, [{ ...ended, tookMs: 30_000 } as Answer]);
      const { startedAt = "", finishedAt = "" } = status.attempt ?? {};
      expect(Date.parse(finishedAt) - Date.parse(startedAt)).toBeGreaterThanOrEqual(30_000);
      expect(Date.parse(status.nextRunAt ?? "") - Date.parse(finishedAt)).toBeGreaterThanOrEqual(1_500);
    }
  });
  test("with a key that is honoured is tried again under the same key, without an intent", () => {
    const keyed = request({ idempotencyKey: { header: "Idempotency-Key" } });
    const first = drive(keyed, [reset]);
    expect(first.steps[0]).toMatchObject({ beforeSend: { type: "nothing" } });
    expect(first.status.attempt).toMatchObject({ phase: "Retrying" });
    expect(first.verdict.requeueAfterMs).toBeGreaterThan(0);
    const due: HTTPRequestStatus = {
      ...first.status,
      attempt: { ...first.status.attempt!, finishedAt: "2025-01-01T00:00:00.000Z" },
      nextRunAt: "2025-01-01T00:00:01.000Z",
    };
    const second = drive({ ...keyed, status: due }, [answer(200)]);
    const keys = [first, second].map(({ steps }) => exchangeOf(steps[0]).request.literalHeaders[0]);
    expect(keys[0]).toEqual({ name: "Idempotency-Key", value: first.status.attempt?.id });
    expect(keys[1]).toEqual(keys[0]);
  });
  test("with a key needs an intent where inputs decide what is sent", () => {
    const spec = { body: { json: "${ .inputs.a }" }, inputs: { a: { value: 1 } } };
    const { steps } = drive(request({ ...spec, idempotencyKey: { header: "Idempotency-Key" } }), [answer(200)]);
    expect(steps[0]).toMatchObject({ beforeSend: { type: "recordIntent" } });
  });
});

describe("what the spec says of sending it twice", () => {
  test.each<[string, boolean | undefined, "nothing" | "recordIntent"]>([
    ["POST", true, "nothing"],
    ["PATCH", true, "nothing"],
    ["PURGE", true, "nothing"],
    ["POST", false, "recordIntent"],
    ["POST", undefined, "recordIntent"],
    ["PUT", false, "recordIntent"],
    ["DELETE", false, "recordIntent"],
    ["GET", false, "recordIntent"],
    ["PUT", undefined, "nothing"],
    ["PUT", true, "nothing"],
  ])("of %s: %s, goes before its method", (method, idempotent, precaution) => {
    const said = request({ method, ...(idempotent !== undefined && { idempotent }) });
    const { steps, status } = drive(said, [reset]);
    expect(steps[0]).toMatchObject({ beforeSend: { type: precaution }, exchange: { repeatable: precaution === "nothing" } });
    expect(status.attempt?.phase).toBe(precaution === "nothing" ? "Retrying" : "Unknown");
  });
  test("does not hold for a try that was in doubt before, and makes no new run", () => {
    const { status } = drive(request(), [reset]);
    const later = drive(request({ idempotent: true }, { status, generation: 2 }));
    expect(later.steps).toEqual([]);
    expect(condition(later.status, "Ready")?.reason).toBe("OutcomeUnknown");
    const done = drive(request(), [answer(200)]).status;
    expect(drive(request({ idempotent: true }, { status: done, generation: 2 })).steps).toEqual([]);
  });
  test("is not said of the polls for its work", () => {
    const poll = { until: ".response.body.done", url: "https://example.com/jobs/1" };
    const polled = request({ idempotent: false, poll: { interval: "1s", timeout: "1h", ...poll } });
    const { status } = drive(polled, [answer(202), { type: "values", values: [] }]);
    const later = { ...status, poll: { ...status.poll!, nextAt: "2025-01-01T00:00:00Z" } };
    const { steps } = drive({ ...polled, status: later }, [reset]);
    expect(exchangeOf(steps[0])).toMatchObject({ request: { method: "GET" }, repeatable: true });
  });
  test.each([
    [{ method: "POST" }, 1],
    [{ method: "POST", idempotent: true }, 0],
    [{ method: "PUT" }, 0],
    [{ method: "PUT", idempotent: false }, 1],
    [{ method: "PUT", idempotent: false, idempotencyKey: {} }, 0],
  ])("decides whether forEach is accepted: %j", (written, count) => {
    const each = { url: "https://example.com", forEach: { items: [1, 2] }, ...written };
    expect(validator(httpRequest.spec)(each).problems).toHaveLength(count);
  });
  test("lets items be sent where there is no key", () => {
    const each = { forEach: { items: [1] }, endpointRef: { kind: "HTTPEndpoint", name: "x" } } as const;
    const endpoint = { metadata: { name: "x", namespace: "team-a" }, spec: { baseURL: "https://x.example" } } as HTTPEndpoint;
    const [refused, sent] = [
      drive(request(each), [], endpoint),
      drive(request({ ...each, idempotent: true }), [{ type: "outcomes", outcomes: [answer(200)] }], endpoint),
    ];
    expect(refused.steps).toEqual([]);
    expect(sent.steps[0]).toMatchObject({ type: "exchanges", beforeSend: { type: "nothing" } });
    expect(drive(request({ ...each, method: "PUT", idempotent: false }), [], endpoint).steps).toEqual([]);
  });
});

describe("a GET", () => {
  test("needs no intent, and is tried again after a 500", () => {
    const { steps, verdict, status } = drive(request({ method: "GET" }), [answer(500)]);
    expect(steps[0]).toMatchObject({ beforeSend: { type: "nothing" } });
    expect(verdict.requeueAfterMs).toBeGreaterThan(0);
    expect(condition(status, "Reconciling")?.status).toBe("True");
    expect(status.nextRunAt).toBeDefined();
  });
  test("is over when its tries are", () => {
    const { status } = drive(request({ method: "GET", retry: { limit: 0, backoff: { initial: "1s", max: "1s" } } }), [
      answer(500),
    ]);
    expect(condition(status, "Stalled")).toMatchObject({ status: "True", reason: "UnexpectedStatus" });
    expect(condition(status, "Succeeded")?.status).toBe("False");
  });
});

describe("a try that is not due yet", () => {
  test("is waited for, and nothing is written meanwhile", () => {
    const first = drive(request({ method: "GET" }), [answer(500)]);
    const again = drive(request({ method: "GET" }, { status: first.status }));
    expect(again.steps).toEqual([]);
    expect(again.verdict.requeueAfterMs).toBeGreaterThan(0);
    expect(sameJSON(again.status, first.status)).toBe(true);
  });
  test("is due when the server said so", () => {
    const busy = answer(429);
    const told = busy.type === "response" ? { ...busy, response: { ...busy.response, headers: { "retry-after": "120" } } } : busy;
    expect(drive(request(), [told]).verdict.requeueAfterMs).toBe(120_000);
  });
});

describe("an expectation", () => {
  const spec = { expect: { status: ["2xx"], that: ".response.body.ok" } };
  test("in jq decides over the answer", () => {
    const good = drive(request(spec), [answer(200), { type: "values", values: [true] }]);
    expect(condition(good.status, "Ready")?.status).toBe("True");
    const bad = drive(request(spec), [answer(200), { type: "values", values: [false] }]);
    expect(condition(bad.status, "Ready")).toMatchObject({ status: "False", reason: "UnexpectedResponse" });
  });
  test("is compiled before anything is sent", () => {
    const { steps } = drive(request(spec), [answer(200), { type: "values", values: [true] }]);
    expect(exchangeOf(steps[0]).expressionsToValidate).toEqual([{ field: "spec.expect.that", text: ".response.body.ok" }]);
  });
  test("that fails to run is the reason, and the request is not sent again", () => {
    const failed: Refusal = { type: "refusal", reason: "ExpressionFailed", message: "spec.expect.that: no", heals: false };
    const { status } = drive(request(spec), [answer(200), failed]);
    expect(status.attempt).toMatchObject({ phase: "Done" });
    expect(condition(status, "Stalled")?.reason).toBe("ExpressionFailed");
  });
});

describe("what is missing", () => {
  test("is waited for, ever more slowly, and writes nothing new", () => {
    const missing: Refusal = { type: "refusal", reason: "SecretNotFound", message: 'spec.inputs.a: no Secret "a"', heals: true };
    const first = drive(request(), [missing]);
    expect(condition(first.status, "Ready")).toMatchObject({ status: "False", reason: "SecretNotFound" });
    expect(first.status.attempt).toBeUndefined();
    const again = drive(request({}, { status: first.status }), [missing]);
    expect(sameJSON(again.status, first.status)).toBe(true);
    expect(drive(request({}, { status: first.status }), [answer(200)]).status.attempt?.tries).toBe(1);
  });
  test("an endpoint that does not exist is named", () => {
    const { status, steps } = drive(request({ endpointRef: { kind: "HTTPEndpoint", name: "users" } }));
    expect(steps).toEqual([]);
    expect(condition(status, "Ready")).toMatchObject({ reason: "EndpointNotFound", message: expect.stringContaining('"users"') });
  });
});

test("a suspended request is not sent, and is when it is suspended no longer", () => {
  const suspended = drive(request({ suspend: true }));
  expect(suspended.steps).toEqual([]);
  expect(condition(suspended.status, "Ready")?.reason).toBe("Suspended");
  expect(drive(request({}, { status: suspended.status, generation: 2 }), [answer(200)]).steps).toHaveLength(1);
});

test("an endpoint's timeout, headers and TLS are used, and the request's own timeout and headers win", () => {
  const endpoint: HTTPEndpoint = {
    metadata: { name: "users", namespace: "team-a", uid: "e", generation: 1, resourceVersion: "1" },
    spec: {
      baseURL: "https://example.com/api",
      http2: false,
      timeout: "7s",
      headers: [
        { name: "Accept", value: "text/plain" },
        { name: "X-Team", value: "a" },
      ],
      tls: { insecureSkipVerify: true },
    },
  };
  const spec: Partial<HTTPRequestSpec> = {
    endpointRef: { kind: "HTTPEndpoint", name: "users" },
    path: "/x",
    headers: [{ name: "accept", value: "*/*" }],
  };
  const exchange = exchangeOf(drive(request(spec), [answer(200)], endpoint).steps[0]);
  expect(exchange).toMatchObject({
    timeoutMs: 7000,
    tls: { insecureSkipVerify: true },
    request: { url: { type: "joined", base: "https://example.com/api" } },
  });
  expect(exchange.request.literalHeaders).toEqual([{ name: "X-Team", value: "a" }]);
  expect(exchangeOf(drive(request({ ...spec, timeout: "1s" }), [answer(200)], endpoint).steps[0]).timeoutMs).toBe(1000);
});

test("redirects are followed for methods that only ask, and as often as the spec says", () => {
  const followed = (spec: Partial<HTTPRequestSpec>): number =>
    exchangeOf(drive(request(spec), [answer(200)]).steps[0]).maxRedirects;
  expect([followed({ method: "GET" }), followed({ method: "HEAD" }), followed({ method: "PUT" })]).toEqual([5, 5, 0]);
  expect([followed({ method: "GET", maxRedirects: 0 }), followed({ method: "POST", maxRedirects: 2 })]).toEqual([0, 2]);
});

test("what may be repeated is an idempotent method, or what carries a key that is honoured", () => {
  const repeatable = (spec: Partial<HTTPRequestSpec>): boolean =>
    exchangeOf(drive(request(spec), [answer(200)]).steps[0]).repeatable;
  expect([repeatable({ method: "DELETE" }), repeatable({ method: "PATCH" })]).toEqual([true, false]);
  expect(repeatable({ method: "POST", idempotencyKey: { header: "Idempotency-Key" } })).toBe(true);
});

test("a 401 says which credentials are asked for, in no word of the server's", () => {
  const { status } = drive(request({ retry: { limit: 0, backoff: { initial: "1s", max: "1s" } } }), [
    answerWith(401, { "www-authenticate": 'Digest realm="secret realm", Basic realm="b"' }),
  ]);
  const { message } = condition(status, "Ready") ?? {};
  expect(message).toBe(
    "answered 401, which asks for Digest or Basic, where spec.expect.status has 2xx. To send it again change the annotation holdfast.dev/reconcile-at",
  );
});

describe("record", () => {
  test.each([
    ["None", undefined],
    ["Summary", { statusCode: 200, headers: { "content-type": "application/json" }, sizeBytes: 2, sha256: "ab", durationMs: 12 }],
    [
      "Body",
      {
        statusCode: 200,
        headers: { "content-type": "application/json" },
        sizeBytes: 2,
        sha256: "ab",
        durationMs: 12,
        body: "{}",
      },
    ],
  ] as const)("%s keeps what it says", (record, kept) => {
    expect(drive(request({ record }), [answer(200)]).status.response).toEqual(kept);
  });
  test("keeps where an answer leads to, unless a Secret is made of it", () => {
    const outputs = [{ secret: { name: "kept", type: "Opaque" }, data: { a: "." }, whenMissing: "Keep" }] as const;
    const created = answerWith(201, { location: "/users/7" });
    expect(drive(request(), [created]).status.response?.headers).toEqual({ location: "/users/7" });
    const { status } = drive(request({ outputs }), [{ type: "ready" }, created, { type: "ready" }]);
    expect(status.response).not.toHaveProperty("headers");
  });
  test("cuts a long body at 16 KiB, between characters", () => {
    const { response } = drive(request({ record: "Body" }), [answer(200, "é".repeat(20_000))]).status;
    expect(response?.bodyTruncated).toBe(true);
    expect(Buffer.byteLength(response?.body ?? "")).toBeLessThanOrEqual(16_384);
    expect(response?.body).toMatch(/^é+$/);
  });
  test("turned down later takes away what was kept", () => {
    const { status } = drive(request({ record: "Body" }), [answer(200)]);
    expect(drive(request({ record: "Summary" }, { status, generation: 2 })).status.response).not.toHaveProperty("body");
    expect(drive(request({ record: "None" }, { status, generation: 2 })).status.response).toBeUndefined();
  });
});

test("a reconcile-at is answered once", () => {
  const { status } = drive(request(), [answer(200)]);
  const asked = { status, annotations: { "holdfast.dev/reconcile-at": "now" } };
  const { status: after } = drive(request({}, asked), [answer(200)]);
  expect(after.lastHandledReconcileAt).toBe("now");
  expect(drive(request({}, { ...asked, status: after })).steps).toEqual([]);
});

test("whose conditions somebody has taken away says what its history has, and never an empty message", () => {
  const { status } = drive(request(), [answer(200)]);
  const bare = { ...status, conditions: [] };
  const again = drive(request({}, { status: bare }), []);
  expect(again.steps).toEqual([]);
  expect(condition(again.status, "Ready")).toMatchObject({ status: "True", reason: "Succeeded" });
  const { history: _, ...forgotten } = bare;
  expect(condition(drive(request({}, { status: forgotten }), []).status, "Ready")?.message).not.toBe("");
});
