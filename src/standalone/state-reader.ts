/** Reads a state file, whether or not `run` has it open. Invariant: nothing is written, and all that is read is of one moment. */
import { DatabaseSync } from "node:sqlite";
import { parseJSON } from "../core/tools/json.ts";
import { contentOf, type Content } from "./outputs.ts";
import { checkTables, explainError } from "./state-database.ts";

/** An object as far as a state file knows it: a spec can hold secrets, and is not in there. */
export interface RememberedObject {
  /** The plural and the group: `httprequests.holdfast.dev`. */
  readonly resource: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly generation: number;
    readonly resourceVersion: string;
  };
  readonly status?: object;
}
export interface RememberedOutput extends Content {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly ownerUid: string;
}
interface RememberedState {
  readonly objects: readonly RememberedObject[];
  readonly outputs: readonly RememberedOutput[];
}

/** By namespace and name. Throws StateFileError, which says what to do. */
export function readState(file: string): RememberedState {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 1_000 });
    database.exec("BEGIN");
    if (!checkTables(database, file)) return { objects: [], outputs: [] };
    const objects = database.prepare(
      `SELECT resource, namespace, name, uid, generation, resource_version AS resourceVersion, status FROM objects
       WHERE generation > 0 ORDER BY resource, namespace, name`,
    );
    const outputs = database.prepare(
      "SELECT kind, namespace, name, uid, owner_uid AS ownerUid, content FROM outputs ORDER BY namespace, kind, name",
    );
    return {
      objects: (objects.all() as unknown as readonly ObjectRow[]).map(objectOf),
      outputs: (outputs.all() as unknown as readonly OutputRow[]).map(({ content, ...row }) => ({
        ...row,
        ...contentOf({ content }),
      })),
    };
  } catch (error) {
    throw explainError(error, file);
  } finally {
    database?.close();
  }
}

interface ObjectRow {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly resourceVersion: number;
  readonly status: string | null;
}
type OutputRow = Omit<RememberedOutput, keyof Content> & { readonly content: string };

function objectOf({ resource, namespace, name, uid, generation, resourceVersion, status }: ObjectRow): RememberedObject {
  const metadata = { name, namespace, uid, generation, resourceVersion: String(resourceVersion) };
  return { resource, metadata, ...(status !== null && { status: parseJSON(status) as object }) };
}
