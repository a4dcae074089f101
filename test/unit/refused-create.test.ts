/** A create that is sent again after a try which may have arrived, and is refused. */
import { describe, expect, test } from "@jest/globals";
import { after, answer, condition, drive, failure, hour, resource, user, values, withLookup } from "../support/resource-plan.ts";

const minutes = (count: number) => after(count * 60_000);
const keyed = { ...user, idempotencyKey: {} };
const listed = { ...withLookup, idempotencyKey: {} };
const absent = [answer(200), values([], null)];
const asks = { annotations: { "holdfast.dev/reconcile-at": "1" } };

describe("a create without a key that is sent again all the same", () => {
  const written = { ...user, onUnknown: "Resend" };
  test.each([409, 422])("has failed once it is refused by %d, and is made anew at the next interval", (code) => {
    const first = drive(resource(written), [failure(true)]);
    const second = drive(resource(written, { status: first.status }), [answer(code)], hour);
    expect([second.state, second.status.attempt]).toMatchObject([
      "False/UnexpectedStatus Reconciling",
      { phase: "Done", succeeded: false, tries: 2 },
    ]);
    expect(second.verdict.result).toBe("failed");
  });
});

describe("a create under a key", () => {
  const first = drive(resource(keyed), [failure(true)]);
  const id = first.status.attempt?.id;
  const mended = { ...keyed, parameters: { name: "eve", age: 36 } };
  const refused = drive(resource(keyed, { status: first.status }), [answer(422)], minutes(1));

  test("that is refused after a doubt says how it ends, and is sent again with its key whatever the spec says", () => {
    expect([refused.state, refused.status.attempt]).toMatchObject([
      "False/UnexpectedStatus Reconciling",
      { phase: "Unknown", refused: true, id },
    ]);
    expect(condition(refused.status, "Ready")?.message).toMatch(
      /says nothing of a try before it.*same key.*holdfast\.dev\/external-id.*holdfast\.dev\/reconcile-at.*another key/,
    );
    const again = drive(resource(mended, { status: refused.status, generation: 2 }), [answer(422)], minutes(20));
    expect(again.status.attempt).toMatchObject({ phase: "Unknown", refused: true, id });
    const late = drive(resource(mended, { status: again.status, generation: 2 }), [answer(201), values("7")], minutes(30));
    expect([late.state, late.status.attempt?.id]).toEqual(["False/NotDelivered Reconciling", id]);
    expect(late.status.attempt).not.toHaveProperty("refused");
  });
  test.each<[string, object, object]>([
    ["a person asks", keyed, asks],
    ["it may be sent twice", { ...keyed, onUnknown: "Resend" }, {}],
  ])("is given up for another key where it is refused once more and %s", (_when, written, rest) => {
    const over = drive(resource(written, { status: refused.status, ...rest }), [answer(422)], minutes(20));
    expect([over.status.attempt, over.verdict]).toMatchObject([{ phase: "Done", succeeded: false, id }, { requeueAfterMs: 0 }]);
    expect(condition(over.status, "Ready")?.message).toMatch(/another key/);
    const anew = drive(resource(written, { status: over.status, ...rest }), [answer(422)], minutes(20));
    expect(anew.status.attempt).toMatchObject({ phase: "Done", tries: 1 });
    expect(anew.status.attempt?.id).not.toBe(id);
    expect(anew.verdict.requeueAfterMs).toBeGreaterThan(60_000);
  });
  test("that a person asks for before it was refused is not given up by that", () => {
    const asked = drive(resource(keyed, { status: first.status, ...asks }), [answer(422)], minutes(1));
    expect(asked.status.attempt).toMatchObject({ phase: "Unknown", refused: true, id });
  });
  test("is given up for another key after two looks with a pause between them have not shown it, and not after one", () => {
    const begun = drive(resource(listed), [...absent, failure(true)]);
    const at = (seconds: number) => after(60_000 + seconds * 1_000);
    const next = ({ status }: { readonly status: typeof begun.status }, answers: Parameters<typeof drive>[1], seconds: number) =>
      drive(resource(listed, { status }), answers, at(seconds));
    const doubted = next(begun, [...absent, answer(422)], 0);
    expect(doubted.status.attempt).toMatchObject({ phase: "Unknown", refused: true, id: begun.status.attempt?.id });
    const one = next(doubted, absent, 600);
    expect([one.sent, one.state]).toEqual([["GET users"], "False/OutcomeUnknown Reconciling"]);
    expect(next(one, absent, 629).sent).toEqual(["GET users"]);
    const two = next(one, [...absent, answer(422)], 631);
    expect([two.status.attempt, two.verdict.requeueAfterMs]).toMatchObject([{ phase: "Done", id: begun.status.attempt?.id }, 0]);
    const anew = next(two, [...absent, answer(201), values("8")], 631);
    expect([anew.state, anew.status.externalID]).toEqual(["True/Created", "8"]);
    expect(anew.status.attempt?.id).not.toBe(begun.status.attempt?.id);
    // Its server is at it still, as it says.
    const busy = next(one, [...absent, answer(409)], 631);
    expect(busy.status.attempt).toMatchObject({ id: begun.status.attempt?.id, phase: "Retrying", inDoubt: true });
  });
  test.each([409, 429])("is never given up by looks where %d is answered, however often", (code) => {
    let driven = drive(resource(listed), [...absent, failure(true)]);
    const id = driven.status.attempt?.id;
    let sent = 0;
    for (let at = 1; sent < 9; at += 1) {
      const { phase, refused, absentAt } = driven.status.attempt ?? {};
      const isLook = phase === "Unknown" && refused === true && absentAt === undefined;
      driven = drive(resource(listed, { status: driven.status }), isLook ? absent : [...absent, answer(code)], minutes(at * 20));
      if (!isLook) sent += 1;
      expect(driven.status.attempt).toMatchObject({ id, phase: expect.stringMatching(/Unknown|Retrying/) });
    }
    expect(driven.status.attempt?.phase).toBe("Unknown");
  });
});

describe("a create under a key that was answered as expected, and nothing says by what id,", () => {
  const nameless = [answer(201), values(null)];
  const next = (
    written: object,
    { status }: ReturnType<typeof drive>,
    answers: Parameters<typeof drive>[1],
    count: number,
    rest = {},
  ) => drive(resource(written, { status, ...rest }), answers, minutes(count));
  const [lost, lostInList] = [drive(resource(keyed), nameless), drive(resource(listed), [...absent, ...nameless])];

  test.each<[string, object, typeof lost, typeof absent]>([
    ["and nobody can look", keyed, lost, []],
    ["and a list does not show it", listed, lostInList, absent],
    ["and it may be sent twice", { ...keyed, onUnknown: "Resend" }, lost, []],
    ["and a PUT makes it", { ...user, create: { ...user.create, method: "PUT" } }, lost, []],
    ["and the spec has changed", { ...keyed, parameters: { name: "eve", age: 36 } }, lost, []],
  ])("is not sent again by itself %s", (_where, written, begun, looks) => {
    let driven = begun;
    for (const count of [1, 2, 20, 40, 1_500]) {
      driven = next(written, driven, looks, count, { generation: 2 });
      expect(driven.sent).not.toContain("POST users after intent");
      expect(driven.sent).toHaveLength(looks.length / 2);
      expect(condition(driven.status, "Ready")?.reason).toBe("ExternalIDUnknown");
    }
    expect(driven.status.attempt).toMatchObject({ phase: "Unknown", succeeded: true, tries: 1 });
  });
  test("is sent again with its key where a person asks, and where that is refused it has arrived all the same", () => {
    const asked = next(listed, lostInList, [...absent, answer(422)], 1, asks);
    expect([asked.state, asked.status.attempt]).toMatchObject([
      "False/OutcomeUnknown Stalled",
      { phase: "Unknown", succeeded: true, refused: true, id: lostInList.status.attempt?.id },
    ]);
    let driven = asked;
    for (const count of [2, 3, 20, 40]) {
      driven = next(listed, driven, absent, count, asks);
      expect([driven.sent, driven.state]).toEqual([["GET users"], "False/OutcomeUnknown Stalled"]);
    }
    const released = next(listed, driven, absent, 60, { ...asks, deleted: true, finalizers: ["holdfast.dev/release"] });
    expect([released.state, released.verdict.finalizer]).toEqual(["False/OutcomeUnknown Stalled", undefined]);
    // Who asks once more has looked.
    const over = next(listed, driven, [...absent, answer(422)], 60, { annotations: { "holdfast.dev/reconcile-at": "2" } });
    expect([over.status.attempt, over.verdict.requeueAfterMs]).toMatchObject([{ phase: "Done", succeeded: false }, 0]);
  });
  test("is tried with its key until it arrives where a person asked", () => {
    const asked = next(keyed, lost, [answer(503)], 1, asks);
    expect(asked.status.attempt).toMatchObject({ phase: "Retrying", succeeded: true });
    expect(next(keyed, asked, [answer(201), values("7")], 2, asks).status).toMatchObject({ externalID: "7" });
  });
});
test("a create under a key whose work nobody can follow is not given up for another key, however often it is refused", () => {
  const written = { ...listed, create: { ...listed.create, poll: { interval: "5s", timeout: "10m" } } };
  const begun = drive(resource(written), [...absent, answer(202, { location: "/jobs/1" }), values(null)]);
  const late = drive(resource(written, { status: begun.status }), [answer(202), values(false, false)], minutes(10));
  expect(late.state).toBe("False/PollTimeout Reconciling");
  const refused = drive(resource(written, { status: late.status }), [...absent, answer(422)], minutes(20));
  expect([refused.state, refused.status.attempt]).toMatchObject([
    "False/OutcomeUnknown Stalled",
    { succeeded: true, refused: true, id: begun.status.attempt?.id },
  ]);
  for (const count of [21, 40, 60])
    expect(drive(resource(written, { status: refused.status }), absent, minutes(count)).sent).toEqual(["GET users"]);
});
