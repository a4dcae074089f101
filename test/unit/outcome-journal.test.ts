/** Outcomes that outlive the process, in a folder. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import type { WriteResult } from "../../src/core/ports.ts";
import { recordJournaled } from "../../src/engine/journaled.ts";
import { createUnrecordedOutcomes } from "../../src/engine/unrecorded.ts";
import { openOutcomeJournal } from "../../src/kubernetes/outcome-journal.ts";
import { thing, type, until } from "../support/memory-store.ts";

const folder = mkdtempSync(join(tmpdir(), "holdfast-journal-"));
afterAll(() => rmSync(folder, { recursive: true }));
function newFolder(name: string): string {
  const own = join(folder, name);
  mkdirSync(own);
  return own;
}
const entry = { uid: "a", attemptId: "i", sender: "me", status: { attempt: { id: "i", phase: "Done" }, text: "it's" } };
const inFlight = { ...thing("a"), status: { attempt: { id: "i", phase: "InFlight", sender: "me" } } };
const { signal } = new AbortController();

test("what was kept is there for whoever opens the folder next, until it is forgotten", () => {
  const own = newFolder("kept");
  {
    using journal = openOutcomeJournal(own);
    journal.keep("Thing/n/a", entry);
    journal.keep("Thing/n/b", entry);
    journal.forget("Thing/n/b");
  }
  using next = openOutcomeJournal(own);
  expect([next.find("Thing/n/a"), next.find("Thing/n/b")]).toEqual([entry, undefined]);
});

test("only the outcome of an attempt that was declared is kept, once it cannot be written at once, and no longer than that", async () => {
  using journal = openOutcomeJournal(newFolder("own"));
  const unrecorded = createUnrecordedOutcomes({ emit: () => {}, announce: () => {}, journal });
  let lands = false;
  const resource = thing("a");
  const outcome = {
    type,
    status: entry.status,
    write: (): Promise<WriteResult> =>
      lands ? Promise.resolve({ type: "written", resource }) : Promise.reject(new Error("403")),
    isGone: () => Promise.resolve(false),
    mayRecord: () => "yes" as const,
  };
  const declared = unrecorded.record({ ...outcome, resource, attempt: { id: "i", sender: "me" } }, signal);
  const repeatable = unrecorded.record({ ...outcome, resource: thing("b") }, signal);
  await until(() => journal.find("Thing/n/a") !== undefined);
  expect([journal.find("Thing/n/a"), journal.find("Thing/n/b")]).toEqual([entry, undefined]);
  lands = true;
  await Promise.all([declared, repeatable]);
  expect(journal.find("Thing/n/a")).toBeUndefined();
});

test.each(["before it is written", "while it is written"])(
  "one that ends with the process %s is kept, however soon",
  async (when) => {
    using journal = openOutcomeJournal(newFolder(when));
    const unrecorded = createUnrecordedOutcomes({ emit: () => {}, announce: () => {}, journal });
    const drain = new AbortController();
    const end = (): void => drain.abort(new Error("the process ends"));
    if (when === "before it is written") end();
    const outcome = {
      type,
      status: entry.status,
      write: (_status: object, limit: AbortSignal): Promise<WriteResult> =>
        new Promise((_, reject) => {
          const giveUp = (): void => reject(limit.reason as Error);
          limit.addEventListener("abort", giveUp, { once: true });
          if (limit.aborted) giveUp();
        }),
      isGone: () => Promise.resolve(false),
      mayRecord: () => "yes" as const,
    };
    const declared = unrecorded.record({ ...outcome, resource: thing("a"), attempt: { id: "i", sender: "me" } }, drain.signal);
    const repeatable = unrecorded.record({ ...outcome, resource: thing("b") }, drain.signal);
    end();
    const ends = await Promise.allSettled([declared, repeatable]);
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect([journal.find("Thing/n/a"), journal.find("Thing/n/b")]).toEqual([entry, undefined]);
  },
);

test("it is written for the same object, attempt and sender, and dropped for any other", async () => {
  using journal = openOutcomeJournal(newFolder("others"));
  const preconditions: unknown[] = [];
  const store = {
    writeStatus: async (...[, resource, status, precondition]: readonly unknown[]): Promise<WriteResult> => {
      preconditions.push(precondition);
      return { type: "written", resource: { ...(resource as typeof inFlight), status: status as object } };
    },
  };
  const deps = { store: store as never, journal, emit: () => {}, onWritten: () => {} };
  const at = { id: "Thing/n/a", kind: { type } as never };
  const others = [
    { ...inFlight, metadata: { ...inFlight.metadata, uid: "another" } },
    { ...inFlight, status: { attempt: { id: "later", phase: "InFlight", sender: "me" } } },
    { ...inFlight, status: { attempt: { id: "i", phase: "InFlight", sender: "somebody" } } },
  ];
  for (const resource of others) {
    journal.keep(at.id, entry);
    expect(await recordJournaled(deps, { ...at, resource }, signal)).toBe(resource);
    expect(journal.find(at.id)).toBeUndefined();
  }
  expect(preconditions).toEqual([]);
  journal.keep(at.id, entry);
  expect(await recordJournaled(deps, { ...at, resource: inFlight }, signal)).toMatchObject({ status: entry.status });
  expect(preconditions).toEqual([{ type: "attempt", id: "i", sender: "me" }]);
  expect(journal.find(at.id)).toBeUndefined();
});

test("a folder that is not there is named", () => {
  expect(() => openOutcomeJournal(join(folder, "nowhere"))).toThrow(
    `--journal: no file can be kept in ${join(folder, "nowhere")}`,
  );
});
