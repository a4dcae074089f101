/** For what `run --once` waits, and for what not, with scripted answers. */
import { describe, expect, test } from "@jest/globals";
import { isSettled } from "../../src/kinds/types.ts";
import {
  after,
  answer,
  created,
  deleted,
  drive,
  failure,
  hour,
  named,
  resource,
  user,
  values,
  withLookup,
} from "../support/resource-plan.ts";
import { answer as says, drive as driveRequest, httpRequest, refused } from "../support/request-plan.ts";

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

describe("a look that says nothing before the next try of a create", () => {
  const of = (status: Status, spec: object = named) => resource(spec, { status });
  test("is waited for half a minute, however long after the try before it came", () => {
    const begun = drive(of({}), [answer(404), answer(429, { "retry-after": "60" })]).status;
    const first = drive(of(begun), [answer(503)], after(61_000));
    expect([first.state, isSettled(of(begun)), isSettled(of(first.status))]).toEqual([
      "Unknown/UnexpectedStatus Reconciling",
      false,
      false,
    ]);
    const second = drive(of(first.status), [answer(503)], after(85_000)).status;
    expect(isSettled(of(second))).toBe(false);
    const third = drive(of(second), [answer(503)], after(92_000)).status;
    expect([third.attempt?.phase, isSettled(of(third))]).toEqual(["Retrying", true]);
    expect(isSettled(of(drive(of(third), [answer(404), answer(429)], after(95_000)).status))).toBe(false);
  });
  test("is not, where the process before died with it on its way: it is as before a first one", () => {
    const { steps } = drive(of({}, withLookup), [answer(200), values([]), failure(true)]);
    const sent = steps.find((step) => step.type === "exchange" && step.beforeSend.type === "recordIntent");
    const died = sent?.type === "exchange" && sent.beforeSend.type === "recordIntent" ? (sent.beforeSend.status as Status) : {};
    expect([died.attempt?.phase, isSettled(of(died, withLookup))]).toEqual(["InFlight", false]);
    const { status } = drive(of(died, withLookup), [answer(503)], after(1_000));
    expect([status.attempt?.phase, isSettled(of(status, withLookup))]).toEqual(["InFlight", true]);
  });
});

describe("what is refused before it is sent", () => {
  const retry = { limit: 5, backoff: { initial: "1s", max: "5m" } };
  const refusal = (reason: "TokenRequestFailed" | "CircuitOpen") =>
    ({ type: "refusal", reason, message: "no", heals: true }) as const;
  const then = (
    spec: Parameters<typeof httpRequest>[0],
    given: ReturnType<typeof says>,
    reason: Parameters<typeof refusal>[0],
  ) => {
    const begun = driveRequest(httpRequest(spec), "2026-01-01T00:00:00Z", [given]).status;
    expect(isSettled(httpRequest(spec, { status: begun }))).toBe(false);
    const { status } = driveRequest(httpRequest(spec, { status: begun }), "2026-01-01T00:01:00Z", [refusal(reason)]);
    return [status.attempt?.phase, isSettled(httpRequest(spec, { status }))];
  };
  test("again has settled, as it has at the first try", () => {
    const { status } = driveRequest(httpRequest({ retry }), "2026-01-01T00:00:00Z", [refusal("TokenRequestFailed")]);
    expect(isSettled(httpRequest({ retry }, { status }))).toBe(true);
    expect(then({ retry }, says(429), "TokenRequestFailed")).toEqual(["Retrying", true]);
  });
  test("again while its server is not to be asked has not: that ends by itself", () => {
    expect(then({ retry }, says(429), "CircuitOpen")).toEqual(["Retrying", false]);
  });
  test("to ask after its work has settled", () => {
    const poll = { interval: "5s", timeout: "10m" };
    expect(then({ poll }, says(202, { location: "/jobs/1" }), "TokenRequestFailed")).toEqual(["Polling", true]);
  });
});
