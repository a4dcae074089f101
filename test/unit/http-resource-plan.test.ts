import { describe, expect, test } from "@jest/globals";
import type { HTTPResourceStatus } from "../../src/api/http-resource.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { sameJSON } from "../../src/core/tools/json.ts";
import type { EvaluationResult } from "../../src/core/plan.ts";
import { httpResourceKind } from "../../src/kinds/http-resource/plan.ts";
import { verbDigest } from "../../src/kinds/http-resource/context.ts";
import {
  after,
  answer,
  condition,
  created,
  deleted,
  differs,
  drive,
  failure,
  gone,
  named,
  now,
  resource,
  same,
  url,
  user,
  values,
  withLookup,
} from "../support/resource-plan.ts";

/** What update sends could not be held against what was observed. */
const opaque: EvaluationResult = { type: "values", values: [], isPartial: true };

describe("an object that was never created", () => {
  test("is not observed without its id, and created, once, behind an intent and the finalizer", () => {
    const { steps, sent, status, state } = drive(resource(user), [answer(201), values("7")]);
    expect(sent).toEqual(["POST users after intent"]);
    expect(steps[0]).toMatchObject({
      finalizer: "holdfast.dev/release",
      beforeSend: { status: { attempt: { verb: "Create", phase: "InFlight" } } },
    });
    expect(status).toMatchObject({
      externalID: "7",
      attempt: { verb: "Create", phase: "Done", succeeded: true },
      completedRuns: 1,
    });
    expect(state).toBe("True/Created");
  });
  test("has no finalizer where nothing is to be deleted", () => {
    const { delete: _, ...rest } = user;
    expect(drive(resource(rest), [answer(201), values("7")]).steps[0]).not.toHaveProperty("finalizer");
    expect(drive(resource({ ...user, deletionPolicy: "Orphan" }), [answer(201), values("7")]).steps[0]).not.toHaveProperty(
      "finalizer",
    );
  });
  test("wish 6: that a lookup finds is taken over and not created", () => {
    const { sent, status, state, verdict } = drive(resource(withLookup), [answer(200), values(["9"]), answer(200), same]);
    expect(sent).toEqual(["GET users", "GET users/${ .externalID }"]);
    expect(status.externalID).toBe("9");
    expect(state).toBe("True/Adopted");
    expect(verdict.finalizer).toEqual({ name: "holdfast.dev/release", present: true });
  });
  test("wish 6: that exists under its name is taken over", () => {
    expect(drive(resource(named), [answer(200)])).toMatchObject({ sent: ["GET users/ada"], state: "True/Adopted" });
  });
  test("wish 20: is looked for on every page before it is created", () => {
    const next = { link: '<https://users.example.com/users?page=2>; rel="next"' };
    const { steps, sent } = drive(resource(withLookup), [
      answer(200, next),
      values([]),
      answer(200),
      values([]),
      answer(201),
      values("7"),
    ]);
    expect(sent).toEqual(["GET users", "GET users", "POST users after intent"]);
    expect(steps[2]).toMatchObject({ exchange: { request: { page: { text: "https://users.example.com/users?page=2" } } } });
  });
  test("wish 20: what an expression says of the next page is data, and no template", () => {
    const lookup = { ...withLookup.lookup, query: [{ name: "q", value: "a" }], next: ".response.body.next" };
    const { steps } = drive(resource({ ...user, lookup }), [
      answer(200),
      values([], { cursor: "${ .inputs.token }" }),
      answer(200),
      values(["9"], null),
      answer(200),
      same,
    ]);
    expect(steps[2]).toMatchObject({
      exchange: {
        request: {
          query: [
            { name: "q", text: "a" },
            { name: "cursor", text: "$${ .inputs.token }" },
          ],
        },
      },
    });
  });
  test.each<[string, (Outcome | EvaluationResult)[], string]>([
    ["a list that cannot be had", [answer(500)], "UnexpectedStatus"],
    ["a list that is not there", [answer(404)], "UnexpectedStatus"],
    ["no list", [answer(200), values(null)], "NoList"],
    ["more than one match", [answer(200), values(["1", "2"])], "LookupAmbiguous"],
    ["a match without an id", [answer(200), values([null])], "ExternalIDUnknown"],
  ])("is not created because of %s", (_what, answers, reason) => {
    expect(drive(resource(withLookup), answers).state).toBe(`Unknown/${reason} Reconciling`);
  });
  test("is not created after forty pages that have nothing, where there are more", () => {
    const page = [answer(200, { link: '</users?page=2>; rel="next"' }), values([])];
    const { state } = drive(resource(withLookup), Array.from({ length: 40 }, () => page).flat());
    expect(state).toBe("Unknown/LookupTooLong Reconciling");
  });
  test("and has no create is absent, and looked at again", () => {
    const { state, verdict } = drive(resource({ observe: { url: `${url}/ada` } }), [answer(404)]);
    expect(state).toBe("False/Absent Stalled");
    expect(verdict.requeueAfterMs).toBeGreaterThan(0);
  });
  test("is created again at the next interval after its server refused it, and not before", () => {
    const refused = drive(resource(user), [answer(422)]);
    expect(refused.state).toBe("False/UnexpectedStatus Reconciling");
    expect(refused.status.attempt).toMatchObject({ phase: "Done", succeeded: false });
    expect(refused.verdict.requeueAfterMs).toBeGreaterThanOrEqual(60_000);
    expect(drive(resource(user, { status: refused.status }), [answer(201), values("7")]).state).toBe("True/Created");
  });
});

describe("a create whose outcome is unknown", () => {
  const cases: [string, Outcome][] = [
    ["a reset after its first byte", failure(true)],
    ["a 502", answer(502)],
    ["a 500", answer(500)],
    ["a 408 of a proxy", answer(408)],
    ["a 499 of a proxy", answer(499)],
    ["a redirect", answer(303)],
  ];
  test.each(cases)("because of %s is not sent again", (_what, outcome) => {
    const { status, state } = drive(resource(user), [outcome]);
    expect(state).toBe("False/OutcomeUnknown Stalled");
    expect(drive(resource(user, { status }))).toMatchObject({ sent: [], state: "False/OutcomeUnknown Stalled" });
    expect(drive(resource({ ...user, parameters: { name: "other" } }, { status, generation: 2 })).sent).toEqual([]);
  });
  test("counts once, however often it is looked at", () => {
    const { status, verdict } = drive(resource(user), [failure(true)]);
    expect(verdict).toMatchObject({ result: "stalled", reason: "OutcomeUnknown" });
    expect(drive(resource(user, { status })).verdict).toMatchObject({ result: "unchanged", reason: "OutcomeUnknown" });
  });
  test("is sent again because it provably never left", () => {
    const { state, status, verdict } = drive(resource(user), [failure(false)]);
    expect(state).toBe("False/ConnectionRefused Reconciling");
    expect(verdict.requeueAfterMs).toBeGreaterThan(0);
    const at = new Date(Date.parse(status.nextRunAt ?? ""));
    expect(drive(resource(user, { status }), [], { at: now }).sent).toEqual([]);
    expect(drive(resource(user, { status }), [answer(201), values("7")], { at }).state).toBe("True/Created");
  });
  test("is none where its server could not be reached, however often: it is created at a later interval", () => {
    let object = resource(user);
    let at = now;
    for (let tries = 0; tries < 7; tries += 1) {
      const { status, state, verdict } = drive(object, [failure(false)], { at });
      expect(state).toBe("False/ConnectionRefused Reconciling");
      object = resource(user, { status });
      at = new Date(at.getTime() + (verdict.requeueAfterMs ?? 0) + 100);
    }
    expect(drive(object, [answer(201), values("7")], { at }).state).toBe("True/Created");
  });
  test("wish 15: is sent under a key that is honoured until it is known, always the same one", () => {
    const keyed = { ...user, idempotencyKey: { header: "Idempotency-Key" } };
    let object = resource(keyed);
    let at = now;
    const ids = new Set<string | undefined>();
    for (let tries = 0; tries < 8; tries += 1) {
      const { status, verdict } = drive(object, [failure(true)], { at });
      ids.add(status.attempt?.id);
      object = resource(keyed, { status });
      at = new Date(at.getTime() + (verdict.requeueAfterMs ?? 0) + 100);
    }
    expect(ids.size).toBe(1);
    const deleted = { deleted: true, finalizers: ["holdfast.dev/release"] };
    expect(drive(resource(keyed, { ...deleted, status: object.status ?? {} }), [], { at }).verdict).not.toHaveProperty(
      "finalizer",
    );
    expect(drive(object, [answer(201), values("7")], { at }).status.attempt?.id).toBe([...ids][0]);
  });
  test.each([409, 400, 401, 404, 422])("is not known by a %i to the same key: it is sent under that one until it is", (code) => {
    const keyed = { ...user, idempotencyKey: { header: "Idempotency-Key" } };
    let { status, verdict } = drive(resource(keyed), [failure(true)]);
    const { id } = status.attempt ?? {};
    let at = now;
    for (let tries = 0; tries < 9; tries += 1) {
      at = new Date(at.getTime() + (verdict.requeueAfterMs ?? 0) + 100);
      const tried = drive(resource(keyed, { status }), [answer(code)], { at });
      expect(tried.sent).toEqual(["POST users after intent"]);
      expect(tried.status.attempt).toMatchObject({ id, inDoubt: true });
      ({ status, verdict } = tried);
    }
    expect(drive(resource(keyed, { ...deleted, status }), [], { at }).verdict).not.toHaveProperty("finalizer");
    const made = drive(resource(keyed, { status }), [answer(201), values("7")], {
      at: new Date(at.getTime() + (verdict.requeueAfterMs ?? 0) + 100),
    });
    expect([made.state, made.status.attempt?.id]).toEqual(["True/Created", id]);
  });
  test("is none where its first try under a key was refused", () => {
    const keyed = { ...user, idempotencyKey: { header: "Idempotency-Key" } };
    expect(drive(resource(keyed), [answer(409)]).status.attempt).toMatchObject({ phase: "Done", succeeded: false });
  });
  test("by PUT is not taken for refused by the answer to a second one, so that it is not let go", () => {
    const put = { create: { url: `${url}/ada`, method: "PUT", body: { json: {} } }, delete: { url: `${url}/ada` } };
    const { status, verdict } = drive(resource(put), [failure(true)]);
    const at = new Date(now.getTime() + (verdict.requeueAfterMs ?? 0) + 100);
    const again = drive(resource(put, { status }), [answer(403)], { at });
    expect(again.status.attempt).toMatchObject({ phase: "Unknown" });
    const waits = drive(resource(put, { ...deleted, status: again.status }), [], { at });
    expect(waits.state).toBe("False/OutcomeUnknown Reconciling");
    expect(
      drive(resource(put, { ...deleted, status: waits.status }), [answer(204)], { at: new Date(at.getTime() + 31_000) }),
    ).toMatchObject({
      sent: ["DELETE users/ada"],
    });
  });
  test("wish 15: that a dead process left is not sent again, and found by a lookup", () => {
    const { steps } = drive(resource(withLookup), [answer(200), values([]), answer(201), values("7")]);
    const create = steps[2];
    const left = create?.type === "exchange" && create.beforeSend.type === "recordIntent" ? create.beforeSend.status : {};
    const again = drive(resource(withLookup, { status: left }), [answer(200), values(["7"]), answer(200), same]);
    expect(again.sent).toEqual(["GET users", "GET users/${ .externalID }"]);
    expect(again.status).toMatchObject({ externalID: "7", attempt: { phase: "Done", succeeded: true }, completedRuns: 1 });
    const attempt = again.status.attempt;
    expect(attempt).not.toHaveProperty("sender");
    const plain = resource(user, { status: left });
    expect(drive(plain)).toMatchObject({ sent: [], state: "False/OutcomeUnknown Stalled" });
  });
  /** Lookups do not show it, each when it is due, until so long after the first of them; then it is created. */
  function lookedFor(spec: object, start: HTTPResourceStatus, longMs: number): HTTPResourceStatus {
    let status = start;
    let ms = 2_000;
    for (; ms < 2_000 + longMs;) {
      const seen = drive(resource(spec, { status }), [answer(200), values([])], after(ms));
      expect([seen.sent, seen.state]).toEqual([["GET users"], "False/OutcomeUnknown Reconciling"]);
      expect(condition(seen.status, "Ready")?.message).toContain("it is looked for again, and is created again where");
      status = seen.status;
      ms += seen.verdict.requeueAfterMs ?? 0;
    }
    expect(ms).toBeLessThan(4_000 + longMs);
    return drive(resource(spec, { status }), [answer(200), values([]), answer(201), values("7")], after(ms)).status;
  }
  test("is sent again with the same attempt id where lookups with a long pause between them say that it did not arrive", () => {
    const first = drive(resource(withLookup), [answer(200), values([]), failure(true)]);
    expect(first.state).toBe("False/OutcomeUnknown Stalled");
    expect(drive(resource(withLookup, { status: first.status })).sent).toEqual([]);
    const status = lookedFor(withLookup, first.status, 30_000);
    expect(status.attempt).toMatchObject({ id: first.status.attempt?.id, phase: "Done", succeeded: true });
    expect(status.attempt).not.toHaveProperty("absentAt");
    const patient = { ...withLookup, timeout: "2m" };
    const unknown = drive(resource(patient), [answer(200), values([]), failure(true)]).status;
    expect(lookedFor(patient, unknown, 120_000).attempt).toMatchObject({ phase: "Done", succeeded: true });
  });
  test("is taken over where the second look shows what the first did not: its server was at it still", () => {
    const { status } = drive(resource(withLookup), [answer(200), values([]), answer(500)]);
    const soon = after(2_000);
    const first = drive(resource(withLookup, { status }), [answer(200), values([])], soon);
    const at = new Date(soon.at.getTime() + (first.verdict.requeueAfterMs ?? 0));
    const second = drive(resource(withLookup, { status: first.status }), [answer(200), values(["7"]), answer(200), same], { at });
    expect(second.sent).toEqual(["GET users", "GET users/${ .externalID }"]);
    expect(second.status).toMatchObject({ externalID: "7", attempt: { phase: "Done", succeeded: true } });
  });
  test("is not let go of by one look, when it is deleted", () => {
    const { status } = drive(resource(withLookup), [answer(200), values([]), failure(true)]);
    const first = drive(resource(withLookup, { ...deleted, status }), [answer(200), values([])], after(2_000));
    expect(first.verdict).not.toHaveProperty("finalizer");
    expect(first.state).toBe("False/OutcomeUnknown Reconciling");
    const second = drive(resource(withLookup, { ...deleted, status: first.status }), [answer(200), values([])], after(40_000));
    expect(second.verdict).toMatchObject(gone);
  });
  test("is not sent again with onUnknown: Stall, whatever a lookup says", () => {
    const stall = { ...withLookup, onUnknown: "Stall" };
    const { status } = drive(resource(stall), [answer(200), values([]), failure(true)]);
    const at = new Date(now.getTime() + 60_000);
    expect(drive(resource(stall, { status }), [answer(200), values([])], { at }).state).toBe("False/OutcomeUnknown Stalled");
  });
  test("mistake 2: is not taken for absent by a 404 to observe, but found by a 200", () => {
    const { status } = drive(resource(named), [answer(404), failure(true)]);
    const at = new Date(now.getTime() + 60_000);
    expect(drive(resource(named, { status }), [answer(404)], { at }).state).toBe("False/OutcomeUnknown Stalled");
    expect(drive(resource(named, { status }), [answer(200)], { at }).status.attempt).toMatchObject({ phase: "Done" });
  });
  test("is looked up where an observation by name says that it is not there", () => {
    const both = { ...named, lookup: { url, match: ".item.name", externalID: ".item.id" } };
    const { status } = drive(resource(both), [answer(404), answer(200), values([]), failure(true)]);
    const first = drive(resource(both, { status }), [answer(404), answer(200), values([])], after(2_000));
    const seen = resource(both, { status: first.status });
    const again = drive(seen, [answer(404), answer(200), values([]), answer(201)], after(60_000));
    expect(again.state).toBe("True/Created");
  });
  test("is settled by an id that a person gives", () => {
    const { status } = drive(resource(user), [failure(true)]);
    const annotations = { "holdfast.dev/external-id": "7" };
    const { sent, status: after } = drive(resource(user, { status, annotations }), [answer(200), same]);
    expect(sent).toEqual(["GET users/${ .externalID }"]);
    expect(after).toMatchObject({ externalID: "7", lastHandledExternalID: "7" });
  });
  test("is sent again because somebody asked for it", () => {
    const { status } = drive(resource(user), [failure(true)]);
    const annotations = { "holdfast.dev/reconcile-at": "1" };
    const again = drive(resource(user, { status, annotations }), [answer(201), values("7")]);
    expect(again.status).toMatchObject({ externalID: "7", lastHandledReconcileAt: "1", attempt: { id: status.attempt?.id } });
  });
  test("wish 1: is none where it succeeded and its id cannot be read: it is not created again", () => {
    for (const lost of [
      values(null),
      values({}),
      { type: "refusal", reason: "ExpressionFailed", message: "", heals: false } as const,
    ]) {
      const { status, state } = drive(resource(user), [answer(201), lost]);
      expect(state).toBe("False/ExternalIDUnknown Stalled");
      expect(drive(resource(user, { status })).sent).toEqual([]);
    }
  });
});

describe("an observation that says nothing", () => {
  test.each<[string, Outcome, string]>([
    ["a 401", answer(401), "NotAuthorized"],
    ["a 403", answer(403), "NotAuthorized"],
    ["a 429", answer(429, { "retry-after": "120" }), "TooManyRequests"],
    ["a 503", answer(503), "UnexpectedStatus"],
    ["a refused connection", failure(false), "ConnectionRefused"],
    ["a reset connection", failure(true), "ConnectionReset"],
  ])("mistake 1: because of %s sends nothing, forgets nothing and is tried again", (_what, outcome, reason) => {
    const { sent, status, state, verdict } = drive(created(), [outcome]);
    expect(sent).toEqual(["GET users/${ .externalID }"]);
    expect(state).toBe(`Unknown/${reason} Reconciling`);
    expect(status.externalID).toBe("7");
    expect(verdict.requeueAfterMs).toBeGreaterThan(reason === "TooManyRequests" ? 119_999 : 0);
  });
  test("writes nothing but when it looks next while it stays so, and its pauses grow to a bound", () => {
    const first = drive(created(), [answer(503)]);
    const later = new Date(now.getTime() + 3_600_000);
    const again = drive(resource(user, { status: first.status, finalizers: ["holdfast.dev/release"] }), [answer(503)], {
      at: later,
    });
    expect(Date.parse(again.status.nextRunAt ?? "")).toBeGreaterThan(later.getTime());
    expect(sameJSON({ ...again.status, nextRunAt: first.status.nextRunAt }, first.status)).toBe(true);
    expect(again.verdict.requeueAfterMs).toBeGreaterThan(200_000);
    expect(again.verdict.requeueAfterMs).toBeLessThanOrEqual(300_000);
  });
  test("mistake 2: creates nothing before the first success", () => {
    expect(drive(resource(named), [failure(false)])).toMatchObject({
      sent: ["GET users/ada"],
      state: "Unknown/ConnectionRefused Reconciling",
    });
  });
  test.each<[string, object, (Outcome | EvaluationResult)[]]>([
    ["exists yields neither true nor false", { exists: ".response.body.there" }, [answer(200), values(null)]],
    ["upToDate yields neither", { upToDate: ".response.body.same" }, [answer(200), values(null)]],
    ["expect.that does not hold", { observe: { ...user.observe, expect: { that: "false" } } }, [answer(200), values(false)]],
  ])("is one for which %s", (_what, more, answers) => {
    expect(drive(created({ ...user, ...more }), answers).state).toMatch(/^Unknown\//);
  });
});

describe("an object that is there", () => {
  const later = { at: new Date(now.getTime() + 60_000) };
  test("wish 8: and as declared is ready, and nothing is written when it is looked at again", () => {
    const object = created();
    const { status, state, verdict } = drive(object, [answer(200), same]);
    expect(state).toBe("True/Created");
    expect(sameJSON(status, object.status)).toBe(true);
    expect(verdict.requeueAfterMs).toBeLessThanOrEqual(660_000);
  });
  test("wish 19: and differs is updated once, and the difference is told", () => {
    const { sent, status, state } = drive(created(), [answer(200), differs(".age"), answer(200)]);
    expect(sent).toEqual(["GET users/${ .externalID }", "PUT users/${ .externalID }"]);
    expect(state).toBe("True/Updated");
    expect(condition(status, "Drifted")).toMatchObject({ status: "False", reason: "Corrected", message: "corrected: .age" });
    expect(status.attempt).toMatchObject({ verb: "Update", succeeded: true });
    const again = drive(resource(user, { status, finalizers: ["holdfast.dev/release"] }), [answer(200), same]);
    expect(sameJSON(again.status, status)).toBe(true);
  });
  test("is asked for the id that an update would give only before one is sent", () => {
    const asked = (...of: Parameters<typeof drive>) => drive(...of).foretellings;
    expect(asked(created(), [answer(200), differs(".age"), answer(200)])).toEqual(["spec.externalID after evaluate"]);
    expect(asked(created(), [answer(200), same])).toEqual([]);
    expect(asked(created({ ...user, drift: "Report" }), [answer(200), differs(".age")])).toEqual([]);
  });
  test("and is not updated while the id that this would give cannot be told", () => {
    const busy = { type: "refusal", reason: "ExpressionTimeout", message: "no time", heals: true } as const;
    const plan = httpResourceKind.plan({ resource: created(), references: [], now, instanceId: "me" });
    plan.next();
    plan.next(answer(200));
    plan.next(differs(".age"));
    const { value } = plan.next(busy);
    if (!("status" in value)) throw new Error(`it asks for ${value.type}`);
    expect(condition(value.status, "Ready")).toMatchObject({ status: "Unknown", reason: "ExpressionTimeout" });
  });
  test("wish 19: and differs is only told of with drift: Report", () => {
    const report = { ...user, drift: "Report" };
    const { sent, status, state } = drive(created(report), [answer(200), differs(".age")]);
    expect(sent).toEqual(["GET users/${ .externalID }"]);
    expect(state).toBe("False/Drifted Stalled");
    expect(condition(status, "Drifted")).toMatchObject({ status: "True", message: ".age" });
  });
  test("that stays different is updated once an interval", () => {
    const { status, verdict } = drive(created(), [answer(200), differs(".age"), answer(200)]);
    expect(verdict.requeueAfterMs).toBeGreaterThanOrEqual(60_000);
    const again = drive(resource(user, { status, finalizers: ["holdfast.dev/release"] }), [
      answer(200),
      differs(".age"),
      answer(200),
    ]);
    expect(again.verdict.requeueAfterMs).toBeGreaterThanOrEqual(60_000);
    expect(again.status.attempt?.id).not.toBe(status.attempt?.id);
  });
  test("and cannot be updated is tried again with pauses, and then once an interval", () => {
    let object = created();
    let at = now;
    const pauses: number[] = [];
    for (let tries = 0; tries < 6; tries += 1) {
      const { status, verdict } = drive(object, [answer(200), differs(".age"), answer(503)], { at });
      object = resource(user, { status, finalizers: ["holdfast.dev/release"] });
      pauses.push(verdict.requeueAfterMs ?? 0);
      at = new Date(at.getTime() + (verdict.requeueAfterMs ?? 0) + 100);
    }
    expect(pauses.slice(0, 5).map((pause, index) => pause > 700 * 2 ** index && pause <= 1000 * 2 ** index)).toEqual(
      Array(5).fill(true),
    );
    expect(object.status?.attempt).toMatchObject({ phase: "Done", succeeded: false, tries: 6 });
  });
  test("that its server no longer has is created again, and gets another id", () => {
    const { sent, status } = drive(created(), [answer(404), answer(201), values(8)], later);
    expect(sent).toEqual(["GET users/${ .externalID }", "POST users after intent"]);
    expect(status).toMatchObject({ externalID: "8", completedRuns: 2 });
  });
  test("and whose exists is false is created again", () => {
    expect(
      drive(created({ ...user, exists: ".response.body" }), [answer(200), values(false), answer(201), values("8")], later).status
        .externalID,
    ).toBe("8");
  });
  test("whose PATCH has nothing to say is not sent one, and behind an intent otherwise", () => {
    const patch = { ...user, update: { url: `${url}/7`, body: { mergePatch: { age: 36 } } } };
    expect(drive(created(patch), [answer(200), same]).sent).toHaveLength(1);
    const { steps, sent } = drive(created(patch), [answer(200), differs(".age"), answer(200)]);
    expect(sent[1]).toBe("PATCH users/7 after intent");
    expect(steps[2]).toMatchObject({ exchange: { request: { body: { type: "mergePatch" } }, response: { statusCode: 200 } } });
  });
  test("whose update may or may not have arrived is settled by what is observed, and not updated again by a POST", () => {
    const post = { ...user, update: { ...user.update, method: "POST" } };
    const first = drive(created(post), [answer(200), differs(".age"), failure(true)]);
    expect(first.state).toBe("False/OutcomeUnknown Stalled");
    const at = new Date(now.getTime() + 60_000);
    const object = resource(post, { status: first.status, finalizers: ["holdfast.dev/release"] });
    expect(drive(object, [answer(200), differs(".age")], { at }).state).toBe("False/OutcomeUnknown Stalled");
    expect(drive(object, [answer(200), same], { at }).status.attempt).toMatchObject({ phase: "Done", succeeded: true });
  });
  test("wish 4: is left alone by a process that has just started, until it is due", () => {
    expect(drive(created(), [], { first: true })).toMatchObject({ sent: [], state: "True/Created" });
    expect(drive(created(user, { generation: 2 }), [answer(200), same], { first: true }).sent).toHaveLength(1);
  });
  test("wish 6: that was there already, and has nothing to compare, is updated once, and for a change of what update sends", () => {
    const blind = { ...named, update: { url: `${url}/ada`, body: { text: "36" } } };
    const { status, sent } = drive(resource(blind), [answer(200), opaque, answer(200)]);
    expect(sent).toEqual(["GET users/ada", "PUT users/ada"]);
    expect(drive(resource(blind, { status }), [answer(200), opaque]).status).toEqual(status);
    const changed = { ...blind, update: { ...blind.update, body: { text: "37" } } };
    const updated = drive(resource(changed, { status, generation: 2 }), [answer(200), opaque, answer(200)]);
    expect(updated.sent).toEqual(["GET users/ada", "PUT users/ada"]);
    expect(drive(resource(changed, { status: updated.status, generation: 2 }), [answer(200), opaque]).state).toBe("True/Updated");
    const reported = drive(resource({ ...changed, drift: "Report" }, { status, generation: 2 }), [answer(200), opaque]);
    expect(reported.state).toBe("False/NotDelivered Stalled");
  });
  test("is drift while its correction fails, and not any more when it has succeeded", () => {
    const failed = drive(created(), [answer(200), differs(".age"), answer(503)]);
    expect(condition(failed.status, "Drifted")).toMatchObject({ status: "True", reason: "NotAsDeclared", message: ".age" });
    const due = { ...failed.status, nextRunAt: now.toISOString() };
    const { status } = drive(resource(user, { status: due }), [answer(200), differs(".age"), answer(200)]);
    expect(condition(status, "Drifted")).toMatchObject({ status: "False", reason: "Corrected", message: "corrected: .age" });
  });
  test("gets another id when the annotation changes, and not again when it was created anew", () => {
    const annotations = { "holdfast.dev/external-id": "9" };
    const imported = drive(created(user, { annotations }), [answer(200), same]);
    expect(imported.status).toMatchObject({ externalID: "9", lastHandledExternalID: "9" });
    const anew = drive(resource(user, { status: imported.status, annotations }), [answer(404), answer(201), values("10")]);
    expect(anew.status.externalID).toBe("10");
    expect(drive(resource(user, { status: anew.status, annotations }), [answer(200), same]).status.externalID).toBe("10");
  });
  test("is not touched while it is suspended", () => {
    expect(drive(resource({ ...user, suspend: true }, { status: created().status }))).toMatchObject({
      sent: [],
      state: "False/Suspended",
    });
  });
  test("that nobody can observe is updated once for a change of what is declared", () => {
    const { observe: _, ...blind } = user;
    const object = created(blind);
    expect(drive(object).sent).toEqual([]);
    const older = { ...blind, parameters: { name: "ada", age: 37 } };
    const { status } = drive(resource(older, { status: object.status, generation: 2 }), [answer(200)]);
    expect(drive(resource(older, { status, generation: 2 })).sent).toEqual([]);
  });
  test.each([
    ["nobody can observe", { observe: undefined }],
    ["has nothing that could be compared", { update: { ...user.update, body: { text: "36" } } }],
  ])("that %s is updated once for a change of only what update sends, after a create too", (_what, more) => {
    const blind = { ...user, ...more };
    const seen = blind.observe ? [answer(200), opaque] : [];
    const looks = blind.observe ? 1 : 0;
    const object = created(blind);
    expect(drive(object, seen).sent).toHaveLength(looks);
    const changed = { ...blind, update: { ...blind.update, body: { text: "37" } } };
    const { status, sent } = drive(resource(changed, { status: object.status, generation: 2 }), [...seen, answer(200)]);
    expect(sent.at(-1)).toBe("PUT users/${ .externalID }");
    expect(drive(resource(changed, { status, generation: 2 }), seen).sent).toHaveLength(looks);
    // An earlier Holdfast did not keep what update would have sent.
    const { delivered: _, ...older } = object.status as HTTPResourceStatus;
    expect(drive(resource(changed, { status: older, generation: 2 }), seen).sent).toHaveLength(looks);
  });
});

describe("wish 6: an id that a person gives", () => {
  const annotations = { "holdfast.dev/external-id": "9" };
  test.each<[string, object, (Outcome | EvaluationResult)[]]>([
    ["a 404", user, [answer(404)]],
    ["a 410", user, [answer(410)]],
    ["exists", { ...user, exists: ".response.body.there" }, [answer(200), values(false)]],
    ["a 404 where there is a lookup", withLookup, [answer(404)]],
  ])(
    "of which the server says by %s that there is no such object makes none, and is looked for again",
    (_what, written, answers) => {
      const first = drive(resource(written, { annotations }), answers);
      expect(first.state).toBe("False/ImportNotFound Stalled");
      expect(condition(first.status, "Ready")?.message).toContain("holdfast.dev/external-id");
      expect(first.status).not.toHaveProperty("externalID");
      expect(first.verdict.requeueAfterMs).toBeGreaterThan(0);
      const again = drive(resource(written, { annotations, status: first.status }), answers, { first: true });
      expect([sameJSON(again.status, first.status), again.sent]).toEqual([true, first.sent]);
    },
  );
  test("is taken over when it turns up, or is corrected; and without it the object is created", () => {
    const { status } = drive(resource(user, { annotations }), [answer(404)]);
    const other = { "holdfast.dev/external-id": "10" };
    expect(drive(resource(user, { annotations, status }), [answer(200), same]).status.externalID).toBe("9");
    expect(drive(resource(user, { annotations: other, status }), [answer(200), same]).status.externalID).toBe("10");
    expect(drive(resource(user, { status }), [answer(201), values("7")]).state).toBe("True/Created");
  });
  test("that is wrong costs neither the id that is known, nor what is known of a create", () => {
    const wrong = drive(created(user, { annotations }), [answer(404)]);
    expect(wrong).toMatchObject({ state: "False/ImportNotFound Stalled", status: { externalID: "7" } });
    expect(drive(resource(user, { status: wrong.status }), [answer(200), same]).status.externalID).toBe("7");
    const unknown = drive(resource(user), [failure(true)]).status;
    const { status } = drive(resource(user, { annotations, status: unknown }), [answer(404)]);
    expect(drive(resource(user, { status }))).toMatchObject({ sent: [], state: "False/OutcomeUnknown Stalled" });
  });
  test("makes an object that can be created again once it was found", () => {
    const { status } = drive(resource(user, { annotations }), [answer(200), same]);
    expect(drive(resource(user, { annotations, status }), [answer(404), answer(201), values("10")]).state).toBe("True/Created");
  });
});

describe("the digest of what a request sends", () => {
  const { observe: _, ...sends } = user;
  function digestOf(verb: "Create" | "Update" | "Delete", written: object): string {
    const { spec } = resource({ ...sends, ...written });
    return verbDigest({ spec }, verb);
  }
  test.each([
    ["Create", "7f4f24ef07e074ea3b0fb98e45d5a77cf40d1da7bc6d9aeac363ba7288bfd0f9"],
    ["Update", "f1fbac328baf7663ca62a8125d8f15acdf4eef37816042410681e7763fd57382"],
    ["Delete", "e02c52ba9b83cd016b007c702a5e54ee13e1820804ba18cce49d0e663b4901f5"],
  ] as const)("of %s is what it always was, since objects that are there have it in their status", (verb, expected) => {
    expect(digestOf(verb, {})).toBe(expected);
  });
  test("changes with what is sent, and with nothing else", () => {
    const { create } = user;
    const same = [{ expect: { status: ["201"] } }, { poll: {} }, { method: "POST" }];
    const other = [{ url: `${url}/a` }, { method: "PUT" }, { body: { text: "a" } }, { query: [{ name: "a", value: "b" }] }];
    const digest = digestOf("Create", {});
    for (const more of same) expect(digestOf("Create", { create: { ...create, ...more } })).toBe(digest);
    for (const more of other) expect(digestOf("Create", { create: { ...create, ...more } })).not.toBe(digest);
    for (const more of [{ interval: "1h" }, { retry: { limit: 1 } }, { update: undefined }, { lookup: withLookup.lookup }])
      expect(digestOf("Create", more)).toBe(digest);
    for (const more of [{ parameters: { age: 37 } }, { inputs: { a: { value: 1 } } }])
      expect(digestOf("Create", more)).not.toBe(digest);
  });
});

describe("an object that is being deleted", () => {
  const gone = { finalizer: { name: "holdfast.dev/release", present: false } };
  const deleted = { deleted: true, finalizers: ["holdfast.dev/release"] };
  test.each([200, 204])("wish 7: is gone after the answer %i, sent once", (statusCode) => {
    const { sent, verdict } = drive(created(user, deleted), [answer(statusCode)]);
    expect(sent).toEqual(["DELETE users/${ .externalID }"]);
    expect(verdict).toMatchObject({ ...gone, detail: expect.stringContaining(`answered ${statusCode}`) as unknown });
  });
  test.each([404, 410])("wish 7: is gone after the answer %i, where observe says so too", (statusCode) => {
    const { sent, verdict } = drive(created(user, deleted), [answer(statusCode), answer(404)]);
    expect(sent).toEqual(["DELETE users/${ .externalID }", "GET users/${ .externalID }"]);
    expect(verdict).toMatchObject(gone);
  });
  test.each([404, 410])("is not gone after the answer %i, where observe still shows it", (statusCode) => {
    const { status, state, verdict } = drive(created(user, deleted), [answer(statusCode), answer(200), same]);
    expect([state, verdict.finalizer]).toEqual(["False/NotDeleted Stalled", undefined]);
    expect(condition(status, "Ready")?.message).toMatch(/mend the URL, path or id in spec.delete.*holdfast\.dev\/orphan/);
  });
  test("is asked for again where observe cannot say whether it is gone", () => {
    const { state, verdict } = drive(created(user, deleted), [answer(404), answer(503)]);
    expect([state, verdict.finalizer]).toEqual(["False/UnexpectedStatus Reconciling", undefined]);
  });
  test("is gone after the answer 404 where nobody can look", () => {
    const { observe: _, ...blind } = user;
    expect(drive(created(blind, deleted), [answer(404)]).verdict).toMatchObject(gone);
  });
  test.each<[string, Outcome]>([
    ["a refused connection", failure(false)],
    ["a reset", failure(true)],
    ["a 401", answer(401)],
    ["a 503", answer(503)],
  ])("mistake 2: keeps its finalizer after %s, says the way out, and is tried again", (_what, outcome) => {
    let object = created(user, deleted);
    let at = now;
    for (let tries = 0; tries < 8; tries += 1) {
      const { verdict, status } = drive(object, [outcome], { at });
      expect(verdict).not.toHaveProperty("finalizer");
      expect(verdict.requeueAfterMs).toBeGreaterThan(0);
      expect(condition(status, "Ready")?.message).toContain('holdfast.dev/orphan: "true"');
      object = created(user, { ...deleted, status });
      at = new Date(at.getTime() + (verdict.requeueAfterMs ?? 0) + 100);
    }
  });
  test.each<[string, object, Record<string, string>]>([
    ["deletionPolicy: Orphan", { deletionPolicy: "Orphan" }, {}],
    ["the annotation", {}, { "holdfast.dev/orphan": "true" }],
    ["no delete any more", { delete: undefined }, {}],
  ])("wish 7: goes without a request because of %s", (_what, more, annotations) => {
    expect(drive(created({ ...user, ...more }, { ...deleted, annotations })).verdict).toMatchObject(gone);
  });
  test("wish 7: goes at once when nothing was ever created", () => {
    expect(drive(resource(user, deleted)).verdict).toMatchObject(gone);
    const refused = drive(resource(user), [answer(422)]).status;
    expect(drive(resource(user, { ...deleted, status: refused })).verdict).toMatchObject(gone);
    const unsent = drive(resource(user), [failure(false)]).status;
    expect(drive(resource(user, { ...deleted, status: { ...unsent, nextRunAt: now.toISOString() } })).verdict).toMatchObject(
      gone,
    );
  });
  test("stays while nobody knows whether it was created, and says the ways out", () => {
    const { status } = drive(resource(user), [failure(true)]);
    const { verdict, status: after, state } = drive(resource(user, { ...deleted, status }));
    expect(verdict).not.toHaveProperty("finalizer");
    expect(state).toBe("False/OutcomeUnknown Stalled");
    expect(condition(after, "Ready")?.message).toMatch(/external-id.*holdfast\.dev\/orphan/);
  });
  test("is looked for while nobody knows whether it was created", () => {
    const { status } = drive(resource(withLookup), [answer(200), values([]), failure(true)]);
    const due = { ...deleted, status: { ...status, nextRunAt: now.toISOString() } };
    expect(drive(resource(withLookup, due), [answer(200), values(["7"]), answer(200), same, answer(204)]).verdict).toMatchObject(
      gone,
    );
    const first = drive(resource(withLookup, due), [answer(200), values([])]).status;
    const later = resource(withLookup, { ...due, status: first });
    expect(drive(later, [answer(200), values([])], after(60_000)).verdict).toMatchObject(gone);
    expect(drive(resource(withLookup, due), [answer(503)]).verdict).not.toHaveProperty("finalizer");
  });
  test("is none of Holdfast's business without its finalizer", () => {
    expect(drive(created(user, { deleted: true, finalizers: [] })).sent).toEqual([]);
  });
});
