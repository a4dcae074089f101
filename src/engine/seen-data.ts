/**
 * Which version of each Secret and ConfigMap a reconcile has read: a change is one to whoever has not seen it.
 *
 * Invariant: nothing of what they hold comes here, and nothing is kept of a resource that is gone.
 */
import type { Lane } from "../core/lane.ts";
import type { ResourceStore, WatchEvent } from "../core/ports.ts";
import type { ReadResult, Reference, ResourceType } from "../core/resource.ts";
import type { Dependents } from "./dependents.ts";
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
}

export function createSeenData({ dependents, isNewer, queue }: SeenDataOptions): SeenData {
  /** By resource, then by what it read: the resourceVersion; null where there was no such object. Most resources read nothing: null. */
  const seen = new Map<string, Map<string, string | null> | null>();

  /** `version`: undefined where the object is gone. `isChange`: it is new since the watch last told. */
  function noteChange(reference: Reference, version: string | undefined, isChange: boolean): void {
    const about = queueKey(reference.type.kind, reference.key);
    for (const [id, { isTransitive }] of dependents.usersOf(reference)) {
      const read = seen.get(id)?.get(about);
      if (read === undefined ? isChange : isOther(read, version)) queue(id, isTransitive ? "listing" : "change", about);
    }
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
        return noteChange({ type, key: { namespace, name } }, event.type === "applied" ? resourceVersion : undefined, true);
      }
      const listed = versionsOf(event.resources);
      for (const reference of dependents.referencesIn(type.kind, namespace)) {
        const { name } = reference.key;
        noteChange(reference, listed.get(name), versions !== undefined && versions.get(name) !== listed.get(name));
      }
    },
    lookAgain(type, namespace) {
      for (const reference of dependents.referencesIn(type.kind, namespace))
        for (const [id] of dependents.usersOf(reference)) queue(id, "listing", queueKey(reference.type.kind, reference.key));
    },
  };
}

/** By name. */
export function versionsOf(resources: Extract<WatchEvent, { type: "listed" }>["resources"]): Map<string, string> {
  return new Map(resources.map(({ metadata: { name, resourceVersion } }) => [name, resourceVersion]));
}
