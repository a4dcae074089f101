/**
 * Outcomes of attempts that were declared and could not be recorded yet, in an SQLite file: a process that begins with the same folder
 * records them, though the one that sent has died.
 *
 * Invariant: what `keep` was given is on the disk when it returns. Only what is written under a test of UID, attempt and sender comes
 * here, so that it can land over nothing else, whoever wrote meanwhile.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { JournalEntry, OutcomeJournal } from "../core/ports.ts";

/** Whatever nobody has asked for in this time is of objects that are gone. */
const keptDays = 30;

/** `folder` has to be there: it is a volume. Throws, naming it, where the file in it cannot be used. To be disposed. */
export function openOutcomeJournal(folder: string): OutcomeJournal & Disposable {
  const database = open(folder);
  database.exec(`PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS outcomes (id TEXT PRIMARY KEY, uid TEXT NOT NULL, attempt_id TEXT NOT NULL, sender TEXT NOT NULL,
      status TEXT NOT NULL, saved_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) STRICT;
    DELETE FROM outcomes WHERE saved_at < datetime('now', '-${keptDays} days');`);
  const save = database.prepare("INSERT OR REPLACE INTO outcomes (id, uid, attempt_id, sender, status) VALUES (?, ?, ?, ?, ?)");
  const remove = database.prepare("DELETE FROM outcomes WHERE id = ?");
  const rows = database.prepare("SELECT id, uid, attempt_id AS attemptId, sender, status FROM outcomes").all();
  const entries = new Map(rows.map((row) => [String(row["id"]), toEntry(row)]));
  return {
    find: (id) => entries.get(id),
    keep(id, entry) {
      entries.set(id, entry);
      save.run(id, entry.uid, entry.attemptId, entry.sender, JSON.stringify(entry.status));
    },
    forget(id) {
      if (entries.delete(id)) remove.run(id);
    },
    [Symbol.dispose]: () => database.close(),
  };
}

function open(folder: string): DatabaseSync {
  try {
    return new DatabaseSync(join(folder, "outcomes.sqlite"), { timeout: 5_000 });
  } catch (cause) {
    throw new Error(`--journal: no file can be kept in ${folder}: is it there, and may this process write in it?`, { cause });
  }
}

function toEntry({ uid, attemptId, sender, status }: Record<string, unknown>): JournalEntry {
  return {
    uid: String(uid),
    attemptId: String(attemptId),
    sender: String(sender),
    status: JSON.parse(String(status)) as object,
  };
}
