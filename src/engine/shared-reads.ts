/**
 * One read of a Secret or ConfigMap for all who use it at about the same time: ten thousand objects whose Secret is rotated need not
 * read it ten thousand times.
 *
 * Invariant: an answer is shared only where a watch says that there is no newer version, with nobody who reads in another's name, and
 * with no object that has changed since the read began: whatever was written before that change is seen with it.
 */
import type { ActingStore, ResourceStore } from "../core/ports.ts";
import type { ReadResult, Reference } from "../core/resource.ts";
import { unlessAborted } from "../core/tools/deadline.ts";
import { sizeOf } from "./kept-data.ts";
import { queueKey } from "./key.ts";

type Reader = Pick<ActingStore, "read">;

export interface SharedReads {
  /** `by`: in whose name it reads, `""` for this process's own. `sinceMs`: when the object that it reads for last changed (`performance.now`). */
  through(about: { readonly by: string; readonly sinceMs: number }, reader: Reader): Reader;
}
interface SharedReadsOptions {
  /** The version that a watch told last, undefined for one that is not there. Nothing: no watch tells of its namespace. */
  readonly told: (reference: Reference) => { readonly version: string | undefined } | undefined;
  readonly isNewer: ResourceStore["isNewer"];
  /** How long an answer is shared at most: a watch may have gone silent. Milliseconds. */
  readonly sharedMs?: number;
  /** Of all that is kept for that long. What finds no room is not shared. */
  readonly limitBytes?: number;
}
interface Shared {
  readonly beganMs: number;
  readonly answer: Promise<ReadResult>;
  bytes: number;
}

export function createSharedReads({
  told,
  isNewer,
  sharedMs = 10_000,
  limitBytes = 8 * 1024 * 1024,
}: SharedReadsOptions): SharedReads {
  const shared = new Map<string, Shared>();
  let bytes = 0;

  function drop(id: string, one: Shared): void {
    if (shared.get(id) !== one) return;
    shared.delete(id);
    bytes -= one.bytes;
  }
  function share(id: string, answer: Promise<ReadResult>): void {
    const one: Shared = { beganMs: performance.now(), answer, bytes: 0 };
    const before = shared.get(id);
    if (before) drop(id, before);
    shared.set(id, one);
    answer.then(
      (result) => {
        const size = result.type === "found" ? sizeOf(result.resource) : 0;
        if (result.type !== "found" || bytes + size > limitBytes) return drop(id, one);
        if (shared.get(id) !== one) return undefined;
        one.bytes = size;
        bytes += size;
        setTimeout(drop, sharedMs, id, one).unref();
      },
      () => drop(id, one),
    );
  }
  /** Undefined: there is none that may be taken. */
  async function take(reference: Reference, one: Shared, sinceMs: number, signal: AbortSignal): Promise<ReadResult | undefined> {
    if (one.beganMs < sinceMs || performance.now() - one.beganMs > sharedMs) return undefined;
    // What ended it may be its reader's own end.
    const result = await unlessAborted(
      signal,
      one.answer.catch(() => undefined),
    );
    const latest = told(reference)?.version;
    const isLatest =
      result?.type === "found" && latest !== undefined && !isNewer(latest, result.resource.metadata.resourceVersion);
    return isLatest ? result : undefined;
  }

  return {
    through: ({ by, sinceMs }, reader) => ({
      async read(reference, signal) {
        if (!told(reference)) return reader.read(reference, signal);
        const id = `${by} ${queueKey(reference.type.kind, reference.key)}`;
        for (let one = shared.get(id), tried: Shared | undefined; one && one !== tried; one = shared.get(id)) {
          const result = await take(reference, one, sinceMs, signal);
          if (result) return result;
          tried = one; // of many who waited for it in vain the first reads anew, for all
        }
        const answer = reader.read(reference, signal);
        share(id, answer);
        return answer;
      },
    }),
  };
}
