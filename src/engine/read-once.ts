/**
 * One answer for each Secret and ConfigMap in a reconcile, so that everything in it sees the same values.
 *
 * Invariant: of what is read no more is kept than a reconcile may hold.
 */
import type { ActingStore, Read, Requests, ResourceStore } from "../core/ports.ts";
import { configMapType, secretType, type ReadResult, type Reference } from "../core/resource.ts";
import type { OwnKeptData } from "./kept-data.ts";

interface ReadOnceDeps extends Pick<Requests, "holdMuch"> {
  /** Reads what an admin keeps elsewhere, which is Holdfast's own to read. */
  readonly store: Pick<ResourceStore, "read">;
  /** Reads what the resource refers to. */
  readonly acting: Pick<ActingStore, "read">;
  readonly onRead: (reference: Reference, result: ReadResult) => void;
  readonly kept: Pick<OwnKeptData, "take">;
}

/** Of all the values of all that is read for one reconcile. An object has 1 MiB of them at most. */
const limitBytes = 4 * 1024 * 1024;
const smallBytes = 256 * 1024;

/** `heldBytes`: of all that it has read. */
export type HoldingRead = Read & { readonly heldBytes: () => number };

export function readOnce(
  { store, acting, onRead, kept, holdMuch }: ReadOnceDeps,
  namespace: string,
  signal: AbortSignal,
): HoldingRead {
  const answers = new Map<string, Promise<ReadResult>>();
  let sizeBytes = 0;
  async function keep(result: ReadResult): Promise<ReadResult> {
    if (result.type !== "found") return result;
    const all = Object.values(result.resource.data).reduce((sum, value) => sum + value.byteLength, sizeBytes);
    if (all > limitBytes) return { type: "tooMuch", limitBytes }; // which is not kept, and leaves its place to what is smaller
    sizeBytes = all;
    if (sizeBytes > smallBytes) await holdMuch(signal);
    return result;
  }
  const read: Read = (kind, name, elsewhere) => {
    const id = `${kind}/${elsewhere ?? ""}/${name}`;
    const type = kind === "Secret" ? secretType : configMapType;
    const known = answers.get(id);
    if (known) return known;
    const reference = { type, key: { namespace: elsewhere ?? namespace, name } };
    const reading = (elsewhere === undefined ? acting : store).read(reference, signal);
    const answer = reading.then((result) => {
      onRead(reference, result);
      return keep(kept.take(reference, result));
    });
    answers.set(id, answer);
    reading.catch(() => answers.delete(id)); // what could not be asked may be asked again
    return answer;
  };
  return Object.assign(read, { heldBytes: () => sizeBytes });
}
