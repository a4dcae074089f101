/** What waits says when it is looked at next, and is told of once: for every reason, over a night, with few writes. */
import { describe, expect, test } from "@jest/globals";
import { deriveTransitionEvent, type TransitionEvent } from "../../src/core/transition-event.ts";
import { findCondition } from "../../src/core/conditions.ts";
import { isLook, lookTime, nextTryOf } from "../../src/core/next-look.ts";
import type { Outcome, Refusal, RefusalReason } from "../../src/core/outcome.ts";
import { sameJSON } from "../../src/core/tools/json.ts";
import type { Verdict } from "../../src/core/plan.ts";
import { httpEndpointKind } from "../../src/kinds/http-endpoint.ts";
import type { Endpoint } from "../../src/kinds/types.ts";
import { answer, driveIn, followPlan, httpRequest, refused } from "../support/request-plan.ts";
import { created, drive, now as begin } from "../support/resource-plan.ts";

interface Night {
  readonly events: readonly TransitionEvent[];
  /** Statuses that were written, and when, milliseconds after the begin. */
  readonly writes: readonly { readonly atMs: number; readonly status: Told }[];
  readonly looks: number;
  /** How long NEXT was blank, or over, in all. */
  readonly staleMs: number;
  readonly last: Verdict;
}
interface Told {
  readonly nextRunAt?: string;
}

const [quarter, night] = [900_000, 12 * 3_600_000];

/** One that is missing here does not compile. */
const all: Record<RefusalReason, true> = {
  EndpointNotFound: true,
  EndpointNotAllowed: true,
  EndpointNotReady: true,
  CircuitOpen: true,
  RateLimited: true,
  EndpointBusy: true,
  OriginBusy: true,
  TokenPending: true,
  InvalidCredential: true,
  CredentialRefused: true,
  TokenRequestFailed: true,
  ChallengeRefused: true,
  ServiceAccountNotFound: true,
  DependencyNotReady: true,
  DependencyCycle: true,
  TooManySources: true,
  EndpointSuspended: true,
  SecretNotFound: true,
  ConfigMapNotFound: true,
  KeyNotFound: true,
  ReferenceForbidden: true,
  ServiceAccountRequired: true,
  FinalizerRefused: true,
  ObjectTooLarge: true,
  InvalidExpression: true,
  ExpressionFailed: true,
  ExpressionTimeout: true,
  ExpressionOutOfMemory: true,
  TooManyItems: true,
  InvalidURL: true,
  InvalidRequest: true,
  InvalidTLS: true,
  InvalidProxy: true,
  InvalidSchedule: true,
  EgressDenied: true,
  OutputConflict: true,
  OutputForbidden: true,
  OutputRefused: true,
  OutputMissing: true,
  OutputNotText: true,
  ValueIsSecret: true,
  ValueTooLong: true,
};
const refusalReasons = Object.keys(all) as RefusalReason[];

/** Looks as often as each verdict says, for a night. */
function lookAtNight(look: (status: Told | undefined, at: Date) => Verdict, untilMs: number): Night {
  const writes: { atMs: number; status: Told }[] = [];
  const events: TransitionEvent[] = [];
  let [status, looks, staleMs, atMs]: [Told | undefined, number, number, number] = [undefined, 0, 0, 0];
  for (;;) {
    const verdict = look(status, new Date(begin.getTime() + atMs));
    looks += 1;
    const told = sameJSON(verdict.status, status ?? {}) ? undefined : deriveTransitionEvent(status, verdict.status);
    if (told) events.push(told);
    if (!sameJSON(verdict.status, status ?? {})) writes.push({ atMs, status: verdict.status });
    status = verdict.status;
    const pauseMs = verdict.requeueAfterMs ?? Infinity;
    const nextAt = status.nextRunAt === undefined ? 0 : Date.parse(status.nextRunAt) - begin.getTime();
    if (pauseMs !== Infinity) staleMs += Math.max(0, atMs + pauseMs - Math.max(nextAt, atMs));
    if (atMs + pauseMs > untilMs) return { events, writes, looks, staleMs, last: verdict };
    atMs += pauseMs;
  }
}
const refusal = (reason: Refusal["reason"], heals = true): Refusal => ({
  type: "refusal",
  reason,
  message: "spec.url: no",
  heals,
});
const requestThat = (outcome: Outcome) => (status: Told | undefined, now: Date) =>
  driveIn({ resource: httpRequest({}, status ? { status } : {}), now }, [outcome]).verdict;
const made = created();
const resourceThat = (outcome: Outcome) => (status: Told | undefined, at: Date) =>
  drive({ ...made, ...(status && { status }) }, [outcome], { at }).verdict;

const endpoint: Endpoint = {
  metadata: { name: "users", namespace: "team-a", uid: "uid-2", generation: 1, resourceVersion: "1" },
  spec: { baseURL: "https://users.example.com" } as Endpoint["spec"],
};
const endpointThat = (outcome: Refusal) => (status: Told | undefined, now: Date) =>
  followPlan(
    httpEndpointKind.plan({ resource: { ...endpoint, ...(status && { status }) }, references: [], now, instanceId: "me" }),
    () => outcome,
  );

describe.each([
  ["an endpoint", endpointThat],
  ["a request", requestThat],
  ["a resource", resourceThat],
])("%s that waits for what is outside it", (_kind, that) => {
  test.each(refusalReasons)("says when it is looked at next, with few writes and one event: %s", (reason) => {
    const { events, writes, looks, staleMs, last } = lookAtNight(that(refusal(reason)), quarter);
    expect(staleMs).toBe(0);
    expect(looks).toBeGreaterThan(quarter / 60_000);
    expect(writes.length).toBeLessThan(10 + quarter / 200_000);
    expect(writes.filter(({ atMs }) => atMs < 60_000).length).toBeLessThanOrEqual(4);
    expect(events.map((event) => event.reason)).toEqual([reason]);
    expect(findCondition(last.status, "Ready")?.reason).toBe(reason);
  });
  test.each(refusalReasons)("tells of nothing that is there a moment later: %s", (reason) => {
    const { events, writes } = lookAtNight(that(refusal(reason)), 5_000);
    expect(events.filter((event) => event.reason !== "EgressDenied")).toEqual([]);
    expect(writes.length).toBe(1);
  });
  test.each(refusalReasons)("is told of at once where only a person can help: %s", (reason) => {
    const { events } = lookAtNight(that(refusal(reason, false)), 5_000);
    expect(events).toMatchObject([{ type: "Warning", reason }]);
  });
});

test("a server that cannot be asked about an object is told of once, and when it is asked next", () => {
  const down = { type: "failure", reason: "ConnectionRefused", message: "nothing accepts connections", sent: false } as const;
  const { events, staleMs, writes } = lookAtNight(resourceThat(down), night);
  expect([events.length, staleMs]).toEqual([1, 0]);
  expect(writes.length).toBeLessThan(10 + night / 200_000);
});

test("what is known to be there a while later is told of at once: an open circuit, with its time in the message", () => {
  const open = { ...refusal("CircuitOpen"), retryAfterMs: 30_000 };
  const { events, writes } = lookAtNight(requestThat(open), 60_000);
  const [first] = writes;
  expect(first?.status.nextRunAt).toBe("2026-01-01T00:00:30Z");
  expect(findCondition(first?.status, "Ready")?.message).toBe("spec.url: no; tried again by 2026-01-01T00:00:30Z");
  expect(events).toMatchObject([{ type: "Warning", reason: "CircuitOpen" }]);
});

test("a try is not put off by a look, nor a look by a try", () => {
  const failed = driveIn({ resource: httpRequest() }, [refused]);
  const dueAt = failed.status.nextRunAt ?? "";
  expect([isLook(dueAt), nextTryOf(failed.status)]).toEqual([false, dueAt]);
  const missing = driveIn({ resource: httpRequest({}, failed), now: new Date(dueAt) }, [refusal("SecretNotFound")]);
  expect(missing.status.attempt?.phase).toBe("Retrying");
  expect(nextTryOf(missing.status)).toBeUndefined();
  // It is there a moment later, and something has woken the request: it is sent at once.
  const healed = driveIn({ resource: httpRequest({}, missing), now: new Date(Date.parse(dueAt) + 300) }, [answer(200)]);
  expect([healed.steps.length, findCondition(healed.status, "Ready")?.status]).toEqual([1, "True"]);
  expect(healed.status.nextRunAt).toBeUndefined();
});

test("a clock that was set back leaves no time that is far away", () => {
  const look = requestThat(refusal("SecretNotFound"));
  const first = look(undefined, new Date(begin.getTime() + night));
  const again: Told = look(first.status, begin).status;
  expect(Date.parse(again.nextRunAt ?? "") - begin.getTime()).toBeLessThan(600_000);
});

test("the time of a look is a whole second, and not before it", () => {
  expect(lookTime(Date.parse("2026-01-01T00:00:00.001Z"))).toBe("2026-01-01T00:00:01Z");
  expect(isLook(lookTime(0))).toBe(true);
});
