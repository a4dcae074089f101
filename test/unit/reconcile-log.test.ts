/** A log that can be followed: each line about an object says of which reconcile it is, and each reconcile why it was. */
import { expect, test } from "@jest/globals";
import type { Plan, Situation } from "../../src/core/plan.ts";
import type { Requester } from "../../src/core/ports.ts";
import { createController } from "../../src/engine/controller.ts";
import { createDueReasons } from "../../src/engine/due-reasons.ts";
import { createEmit } from "../../src/telemetry/emit.ts";
import type { Log } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createReconcileContexts, withContext } from "../../src/telemetry/reconcile-context.ts";
import { idle, letsGo, memoryStore, nothingHeld, thing, type, until } from "../support/memory-store.ts";

interface Line {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A controller that logs as the program does; each request of it is told as `exchanged`. */
function logging(names: readonly string[], end: object = {}) {
  const lines: Line[] = [];
  const log: Log = { wants: () => true, write: (_level, message, fields) => void lines.push({ message, fields }) };
  const contexts = createReconcileContexts();
  const emit = createEmit(log, createMetrics({ kinds: ["Thing"], concurrency: 2 }), contexts.current);
  const requester: Requester = {
    ...idle,
    begin: (id) => ({
      prepare: async () => ({
        type: "prepared",
        async send() {
          await new Promise((resolve) => setTimeout(resolve, 2)); // others are under way meanwhile
          const name = id.split("/")[2] ?? "";
          emit({ type: "exchanged", method: "GET", namespace: "n", name, durationMs: 1, statusCode: 200 });
          return { type: "failure", reason: "ConnectionRefused", message: "", sent: false };
        },
        ...letsGo,
      }),
      ...nothingHeld,
    }),
  };
  function* plan({ resource: { metadata } }: Situation): Plan {
    const attemptId = `${metadata.name}${metadata.generation}`;
    yield { type: "exchange", exchange: {} as never, beforeSend: { type: "nothing", attemptId } };
    return {
      status: { at: metadata.generation },
      requeueAfterMs: metadata.generation === 2 ? 10 : 60_000,
      result: "waiting",
      reason: "Due",
      ...end,
    };
  }
  const { store, change } = memoryStore(names.map((name) => thing(name)));
  const stop = new AbortController();
  const controller = createController({
    kinds: [{ type, references: () => [], plan }],
    store,
    requester,
    emit,
    runInContext: contexts.run,
    concurrency: 4,
    reconcileTimeoutMs: 60_000,
    instanceId: "me",
  });
  const ended = controller.run(stop.signal, stop.signal);
  return {
    lines,
    change,
    of: (name: string): readonly Line[] => lines.filter(({ fields }) => fields["name"] === name),
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("enough"));
      await ended;
    },
  };
}

test("all lines of one reconcile have its id, kind, namespace, name and attempt; those of another have others", async () => {
  const names = ["a", "b", "c", "d"];
  await using running = logging(names);
  await until(() => names.every((name) => running.of(name).length === 2));
  const ids = new Set<unknown>();
  for (const name of names) {
    const [exchanged, reconciled] = running.of(name);
    expect([exchanged?.message, reconciled?.message]).toEqual(["exchanged", "reconciled"]);
    for (const line of [exchanged, reconciled])
      expect(line?.fields).toMatchObject({ kind: "Thing", namespace: "n", name, attemptId: `${name}1` });
    expect(exchanged?.fields["reconcileId"]).toBe(reconciled?.fields["reconcileId"]);
    expect(reconciled?.fields["why"]).toBe("created");
    ids.add(reconciled?.fields["reconcileId"]);
  }
  expect(ids.size).toBe(names.length);
});

test("an end is told by what ended it, and not by the status of before", async () => {
  const before = { status: { conditions: [{ type: "Ready", message: "as it was made" }] }, result: "succeeded" };
  const finalizer = { name: "f", present: false };
  for (const [end, detail] of [
    [before, "as it was made"],
    [{ ...before, finalizer }, undefined],
    [{ ...before, finalizer, detail: "as it went" }, "as it went"],
  ] as const) {
    await using running = logging(["a"], end);
    const told = (): Line | undefined => running.of("a").find(({ message }) => message === "reconciled");
    await until(() => told() !== undefined);
    expect(told()?.fields["detail"]).toBe(detail);
  }
});

test("each reconcile says why its key was due", async () => {
  await using running = logging(["a"]);
  const whys = (): readonly unknown[] =>
    running.of("a").flatMap(({ message, fields }) => (message === "reconciled" ? [fields["why"]] : []));
  await until(() => whys().length === 1);
  running.change(thing("a", 2, 1_000));
  await until(() => whys().length >= 3);
  expect(whys().slice(0, 3)).toEqual(["created", "specChanged", "interval Due"]);
});

test("a reason that is still to come is not told, and five are told at most", () => {
  let nowMs = 0;
  const reasons = createDueReasons(() => nowMs);
  reasons.note("a", "interval", { delayMs: 1_000 });
  reasons.note("a", "specChanged");
  reasons.note("a", "specChanged");
  expect(reasons.take("a")).toEqual(["specChanged"]);
  expect(reasons.take("a")).toEqual([]);
  reasons.note("a", "retry", { delayMs: 1_000 });
  nowMs = 1_000;
  expect(reasons.take("a")).toEqual(["retry"]);
  for (let nth = 0; nth < 100; nth += 1) reasons.note("a", "dataChanged", { about: `Secret/n/${nth}` });
  expect(reasons.take("a")).toHaveLength(5);
});

test("what began in one reconcile and tells of another object is not taken for its own", () => {
  const context = { reconcileId: "1", kind: "Thing", namespace: "n", name: "a", why: "created" };
  for (const fields of [
    {},
    { namespace: "n", name: "b" },
    { namespace: "m", name: "a" },
    { kind: "Other", namespace: "n", name: "a" },
  ])
    expect(withContext(fields, context)).toBe(fields);
  expect(withContext({ namespace: "n", name: "a" }, context)).toMatchObject({ reconcileId: "1", kind: "Thing" });
});
