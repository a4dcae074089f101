/**
 * Which version of each Secret and ConfigMap a reconcile has read: a change is one to whoever has not seen it.
 *
 * Invariant: nothing of what they hold comes here, and nothing is kept of a resource that is gone.
 */
import type { Lane } from "../core/lane.ts";
import type { ResourceStore, WatchEvent } from "../core/ports.ts";
import type { ReadResult, Reference, ResourceType } from "../core/resource.ts";
import { createYieldIfLong } from "../core/tools/event-loop-yield.ts";
import type { Dependents } from "./dependents.ts";
import { eachWithPauses } from "./each-with-pauses.ts";
import { queueKey } from "./key.ts";

export interface SeenData {
  /** A reconcile begins: what it reads from now on is what it has seen. */
  readonly began: (id: string) => void;
  /** What a reconcile read; changes that are no newer are none to it. */
  readonly read: (id: string, reference: Reference, result: ReadResult) => void;
  readonly forget: (id: string) => void;
  /** Queues whoever has not seen it. `versions`: what the watch told before, by name, and is kept up to date; absent: nothing. */
  readonly take: (type: ResourceType, namespace: string, event: WatchEvent, versions: Map<string, string> | undefined) => void;
  /** Queues all who refer to one, whatever they have seen. */
  readonly lookAgain: (type: ResourceType, namespace: string) => void;
}
interface SeenDataOptions {
  readonly dependents: Pick<Dependents, "usersOf" | "referencesIn">;
  readonly isNewer: ResourceStore["isNewer"];
  readonly queue: (id: string, lane: Lane, about: string) => void;
  /** Telling those that use one threw, which is a mistake in this program. */
  readonly onMistake: (error: unknown) => void;
}

interface Use {
  readonly id: string;
  readonly reference: Reference;
  readonly isTransitive: boolean;
}

export function createSeenData({ dependents, isNewer, queue, onMistake }: SeenDataOptions): SeenData {
  /** By resource, then by what it read: the resourceVersion; null where there was no such object. Most resources read nothing: null. */
  const seen = new Map<string, Map<string, string | null> | null>();
  const pauses = { breathe: createYieldIfLong(), onMistake };

  function* usesOf(references: Iterable<Reference>): Generator<Use> {
    for (const reference of references)
      for (const [id, { isTransitive = false }] of dependents.usersOf(reference)) yield { id, reference, isTransitive };
  }
  /** Of the resource that they name: its version, undefined where it is gone; and whether it is new since the watch last told. */
  type Told = (reference: Reference) => { readonly version: string | undefined; readonly isChange: boolean };
  function noteChanges(references: Iterable<Reference>, told: Told): void {
    eachWithPauses(
      usesOf(references),
      ({ id, reference, isTransitive }) => {
        const about = queueKey(reference.type.kind, reference.key);
        const read = seen.get(id)?.get(about);
        const { version, isChange } = told(reference);
        if (read === undefined ? isChange : isOther(read, version)) queue(id, isTransitive ? "listing" : "change", about);
      },
      pauses,
    );
  }
  function isOther(read: string | null, version: string | undefined): boolean {
    if (read === null || version === undefined) return (read === null) !== (version === undefined);
    return isNewer(version, read);
  }
  return {
    began: (id) => void seen.set(id, null),
    read(id, reference, result) {
      const known = seen.get(id);
      if (known === undefined || result.type === "forbidden") return; // nothing where it was deleted meanwhile
      const version = result.type === "found" ? result.resource.metadata.resourceVersion : null;
      seen.set(id, (known ?? new Map<string, string | null>()).set(queueKey(reference.type.kind, reference.key), version));
    },
    forget: (id) => void seen.delete(id),
    take(type, namespace, event, versions) {
      if (event.type !== "listed") {
        const { name, resourceVersion } = event.resource.metadata;
        if (event.type === "applied") versions?.set(name, resourceVersion);
        else versions?.delete(name);
        const version = event.type === "applied" ? resourceVersion : undefined;
        return noteChanges([{ type, key: { namespace, name } }], () => ({ version, isChange: true }));
      }
      const listed = versionsOf(event.resources);
      const before = versions && new Map(versions); // as it is now, whoever is told later
      noteChanges(dependents.referencesIn(type.kind, namespace), ({ key: { name } }) => ({
        version: listed.get(name),
        isChange: before !== undefined && before.get(name) !== listed.get(name),
      }));
    },
    lookAgain(type, namespace) {
      eachWithPauses(
        usesOf(dependents.referencesIn(type.kind, namespace)),
        ({ id, reference }) => queue(id, "listing", queueKey(reference.type.kind, reference.key)),
        pauses,
      );
    },
  };
}

/** By name. */
export function versionsOf(resources: Extract<WatchEvent, { type: "listed" }>["resources"]): Map<string, string> {
  return new Map(resources.map(({ metadata: { name, resourceVersion } }) => [name, resourceVersion]));
}
