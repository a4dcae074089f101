import { describe, expect, test } from "@jest/globals";
import { conclude, leaveOpen } from "../../src/core/conclusion.ts";
import { decide, type Attempt, type DeliveryRecord, type Desired } from "../../src/core/delivery.ts";
import type { Outcome, Response } from "../../src/core/outcome.ts";
import { redact } from "../../src/core/redacted.ts";
import { createShown } from "../../src/core/shown.ts";

const now = new Date("2026-01-01T00:00:00Z");
const desired: Desired = {
  uid: "uid",
  digest: "a",
  repeatable: false,
  onUnknown: "Stall",
  assumeDone: false,
  retry: { limit: 2, initialMs: 1000, maxMs: 60_000 },
};
const attempt: Attempt = { id: "id", digest: "a", phase: "Done", startedAt: now.toISOString(), tries: 1 };

function after(
  phase: Attempt["phase"],
  change: Partial<Desired> = {},
  record: Partial<DeliveryRecord> = {},
): ReturnType<typeof decide> {
  return decide({ completedRuns: 1, attempt: { ...attempt, phase }, ...record }, { ...desired, ...change }, now);
}
function response(statusCode: number, headers: Response["headers"] = {}): Exclude<Outcome, { type: "refusal" }> {
  return {
    type: "response",
    response: {
      statusCode,
      headers,
      body: redact(""),
      shown: createShown({ headers, body: "" }),
      sizeBytes: 0,
      sha256: "",
      durationMs: 1,
    },
  };
}
const reset = { type: "failure", reason: "ConnectionReset", message: "", sent: true } as const;
const refused = { type: "failure", reason: "ConnectionRefused", message: "", sent: false } as const;

describe("decide", () => {
  test("sends what has never been sent, once", () => {
    const decision = decide({ completedRuns: 0 }, desired, now);
    expect(decision).toMatchObject({ type: "send", attempt: { phase: "InFlight", tries: 1 } });
  });
  test("gives the same attempt the same id after a restart", () => {
    const later = new Date("2027-01-01T00:00:00Z");
    const [first, second] = [decide({ completedRuns: 0 }, desired, now), decide({ completedRuns: 0 }, desired, later)];
    expect(first).toMatchObject({ attempt: { id: (second as { attempt: Attempt }).attempt.id } });
  });
  test("rests when what is declared is done", () => {
    expect(after("Done")).toEqual({ type: "rest" });
  });
  test("sends again, with another id, when what is sent changes and changes back", () => {
    const b = after("Done", { digest: "b" });
    const a = decide({ completedRuns: 2, attempt: { ...attempt, digest: "b" } }, desired, now);
    const first = decide({ completedRuns: 0 }, desired, now);
    const ids = [first, b, a].map((decision) => (decision as { attempt: Attempt }).attempt.id);
    expect(new Set(ids).size).toBe(3);
  });
  test("sends again when reconcile-at has a new value, and not for one that was handled", () => {
    expect(after("Done", { reconcileAt: "1" }).type).toBe("send");
    expect(after("Done", { reconcileAt: "1" }, { lastHandledReconcileAt: "1" }).type).toBe("rest");
  });
  test("does not send again what may be on its way", () => {
    expect(after("InFlight")).toMatchObject({ type: "unknown", attempt: { phase: "Unknown", id: "id" } });
    expect(after("Unknown")).toMatchObject({ type: "unknown" });
  });
  test.each([{ repeatable: true }, { onUnknown: "Resend" as const }, { reconcileAt: "1" }])(
    "sends it again under the same id given %j",
    (change) => {
      expect(after("Unknown", change)).toMatchObject({ type: "send", attempt: { id: "id", tries: 2 } });
    },
  );
  test("takes a changed declaration for a new run, whatever became of the old one", () => {
    expect(after("Unknown", { digest: "b" })).toMatchObject({ type: "send", attempt: { digest: "b", tries: 1 } });
  });
  test("waits until a try is due, and not for more than that", () => {
    const [finishedAt, nextRunAt] = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z"];
    const record = { completedRuns: 1, attempt: { ...attempt, phase: "Retrying" as const, finishedAt }, nextRunAt };
    expect(decide(record, desired, new Date("2026-01-01T00:00:04Z"))).toEqual({ type: "wait", delayMs: 6000 });
    expect(decide(record, desired, new Date(nextRunAt))).toMatchObject({ type: "send", attempt: { id: "id", tries: 2 } });
  });
  test("waits no longer than the pause when the wall clock is set back or forward an hour", () => {
    const [finishedAt, nextRunAt] = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z"];
    const record = { completedRuns: 1, attempt: { ...attempt, phase: "Retrying" as const, finishedAt }, nextRunAt };
    expect(decide(record, desired, new Date("2025-12-31T23:00:00Z"))).toMatchObject({ type: "send" });
    expect(decide(record, desired, new Date("2026-01-01T01:00:00Z"))).toMatchObject({ type: "send" });
  });
  test("takes a restored object for done when told so, and only where it has no status", () => {
    expect(decide({ completedRuns: 0 }, { ...desired, assumeDone: true }, now)).toMatchObject({
      type: "assumeDone",
      attempt: { phase: "Done" },
    });
  });
});

describe("conclude", () => {
  test.each([
    ["a reset after the first byte", reset, "unknown"],
    ["a gateway's 502", response(502), "unknown"],
    ["a gateway's 504", response(504), "unknown"],
    ["a proxy's 408, whose stream timed out", response(408), "unknown"],
    ["a proxy's 499", response(499), "unknown"],
    ["a 409", response(409), "failed"],
    ["a refused connection", refused, "retry"],
    ["a 429", response(429), "retry"],
    ["a 503 with Retry-After", response(503, { "retry-after": "1" }), "retry"],
    ["a 503 without", response(503), "failed"],
    ["a 500", response(500), "failed"],
    ["a 404", response(404), "failed"],
  ] as const)("of a request that must not be sent twice: %s", (_name, outcome, type) => {
    expect(conclude(outcome, false, attempt, desired).type).toBe(type);
  });
  test.each([
    ["a reset after the first byte", reset, "retry"],
    ["a gateway's 502", response(502), "retry"],
    ["a 500", response(500), "retry"],
    ["a 404", response(404), "failed"],
    ["an answer that is not as expected", response(200), "retry"],
  ] as const)("of a repeatable request: %s", (_name, outcome, type) => {
    expect(conclude(outcome, false, attempt, { ...desired, repeatable: true }).type).toBe(type);
  });
  const keyed = { ...desired, repeatable: true, sentAs: "POST idempotency-key" };
  const inDoubt = { ...attempt, tries: 2, inDoubt: true, sentAs: keyed.sentAs };
  test.each([
    ["409, since the first is still being carried out", 409, "retry"],
    ["408", 408, "retry"],
    ["425", 425, "retry"],
    ["429", 429, "retry"],
    ["500", 500, "retry"],
    ["503", 503, "retry"],
    ["400", 400, "unknown"],
    ["401", 401, "unknown"],
    ["404", 404, "unknown"],
    ["422, since the key was used", 422, "unknown"],
  ] as const)("of the same key after a try that may have arrived: %s", (_name, status, type) => {
    const conclusion = conclude(response(status), false, inDoubt, keyed);
    expect(conclusion.type).toBe(type);
    if (conclusion.type === "retry") expect(conclusion.inDoubt).toBe(true);
  });
  test.each([400, 404, 409, 422])("of a key that is sent for the first time: %i", (status) => {
    expect(conclude(response(status), false, attempt, keyed).type).toBe("failed");
  });
  test("of the same key, a 409 is tried again as often as the limit says, and not where it is never to be", () => {
    const never = { ...keyed, retry: { ...keyed.retry, never: ["409"] } };
    expect(conclude(response(409), false, { ...inDoubt, tries: 3 }, keyed).type).toBe("unknown");
    expect(conclude(response(409), false, inDoubt, never).type).toBe("unknown");
    expect(conclude(response(409), false, inDoubt, { ...keyed, retry: { ...keyed.retry, when: ["Timeout"] } }).type).toBe(
      "retry",
    );
  });
  test("what was refused after a try in doubt is not sent again by itself, but where somebody asks", () => {
    const record = { completedRuns: 0, attempt: leaveOpen(inDoubt) };
    expect(decide(record, keyed, now).type).toBe("unknown");
    expect(
      decide(
        { ...record, attempt: { ...record.attempt, startedAt: "2025-01-01T00:00:00Z" } },
        { ...keyed, retry: { ...keyed.retry, maxDurationMs: 1 } },
        now,
      ).type,
    ).toBe("unknown");
    const asked = decide(record, { ...keyed, reconcileAt: "1" }, now);
    expect(asked).toMatchObject({ type: "send", attempt: { id: "id", tries: 3, inDoubt: true } });
    expect(asked).not.toHaveProperty("attempt.refused");
  });
  test("sends an unknown outcome again where the user wants that, as often as retry allows", () => {
    const resend = { ...desired, onUnknown: "Resend" as const };
    expect(conclude(reset, false, { ...attempt, tries: 2 }, resend).type).toBe("retry");
    expect(conclude(reset, false, { ...attempt, tries: 3 }, resend).type).toBe("failed");
    expect(conclude(response(500), false, attempt, resend).type).toBe("failed");
  });
  test.each([
    ["a listed 500", response(500), ["500"], "retry"],
    ["a listed 503 without Retry-After", response(503), ["5xx"], "retry"],
    ["a 429 that is not listed", response(429), ["5xx"], "failed"],
    ["a listed 502", response(502), ["5xx"], "unknown"],
    ["a listed 408", response(408), ["408"], "unknown"],
    ["a listed reset after the first byte", reset, ["ConnectionReset"], "unknown"],
    ["a listed refusal", refused, ["ConnectionRefused"], "retry"],
    ["a refusal that is not listed", refused, ["Timeout"], "failed"],
  ] as const)(
    "of a request that must not be sent twice, where retry.when lists what is tried again: %s",
    (_name, outcome, when, type) => {
      expect(conclude(outcome, false, attempt, { ...desired, retry: { ...desired.retry, when } }).type).toBe(type);
    },
  );
  test.each([
    ["a listed 404", response(404), { when: ["4xx"] }, "retry"],
    ["a 500 that is not listed", response(500), { when: ["429", "Timeout"] }, "failed"],
    ["a listed range", response(500), { when: ["500-503"] }, "retry"],
    ["a status that never is", response(501), { never: ["501"] }, "failed"],
    ["a status that both lists have", response(501), { when: ["5xx"], never: ["501"] }, "failed"],
    ["a reason that never is", refused, { never: ["ConnectionRefused"] }, "failed"],
    ["an end of this process, which no list has", { ...reset, reason: "NotLeader" as const }, { when: ["500"] }, "retry"],
    ["an answer that expect.that refuses, with a listed status", response(200), { when: ["200"] }, "retry"],
  ] as const)("of a repeatable request with lists: %s", (_name, outcome, lists, type) => {
    expect(conclude(outcome, false, attempt, { ...desired, repeatable: true, retry: { ...desired.retry, ...lists } }).type).toBe(
      type,
    );
  });
  test("an expected answer is success, a 502 included", () => {
    expect(conclude(response(502), true, attempt, desired).type).toBe("succeeded");
  });
  test("tries no more often than the limit says", () => {
    expect(conclude(refused, false, { ...attempt, tries: 2 }, desired).type).toBe("retry");
    expect(conclude(refused, false, { ...attempt, tries: 3 }, desired).type).toBe("failed");
  });
});
