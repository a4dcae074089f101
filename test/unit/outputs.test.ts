/** Outputs where they are decided: when they are written in a plan, what becomes of their data, and who may write them. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, jest, test } from "@jest/globals";
import type { HTTPRequestSpec } from "../../src/api/http-request.ts";
import type { Outcome, Refusal } from "../../src/core/outcome.ts";
import { redact } from "../../src/core/redacted.ts";
import { createShown } from "../../src/core/shown.ts";
import { findLost, mergedData, type OutputData, type OutputStore } from "../../src/core/output.ts";
import type { OutputsResult } from "../../src/core/plan.ts";
import { secretType } from "../../src/core/resource.ts";
import { unlessAborted } from "../../src/core/tools/deadline.ts";
import { createKeptAnswers, createTelling, writeUntilTaken } from "../../src/engine/kept-answers.ts";
import { createOutputsWriter, sizeOfAnswers } from "../../src/engine/outputs.ts";
import { outputValues } from "../../src/http/evaluate/outputs.ts";
import { readOnce } from "../../src/engine/read-once.ts";
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

test("only what is kept where it is missing, and is missing, counts as unwritten", () => {
  const data = { a: ".a", b: ".b" };
  const of = (whenMissing: "Keep" | "Empty" | "Delete") => ({ configMap: { name: "s" }, data, whenMissing });
  const declared = declaredOutputs([of("Empty"), of("Keep"), of("Delete")], "spec.outputs");
  expect(outputValues(declared, ["null", "1", "null", "1", "null", "1"])).toMatchObject({
    unwritten: ["spec.outputs[1].data.a"],
  });
  expect(outputValues(declared, ["null", "1", "1", "1", "null", "1"])).not.toHaveProperty("unwritten");
});

describe("a request with outputs", () => {
  test("looks whether they can be written, is sent, and has them written before it is said to have succeeded", () => {
    const { steps, verdict } = drive([ready, answer(200), ready]);
    expect(steps).toEqual(["checkOutputs", "exchange", "writeOutputs"]);
    expect(verdict).toMatchObject({ result: "succeeded" });
  });
  test("says of which nothing was written, since the answer does not have it", () => {
    const readyOf = (unwritten: readonly string[]) =>
      drive([ready, answer(200), { type: "ready", unwritten }]).status.conditions?.[0];
    expect(readyOf(["spec.outputs[0].data.token"])).toMatchObject({
      type: "Ready",
      status: "True",
      message: "answered 200; spec.outputs[0].data.token yields null: nothing was written under that key",
    });
    expect(readyOf(["a", "b", "c", "d"])?.message).toBe(
      "answered 200; a, b, c and 1 more yield null: nothing was written under those keys",
    );
    const items = {
      forEach: { items: [1] },
      method: "PUT",
      outputs: [{ configMap: { name: "c" }, data: { a: ".responses" }, whenMissing: "Keep" }],
    } as const;
    const each = drive([ready, { type: "outcomes", outcomes: [answer(200)] }, { type: "ready", unwritten: ["a"] }], items);
    expect(each.status.conditions?.[0]?.message).toContain("; a yields null: nothing was written under that key");
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
  test("waits for one that is refused for as long as no other run waits for its end, and no other is asked for", () => {
    const patience = (more: Partial<HTTPRequestSpec>, before: readonly Answer[] = []): unknown =>
      driveIn({ resource: httpRequest({ outputs, ...more }) }, [...before, ready, answer(200), ready]).steps.find(
        (step) => step.type === "writeOutputs",
      );
    const endsBy = "holdfast.dev/reconcile-at";
    expect(patience({})).toMatchObject({ patienceMs: Infinity, endsBy });
    expect(patience({ schedule: { every: "1h", missed: "RunOnce" } })).toMatchObject({ patienceMs: 3_600_000, endsBy });
    const digest = { type: "values", values: ["d"] } as const;
    const rerunOn = { inputs: ["a"] };
    expect(patience({ rerunOn, inputs: { a: { value: "1" } } }, [digest])).toMatchObject({ patienceMs: 120_000, endsBy });
    const soon = { schedule: { every: "1m", missed: "RunOnce" }, rerunOn, inputs: { a: { value: "1" } } } as const;
    expect(patience(soon, [digest])).toMatchObject({ patienceMs: 60_000, endsBy });
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

const values = [redact<OutputData>({ a: "1" }), redact<OutputData>({ a: "2" })];
const two = declaredOutputs(
  outputs.flatMap((one) => [one, { ...one, secret: { name: "second", type: "Opaque" } }]),
  "spec.outputs",
);
type WriterDeps = Parameters<typeof createOutputsWriter>[2];
/** What writes two outputs. Evaluated it gives `values`, and each is taken, unless `changes` say otherwise. */
function writer(changes: Partial<WriterDeps>, writeOutput: OutputStore["writeOutput"] = async () => ({ type: "written" })) {
  const nothingRead = (): Promise<never> => Promise.reject(new Error("nothing is read"));
  const deps: WriterDeps = {
    store: { checkOutput: async () => undefined, writeOutput },
    requester: { evaluateOutputs: async () => ({ type: "values", values, sizeBytes: 2 }) },
    read: Object.assign(nothingRead, { heldBytes: () => 0 }),
    mayRecord: () => "yes",
    emit: () => {},
    kept: { add() {}, landed() {} },
    ...changes,
  };
  const evaluation = { outputs: two, scope: { inputs: {}, metadata, now: "" } };
  return createOutputsWriter(evaluation, () => ({ type: httpRequestType, metadata }), deps, new AbortController().signal);
}

describe("what writes an answer's outputs", () => {
  test("writes none where it may not act any more, nor the next of several", async () => {
    const written: string[] = [];
    let mayAct = true;
    const write = writer({ mayRecord: () => (mayAct ? "yes" : "no") }, async (...[, { name }, , , mayWrite]) => {
      if (mayWrite?.() !== true) return { type: "conflict" };
      written.push(name);
      mayAct = false;
      return { type: "written" };
    });
    expect(await write()).toEqual({ type: "conflict" });
    expect(written).toEqual(["kept"]);
  });

  test("tells of which nothing was written", async () => {
    const unwritten = ["spec.outputs[0].data.token"];
    const evaluateOutputs = async () => ({ type: "values", values, sizeBytes: 2, unwritten }) as const;
    expect(await writer({ requester: { evaluateOutputs } })()).toEqual({ type: "ready", unwritten });
  });

  test("takes what goes wrong for what may pass, and evaluates what it has evaluated no more", async () => {
    const answers = [
      () => Promise.reject(new Error("the evaluator quotes t0k3n")),
      async () => ({ type: "values", values, sizeBytes: 2 }) as const,
      async () => ({ ...refusal, reason: "ExpressionTimeout" }) as const,
    ];
    let [evaluated, tries] = [0, 0];
    const noted: unknown[] = [];
    const requester = { evaluateOutputs: async () => answers[evaluated++]?.() ?? refusal };
    const write = writer({ requester, emit: (event) => void noted.push(event) }, async () => {
      tries += 1;
      if (tries === 1) throw Object.assign(new Error("of a plugin"), { code: "NO_CREDENTIALS" });
      return { type: "written" };
    });
    const passing = { type: "refusal", reason: "OutputRefused", mayPass: true };
    const first = await write();
    expect(first).toMatchObject(passing);
    expect(JSON.stringify(first)).not.toContain("t0k3n");
    expect(await write()).toMatchObject({ ...passing, message: "spec.outputs: could not be written: NO_CREDENTIALS" });
    expect(await write()).toEqual(ready);
    expect([evaluated, noted.length]).toEqual([2, 2]);
  });

  test("tells others of each that is written, and not of one that was there", async () => {
    let landed = 0;
    const kept = { add() {}, landed: () => void (landed += 1) };
    await writer({ kept }, async (_owner, { name }) => ({ type: name === "kept" ? "unchanged" : "written" }))();
    expect(landed).toBe(1);
  });

  test("counts all that stays in memory with the answer: what was read for it, and what is to be written", async () => {
    const answers = createKeptAnswers(8 * 1024 * 1024);
    const secret = { metadata, data: { a: new Uint8Array(1024 * 1024) } };
    const read = readOnce(
      {
        store: { read: async () => ({ type: "absent" }) },
        acting: { read: async () => ({ type: "found", resource: secret }) },
        onRead: () => {},
        kept: { take: (_reference, result) => result },
        holdMuch: () => Promise.resolve(),
      },
      "n",
      new AbortController().signal,
    );
    const reading = (sizeBytes: number): WriterDeps["requester"] => ({
      async evaluateOutputs(_evaluation, readIt) {
        await readIt("Secret", "a");
        return { type: "values", values, sizeBytes };
      },
    });
    for (const [sizeBytes, hasRoom] of [
      [1, true],
      [1024 * 1024, false],
    ] as const) {
      using kept = answers.keep("n", 1024);
      await writer({ read, kept, requester: reading(sizeBytes) })();
      expect([kept.hasRoom, answers.keep("n", 0).hasRoom]).toEqual([true, hasRoom]);
    }
    expect(answers.keep("n", 0).hasRoom).toBe(true);
  });
});

describe("what is refused after the answer", () => {
  const mayPass = { ...refusal, mayPass: true } as const;
  const conflict = { type: "conflict" } as const;
  const turn = (woken: Promise<void> = new Promise(() => {})) => ({ woken, [Symbol.dispose]() {} });
  /** `results`: of one write after the other; the last again and again. */
  function write(results: readonly object[], changes: Partial<Parameters<typeof writeUntilTaken>[1]> = {}, signal?: AbortSignal) {
    let [writes, letGo] = [0, 0];
    const wanting = {
      kept: { hasRoom: true, pauseMs: () => 1, turn: () => turn() },
      patienceMs: Infinity,
      isWanted: () => true,
      mayRecord: () => "yes" as const,
      letGo: () => void (letGo += 1),
      tell: async () => true,
      wait: <T>(awaited: Promise<T>) => awaited,
      ...changes,
    };
    const next = async (): Promise<OutputsResult> => results[Math.min(writes++, results.length - 1)] as OutputsResult;
    const ended = writeUntilTaken(next, wanting, signal ?? new AbortController().signal);
    return { ended, writes: () => writes, letGo: () => letGo };
  }
  test("is written anew until it is taken, and holds up nobody meanwhile", async () => {
    const { ended, writes, letGo } = write([mayPass, mayPass, ready]);
    expect(await ended).toBe(ready);
    expect([writes(), letGo()]).toEqual([3, 2]);
  });
  test("is written anew once its turn comes, whatever is left of the pause", async () => {
    const kept = { hasRoom: true, pauseMs: () => 3_600_000, turn: () => turn(Promise.resolve()) };
    expect(await write([mayPass, ready], { kept }).ended).toBe(ready);
  });
  test.each([
    ["for what it holds", write([refusal])],
    ["and nobody has patience", write([mayPass], { patienceMs: 0 })],
    ["and it is declared otherwise by now, or the process is to end", write([mayPass], { isWanted: () => false })],
  ])("%s, is not written again", async (_, { ended, writes }) => {
    expect(await ended).toMatchObject(refusal);
    expect(writes()).toBe(1);
  });
  test("after a long wait, is not given up at once, though there is no patience left; nor is it kept for ever", async () => {
    async function ends(results: readonly object[]): Promise<object> {
      const wait = <T>(awaited: Promise<T>): Promise<T> => sleep(1_500).then(() => awaited);
      const { ended, writes } = write(results, { wait, patienceMs: 0 });
      return { ...(await ended), writes: writes() };
    }
    expect(await ends([mayPass, ready])).toEqual({ ...ready, writes: 2 });
    expect(await ends([mayPass])).toMatchObject(refusal);
  }, 180_000);
  test("at last for what it holds, is given up", async () => {
    const { ended, writes } = write([mayPass, refusal]);
    expect([await ended, writes()]).toEqual([refusal, 2]);
  });
  test("is what is known where another leads by then, or leads before it was ever refused", async () => {
    expect(await write([mayPass, conflict], { mayRecord: () => "no" }).ended).toBe(mayPass);
    expect(await write([conflict], { mayRecord: () => "no" }).ended).toMatchObject({ reason: "OutputRefused" });
  });
  test("waits where this process may lead again, whatever patience there is", async () => {
    const { ended, writes } = write([conflict, ready], { mayRecord: () => "wait", patienceMs: 0 });
    expect([await ended, writes()]).toEqual([ready, 2]);
  });
  test("stays refused, and is no error, when the process is to end, in whatever it waits", async () => {
    for (const stuck of [mayPass, undefined]) {
      const controller = new AbortController();
      const { signal } = controller;
      const wait = <T>(awaited: Promise<T>): Promise<T> => (stuck ? awaited : unlessAborted(signal, new Promise(() => {})));
      const { ended } = write([mayPass], { wait, kept: { hasRoom: true, pauseMs: () => 60_000, turn: () => turn() } }, signal);
      setTimeout(() => controller.abort(new Error("told to end")), 10);
      expect(await ended).toMatchObject(stuck ?? { reason: "OutputRefused" });
    }
  });
});

describe("kept answers", () => {
  test("are tried again at so many a second, however many there are", () => {
    const answers = createKeptAnswers();
    const all = Array.from({ length: 5_000 }, (_, index) => answers.keep(`n${index}`, 1));
    for (const one of all) one.pauseMs(0);
    expect(all.map((one) => one.pauseMs(0))).toEqual(all.map(() => 100_000));
    for (const one of all.splice(1)) one[Symbol.dispose]();
    expect([all[0]?.pauseMs(0), all[0]?.pauseMs(9)]).toEqual([1_000, 30_000]);
  });

  test("are worth a try, one after the other, as outputs of their namespace are written: who has waited longest, if for some seconds", async () => {
    jest.useFakeTimers({ doNotFake: ["nextTick", "queueMicrotask"] });
    try {
      const answers = createKeptAnswers();
      const woken: string[] = [];
      const wait = (name: string): void =>
        void answers
          .keep(name.slice(0, 1), 1)
          .turn()
          .woken.then(() => woken.push(name));
      async function land(times: number): Promise<readonly string[]> {
        for (let time = 0; time < times; time += 1) answers.keep("n", 1).landed();
        await jest.advanceTimersByTimeAsync(100);
        return woken;
      }
      for (const name of ["n1", "m1", "n2"]) wait(name);
      expect(await land(1)).toEqual([]);
      jest.advanceTimersByTime(6_000);
      wait("n3");
      expect(await land(1)).toEqual(["n1"]);
      expect(await land(3)).toEqual(["n1", "n2"]);
    } finally {
      jest.useRealTimers();
    }
  });

  test("are told of when that lasts, once, and again by ever longer pauses where each try says something else", async () => {
    jest.useFakeTimers({ doNotFake: ["nextTick", "queueMicrotask"] });
    try {
      const told: string[] = [];
      const tell = createTelling(async ({ message }) => Boolean(told.push(message)));
      async function forMinutes(minutes: number, messageAt: (second: number) => string): Promise<number> {
        const before = told.length;
        for (let second = 0; second < minutes * 60; second += 1) {
          await tell({ ...refusal, message: messageAt(second) });
          jest.advanceTimersByTime(1_000);
        }
        return told.length - before;
      }
      expect(await forMinutes(10, () => "the same")).toBe(1);
      expect(await forMinutes(60, (second) => `request ${second}`)).toBeLessThan(20);
      expect(await forMinutes(5, () => "another in the end")).toBe(1);
    } finally {
      jest.useRealTimers();
    }
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

test("an answer that is held as values beside its text counts nine times, and a longer one once", () => {
  const sizeOf = (sizeBytes: number): number => {
    const outcome = answer(200);
    if (outcome.type !== "response") throw new Error(outcome.type);
    const scope = { inputs: {}, metadata, now: "" };
    return (
      sizeOfAnswers({ outputs: [], scope, response: { ...outcome.response, sizeBytes } }) - sizeOfAnswers({ outputs: [], scope })
    );
  };
  expect([sizeOf(0), sizeOf(1_000), sizeOf(64 * 1024), sizeOf(1 << 20)]).toEqual([0, 9_000, 9 * 64 * 1024, 1 << 20]);
});
