/** Outputs where they are decided: when they are written in a plan, what becomes of their data, and who may write them. */
import { describe, expect, test } from "@jest/globals";
import type { HTTPRequestSpec } from "../../src/api/http-request.ts";
import type { Outcome, Refusal } from "../../src/core/outcome.ts";
import { redact } from "../../src/core/redacted.ts";
import { createShown } from "../../src/core/shown.ts";
import { findLost, mergedData, type OutputData, type OutputStore } from "../../src/core/output.ts";
import type { OutputsResult } from "../../src/core/plan.ts";
import { secretType } from "../../src/core/resource.ts";
import { writeOutputs, writeUntilTaken } from "../../src/engine/outputs.ts";
import { declaredOutputs } from "../../src/kinds/request/outputs.ts";
import { httpRequestType } from "../../src/kinds/types.ts";
import { outputPatch, ownership } from "../../src/kubernetes/output-object.ts";
import { driveIn, httpRequest, type Answer } from "../support/request-plan.ts";

const outputs: NonNullable<HTTPRequestSpec["outputs"]> = [
  { secret: { name: "kept", type: "Opaque" }, data: { token: ".response.body.token" }, whenMissing: "Keep" },
];
const refusal: Refusal = { type: "refusal", reason: "OutputConflict", message: "spec.outputs[0].secret: no", heals: true };
const ready: OutputsResult = { type: "ready" };
const metadata = { name: "a", namespace: "n", uid: "u", generation: 1, resourceVersion: "1" };

function answer(statusCode: number): Outcome {
  const body = '{"token":"t0k3n"}';
  const shown = createShown({ headers: {}, body });
  const response = { statusCode, headers: {}, body: redact(body), shown, sizeBytes: 5, sha256: "ab", durationMs: 1 };
  return { type: "response", response };
}
function drive(answers: readonly Answer[], changes: Partial<HTTPRequestSpec> = {}) {
  const driven = driveIn({ resource: httpRequest({ record: "Body", outputs, ...changes }) }, answers);
  return { ...driven, steps: driven.steps.map(({ type }) => type) };
}

describe("a request with outputs", () => {
  test("looks whether they can be written, is sent, and has them written before it is said to have succeeded", () => {
    const { steps, verdict } = drive([ready, answer(200), ready]);
    expect(steps).toEqual(["checkOutputs", "exchange", "writeOutputs"]);
    expect(verdict).toMatchObject({ result: "succeeded" });
  });
  test("is not sent where they cannot be written, and waits", () => {
    expect(drive([refusal])).toMatchObject({ steps: ["checkOutputs"], verdict: { result: "waiting", reason: "OutputConflict" } });
  });
  test("writes none of an answer that is no success", () => {
    expect(drive([ready, answer(404)])).toMatchObject({ verdict: { result: "failed" } });
  });
  test("has failed, and is not sent again, where they are refused afterwards; what is repeatable is", () => {
    expect(drive([ready, answer(200), refusal]).verdict).toMatchObject({ result: "failed", reason: "OutputConflict" });
    expect(drive([ready, answer(200), refusal], { method: "GET" }).verdict).toMatchObject({ result: "retrying" });
  });
  test("waits for one that is refused for as long as it takes, and with a schedule until the next tick", () => {
    const patience = (more: Partial<HTTPRequestSpec> = {}): unknown =>
      driveIn({ resource: httpRequest({ outputs, ...more }) }, [ready, answer(200), ready]).steps.find(
        (step) => step.type === "writeOutputs",
      );
    expect(patience()).toMatchObject({ patienceMs: Infinity });
    expect(patience({ schedule: { every: "1h", missed: "RunOnce" } })).toMatchObject({ patienceMs: 3_600_000 });
  });
  test("records neither the body nor its digest where a Secret is made of it", () => {
    const { response } = drive([ready, answer(200), ready]).status;
    expect(response).toEqual({ statusCode: 200, sizeBytes: 5, durationMs: 1, bodyOmitted: expect.any(String) });
    const configMap = [{ configMap: { name: "kept" }, data: { a: "." }, whenMissing: "Keep" }] as const;
    expect(drive([ready, answer(200), ready], { outputs: configMap }).status.response).toMatchObject({
      body: '{"token":"t0k3n"}',
    });
  });
  test("is the same run whatever they are: only what is sent counts", () => {
    const digestOf = (more: Partial<HTTPRequestSpec>, answers = [ready, answer(200), ready]): unknown =>
      drive(answers, more).status.attempt?.digest;
    expect(digestOf({ outputs: [] }, [answer(200)])).toBe(digestOf({}));
  });
});

test("a process that may not act any more writes no output, nor the next of several", async () => {
  const written: string[] = [];
  let mayAct = true;
  const store = {
    checkOutput: async () => undefined,
    async writeOutput(...[, { name }, , , mayWrite]: Parameters<OutputStore["writeOutput"]>) {
      if (mayWrite?.() !== true) return { type: "conflict" } as const;
      written.push(name);
      mayAct = false;
      return { type: "written" } as const;
    },
  };
  const values = [redact<OutputData>({ a: "1" }), redact<OutputData>({ a: "2" })];
  const requester = { evaluateOutputs: async () => ({ type: "values", values }) as const };
  const [one] = outputs;
  const two = declaredOutputs(one && [one, { ...one, secret: { name: "second", type: "Opaque" } }], "spec.outputs");
  const evaluation = { outputs: two, scope: { inputs: {}, metadata, now: "" } };
  const owner = { type: httpRequestType, metadata };
  const read = () => Promise.reject(new Error("nothing is read"));
  const deps = { store, requester, read, mayRecord: () => (mayAct ? "yes" : "no") } as const;
  expect(await writeOutputs(evaluation, owner, deps, new AbortController().signal)).toEqual({ type: "conflict" });
  expect(written).toEqual(["kept"]);
});

describe("what is refused after the answer", () => {
  const mayPass = { ...refusal, mayPass: true } as const;
  /** `results`: of one write after the other; the last again and again. */
  function write(results: readonly object[], changes: Partial<Parameters<typeof writeUntilTaken>[1]> = {}, signal?: AbortSignal) {
    let [writes, letGo] = [0, 0];
    const wanting = {
      patienceMs: Infinity,
      isWanted: () => true,
      letGo: () => void (letGo += 1),
      tell: async () => {},
      waitForRecord: <T>(awaited: Promise<T>) => awaited,
      ...changes,
    };
    const next = async (): Promise<OutputsResult> => results[Math.min(writes++, results.length - 1)] as OutputsResult;
    const ended = writeUntilTaken(next, wanting, signal ?? new AbortController().signal);
    return { ended, writes: () => writes, letGo: () => letGo };
  }
  test("is written anew until it is taken, and holds up nobody meanwhile", async () => {
    const { ended, writes, letGo } = write([mayPass, mayPass, ready]);
    expect(await ended).toBe(ready);
    expect([writes(), letGo()]).toEqual([3, 1]);
  });
  test.each([
    ["for what it holds", write([refusal])],
    ["and nobody has patience", write([mayPass], { patienceMs: 0 })],
    ["and it is declared otherwise by now", write([mayPass], { isWanted: () => false })],
  ])("%s, is not written again", async (_, { ended, writes }) => {
    expect(await ended).toMatchObject(refusal);
    expect(writes()).toBe(1);
  });
  test("at last for what it holds, is given up", async () => {
    const { ended, writes } = write([mayPass, refusal]);
    expect([await ended, writes()]).toEqual([refusal, 2]);
  });
  test("stays refused, and is no error, when the process is to end", async () => {
    const controller = new AbortController();
    const { ended } = write([mayPass], {}, controller.signal);
    setTimeout(() => controller.abort(new Error("told to end")), 10);
    expect(await ended).toEqual(mayPass);
  });
});

describe("what an object becomes", () => {
  const bytes = (texts: Record<string, string>): Record<string, Uint8Array> =>
    Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text)]));
  const object = { field: "f", type: secretType, name: "s", secretType: "Opaque", labels: { a: "1" }, annotations: {} };

  test("has the keys that are declared and no others, and keeps the value of one that is missing", () => {
    expect(mergedData({ a: "2", b: null, c: null, d: "" }, bytes({ a: "1", b: "1", x: "1" }))).toEqual(
      bytes({ a: "2", b: "1", d: "" }),
    );
    expect(mergedData({ a: null }, undefined)).toEqual({});
    expect(mergedData({ constructor: null }, {})).toEqual({});
  });

  const owner = { type: httpRequestType, metadata };
  test("is lost where an answer before has made it and this one has not all of it, and only then", () => {
    const made = { ...object, wasMade: true } as const;
    const lost = findLost(made, { a: "1", token: null }, undefined);
    expect(lost).toMatchObject({ reason: "OutputMissing", heals: false });
    expect(lost?.message).toContain('f: Secret "s" is not there any more, and what it had as "token" is not in this answer');
    expect(findLost(made, { a: "1", token: "2" }, undefined)).toBeUndefined();
    expect(findLost(made, { a: "1", token: null }, {})).toBeUndefined();
    expect(findLost(object, { a: "1", token: null }, undefined)).toBeUndefined();
  });
  test("is the owner's also where one of its kind and name made it, which was deleted; and nobody else's", () => {
    const [made, written] = ["2026-01-01T10:00:00Z", "2026-01-01T10:00:07Z"];
    const managed = (manager: string, time: string): object => ({ manager, time, operation: "Update" });
    const by = (
      reference: object,
      managedFields: unknown = [managed("kubectl", written), managed("holdfast", made)],
    ): object => ({
      metadata: { ...metadata, creationTimestamp: made, managedFields, ownerReferences: [{ name: "x", uid: "o" }, reference] },
    });
    const mine = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPRequest", name: "a", uid: "u", controller: true };
    const whose = (changes: object): string => ownership(owner, by({ ...mine, ...changes }) as Record<string, unknown>);
    expect(whose({})).toBe("owner");
    expect(whose({ uid: "before" })).toBe("predecessor");
    for (const other of [{ name: "b" }, { kind: "HTTPResource" }, { apiVersion: "apps/v1" }, { controller: false }])
      expect(whose({ uid: "before", ...other })).toBe("somebodyElse");
    expect(whose({ controller: false })).toBe("somebodyElse");
    const namesakes = (managedFields: unknown, annotations = {}): string =>
      ownership(
        { ...owner, metadata: { ...metadata, annotations } },
        by({ ...mine, uid: "before" }, managedFields) as Record<string, unknown>,
      );
    expect(namesakes([managed("holdfast", written)])).toBe("predecessor");
    for (const restored of [
      [managed("velero", made)],
      [managed("holdfast", "2025-12-31T23:59:59Z")],
      [{ manager: "holdfast" }],
      [],
      1,
    ])
      expect([
        namesakes(restored),
        namesakes(restored, { "holdfast.dev/take-over-outputs": "true" }),
        namesakes(restored, { "holdfast.dev/take-over-outputs": "false" }),
      ]).toEqual(["restored", "predecessor", "restored"]);
    const present = by({ ...mine, uid: "before" }) as Record<string, unknown>;
    expect(outputPatch(owner, { ...object, labels: {} }, { data: {}, present })?.metadata).toEqual({
      ownerReferences: [{ name: "x", uid: "o" }, mine],
    });
  });

  test("is patched until it is so, and then not at all; what others set stays", () => {
    const declared = { "holdfast.dev/declared-metadata": '{"labels":["a","old"],"annotations":[]}' };
    const labels = { a: "0", old: "1", theirs: "1" };
    const present = {
      metadata: {
        name: "s",
        uid: "u",
        resourceVersion: "1",
        labels,
        annotations: { ...declared, theirs: "1" },
        ownerReferences: [{ uid: "u", controller: true }],
      },
      data: { gone: "eA==", same: "eA==" },
    };
    const patch = outputPatch(owner, object, { data: bytes({ same: "x", new: "y" }), present });
    expect(patch).toEqual({
      metadata: {
        labels: { a: "1", old: null },
        annotations: { "holdfast.dev/declared-metadata": '{"labels":["a"],"annotations":[]}' },
      },
      data: { gone: null, new: "eQ==" },
    });
    const annotations = { "holdfast.dev/declared-metadata": '{"labels":["a"],"annotations":[]}', theirs: "1" };
    const after = {
      metadata: { ...present.metadata, labels: { a: "1", theirs: "1" }, annotations },
      data: { same: "eA==", new: "eQ==" },
    };
    expect(outputPatch(owner, object, { data: bytes({ same: "x", new: "y" }), present: after })).toBeUndefined();
  });
});
