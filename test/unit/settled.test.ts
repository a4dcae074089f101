/** For what `run --once` waits, and for what not, with scripted answers. */
import { describe, expect, test } from "@jest/globals";
import { isSettled } from "../../src/kinds/types.ts";
import { answer, created, deleted, drive, failure, hour, resource, user } from "../support/resource-plan.ts";
import { drive as driveRequest, httpRequest, refused } from "../support/request-plan.ts";

type Status = ReturnType<typeof drive>["status"];
/** Each try when it is due. */
function tried(given: ReturnType<typeof answer>, times: number, spec: object = user, status?: Status): Status {
  let last = status;
  for (let nth = 0; nth < times; nth += 1) {
    const at = last?.nextRunAt === undefined ? hour.at : new Date(last.nextRunAt);
    ({ status: last } = drive(created(spec, { ...deleted, ...(last && { status: last }) }), [given], { at }));
  }
  return last ?? {};
}
const going = (status: Status, spec: object = user) => created(spec, { ...deleted, status });

describe("a deletion that its server never carries out", () => {
  test.each([
    ["answers 503", answer(503)],
    ["is not there", failure(false)],
  ])("has had its tries after as many as a create has, where its server %s", (_what, given) => {
    const five = tried(given, 5);
    expect(isSettled(going(five))).toBe(false);
    const six = tried(given, 1, user, five);
    expect([six.attempt?.tries, isSettled(going(six))]).toEqual([6, true]);
  });
  test("has as many as its manifest says", () => {
    const spec = { ...user, retry: { limit: 1, backoff: { initial: "1s", max: "1s" } } };
    expect([1, 2].map((times) => isSettled(going(tried(answer(503), times, spec), spec)))).toEqual([false, true]);
  });
  test("is tried once more by whoever has come since, and begins to wait", () => {
    const nine = tried(answer(503), 9);
    expect(isSettled(going(nine), 9)).toBe(false);
    expect(isSettled(going(tried(answer(503), 1, user, nine)), 9)).toBe(true);
  });
});

test("nothing is awaited of what is suspended, though it was to be tried again", () => {
  const { status } = driveRequest(httpRequest(), "2026-01-01T00:00:00Z", [refused]);
  expect(isSettled(httpRequest({}, { status }))).toBe(false);
  const suspended = driveRequest(httpRequest({ suspend: true }, { status, generation: 2 }), "2026-01-01T00:00:00Z").status;
  expect(isSettled(httpRequest({ suspend: true }, { status: suspended, generation: 2 }))).toBe(true);
  expect(isSettled(resource({ ...user, suspend: true }))).toBe(false);
});
