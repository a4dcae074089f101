/**
 * One process at a time has a state file; others may read it meanwhile.
 *
 * The lock is one on a file beside it, which the operating system frees when the process dies: on the state file itself it would
 * keep readers out, too.
 */
import { closeSync, openSync, realpathSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** `file` is there. Throws what SQLite throws, `SQLITE_BUSY` where another process has the lock. */
export function lockState(file: string): Disposable {
  const lock = `${realpathSync(file)}-lock`;
  closeSync(openSync(lock, "a", 0o600));
  const database = new DatabaseSync(lock, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE"); // and never ended
  } catch (error) {
    database.close();
    throw error;
  }
  return { [Symbol.dispose]: () => database.close() };
}
