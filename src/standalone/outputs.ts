/**
 * Secrets and ConfigMaps that requests made, beside those of the manifests: remembered with the state, since a request
 * that is done is not sent again to make them anew.
 *
 * Invariant: one is seen only while its owner is declared, as if it were deleted with it; a manifest's goes first.
 */
import { randomUUID } from "node:crypto";
import { digest } from "../core/tools/digest.ts";
import {
  findLost,
  mergedData,
  notOurs,
  refuseValue,
  outputKey,
  type OutputObject,
  type OutputStore,
  type Owner,
} from "../core/output.ts";
import type { Refusal } from "../core/outcome.ts";
import type { DataResource, ResourceKey, ResourceType } from "../core/resource.ts";
import type { StateDatabase, StoredOutput } from "./state-database.ts";

interface Outputs extends OutputStore {
  read(kind: string, key: ResourceKey): DataResource | undefined;
  listed(kind: string, namespace: string): readonly DataResource[];
}
interface OutputsOptions {
  readonly database: StateDatabase;
  /** Whether a manifest declares the object itself. */
  readonly isDeclared: (kind: string, key: ResourceKey) => boolean;
  /** Whether a resource with this uid is declared. */
  readonly isPresent: (uid: string) => boolean;
  /** The next resourceVersion. */
  readonly nextVersion: () => number;
  readonly onWritten: (type: ResourceType, made: DataResource) => void;
}

export interface Content {
  readonly type?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Base64. */
  readonly data: Readonly<Record<string, string>>;
}

export function createOutputs({ database, isDeclared, isPresent, nextVersion, onWritten }: OutputsOptions): Outputs {
  /** Undefined for none, and for one whose owner is declared no more. */
  function loadStored(kind: string, key: ResourceKey): StoredOutput | undefined {
    const found = database.loadOutput(kind, key);
    return found && isPresent(found.ownerUid) ? found : undefined;
  }
  function problemOf(owner: Owner, object: OutputObject): Refusal | undefined {
    const { kind } = object.type;
    const key = outputKey(owner, object);
    const present = loadStored(kind, key);
    if (isDeclared(kind, key) || (present && present.ownerUid !== owner.metadata.uid)) return notOurs(object);
    if (present && object.secretType !== contentOf(present).type) return refuseValue(object, "it was made as another type");
    return undefined;
  }
  function read(kind: string, key: ResourceKey): DataResource | undefined {
    const found = isDeclared(kind, key) ? undefined : loadStored(kind, key);
    return (
      found && {
        metadata: { ...key, uid: found.uid, generation: 1, resourceVersion: String(found.resourceVersion) },
        data: dataOf(found),
      }
    );
  }
  return {
    read,
    listed: (kind, namespace) => database.outputNames(kind, namespace).flatMap((name) => read(kind, { namespace, name }) ?? []),
    checkOutput: async (owner, object) => problemOf(owner, object),
    async writeOutput(owner, object, values, signal, mayWrite) {
      signal.throwIfAborted();
      if (mayWrite?.() === false) return { type: "conflict" };
      const problem = problemOf(owner, object);
      if (problem) return problem;
      const { kind } = object.type;
      const key = outputKey(owner, object);
      const present = loadStored(kind, key);
      const live = present && dataOf(present);
      const lost = findLost(object, values.open(), live);
      if (lost) return lost;
      const data = mergedData(values.open(), live);
      const content: Content = {
        ...(object.secretType !== undefined && { type: object.secretType }),
        labels: object.labels,
        annotations: object.annotations,
        data: Object.fromEntries(Object.entries(data).map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")])),
      };
      if (present && digest(contentOf(present)) === digest(content)) return { type: "unchanged" };
      const ownerUid = owner.metadata.uid;
      const uid = present?.uid ?? randomUUID();
      const state = { uid, ownerUid, resourceVersion: nextVersion(), content: JSON.stringify(content) };
      database.transaction(() => database.saveOutput(kind, key, state));
      const made = read(kind, key);
      if (made) onWritten(object.type, made);
      return { type: "written" };
    },
  };
}

export function contentOf({ content }: Pick<StoredOutput, "content">): Content {
  return JSON.parse(content) as Content;
}
function dataOf(output: StoredOutput): DataResource["data"] {
  return Object.fromEntries(
    Object.entries(contentOf(output).data).map(([name, text]) => [name, new Uint8Array(Buffer.from(text, "base64"))]),
  );
}
