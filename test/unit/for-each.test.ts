/** forEach: what is sent for which item, and what is made of the answers, with scripted outcomes. */
import { describe, expect, test } from "@jest/globals";
import { array, assert, constantFrom, property } from "fast-check";
import type { HTTPRequestSpec, HTTPRequestStatus } from "../../src/api/http-request.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Outcome, Response } from "../../src/core/outcome.ts";
import { redact } from "../../src/core/redacted.ts";
import { createShown } from "../../src/core/shown.ts";
import type { EvaluationResult } from "../../src/core/plan.ts";
import { sendDigest } from "../../src/kinds/request/request.ts";
import type { HTTPRequest } from "../../src/kinds/types.ts";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";
import { condition, drive as driveAt, httpRequest, type Answer, type Outcomes } from "../support/request-plan.ts";

function request(spec: Partial<HTTPRequestSpec>, status?: HTTPRequestStatus): HTTPRequest {
  const of = { name: "a", namespace: "n", uid: "uid-a", ...(status && { status }) };
  return httpRequest({ url: "https://example.com/", method: "PUT", ...spec }, of);
}
function answer(statusCode: number, headers: Response["headers"] = {}): Outcome {
  const content = { body: redact("{}"), shown: createShown({ headers, body: "{}" }), sizeBytes: 2, sha256: "ab" };
  return { type: "response", response: { statusCode, headers, ...content, durationMs: statusCode } };
}
const outcomes = (...all: readonly Outcome[]): Outcomes => ({ type: "outcomes", outcomes: all });

function drive(resource: HTTPRequest, answers: readonly Answer[] = [], at = "2026-01-01T00:00:00Z") {
  const driven = driveAt(resource, at, answers);
  return { ...driven, exchanges: driven.steps.flatMap((one) => (one.type === "exchanges" ? one.exchanges : [])) };
}
const indexes = (exchanges: readonly Exchange[]): (number | undefined)[] => exchanges.map(({ scope }) => scope.item?.index);
const three = { forEach: { items: ["x", "y", { z: 1 }] } };
const readyOf = (status: HTTPRequestStatus) => condition(status, "Ready");

describe("a list that is written in the spec", () => {
  test("is sent item by item, in one step; results are in the list's order", () => {
    const { steps, exchanges, status } = drive(request(three), [outcomes(answer(200), answer(201), answer(204))]);
    expect(steps).toHaveLength(1);
    expect(exchanges.map(({ scope }) => [scope.item?.index, scope.item?.json.open()])).toEqual([
      [0, '"x"'],
      [1, '"y"'],
      [2, '{"z":1}'],
    ]);
    expect(status.items?.map(({ index, phase, statusCode, tries }) => [index, phase, statusCode, tries])).toEqual([
      [0, "Succeeded", 200, 1],
      [1, "Succeeded", 201, 1],
      [2, "Succeeded", 204, 1],
    ]);
    expect(readyOf(status)).toMatchObject({ status: "True", message: "all 3 items were answered as expected" });
    expect(status.attempt).toMatchObject({ phase: "Done", finishedAt: "2026-01-01T00:00:00.204Z" });
    expect(status).not.toHaveProperty("response");
  });
  test("that is empty is done, and nothing is sent", () => {
    const { steps, status } = drive(request({ forEach: { items: [] } }));
    expect([steps, readyOf(status)?.status, status.attempt?.phase]).toEqual([[], "True", "Done"]);
  });
  test("is part of what is sent: a change of it is a new run, in which all are sent", () => {
    const { status } = drive(request(three), [outcomes(answer(200), answer(404), answer(200))]);
    const again = drive(request({ forEach: { items: ["x"] } }, status), [outcomes(answer(200))]);
    expect(indexes(again.exchanges)).toEqual([0]);
    expect(again.status.items).toHaveLength(1);
    expect(sendDigest(request({}).spec)).not.toBe(sendDigest(request(three).spec));
  });
});

describe("one failing item", () => {
  test("is told apart, and is alone in being sent again", () => {
    const first = drive(request(three), [outcomes(answer(200), answer(503, { "retry-after": "60" }), answer(200))]);
    expect(first.verdict).toMatchObject({ result: "retrying", reason: "ItemsFailed", requeueAfterMs: 60_000 });
    expect(readyOf(first.status)?.message).toContain("1 of 3 items did not succeed: item 1: answered 503");
    const second = drive(request(three, first.status), [outcomes(answer(200))], "2026-01-01T00:02:00Z");
    expect(indexes(second.exchanges)).toEqual([1]);
    expect(second.status.items?.map(({ phase, tries }) => [phase, tries])).toEqual([
      ["Succeeded", 1],
      ["Succeeded", 2],
      ["Succeeded", 1],
    ]);
    expect(second.status.items?.map(({ id }) => id)).toEqual(first.status.items?.map(({ id }) => id));
    expect(readyOf(second.status)?.status).toBe("True");
  });
  test("that is refused for good is not sent again, while another is tried", () => {
    const first = drive(request(three), [outcomes(answer(404), answer(500), answer(200))]);
    const second = drive(request(three, first.status), [outcomes(answer(200))], "2026-01-01T00:02:00Z");
    expect(indexes(second.exchanges)).toEqual([1]);
    expect(second.status.items?.map(({ phase }) => phase)).toEqual(["Failed", "Succeeded", "Succeeded"]);
    expect(second.verdict).toMatchObject({ result: "failed", reason: "ItemsFailed" });
    expect(readyOf(second.status)?.status).toBe("False");
  });
  test("is judged by spec.expect, which sees it", () => {
    const spec = { ...three, expect: { status: ["2xx"], that: ".response.body.id == .item" } };
    const values = (value: unknown): EvaluationResult => ({ type: "values", values: [value] });
    const { steps, status } = drive(request(spec), [
      outcomes(answer(200), answer(200), answer(200)),
      values(true),
      values(false),
      values(true),
    ]);
    expect(steps[2]).toMatchObject({ evaluation: { scope: { item: { index: 1 } } } });
    expect(status.items?.map(({ reason }) => reason)).toEqual(["Succeeded", "UnexpectedResponse", "Succeeded"]);
  });
});

describe("a POST", () => {
  test("without a key is refused, and nothing is sent", () => {
    const { steps, status } = drive(request({ ...three, method: "POST" }));
    expect([steps, readyOf(status)?.reason]).toEqual([[], "InvalidRequest"]);
    expect(readyOf(status)?.message).toContain("spec.forEach");
  });
  test("with a key has another key an item, the same when it is sent again", () => {
    const spec = { ...three, method: "POST", idempotencyKey: { header: "Key" }, body: { json: "${ .item }" } } as const;
    const first = drive(request(spec), [outcomes(answer(200), answer(500), answer(500))]);
    expect(first.steps[0]).toMatchObject({ beforeSend: { type: "recordIntent", attemptId: first.status.attempt?.id } });
    const keys = first.exchanges.map(({ request: { literalHeaders } }) => literalHeaders[0]?.value);
    expect(new Set([...keys, first.status.attempt?.id]).size).toBe(4);
    expect(first.status.items?.map(({ id }) => id)).toEqual(keys);
    const second = drive(request(spec, first.status), [outcomes(answer(200), answer(200))], "2026-01-01T00:02:00Z");
    expect(second.exchanges.map(({ request: { literalHeaders } }) => literalHeaders[0]?.value)).toEqual(keys.slice(1));
  });
});

describe("a list that an expression makes", () => {
  const made = { forEach: { expression: ".inputs.users" }, inputs: { users: { value: [] } } };
  test("is evaluated first; its items stay closed", () => {
    const items = [redact('"s3cr3t"')];
    const { steps } = drive(request(made), [{ type: "values", values: [], items }, outcomes(answer(200))]);
    expect(steps[0]).toMatchObject({ evaluation: { list: { field: "spec.forEach.expression", text: ".inputs.users" } } });
    expect(JSON.stringify(steps)).not.toContain("s3cr3t");
  });
  test("that has changed since the last try: what was done is known again, wherever it stands, and what is new is sent", () => {
    const list = (...all: readonly string[]): EvaluationResult => ({
      type: "values",
      values: [],
      items: all.map(redact),
      digests: all.map((text) => `digest of ${text}`),
    });
    const first = drive(request(made), [list("a", "b", "b"), outcomes(answer(200), answer(500), answer(200))]);
    const second = drive(
      request(made, first.status),
      [list("b", "c", "b", "a"), outcomes(answer(200), answer(200))],
      "2026-01-01T00:02:00Z",
    );
    expect(indexes(second.exchanges)).toEqual([0, 1]);
    const [a, b, twin] = first.status.items?.map(({ id }) => id) ?? [];
    const { items = [] } = second.status;
    expect(items.map(({ index, id, tries }) => [index, id, tries])).toEqual([
      [0, b, 2],
      [1, items[1]?.id, 1],
      [2, twin, 1],
      [3, a, 1],
    ]);
    expect(new Set(items.map(({ id }) => id)).size).toBe(4);
    const shorter = drive(request(made, first.status), [list("a")], "2026-01-01T00:02:00Z");
    expect([shorter.exchanges, readyOf(shorter.status)?.message]).toEqual([[], "all 1 items were answered as expected"]);
  });
  test("that a Secret had a part in is sent anew where it has another length than at the last try", () => {
    const list = (...all: readonly string[]): EvaluationResult => ({ type: "values", values: [], items: all.map(redact) });
    const first = drive(request(made), [list("1", "2"), outcomes(answer(200), answer(500))]);
    const second = drive(
      request(made, first.status),
      [list("1", "2", "3"), outcomes(answer(200), answer(200), answer(200))],
      "2026-01-01T00:02:00Z",
    );
    expect(indexes(second.exchanges)).toEqual([0, 1, 2]);
  });
});

test("outputs see the responses of what succeeded just now, in the list's order; what cannot be written is a failure", () => {
  const data = { ids: "[.responses[].body.id]" };
  const spec = { ...three, outputs: [{ configMap: { name: "c" }, data, whenMissing: "Keep" }] } as const;
  const sent = outcomes(answer(200), answer(503), answer(201));
  const { steps, status } = drive(request(spec), [{ type: "ready" }, sent, { type: "ready" }]);
  expect(steps.map(({ type }) => type)).toEqual(["checkOutputs", "exchanges", "writeOutputs"]);
  expect(steps[2]).toMatchObject({
    evaluation: {
      responses: [{ statusCode: 200 }, undefined, { statusCode: 201 }],
      scope: expect.not.objectContaining({ item: {} }) as object,
    },
  });
  expect(status.items?.map(({ phase }) => phase)).toEqual(["Succeeded", "Retrying", "Succeeded"]);
  const refused = { type: "refusal", reason: "OutputConflict", message: "no", heals: true } as const;
  const failed = drive(request(spec), [{ type: "ready" }, sent, refused]);
  expect(failed.status.items?.map(({ phase, reason }) => [phase, reason])).toEqual([
    ["Retrying", "OutputConflict"],
    ["Retrying", "UnexpectedStatus"],
    ["Retrying", "OutputConflict"],
  ]);
});

test(
  "whatever the answers: each item is sent until it has succeeded or failed, never afterwards, and the status is small",
  () => {
    const codes = array(constantFrom(200, 404, 503), { minLength: 40, maxLength: 40 });
    assert(
      property(array(codes, { minLength: 6, maxLength: 6 }), (rounds) => {
        const retry = { limit: 5, backoff: { initial: "1s", max: "5m" } };
        const spec = { forEach: { items: Array.from({ length: 40 }, (_, index) => index) }, retry };
        const over = new Set<number>();
        let status: HTTPRequestStatus | undefined;
        for (const [round, answers] of rounds.entries()) {
          const resource = request(spec, status);
          const due = Array.from({ length: 40 }, (_, index) => index).filter((index) => !over.has(index));
          const at = `2026-01-01T0${round}:00:00Z`;
          const done = drive(resource, [outcomes(...due.map((index) => answer(answers[index] ?? 200)))], at);
          expect(indexes(done.exchanges)).toEqual(status?.attempt?.phase === "Done" ? [] : due);
          for (const index of due) if (answers[index] !== 503) over.add(index);
          status = done.status;
          expect(JSON.stringify(status.items).length).toBeLessThan(8192);
          if (status.attempt?.phase === "Done") break;
        }
        expect(status?.attempt?.phase).toBe("Done");
      }),
      runs(30),
    );
  },
  fuzzTimeoutMs,
);

describe("what is kept of an item's answer once it has been judged:", () => {
  const long = (sizeBytes: number): Outcome => {
    const [headers, body] = [{ "retry-after": "7" }, "x".repeat(sizeBytes)];
    const content = { body: redact(body), shown: createShown({ headers, body }), sizeBytes, sha256: "ab" };
    return { type: "response", response: { statusCode: 200, headers, ...content, durationMs: 1 } };
  };
  const output = { secret: { name: "kept", type: "Opaque" }, data: { all: ".responses" }, whenMissing: "Fail" } as const;
  const keeping = { ...three, outputs: [output] } as unknown as Partial<HTTPRequestSpec>;

  test("its header, and of its content nothing that nobody needs", () => {
    const { steps } = drive(request(three), [outcomes(long(100), long(100), long(100))]);
    const step = steps.find((one) => one.type === "exchanges");
    if (!step) throw new Error("nothing is sent");
    const judged = step.judge(long(1_000), 0).next();
    expect(judged.done).toBe(true);
    const { response } = (judged.value as { judgement: { response: Response } }).judgement;
    expect([response.body.open(), response.shown.body()?.text, response.headers["retry-after"]]).toEqual(["", "", "7"]);
  });
  test("all of it for outputs, within a limit: an answer beyond it is no success", () => {
    const { steps, status } = drive(request(keeping), [
      { type: "ready" },
      outcomes(long(1_500_000), long(700_000), long(500_000)),
      { type: "ready" },
    ]);
    const written = steps.find((one) => one.type === "writeOutputs");
    expect(written?.evaluation.responses?.map((one) => one?.body.open().length)).toEqual([1_500_000, undefined, 500_000]);
    expect(status.items?.map(({ phase, reason }) => [phase, reason])).toEqual([
      ["Succeeded", "Succeeded"],
      ["Failed", "ResponseTooLarge"],
      ["Succeeded", "Succeeded"],
    ]);
    expect(readyOf(status)?.message).toContain("longer than 2097152 bytes together");
  });
});
