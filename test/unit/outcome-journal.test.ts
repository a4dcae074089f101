/** Outcomes that outlive the process, in a folder. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import type { JournalEntry, OutcomeJournal, WriteResult } from "../../src/core/ports.ts";
import type { TelemetryEvent } from "../../src/core/telemetry-event.ts";
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

/** A journal whose disk takes nothing any more; its rows stay for the next process. */
function stuckJournal(row?: JournalEntry) {
  let asked = 0;
  const refuse = (): never => {
    asked += 1;
    throw new Error("attempt to write a readonly database");
  };
  const journal: OutcomeJournal = { find: () => row, keep: refuse, forget: refuse };
  return { journal, asked: () => asked };
}
const nothingElse = { isGone: () => Promise.resolve(false), mayRecord: () => "yes" as const };

test("an outcome that has landed counts as recorded where its row cannot be taken out, and the log says that", async () => {
  const { journal, asked } = stuckJournal();
  const told: string[] = [];
  const emit = (event: TelemetryEvent): void => void (event.type === "note" && told.push(`${event.level} ${event.message}`));
  const unrecorded = createUnrecordedOutcomes({ emit, announce: () => {}, journal });
  const write = (): Promise<WriteResult> => Promise.resolve({ type: "written", resource: inFlight });
  const outcome = { type, resource: inFlight, status: entry.status, attempt: { id: "i", sender: "me" }, write, ...nothingElse };
  expect(await unrecorded.record(outcome, signal)).toEqual({ type: "written", resource: inFlight });
  expect([asked(), told]).toEqual([1, ["error the journal cannot be written"]]);
});

test.each([
  ["an earlier try", 1, 2, false],
  ["this try", 2, 2, true],
  ["a try after the one that was looked at", 2, 1, true],
  ["a try, where the status says of none", 1, undefined, true],
  ["an attempt that counts none", undefined, 2, true],
])("a row of %s that stayed (%p, the object's is %p) is written: %p", async (_, triesTold, triesKnown, isWritten) => {
  const attempt = { id: "i", phase: "InFlight", sender: "me" };
  const row = {
    ...entry,
    status: triesTold === undefined ? {} : { attempt: { ...attempt, phase: "Retrying", tries: triesTold } },
  };
  const resource = { ...thing("a"), ...(triesKnown !== undefined && { status: { attempt: { ...attempt, tries: triesKnown } } }) };
  let writes = 0;
  const writeStatus = async (...[, on, status]: readonly unknown[]): Promise<WriteResult> => {
    writes += 1;
    return { type: "written", resource: { ...(on as typeof resource), status: status as object } };
  };
  const deps = { store: { writeStatus } as never, journal: stuckJournal(row).journal, emit: () => {}, onWritten: () => {} };
  const recorded = await recordJournaled(deps, { id: "Thing/n/a", kind: { type } as never, resource }, signal);
  expect([writes, recorded.status]).toEqual(isWritten ? [1, row.status] : [0, resource.status]);
});

test("a folder that is not there is named", () => {
  expect(() => openOutcomeJournal(join(folder, "nowhere"))).toThrow(
    `--journal: no file can be kept in ${join(folder, "nowhere")}`,
  );
});
