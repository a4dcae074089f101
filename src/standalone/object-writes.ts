/** What a reconcile writes of an object: its status, which the state database has before anybody sees it, and its finalizers. */
import { randomUUID } from "node:crypto";
import type { Precondition, WriteResult } from "../core/ports.ts";
import type { Finalizer, Resource, ResourceType } from "../core/resource.ts";
import { parseJSON, sameJSON } from "../core/tools/json.ts";
import type { HeldObjects } from "./held-objects.ts";
import { resourceName, type Objects } from "./objects.ts";
import type { StateDatabase, StoredState } from "./state-database.ts";
import { holds, refuseInvalid, resourceOf, statusOf } from "./state.ts";

interface ObjectWritesOptions {
  readonly objects: Objects;
  readonly held: Pick<HeldObjects, "note" | "transaction">;
  readonly database: Pick<StateDatabase, "load" | "save" | "transaction">;
  readonly nextVersion: () => number;
}
interface ObjectWrites {
  writeStatus(type: ResourceType, resource: Resource, status: object, precondition: Precondition): WriteResult;
  /**
   * Not remembered: a plan that wants one asks for it again. The last one that goes ends an object whose manifest has gone.
   * `anyStatus`: whatever its status is by now.
   */
  setFinalizer(
    type: ResourceType,
    resource: Pick<Resource, "metadata" | "status">,
    finalizer: Finalizer,
    anyStatus?: boolean,
  ): WriteResult;
}

export function createObjectWrites({ objects, held, database, nextVersion }: ObjectWritesOptions): ObjectWrites {
  return {
    writeStatus(type, resource, status, precondition) {
      const name = resourceName(type);
      const present = objects.get(name, resource.metadata);
      const stored = database.load(name, resource.metadata);
      if (!stored || stored.uid !== resource.metadata.uid) return { type: "conflict" };
      if (!holds(precondition, statusOf(stored), resource.status)) return { type: "conflict" };
      // An object without a manifest is not shown, but the outcome of an attempt is remembered for when it comes back.
      if (precondition.type === "unchanged") {
        const { generation = present?.metadata.generation } = precondition;
        if (!present || present.metadata.generation !== generation) return { type: "conflict" };
      }
      const text = JSON.stringify(status);
      refuseInvalid(type, parseJSON(text));
      if (present && sameJSON(present.status, status)) return { type: "written", resource: present };
      const state = { ...stored, status: text, resourceVersion: nextVersion() };
      database.transaction(() => database.save(name, resource.metadata, state));
      if (!present) return { type: "conflict" };
      const { metadata, ...rest } = resourceOf(present.metadata, present.spec, state);
      const written = { ...rest, metadata: { ...present.metadata, ...metadata } };
      objects.take(name, { type: "applied", resource: written });
      return { type: "written", resource: written };
    },
    setFinalizer(type, { metadata, status }, { name, present, leaves = false }, anyStatus = false) {
      const resource = resourceName(type);
      const there = objects.get(resource, metadata);
      if (there?.metadata.uid !== metadata.uid || (!anyStatus && !sameJSON(there.status, status))) return { type: "conflict" };
      const others = (there.metadata.finalizers ?? []).filter((one) => one !== name);
      const finalizers = present ? [...others, name] : others;
      const version = nextVersion();
      const changed = { ...there, metadata: { ...there.metadata, finalizers, resourceVersion: String(version) } };
      const ends = finalizers.length === 0 && there.metadata.deletionTimestamp !== undefined;
      held.transaction(() => {
        if (ends && !leaves && deletes(there)) database.save(resource, metadata, unborn(version));
        held.note(resource, changed);
      });
      objects.take(resource, { type: ends ? "deleted" : "applied", resource: changed });
      return { type: "written", resource: changed };
    },
  };
}

/** Whether nothing is there any more that it declared. An object whose remote object was left goes on with that when it comes back. */
function deletes({ spec }: Resource): boolean {
  return (spec as { readonly delete?: unknown }).delete !== undefined;
}

/** The state of an object that is another one when it comes back. */
function unborn(resourceVersion: number): StoredState {
  return { uid: randomUUID(), generation: 0, specDigest: "", resourceVersion, status: null };
}
