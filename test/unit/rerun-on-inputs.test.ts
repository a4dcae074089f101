/** An HTTPRequest whose inputs count as what is sent, with scripted digests of their values. */
import { expect, test } from "@jest/globals";
import type { HTTPRequestSpec, HTTPRequestStatus } from "../../src/api/http-request.ts";
import type { Refusal } from "../../src/core/outcome.ts";
import { digest } from "../../src/core/tools/digest.ts";
import { sameJSON } from "../../src/core/tools/json.ts";
import type { EvaluationResult } from "../../src/core/plan.ts";
import { inputsDigest } from "../../src/http/evaluate/inputs-digest.ts";
import type { Inputs } from "../../src/http/resolve/inputs.ts";
import type { HTTPRequest } from "../../src/kinds/types.ts";
import { answer, condition, driveIn, httpRequest, type Answer } from "../support/request-plan.ts";

const inputs = { token: { secretKeyRef: { name: "s", key: "token" } } };
const rerunOn = { inputs: ["token"] } as const;
/** Which inputs a digest is of. */
const ofToken = digest(["token"]).slice(0, 8);

function request(spec: Partial<HTTPRequestSpec>, status?: HTTPRequestStatus): HTTPRequest {
  return httpRequest({ inputs, ...spec }, status && { status });
}
const ok = answer(200);
const busy = answer(429);
const values = (digest: string): EvaluationResult => ({ type: "values", values: [digest] });
const missing: Refusal = { type: "refusal", reason: "SecretNotFound", message: "spec.inputs.token: no", heals: true };

function drive(resource: HTTPRequest, ...answers: readonly Answer[]) {
  const { steps, status } = driveIn({ resource }, answers);
  return { sent: steps.filter(({ type }) => type === "exchange").length, steps, status };
}

test("other values are another run, with an attempt id of its own; the same values are none", () => {
  const first = drive(request({ rerunOn }), values("v1"), ok);
  expect([first.sent, first.status.attempt?.inputs]).toEqual([1, `${ofToken}:v1`]);
  const same = drive(request({ rerunOn }, first.status), values("v1"));
  expect([same.sent, sameJSON(same.status, first.status)]).toEqual([0, true]);
  const other = drive(request({ rerunOn }, first.status), values("v2"), ok);
  expect([other.sent, other.status.attempt?.inputs, other.status.completedRuns]).toEqual([1, `${ofToken}:v2`, 2]);
  expect(other.status.attempt?.id).not.toBe(first.status.attempt?.id);
});
test("without it, values are not even looked at", () => {
  const first = drive(request({}), ok);
  const again = drive(request({}, first.status));
  expect([again.steps, first.status.attempt && "inputs" in first.status.attempt]).toEqual([[], false]);
});
test("adding it sends nothing, and takes the values as they are for what was sent; removing it forgets them", () => {
  const before = drive(request({}), ok);
  const added = drive(request({ rerunOn }, before.status), values("v1"));
  expect([added.sent, added.status.attempt]).toEqual([0, { ...before.status.attempt, inputs: `${ofToken}:v1` }]);
  expect(drive(request({ rerunOn }, added.status), values("v2"), ok).sent).toBe(1);
  const removed = drive(request({}, added.status));
  expect([removed.sent, removed.status.attempt]).toEqual([0, before.status.attempt]);
  expect(drive(request({ rerunOn }, removed.status), values("v2")).sent).toBe(0);
});
test("while an input cannot be read, what was delivered stands", () => {
  const first = drive(request({ rerunOn }), values("v1"), ok);
  const gone = drive(request({ rerunOn }, first.status), missing);
  expect([gone.sent, sameJSON(gone.status, first.status)]).toEqual([0, true]);
  const never = drive(request({ rerunOn }), missing, missing);
  expect(never.status.conditions?.[0]).toMatchObject({ type: "Ready", status: "False", reason: "SecretNotFound" });
});
test("values that change between two tries give up the attempt for another", () => {
  const first = drive(request({ rerunOn }), values("v1"), busy);
  expect(first.status.attempt?.phase).toBe("Retrying");
  const waiting = drive(request({ rerunOn }, first.status), values("v1"));
  expect(waiting.sent).toBe(0);
  const other = drive(request({ rerunOn }, first.status), values("v2"), ok);
  expect([other.sent, other.status.attempt?.tries, other.status.completedRuns]).toEqual([1, 1, 2]);
});
test("a digest tells values and names apart, not their order, and nothing across objects", () => {
  const of = (uid: string, ...entries: readonly (readonly [string, unknown])[]): string =>
    inputsDigest(new Map(entries.map(([name, value]) => [name, { value, secret: true }])) satisfies Inputs, uid);
  const digest = of("u", ["a", "1"], ["b", 2]);
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(of("u", ["b", 2], ["a", "1"])).toBe(digest);
  expect(new Set([digest, of("v", ["a", "1"], ["b", 2]), of("u", ["a", 1], ["b", 2]), of("u", ["a", "1"], ["c", 2])]).size).toBe(
    4,
  );
});

test("only the inputs that it names are looked at, and another list sends nothing", () => {
  const two = { ...inputs, other: { secretKeyRef: { name: "s", key: "other" } } };
  const first = drive(request({ inputs: two, rerunOn }), values("v1"), ok);
  const [asked] = first.steps;
  const names = asked?.type === "evaluate" && "inputsOf" in asked.evaluation ? Object.keys(asked.evaluation.inputsOf.inputs) : [];
  expect(names).toEqual(["token"]);
  const all = drive(request({ inputs: two, rerunOn: { inputs: ["*"] } }, first.status), values("v2"));
  expect([all.sent, all.status.attempt?.inputs]).toEqual([0, `${digest(["*"]).slice(0, 8)}:v2`]);
  expect(drive(request({ inputs: two, rerunOn: { inputs: ["*"] } }, all.status), values("v3"), ok).sent).toBe(1);
});
test("F22: where no watch tells of an input it says so, for as long as that is so, and writes it once", () => {
  const isUnwatched = true;
  const first = driveIn({ resource: request({ rerunOn }), isUnwatched }, [values("v1"), ok]).status;
  expect(condition(first, "InputsUnwatched")).toMatchObject({ status: "True", reason: "TooManyNamespaces" });
  const again = driveIn({ resource: request({ rerunOn }, first), isUnwatched }, [values("v1")]).status;
  expect(sameJSON(again, first)).toBe(true);
  const watched = driveIn({ resource: request({ rerunOn }, first) }, [values("v1")]).status;
  expect(condition(watched, "InputsUnwatched")).toBeUndefined();
  expect(condition(driveIn({ resource: request({}), isUnwatched }, [ok]).status, "InputsUnwatched")).toBeUndefined();
});
test("it says so once where what it says else stays as it was", () => {
  const first = driveIn({ resource: request({ rerunOn }), isUnwatched: true }, [values("v1"), ok]).status;
  const { metadata, ...rest } = request({ rerunOn }, first);
  const deletionTimestamp = "2026-01-01T00:00:00Z";
  const going = { ...rest, metadata: { ...metadata, deletionTimestamp, finalizers: ["example.com/hold"] } };
  const { conditions = [] } = driveIn({ resource: going, isUnwatched: true }, []).status;
  expect(conditions.filter(({ type }) => type === "InputsUnwatched")).toHaveLength(1);
});
