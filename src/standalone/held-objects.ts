/**
 * Objects that have something to do before they end, as they were declared last, with the Secrets and ConfigMaps that their end
 * needs: what is taken out of the manifests is ended by what was declared before, through a restart.
 *
 * Invariant: a row is there as long as its object has a finalizer, and what is known of the rows here is what is on the disk, also
 * where one could not be written. It holds values of Secrets, as the rows of outputs do.
 */
import { digest } from "../core/tools/digest.ts";
import { isRecord, parseJSON } from "../core/tools/json.ts";
import { keyText, type DataResource, type Reference, type Resource, type ResourceKey } from "../core/resource.ts";
import type { StateDatabase } from "./state-database.ts";

/** What of an object no other row of the state knows. */
interface Declaration {
  readonly spec: unknown;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers: readonly string[];
  readonly deletionTimestamp?: string;
}
interface Content extends Declaration {
  readonly uid: string;
  /** What was told to be followed, and held its manifest: an absolute path. Absent: a pipe, which is read once. */
  readonly source?: string;
  /** By `Kind namespace/name`, by key: base64. */
  readonly data: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
export interface HeldObject {
  readonly resource: string;
  readonly key: ResourceKey;
  readonly uid: string;
  readonly source?: string;
  readonly declaration: Declaration;
}

interface Row {
  readonly content: Content;
  readonly written: string;
}

export interface HeldObjects {
  /** All that were held when the state was opened. */
  readonly atStart: readonly HeldObject[];
  /** As the database's: what was noted in one that throws was not. */
  transaction<T>(run: () => T): T;
  /** Records an object as it is now; without a finalizer nothing of it is kept. To be called in a transaction. */
  note(resource: string, object: Resource): void;
  /** The manifests say where each object is declared. */
  noteSource(resource: string, key: ResourceKey, source: string | undefined): void;
  /** Content that the end of some object that is being deleted needs, and that is not declared any more. */
  read(kind: string, key: ResourceKey): DataResource | undefined;
}
interface HeldObjectsOptions {
  readonly database: Pick<StateDatabase, "heldRows" | "saveHeld" | "forgetHeld" | "transaction">;
  readonly neededAtEnd: (resource: string, object: Resource) => readonly Reference[];
  /** What is declared, or was made by a request, now. */
  readonly find: (kind: string, key: ResourceKey) => DataResource | undefined;
}

export function createHeldObjects({ database, neededAtEnd, find }: HeldObjectsOptions): HeldObjects {
  const held = new Map<string, Row>();
  const ending = createEnding();
  /** What was known before the transaction that is under way. */
  const before = new Map<string, Row | undefined>();
  const sources = new Map<string, string>();
  const atStart: HeldObject[] = [];
  for (const { resource, namespace, name, content: text } of database.heldRows()) {
    const content = contentOf(text);
    if (!content) continue;
    const { uid, source, data: _, ...declaration } = content;
    const key = { namespace, name };
    know(idOf(resource, key), { content, written: digest(text) });
    if (source !== undefined) sources.set(idOf(resource, key), source);
    atStart.push({ resource, key, uid, declaration, ...(source !== undefined && { source }) });
  }

  /** As it is now; what is not there any more as it was. */
  function dataFor(id: string, resource: string, object: Resource): Content["data"] {
    const known = held.get(id)?.content.data ?? {};
    const entries = neededAtEnd(resource, object).flatMap(({ type, key }): [string, Readonly<Record<string, string>>][] => {
      const name = dataId(type.kind, key);
      const found = find(type.kind, key);
      if (found) return [[name, encode(found)]];
      return Object.hasOwn(known, name) ? [[name, known[name] ?? {}]] : [];
    });
    return Object.fromEntries(entries);
  }

  function know(id: string, row: Row | undefined): void {
    const known = held.get(id);
    if (!before.has(id)) before.set(id, known);
    ending.replace(id, known, row);
    if (row) held.set(id, row);
    else held.delete(id);
  }

  return {
    atStart,
    transaction(run) {
      before.clear();
      try {
        return database.transaction(run);
      } catch (error) {
        for (const [id, row] of before) know(id, row);
        throw error;
      }
    },
    note(resource, object) {
      const { metadata, spec } = object;
      const id = idOf(resource, metadata);
      const { uid, labels, annotations, finalizers = [], deletionTimestamp } = metadata;
      if (finalizers.length === 0) {
        if (held.has(id)) database.forgetHeld(resource, metadata);
        return know(id, undefined);
      }
      const source = sources.get(id);
      const content: Content = {
        uid,
        ...(source !== undefined && { source }),
        spec,
        ...(labels && { labels }),
        ...(annotations && { annotations }),
        finalizers,
        ...(deletionTimestamp !== undefined && { deletionTimestamp }),
        data: dataFor(id, resource, object),
      };
      const text = JSON.stringify(content);
      const written = digest(text);
      if (held.get(id)?.written === written) return;
      database.saveHeld(resource, metadata, text);
      know(id, { content, written });
    },
    noteSource(resource, key, source) {
      if (source === undefined) sources.delete(idOf(resource, key));
      else sources.set(idOf(resource, key), source);
    },
    read(kind, key) {
      const name = dataId(kind, key);
      const data = held.get(ending.one(name))?.content.data[name];
      return data && decode(key, data);
    },
  };
}

function idOf(resource: string, key: ResourceKey): string {
  return `${resource} ${keyText(key)}`;
}
function dataId(kind: string, key: ResourceKey): string {
  return `${kind} ${keyText(key)}`;
}
/** Those that are being deleted, by what their end needs. */
function createEnding() {
  const byData = new Map<string, Set<string>>();
  return {
    replace(id: string, before: Row | undefined, after: Row | undefined): void {
      for (const name of dataAtEnd(before)) {
        byData.get(name)?.delete(id);
        if (byData.get(name)?.size === 0) byData.delete(name);
      }
      for (const name of dataAtEnd(after)) byData.set(name, (byData.get(name) ?? new Set()).add(id));
    },
    /** The id of one of them; empty: there is none. */
    one: (name: string): string => byData.get(name)?.values().next().value ?? "",
  };
}
function dataAtEnd(row: Row | undefined): readonly string[] {
  return row?.content.deletionTimestamp === undefined ? [] : Object.keys(row.content.data);
}
function contentOf(text: string): Content | undefined {
  const content = parseJSON(text);
  return isRecord(content) ? (content as unknown as Content) : undefined;
}
function encode({ data }: DataResource): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(data).map(([key, bytes]) => [key, Buffer.from(bytes).toString("base64")]));
}
function decode(key: ResourceKey, data: Readonly<Record<string, string>>): DataResource {
  const bytes = Object.entries(data).map(([name, text]) => [name, Buffer.from(text, "base64")] as const);
  return { metadata: { ...key, uid: "", generation: 1, resourceVersion: "0" }, data: Object.fromEntries(bytes) };
}
