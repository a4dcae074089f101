/** Reads what a reconcile refers to. Invariant: one answer for each object in a reconcile, so that all of it sees the same values. */
import type { ActingStore, Read, ResourceStore } from "../core/ports.ts";
import { configMapType, secretType, type ReadResult, type Reference } from "../core/resource.ts";

interface ReadDeps {
  readonly store: ResourceStore;
  /** Reads what the resource refers to; what an admin keeps elsewhere is Holdfast's own to read. */
  readonly acting: ActingStore;
  /** A Secret or ConfigMap has been read. */
  readonly onRead: (reference: Reference, result: ReadResult) => void;
}

export function readOnce({ store, acting, onRead }: ReadDeps, namespace: string, signal: AbortSignal): Read {
  const answers = new Map<string, Promise<ReadResult>>();
  return (kind, name, elsewhere) => {
    const id = `${kind}/${elsewhere ?? ""}/${name}`;
    const type = kind === "Secret" ? secretType : configMapType;
    const known = answers.get(id);
    if (known) return known;
    const reference = { type, key: { namespace: elsewhere ?? namespace, name } };
    const answer = (elsewhere === undefined ? acting : store).read(reference, signal).then((result) => {
      onRead(reference, result);
      return result;
    });
    answers.set(id, answer);
    return answer;
  };
}
