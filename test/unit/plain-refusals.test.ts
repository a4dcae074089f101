/** A status that is refused makes the process unready, until any status has been written, or nobody waits for one. */
import { expect, jest, test } from "@jest/globals";
import type { Kind } from "../../src/core/plan.ts";
import { createController } from "../../src/engine/controller.ts";
import { createUnrecordedOutcomes, type UnrecordedOutcomes } from "../../src/engine/unrecorded.ts";
import { idle, memoryStore, thing, type, until } from "../support/memory-store.ts";

test("a plain write that was refused counts until an outcome has been recorded, too", async () => {
  const { signal } = new AbortController();
  const unrecorded = createUnrecordedOutcomes({ emit: () => {}, announce: () => {} });
  unrecorded.notePlainWrite({ id: "Thing/n/b", error: new Error("403") });
  using now = jest.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
  expect(unrecorded.problem()).toBeDefined();
  now.mockRestore();
  const resource = thing("a");
  await unrecorded.record(
    {
      type,
      resource,
      status: {},
      write: () => Promise.resolve({ type: "written", resource }),
      isGone: () => Promise.resolve(false),
      mayRecord: () => "yes",
    },
    signal,
  );
  using _later = jest.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
  expect(unrecorded.problem()).toBeUndefined();
});

test.each([
  ["is gone", (unrecorded: UnrecordedOutcomes, id: string) => unrecorded.noteChange(id, undefined)],
  ["has nothing more to write", (unrecorded: UnrecordedOutcomes, id: string) => unrecorded.noteSettled(id)],
])("a plain write that was refused counts until its object %s", (_, end) => {
  const unrecorded = createUnrecordedOutcomes({ emit: () => {}, announce: () => {} });
  for (const id of ["Thing/n/a", "Thing/n/b", "Thing/n/a"]) unrecorded.notePlainWrite({ id, error: new Error("403") });
  using _later = jest.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
  end(unrecorded, "Thing/n/a");
  end(unrecorded, "Thing/n/c");
  expect(unrecorded.problem()).toBeDefined();
  end(unrecorded, "Thing/n/b");
  expect(unrecorded.problem()).toBeUndefined();
});

test("a process is ready again once an object has nothing more to write of what was refused", async () => {
  const { store } = memoryStore([thing("a")]);
  let plans = 0;
  let says = { said: true } as object;
  const kind: Kind = {
    type,
    references: () => [],
    *plan() {
      plans += 1;
      yield* [];
      return { status: says, result: "waiting", reason: "Test", requeueAfterMs: 10 };
    },
  };
  const controller = createController({
    kinds: [kind],
    store: { ...store, writeStatus: () => Promise.reject(new Error("403")) },
    requester: idle,
    emit: () => {},
    concurrency: 1,
    reconcileTimeoutMs: 60_000,
    instanceId: "me",
  });
  const [stop, drain] = [new AbortController(), new AbortController()];
  const running = controller.run(stop.signal, drain.signal);
  const problem = (): string | undefined => {
    using _later = jest.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
    return controller.unrecorded.problem();
  };
  try {
    await until(() => problem() !== undefined);
    says = {};
    const before = plans;
    await until(() => plans > before + 1);
    expect(problem()).toBeUndefined();
  } finally {
    stop.abort();
    await running;
  }
});
