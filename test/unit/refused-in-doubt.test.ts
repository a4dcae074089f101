/** A request under a key, of which one try may have arrived and the next is refused: that says nothing of the first. */
import { describe, expect, test } from "@jest/globals";
import type { Outcome } from "../../src/core/outcome.ts";
import { answer, condition, drive, httpRequest, refused, reset, type Outcomes } from "../support/request-plan.ts";

const [start, later, latest] = ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"];
const keyed = { idempotencyKey: { header: "Idempotency-Key" } };
const outcomes = (...all: readonly Outcome[]): Outcomes => ({ type: "outcomes", outcomes: all });

describe("a POST under a key", () => {
  const first = drive(httpRequest(keyed), start, [reset]).status;
  test("is sent again under it while its server still carries out the first, and ends with the first one's answer", () => {
    const second = drive(httpRequest(keyed, { status: first }), later, [answer(409)]).status;
    expect(second.attempt).toMatchObject({ phase: "Retrying", inDoubt: true, id: first.attempt?.id });
    const third = drive(httpRequest(keyed, { status: second }), latest, [answer(201)]).status;
    expect([third.attempt?.id, condition(third, "Ready")?.reason]).toEqual([first.attempt?.id, "Succeeded"]);
  });
  test("is not known by a 422, and not sent again before somebody asks for it", () => {
    const { status } = drive(httpRequest(keyed, { status: first }), later, [answer(422)]);
    expect(condition(status, "Stalled")).toMatchObject({
      reason: "OutcomeUnknown",
      message: expect.stringMatching(/answered 422.*says nothing of a try before it.*may or may not have arrived/),
    });
    const idle = drive(httpRequest(keyed, { status }), latest);
    expect([idle.steps, idle.verdict.result]).toEqual([[], "unchanged"]);
    const annotations = { "holdfast.dev/reconcile-at": "1" };
    const asked = drive(httpRequest(keyed, { status, annotations }), latest, [answer(201)]).status;
    expect(asked.attempt).toMatchObject({ phase: "Done", id: first.attempt?.id });
    expect(asked.attempt).not.toHaveProperty("refused");
    const arrived = { "holdfast.dev/arrived": first.attempt?.id ?? "" };
    const told = drive(httpRequest(keyed, { status, annotations: arrived }), latest).status;
    expect(condition(told, "Ready")?.reason).toBe("AcknowledgedAsDelivered");
  });
  test("that was refused at its first try has failed", () => {
    expect(drive(httpRequest(keyed), start, [answer(409)]).status.attempt?.phase).toBe("Done");
  });
});

test("a POST without a key that is sent again all the same has failed once it is refused, by whatever status", () => {
  const spec = { onUnknown: "Resend" } as const;
  const first = drive(httpRequest(spec), start, [reset]).status;
  expect(first.attempt).toMatchObject({ phase: "Retrying", inDoubt: true });
  for (const code of [409, 422]) {
    const { status } = drive(httpRequest(spec, { status: first }), later, [answer(code)]);
    expect([status.attempt?.phase, status.attempt?.tries, condition(status, "Stalled")?.reason]).toEqual([
      "Done",
      2,
      "UnexpectedStatus",
    ]);
    expect(drive(httpRequest(spec, { status }), latest).steps).toEqual([]);
  }
});

describe("an item under a key", () => {
  const spec = { ...keyed, forEach: { items: [1, 2, 3] } };
  const first = drive(httpRequest(spec), start, [outcomes(reset, reset, answer(200))]).status;
  test("is sent again while its server still carries out the first", () => {
    const { status } = drive(httpRequest(spec, { status: first }), later, [outcomes(answer(409), answer(201))]);
    expect(status.items?.map(({ phase }) => phase)).toEqual(["Retrying", "Succeeded", "Succeeded"]);
    expect(status.attempt?.phase).toBe("Retrying");
  });
  test("is not known by a 422, though the others have ended: somebody says what is so", () => {
    const { status } = drive(httpRequest(spec, { status: first }), later, [outcomes(answer(422), answer(201))]);
    expect(condition(status, "Stalled")?.reason).toBe("OutcomeUnknown");
    expect(drive(httpRequest(spec, { status }), latest).steps).toEqual([]);
    const annotations = { "holdfast.dev/reconcile-at": "1" };
    const asked = drive(httpRequest(spec, { status, annotations }), latest, [outcomes(answer(201))]);
    expect(asked.status.items?.map(({ phase, tries }) => [phase, tries])).toEqual([
      ["Succeeded", 3],
      ["Succeeded", 2],
      ["Succeeded", 1],
    ]);
  });
  test("that is sent for the first time beside one in doubt has failed by a refusal", () => {
    const one = {
      ...first,
      items: (first.items ?? []).map((item) => (item.index === 0 ? { ...item, tries: 0, inDoubt: false } : item)),
    };
    const { status } = drive(httpRequest(spec, { status: one }), later, [outcomes(answer(422), answer(201))]);
    expect(status.items?.map(({ phase }) => phase)).toEqual(["Failed", "Succeeded", "Succeeded"]);
    expect(status.attempt?.phase).toBe("Done");
  });
});

describe("a doubt about one item", () => {
  const spec = { ...keyed, forEach: { items: [1, 2] } };
  const limited = { ...spec, retry: { maxDuration: "90m", backoff: { initial: "1s", max: "5m" } } };
  const phases = ({ items }: ReturnType<typeof drive>["status"]) => items?.map(({ phase }) => phase);

  test("is none about another, each try of which was answered", () => {
    const first = drive(httpRequest(spec), start, [outcomes(reset, answer(429))]).status;
    expect(first.items?.map(({ inDoubt }) => inDoubt)).toEqual([true, false]);
    const { status } = drive(httpRequest(spec, { status: first }), later, [outcomes(answer(201), answer(400))]);
    expect([phases(status), status.attempt?.phase, condition(status, "Stalled")?.reason]).toEqual([
      ["Succeeded", "Failed"],
      "Done",
      "ItemsFailed",
    ]);
  });
  test("that is refused then does not have it sent again with the others, and is told of when they have ended", () => {
    const first = drive(httpRequest(limited), start, [outcomes(reset, answer(500))]).status;
    const second = drive(httpRequest(limited, { status: first }), later, [outcomes(answer(422), answer(503))]).status;
    expect([phases(second), second.attempt]).toMatchObject([["Unknown", "Retrying"], { phase: "Retrying", refused: true }]);
    const third = drive(httpRequest(limited, { status: second }), "2026-01-01T01:20:00Z", [outcomes(answer(201))]).status;
    expect([phases(third), condition(third, "Stalled")?.reason]).toEqual([["Unknown", "Succeeded"], "OutcomeUnknown"]);
    const annotations = { "holdfast.dev/reconcile-at": "1" };
    const asked = drive(httpRequest(limited, { status: third, annotations }), latest, [outcomes(answer(201))]).status;
    expect([phases(asked), asked.attempt?.phase]).toEqual([["Succeeded", "Succeeded"], "Done"]);
    // As long as it is tried: what may have arrived is not taken for failed.
    const late = drive(httpRequest(limited, { status: second }), latest);
    expect([late.steps, phases(late.status), late.status.attempt?.phase]).toEqual([[], ["Unknown", "Retrying"], "Unknown"]);
    expect(condition(late.status, "Stalled")).toMatchObject({
      reason: "OutcomeUnknown",
      message: expect.stringMatching(/refused, which says nothing of a try before it/),
    });
  });
  test("that is refused stays so where a process dies with the others on their way: they alone are sent again", () => {
    const each = { ...limited, body: { json: "${ .item }" } }; // it has an intent
    const first = drive(httpRequest(each), start, [outcomes(reset, answer(500))]).status;
    const second = drive(httpRequest(each, { status: first }), later, [outcomes(answer(422), answer(503))]).status;
    const { steps } = drive(httpRequest(each, { status: second }), "2026-01-01T01:20:00Z", [outcomes(answer(201))]);
    const [sent] = steps;
    const died = sent?.type === "exchanges" && sent.beforeSend.type === "recordIntent" ? sent.beforeSend.status : undefined;
    expect(died).toMatchObject({ attempt: { phase: "InFlight", refused: true } });
    const status = died as typeof second;
    const after = drive(httpRequest(each, { status }), "2026-01-01T01:21:00Z", [outcomes(answer(201))]);
    expect(after.steps.flatMap((one) => (one.type === "exchanges" ? one.exchanges : []))).toHaveLength(1);
    expect([phases(after.status), condition(after.status, "Stalled")?.reason]).toEqual([
      ["Unknown", "Succeeded"],
      "OutcomeUnknown",
    ]);
    const late = drive(httpRequest(each, { status }), latest);
    expect([late.steps, phases(late.status), condition(late.status, "Stalled")?.reason]).toEqual([
      [],
      ["Unknown", "Retrying"],
      "OutcomeUnknown",
    ]);
  });
  test("that is refused is told of no more once it is sent again because somebody asks", () => {
    const first = drive(httpRequest(spec), start, [outcomes(reset, answer(500))]).status;
    const second = drive(httpRequest(spec, { status: first }), later, [outcomes(answer(422), answer(503))]).status;
    const annotations = { "holdfast.dev/reconcile-at": "1" };
    const { status } = drive(httpRequest(spec, { status: second, annotations }), latest, [outcomes(answer(503), answer(503))]);
    expect(phases(status)).toEqual(["Retrying", "Retrying"]);
    expect(status.attempt).not.toHaveProperty("refused");
  });
  test("is about all that were on their way when a process died", () => {
    const intent = { ...drive(httpRequest(spec), start, [outcomes(reset, reset)]).status, items: [] };
    const died = { ...intent, ...(intent.attempt && { attempt: { ...intent.attempt, phase: "InFlight" as const } }) };
    const { status } = drive(httpRequest(spec, { status: died }), later, [outcomes(answer(201), answer(422))]);
    expect(phases(status)).toEqual(["Succeeded", "Unknown"]);
  });
});

describe("items that were answered as expected, and whose outputs could not be written", () => {
  const data = { ids: "[.responses[].body.id]" };
  const outputs = [{ configMap: { name: "c" }, data, whenMissing: "Keep" }] as never;
  const spec = { ...keyed, forEach: { items: [1, 2] }, outputs };
  const ready = { type: "ready" } as const;
  const conflict = { type: "refusal", reason: "OutputConflict", message: "no", heals: true } as const;
  const states = ({ items }: ReturnType<typeof drive>["status"]) => items?.map(({ phase, inDoubt }) => [phase, inDoubt]);
  const first = drive(httpRequest(spec), start, [ready, outcomes(answer(201), answer(201)), conflict]).status;

  test("have arrived, so that a refusal of the next try does not take them for failed", () => {
    expect([states(first), first.attempt]).toMatchObject([
      [
        ["Retrying", true],
        ["Retrying", true],
      ],
      { phase: "Retrying", inDoubt: true },
    ]);
    const { status } = drive(httpRequest(spec, { status: first }), later, [ready, outcomes(answer(422), answer(422))]);
    expect([states(status), condition(status, "Stalled")?.reason]).toEqual([
      [
        ["Unknown", true],
        ["Unknown", true],
      ],
      "OutcomeUnknown",
    ]);
  });
  test("are not sent again under another header", () => {
    const edited = { ...spec, idempotencyKey: { header: "X-Request-Id" } };
    const { steps, status } = drive(httpRequest(edited, { status: first, generation: 2 }), later);
    expect([steps, condition(status, "Stalled")?.reason]).toEqual([[], "OutcomeUnknown"]);
  });
  test("are no more certain where the answer that is expected is one to a second request with the key", () => {
    const late = { ...spec, expect: { status: ["201", "422"] } };
    const before = drive(httpRequest(late), start, [ready, outcomes(reset, refused)]).status;
    const { status } = drive(httpRequest(late, { status: before }), later, [ready, outcomes(answer(422), answer(201)), conflict]);
    expect(states(status)).toEqual([
      ["Unknown", true],
      ["Retrying", true],
    ]);
  });
});

test.each([
  ["Stall", "Unknown", "OutcomeUnknown"],
  ["Resend", "Failed", "ItemsFailed"],
] as const)("an item in doubt that cannot be sent again as it is declared now is, with %s, %s", (onUnknown, phase, reason) => {
  const spec = { ...keyed, onUnknown, forEach: { items: [1, 2] } };
  const first = drive(httpRequest(spec), start, [outcomes(reset, refused)]).status;
  const wrong = { type: "refusal", reason: "ExpressionFailed", message: "no", heals: false } as const;
  const { status } = drive(httpRequest(spec, { status: first }), later, [outcomes(wrong, wrong)]);
  expect(status.items?.map((item) => item.phase)).toEqual([phase, "Failed"]);
  expect(condition(status, "Stalled")?.reason).toBe(reason);
});

describe("items of which somebody says that they have arrived", () => {
  const retry = { maxDuration: "90m", backoff: { initial: "1s", max: "5m" } };
  const spec = { ...keyed, forEach: { items: [1, 2] }, retry, body: { json: "${ .item }" } };
  const tried = (status: ReturnType<typeof drive>["status"], ...all: readonly Outcome[]) =>
    drive(httpRequest(spec, { status }), later, [outcomes(...all)]).status;
  const first = drive(httpRequest(spec), start, [outcomes(reset, refused)]).status;
  const annotations = { "holdfast.dev/arrived": first.attempt?.id ?? "" };
  const told = (status: ReturnType<typeof drive>["status"], declared: object = spec) =>
    drive(httpRequest(declared, { status, annotations, generation: 2 }), latest).status;
  const ends = (status: ReturnType<typeof drive>["status"]) => [
    status.items?.map(({ phase }) => phase),
    condition(status, "Ready")?.reason,
  ];

  test("have, but for one that provably never left", () => {
    const unknown = drive(httpRequest(spec, { status: tried(first, answer(422), refused) }), latest).status;
    expect(ends(unknown)).toEqual([["Unknown", "Retrying"], "OutcomeUnknown"]);
    expect(ends(told(unknown))).toEqual([["Succeeded", "Failed"], "ItemsFailed"]);
    expect(condition(told(unknown), "Ready")?.message).toContain("item 1 had failed: ConnectionRefused");
  });
  test("have, all that were on their way when a process died, also where it was found so before", () => {
    const { steps } = drive(httpRequest(spec, { status: first }), later, [outcomes(reset, reset)]);
    const [sent] = steps;
    const died = sent?.type === "exchanges" && sent.beforeSend.type === "recordIntent" ? sent.beforeSend.status : undefined;
    const status = died as typeof first;
    expect(ends(told(status))).toEqual([["Succeeded", "Succeeded"], "AcknowledgedAsDelivered"]);
    const { idempotencyKey: _, ...keyless } = spec;
    const unknown = drive(httpRequest(keyless, { status, generation: 2 }), later).status;
    expect(ends(unknown)).toEqual([["Retrying", "Retrying"], "OutcomeUnknown"]);
    expect(ends(told(unknown, keyless))).toEqual([["Succeeded", "Succeeded"], "AcknowledgedAsDelivered"]);
  });
});
