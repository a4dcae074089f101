import { describe, expect, test } from "@jest/globals";
import { httpRequest as definition, type HTTPRequestSpec, type HTTPRequestStatus } from "../../src/api/http-request.ts";
import { validator } from "../../src/api/validate.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { createShown } from "../../src/core/shown.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { sameJSON } from "../../src/core/tools/json.ts";
import type { EvaluationResult, Step } from "../../src/core/plan.ts";
import { answer, condition, drive, httpRequest, reset, type Driven } from "../support/request-plan.ts";

const start = "2026-01-01T00:00:00.000Z";
const soon = "2026-01-01T00:00:05.000Z";
const poll = { interval: "5s", timeout: "10m" } as const;
const accepted = answer(202, { location: "/jobs/1" });
const says = (...values: unknown[]): EvaluationResult => ({ type: "values", values });
const goesOn = says(false, false);
const hasEnded = says(true, false);

function exchangeOf(step: Step | undefined): Exchange {
  if (step?.type !== "exchange") throw new Error(`no exchange: ${step?.type}`);
  return step.exchange;
}
/** One look after the POST was answered. */
function look(
  status: HTTPRequestStatus,
  answers: readonly (Outcome | EvaluationResult)[],
  {
    spec = {},
    at = soon,
    annotations,
  }: { spec?: Partial<HTTPRequestSpec>; at?: string; annotations?: Record<string, string> } = {},
): Driven {
  return drive(httpRequest({ poll, ...spec }, { status, ...(annotations && { annotations }) }), at, answers);
}
function begun(
  spec: Partial<HTTPRequestSpec> = {},
  first: readonly (Outcome | EvaluationResult)[] = [accepted],
): HTTPRequestStatus {
  return drive(httpRequest({ poll, ...spec }), start, first).status;
}

describe("wish 5: a POST whose work goes on", () => {
  test("records its answer and the URL to ask in one write, and holds no worker until then", () => {
    const { status, verdict } = drive(httpRequest({ poll }), start, [accepted]);
    expect(status).toMatchObject({
      attempt: { phase: "Polling", tries: 1 },
      poll: { url: "/jobs/1", from: "Location", startedAt: start },
      response: { statusCode: 202 },
    });
    expect(status.attempt).not.toHaveProperty("sender");
    expect(condition(status, "Reconciling")).toMatchObject({ status: "True", reason: "Polling" });
    expect(verdict.requeueAfterMs).toBe(5_000);
  });
  test("is asked after with GETs, without body or key, and writes nothing while the answer stays the same", () => {
    const status = begun({ body: { text: "a" }, idempotencyKey: { header: "Idempotency-Key" } });
    const spec: Partial<HTTPRequestSpec> = { body: { text: "a" }, idempotencyKey: { header: "Idempotency-Key" } };
    const first = look(status, [answer(202), goesOn], { spec });
    expect(first.steps[0]).toMatchObject({ type: "exchange", beforeSend: { type: "nothing" } });
    const { request } = exchangeOf(first.steps[0]);
    expect(request).toMatchObject({ method: "GET", literalHeaders: [], location: { field: "spec.poll.url", text: "/jobs/1" } });
    expect(request).not.toHaveProperty("body");
    expect(sameJSON(first.status, status)).toBe(true);
    expect(first.verdict.requeueAfterMs).toBe(5_000);
  });
  test("is done when the work is, with the last answer recorded, and forgets the URL", () => {
    const { status } = look(begun(), [answer(200), hasEnded]);
    expect(status).toMatchObject({
      attempt: { phase: "Done", finishedAt: soon },
      completedRuns: 1,
      response: { statusCode: 200 },
    });
    expect(status).not.toHaveProperty("poll");
    expect(condition(status, "Ready")?.status).toBe("True");
    expect(status.history).toHaveLength(1);
    expect(look(status, []).steps).toEqual([]);
  });
  test("is never sent again: not after a restart, by reconcile-at, by a tick, nor when polling is given up", () => {
    const status = begun();
    const asked = look(status, [answer(202), goesOn], { annotations: { "holdfast.dev/reconcile-at": "1" } });
    expect(exchangeOf(asked.steps[0]).request.method).toBe("GET");
    expect(asked.status.lastHandledReconcileAt).toBe("1");
    const schedule = { every: "1s", missed: "RunOnce" } as const;
    const ticked = begun({ schedule });
    expect(exchangeOf(look(ticked, [answer(202), goesOn], { spec: { schedule } }).steps[0]).request.method).toBe("GET");
    const { poll: _, ...without } = httpRequest({ poll }).spec;
    const given = drive({ ...httpRequest({}, { status, generation: 2 }), spec: without }, soon);
    expect([given.steps, given.status.attempt?.phase]).toEqual([[], "Done"]);
  });
  test("waits through outages of the server, and as long as it asks for", () => {
    for (const outcome of [reset, answer(503), answer(429)]) {
      const { status, verdict } = look(begun(), [outcome]);
      expect(status.attempt?.phase).toBe("Polling");
      expect(verdict.requeueAfterMs).toBe(5_000);
    }
    expect(look(begun(), [answer(429, { "retry-after": "30" })]).verdict.requeueAfterMs).toBe(30_000);
    expect(
      drive(httpRequest({ poll }), start, [answer(202, { location: "/a", "retry-after": "60" })]).verdict.requeueAfterMs,
    ).toBe(60_000);
  });
  test("fails when it takes too long, after one last look", () => {
    const late = { at: "2026-01-01T00:10:00.000Z" };
    expect(condition(look(begun(), [answer(202), goesOn], late).status, "Stalled")?.reason).toBe("PollTimeout");
    expect(condition(look(begun(), [answer(200), hasEnded], late).status, "Ready")?.status).toBe("True");
    const last = look(begun(), [answer(202), goesOn], { at: "2026-01-01T00:09:58.000Z" });
    expect(last.verdict.requeueAfterMs).toBe(2_000);
  });
  test("fails when the work does, or the URL is gone, and is not sent again for that", () => {
    const failed = look(begun(), [answer(200), says(true, true)]);
    expect(condition(failed.status, "Stalled")?.reason).toBe("PollFailed");
    expect(failed.verdict.requeueAfterMs).toBeUndefined();
    expect(condition(look(begun(), [answer(404)]).status, "Stalled")?.reason).toBe("PollFailed");
  });
  test("can be ended by a 404 where until says so", () => {
    const spec = { poll: { ...poll, until: ".response.statusCode == 404" } };
    expect(condition(look(begun(spec), [answer(404), hasEnded], { spec }).status, "Ready")?.status).toBe("True");
  });
  test("is suspended and resumed without a word to the server", () => {
    const paused = look(begun(), [], { spec: { suspend: true } });
    expect(paused.steps).toEqual([]);
    expect(paused.status).toMatchObject({ attempt: { phase: "Polling" }, poll: { url: "/jobs/1" } });
  });
  test("that changes is a new run", () => {
    const { steps } = look(begun(), [answer(200)], { spec: { body: { text: "b" } } });
    expect(exchangeOf(steps[0]).request.method).toBe("POST");
  });
});

describe("where the work is asked after", () => {
  test("is nowhere when the answer is no 202: then it is the end", () => {
    expect(begun({}, [answer(201, { location: "/jobs/1" })])).toMatchObject({ attempt: { phase: "Done" } });
  });
  test("is an operation's URL before a Location, and its body says when it has ended", () => {
    const headers = { location: "/result", "operation-location": "https://example.com/operations/1" };
    const status = begun({}, [answer(202, headers)]);
    expect(status.poll).toMatchObject({ url: "https://example.com/operations/1", from: "Operation-Location" });
    const { steps } = look(status, [answer(200), goesOn]);
    expect(JSON.stringify(steps[1])).toContain("ascii_downcase");
  });
  test("has to be named: a 202 that names nothing is a failure, which is not sent again", () => {
    const status = begun({ method: "PUT" }, [answer(202)]);
    expect(status.attempt?.phase).toBe("Done");
    expect(condition(status, "Stalled")?.reason).toBe("PollURLMissing");
  });
  test("mistake 3: is never expanded, whatever the server sends", () => {
    expect(begun({}, [answer(202, { location: "/jobs/${ .inputs.token }" })]).poll?.url).toBe("/jobs/$${ .inputs.token }");
  });
  test("is not kept where a secret of the request is in it", () => {
    const leaky = answer(202, { location: "/jobs/s3cr3t" });
    if (leaky.type !== "response") throw new Error("no response");
    const { headers } = leaky.response;
    const shown = createShown({ headers, body: "" }, () => ({ kept: ["s3cr3t"], derived: [] }));
    const status = begun({}, [{ ...leaky, response: { ...leaky.response, shown } }]);
    expect(condition(status, "Stalled")?.reason).toBe("PollURLUnusable");
    expect(JSON.stringify(status)).not.toContain("s3cr3t");
  });

  test("is asked by a request whose answer tells nothing of the bytes of a Secret that were sent before", () => {
    const status = begun({ body: { secretKeyRef: { name: "it", key: "key" } } });
    const { steps } = look(status, [answer(200), goesOn], { spec: { body: { secretKeyRef: { name: "it", key: "key" } } } });
    expect(exchangeOf(steps[0])).toMatchObject({
      request: { method: "GET" },
      hidden: [{ type: "secret", name: "it", key: "key" }],
    });
  });

  const byId = {
    poll: { ...poll, url: "https://${ .inputs.host }/jobs/${ .response.body.id }?view=${ .inputs.view }" },
    inputs: { host: { value: "a" }, view: { value: "b" } },
  };
  test("can be made of the answer, whose text is one segment, while inputs stay expressions", () => {
    const status = begun(byId, [answer(201), says("a/../b ${ .inputs.host }")]);
    expect(status.poll?.url).toBe(
      "https://${ .inputs.host }/jobs/a%2F..%2Fb%20%24%7B%20.inputs.host%20%7D?view=${ .inputs.view }",
    );
  });
  test("sees no inputs where it sees the answer: what comes of that is written", () => {
    const { steps } = drive(httpRequest(byId), start, [answer(201), says("1")]);
    expect(steps[1]).toMatchObject({ type: "evaluate", evaluation: { scope: { inputs: {} } } });
    expect(exchangeOf(steps[0]).expressionsToValidate.map(({ text }) => text)).toContain(".response.body.id");
  });
  test.each(["", "..", null, {}])("is not guessed: %j is no part of a URL", (value) => {
    expect(condition(begun(byId, [answer(201), says(value)]), "Stalled")?.reason).toBe("ExpressionFailed");
  });
  test("takes no host from the answer but with the whole URL", () => {
    const host = { poll: { ...poll, url: "https://${ .response.body.host }/a" } };
    expect(condition(begun(host, [answer(201), says("evil.example")]), "Stalled")?.reason).toBe("InvalidURL");
    const whole = { poll: { ...poll, url: "${ .response.body.status }" } };
    expect(begun(whole, [answer(201), says("https://example.com/${a}")]).poll?.url).toBe("https://example.com/$${a}");
  });
});

test("poll does not go with forEach, and the refusal says why and what to do", () => {
  const validate = validator(definition.spec);
  const { problems } = validate({ url: "https://example.com/a", method: "PUT", poll: {}, forEach: { items: [1] } });
  expect(problems.map(({ message }) => message).join()).toMatch(/poll does not go with forEach: .*declare a request for each/);
});
