/**
 * What standalone remembers between runs: one row for each object, and for each output that one made, in SQLite.
 *
 * A row that was saved is on the disk when the transaction around it has ended. Of a spec, which can hold secrets, only the digest
 * is stored; but for objects that have something to end, which are stored with what their end needs for as long as that. An output's
 * values are stored, since nothing else has them. One process at a time writes the file, and others may read it meanwhile.
 */
import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { ResourceKey } from "../core/resource.ts";
import { lockState } from "./state-lock.ts";

export interface StoredState {
  readonly uid: string;
  readonly generation: number;
  readonly specDigest: string;
  readonly resourceVersion: number;
  /** JSON. */
  readonly status: string | null;
}
/** A Secret or ConfigMap that a request made. */
export interface StoredOutput {
  readonly uid: string;
  readonly ownerUid: string;
  readonly resourceVersion: number;
  /** JSON. */
  readonly content: string;
}
/** An object with a finalizer. */
export interface StoredHeld {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  /** JSON. */
  readonly content: string;
}
export interface StateDatabase extends Disposable {
  /** The highest resourceVersion of all rows; 0 without any. */
  readonly latestVersion: number;
  load(resource: string, key: ResourceKey): StoredState | undefined;
  save(resource: string, key: ResourceKey, state: StoredState): void;
  /** Random, made with the file: what only it knows. */
  readonly digestKey: Uint8Array;
  loadOutput(kind: string, key: ResourceKey): StoredOutput | undefined;
  /** Names of the outputs of one kind and namespace. */
  outputNames(kind: string, namespace: string): readonly string[];
  saveOutput(kind: string, key: ResourceKey, output: StoredOutput): void;
  heldRows(): readonly StoredHeld[];
  saveHeld(resource: string, key: ResourceKey, content: string): void;
  forgetHeld(resource: string, key: ResourceKey): void;
  /** All that `run` saves, or nothing if it throws; StateFileError where the file does not take it, which it may later. */
  transaction<T>(run: () => T): T;
}

export class StateFileError extends Error {
  override readonly name = "StateFileError";
}

/** Version of the tables, in `user_version`. */
const tablesVersion = 1;
/** Says that a file is Holdfast's, in `application_id`: "hold". */
const applicationId = 0x686f6c64;

/** `file`: in memory without it. Throws StateFileError, which says what to do. */
export function openStateDatabase(file?: string): StateDatabase {
  const { database, lock } = open(file);
  const load = database.prepare(
    `SELECT uid, generation, spec_digest AS specDigest, resource_version AS resourceVersion, status
     FROM objects WHERE resource = ? AND namespace = ? AND name = ?`,
  );
  const save = database.prepare("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  const loadOutput = database.prepare(
    `SELECT uid, owner_uid AS ownerUid, resource_version AS resourceVersion, content
     FROM outputs WHERE kind = ? AND namespace = ? AND name = ?`,
  );
  const outputNames = database.prepare("SELECT name FROM outputs WHERE kind = ? AND namespace = ?");
  const saveOutput = database.prepare("INSERT OR REPLACE INTO outputs VALUES (?, ?, ?, ?, ?, ?, ?)");
  const heldRows = database.prepare("SELECT resource, namespace, name, content FROM held");
  const saveHeld = database.prepare("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?)");
  const forgetHeld = database.prepare("DELETE FROM held WHERE resource = ? AND namespace = ? AND name = ?");
  const versions = "SELECT resource_version FROM objects UNION ALL SELECT resource_version FROM outputs";
  const { latest } = database.prepare(`SELECT coalesce(max(resource_version), 0) AS latest FROM (${versions})`).get() as {
    latest: number;
  };
  database.prepare("INSERT OR IGNORE INTO keys VALUES ('digest', ?)").run(randomBytes(32));
  const { value: digestKey } = database.prepare("SELECT value FROM keys WHERE name = 'digest'").get() as { value: Uint8Array };
  return {
    latestVersion: latest,
    digestKey,
    load: (resource, { namespace, name }) => load.get(resource, namespace, name) as StoredState | undefined,
    save(resource, { namespace, name }, { uid, generation, specDigest, resourceVersion, status }) {
      save.run(resource, namespace, name, uid, generation, specDigest, resourceVersion, status);
    },
    loadOutput: (kind, { namespace, name }) => loadOutput.get(kind, namespace, name) as StoredOutput | undefined,
    outputNames: (kind, namespace) => outputNames.all(kind, namespace).map(({ name }) => String(name)),
    saveOutput(kind, { namespace, name }, { uid, ownerUid, resourceVersion, content }) {
      saveOutput.run(kind, namespace, name, uid, ownerUid, resourceVersion, content);
    },
    heldRows: () => heldRows.all() as unknown as readonly StoredHeld[],
    saveHeld: (resource, { namespace, name }, content) => void saveHeld.run(resource, namespace, name, content),
    forgetHeld: (resource, { namespace, name }) => void forgetHeld.run(resource, namespace, name),
    transaction(run) {
      try {
        return transaction(database, run);
      } catch (error) {
        const isOfFile = Error.isError(error) && "code" in error && error.code === "ERR_SQLITE_ERROR";
        throw isOfFile ? explainError(error, file ?? inMemory) : error;
      }
    },
    [Symbol.dispose]() {
      database.close();
      lock?.[Symbol.dispose]();
    },
  };
}

function open(file: string | undefined): { readonly database: DatabaseSync; readonly lock?: Disposable } {
  let database: DatabaseSync | undefined;
  let lock: Disposable | undefined;
  try {
    // Statuses can hold what servers answered, and outputs hold secrets: the file is its owner's alone.
    if (file !== undefined) closeSync(openSync(file, "a", 0o600));
    if (file !== undefined) lock = lockState(file);
    database = new DatabaseSync(file ?? ":memory:", { timeout: readerMs });
    prepare(database, file);
    return { database, ...(lock && { lock }) };
  } catch (error) {
    database?.close();
    lock?.[Symbol.dispose]();
    throw explainError(error, file ?? inMemory);
  }
}

const inMemory = "the state in memory";
/** A reader that comes after a crash puts the file in order first, which takes a moment. */
const readerMs = 1_000;

/** An error of SQLite or the file system as one that says what to do. */
export function explainError(error: unknown, file: string): StateFileError {
  if (error instanceof StateFileError) return error;
  return new StateFileError(`${file}: ${reason(error)}`, { cause: error });
}

/** Whether there are tables. Throws StateFileError where they are not ours, or not of this version. */
export function checkTables(database: DatabaseSync, file: string): boolean {
  const number = (pragma: string): unknown => Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0];
  const { tables } = database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get() as { tables: number };
  if (tables > 0 && number("application_id") !== applicationId)
    throw new StateFileError(`${file}: a database of another program; choose another file`);
  if (tables > 0 && number("user_version") !== tablesVersion)
    throw new StateFileError(`${file}: written by another version of Holdfast; choose another file, or run that version`);
  return tables > 0;
}

function prepare(database: DatabaseSync, file = ""): void {
  // FULL: a commit is on the disk.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  transaction(database, () => {
    checkTables(database, file);
    database.exec(`
      PRAGMA application_id = ${applicationId};
      PRAGMA user_version = ${tablesVersion};
      CREATE TABLE IF NOT EXISTS objects (
        resource TEXT NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        uid TEXT NOT NULL,
        generation INTEGER NOT NULL,
        spec_digest TEXT NOT NULL,
        resource_version INTEGER NOT NULL,
        status TEXT,
        PRIMARY KEY (resource, namespace, name)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS outputs (
        kind TEXT NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        uid TEXT NOT NULL,
        owner_uid TEXT NOT NULL,
        resource_version INTEGER NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (kind, namespace, name)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS held (
        resource TEXT NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (resource, namespace, name)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS keys (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID`);
  });
}

function transaction<T>(database: DatabaseSync, run: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = run();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** SQLite's result codes: https://www.sqlite.org/rescode.html */
function reason(error: unknown): string {
  if (!Error.isError(error)) return "cannot be opened";
  const code = "errcode" in error ? Number(error.errcode) & 0xff : "code" in error ? String(error.code) : "";
  return reasons.get(code) ?? "cannot be opened";
}
const reasons: ReadonlyMap<string | number, string> = new Map<string | number, string>([
  [5, "in use by another process: end that one, or choose another file"],
  [8, "cannot be written"],
  [11, "damaged; choose another file"],
  [13, "the disk is full"],
  [14, "there is no such state file, or it cannot be opened"],
  [26, "not a database; choose another file"],
  ["ENOENT", "its folder does not exist"],
  ["EISDIR", "a folder, not a file"],
  ["EACCES", "no permission to write it"],
]);
