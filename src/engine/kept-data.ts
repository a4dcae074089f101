/**
 * The Secrets and ConfigMaps that the end of a resource needs, as they were when they were last read for it: a namespace that is
 * deleted, or a folder of manifests, has its Secrets deleted first.
 *
 * Invariant: what is kept is given only to the object (UID) for which it was read before, while that is being deleted, where
 * there is none any more; never for one that may not read it.
 */
import type { DataResource, ReadResult, Reference, Resource } from "../core/resource.ts";
import type { Kind, Situation } from "../core/plan.ts";
import type { ActingStore } from "../core/ports.ts";
import { queueKey } from "./key.ts";

export interface KeptData {
  /** For one reconcile of the resource with this key in the queue. */
  of(id: string, kind: Pick<Kind, "neededAtEnd">, situation: Pick<Situation, "resource" | "references">): OwnKeptData;
  /** The resource is gone. */
  forget(id: string): void;
}
export interface OwnKeptData {
  /** What is to be taken for what a read of `reference` gave. */
  take(reference: Reference, result: ReadResult): ReadResult;
  /** What its end needs, and was never read for it. */
  missing(): readonly Reference[];
}

/** In all. What finds no room is not kept. */
const defaultLimitBytes = 16 * 1024 * 1024;

export function createKeptData(limitBytes = defaultLimitBytes): KeptData {
  /** By what was read, for all readers alike: the latest. */
  const kept = new Map<string, { data: DataResource; bytes: number; readonly readers: Set<string> }>();
  const byReader = new Map<string, { readonly uid: string; readonly read: Set<string> }>();
  let bytes = 0;

  function drop(reference: string, reader: string): void {
    const one = kept.get(reference);
    one?.readers.delete(reader);
    if (!one || one.readers.size > 0) return;
    bytes -= one.bytes;
    kept.delete(reference);
  }
  function forget(id: string): void {
    for (const reference of byReader.get(id)?.read ?? []) drop(reference, id);
    byReader.delete(id);
  }
  function readerOf(id: string, uid: string): Set<string> {
    const known = byReader.get(id);
    if (known?.uid === uid) return known.read;
    forget(id);
    const read = new Set<string>();
    byReader.set(id, { uid, read });
    return read;
  }
  function keep(id: string, uid: string, reference: string, data: DataResource): void {
    const [known, size] = [kept.get(reference), sizeOf(data)];
    const grows = size - (known?.bytes ?? 0);
    if (bytes + grows > limitBytes) return;
    bytes += grows;
    const one = known ?? { data, bytes: size, readers: new Set<string>() };
    Object.assign(one, { data, bytes: size });
    kept.set(reference, one);
    one.readers.add(id);
    readerOf(id, uid).add(reference);
  }
  function take(id: string, { metadata: { uid, deletionTimestamp } }: Resource, { type, key }: Reference, result: ReadResult) {
    const reference = queueKey(type.kind, key);
    if (result.type === "found") keep(id, uid, reference, result.resource);
    if (result.type !== "absent" || deletionTimestamp === undefined || !readerOf(id, uid).has(reference)) return result;
    const data = kept.get(reference)?.data;
    return data ? ({ type: "found", resource: data } as const) : result;
  }
  return {
    of(id, kind, { resource, references }) {
      const needed = once(() => kind.neededAtEnd?.(resource, references) ?? []);
      return {
        take(reference, result) {
          const isNeeded = needed().some((one) => isSame(one, reference));
          return isNeeded ? take(id, resource, reference, result) : result;
        },
        missing() {
          if (needed().length === 0) return [];
          const read = readerOf(id, resource.metadata.uid);
          return needed().filter(({ type, key }) => !read.has(queueKey(type.kind, key)));
        },
      };
    },
    forget,
  };
}

/** Reads what nothing has read yet: such as a token that only delete sends. What cannot be read is not kept. */
export function readMissing(
  kept: OwnKeptData,
  by: { readonly acting: Reader; readonly store: Reader; readonly resource: Resource },
  signal: AbortSignal,
): Promise<void> | undefined {
  const { finalizers = [], deletionTimestamp } = by.resource.metadata;
  if (finalizers.length === 0 || deletionTimestamp !== undefined) return undefined;
  const missing = kept.missing();
  return missing.length === 0 ? undefined : readEach(missing, kept, by, signal);
}
async function readEach(
  missing: readonly Reference[],
  kept: OwnKeptData,
  { acting, store, resource }: { readonly acting: Reader; readonly store: Reader; readonly resource: Resource },
  signal: AbortSignal,
): Promise<void> {
  const { namespace } = resource.metadata;
  for (const reference of missing) {
    const reader = reference.key.namespace === namespace ? acting : store;
    const result = await reader.read(reference, signal).catch(() => undefined);
    if (result) kept.take(reference, result);
  }
}
type Reader = Pick<ActingStore, "read">;

function isSame(a: Reference, b: Reference): boolean {
  return a.type.kind === b.type.kind && a.key.namespace === b.key.namespace && a.key.name === b.key.name;
}
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
/** Bytes of the values. */
export function sizeOf({ data }: DataResource): number {
  return Object.values(data).reduce((sum, value) => sum + value.byteLength, 0);
}
