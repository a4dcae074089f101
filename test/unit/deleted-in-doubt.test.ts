/** What is deleted while its create is in doubt: its server may make it after all. */
import { describe, expect, test } from "@jest/globals";
import { isSettled } from "../../src/kinds/types.ts";
import {
  after,
  answer,
  condition,
  deleted,
  drive,
  failure,
  gone,
  named,
  resource,
  user,
  values,
  withLookup,
} from "../support/resource-plan.ts";

type Answers = Parameters<typeof drive>[1];
const at = (seconds: number) => after(seconds * 1_000);
const [look, remove, list] = ["GET users/ada", "DELETE users/ada", "GET users"];
const absent = [answer(404)];
const accepted = answer(202, { location: "/jobs/1" });
const put = { ...named, create: { ...named.create, method: "PUT" } };
const going = (written: object, { status }: { readonly status: ReturnType<typeof drive>["status"] }, more: object = {}) =>
  resource(written, { ...deleted, status, ...more });

describe("an object that is deleted while its create is in doubt", () => {
  const { observe: _, ...blind } = put;
  const notListed = [answer(200), values([])];
  test.each<[string, object, Answers & {}, Answers & {}, readonly string[]]>([
    ["a POST that was cut off", named, [...absent, answer(504)], absent, [look]],
    ["a PUT that was cut off, and would be sent again", put, [...absent, answer(504)], absent, [look]],
    ["a PUT of which no answer came", put, [...absent, failure(true)], absent, [look]],
    ["a POST under a key", { ...named, idempotencyKey: {} }, [...absent, failure(true)], absent, [look]],
    [
      "a POST of something that a list shows",
      { ...withLookup, delete: named.delete },
      [...notListed, answer(504)],
      notListed,
      [list],
    ],
    ["a PUT at which nobody can look", blind, [answer(504)], [], []],
  ])("is not deleted before it is there, or would be: %s", (_what, written, answers, misses, looks) => {
    const doubted = drive(resource(written), answers);
    let driven = doubted;
    for (const seconds of [10, 12, 20, 39]) {
      driven = drive(going(written, driven), misses, at(seconds));
      expect([driven.sent, driven.state, driven.verdict.finalizer]).toEqual([
        looks,
        "False/OutcomeUnknown Reconciling",
        undefined,
      ]);
      expect(isSettled(going(written, driven))).toBe(false);
      expect(driven.verdict.requeueAfterMs).toBeLessThanOrEqual(30_000);
    }
    expect(condition(driven.status, "Ready")?.message).toMatch(/the deletion goes on .*30 s.*holdfast\.dev\/orphan/);
    // Whoever looked may have looked at a wrong place.
    const checks = looks.length > 0 && "observe" in written ? absent : [];
    const over = drive(going(written, driven), [...misses, answer(404), ...("lookup" in written ? [] : checks)], at(41));
    expect([over.sent, over.verdict]).toMatchObject([[...looks, remove, ...("lookup" in written ? [] : looks)], gone]);
  });
  test.each<[string, object]>([
    ["a POST", named],
    ["a PUT", put],
  ])("is deleted as soon as it is there: %s", (_what, written) => {
    const doubted = drive(resource(written), [...absent, answer(504)]);
    const waits = drive(going(written, doubted), absent, at(10));
    const over = drive(going(written, waits), [answer(200), answer(204)], at(21));
    expect([over.sent, over.verdict]).toMatchObject([[look, remove], gone]);
  });
  test("stays while a look says nothing, and is deleted at once where a person asks", () => {
    const doubted = drive(resource(named), [...absent, answer(504)]);
    const silent = drive(going(named, doubted), [answer(503)], at(60));
    expect([silent.sent, silent.verdict.finalizer]).toEqual([[look], undefined]);
    const asked = going(named, silent, { annotations: { "holdfast.dev/reconcile-at": "1" } });
    expect(drive(asked, [...absent, answer(204)], at(61)).sent).toEqual([look, remove]);
  });
  test("is deleted at once where no try of its create can have arrived", () => {
    for (const written of [named, put]) {
      const refused = drive(resource(written), [...absent, failure(false)]);
      expect(refused.status.attempt).toMatchObject({ phase: "Retrying" });
      const over = drive(going(written, refused), [answer(404), ...absent], at(1));
      expect(over.verdict).toMatchObject(gone);
    }
  });
});

test.each<[string, object, Answers & {}]>([
  ["known by an id that was told at once", polled(user), [accepted, values("7")]],
  ["known by a name", polled(named), [...absent, accepted]],
  ["deleted by a name", polled({ ...user, observe: named.observe, delete: named.delete }), [...absent, accepted, values(null)]],
])("what was begun, and nobody could follow, is not let go because it is not there yet: %s", (_what, written, answers) => {
  const begun = drive(resource(written), answers);
  const late = drive(resource(written, { status: begun.status }), [answer(202), values(false, false)], at(601));
  expect(late.status.attempt).toMatchObject({ phase: "Unknown", succeeded: true });
  for (const seconds of [700, 800]) {
    const waits = drive(going(written, late), absent, at(seconds));
    expect([waits.sent.length, waits.state, waits.verdict.finalizer]).toEqual([1, "False/OutcomeUnknown Stalled", undefined]);
  }
});
function polled<Written extends { readonly create: object }>(written: Written) {
  return { ...written, create: { ...written.create, poll: { interval: "5s", timeout: "10m" } } };
}
