/**
 * The resources of manifests, with their state in SQLite: a ResourceStore without a cluster.
 *
 * Objects are what the manifests say; only uid, generation and status are remembered, and all of what has something to end. An
 * object whose manifest goes away keeps its row, so that what was done is not done again when the manifest comes back; but for one
 * whose remote object was deleted with it, which begins anew.
 */
import { randomUUID } from "node:crypto";
import { definitions } from "../api/definitions.ts";
import { group, version as apiVersion, type KindDefinition } from "../api/kind-definition.ts";
import { digest } from "../core/tools/digest.ts";
import { parseJSON, sameJSON } from "../core/tools/json.ts";
import type { Finalizer, Precondition, ResourceStore, WatchEvent, WriteResult } from "../core/ports.ts";
import {
  keyText,
  namespaceType,
  orphanAnnotation,
  type DataResource,
  type Reference,
  type Resource,
  type ResourceKey,
  type ResourceType,
} from "../core/resource.ts";
import type { Manifests } from "./manifests.ts";
import type { ManifestObject } from "./object.ts";
import { createDeclaredData, dataName, namespacesName, withoutContent, type WatchedChange } from "./data.ts";
import { createHeldObjects } from "./held-objects.ts";
import { createOutputs } from "./outputs.ts";
import { openStateDatabase, type StoredState } from "./state-database.ts";
import { holds, isAsDeclared, refuseInvalid, resourceOf, statusOf } from "./state.ts";
import { createWatchers, type Change } from "./watchers.ts";

export interface StandaloneStore extends ResourceStore, Disposable {
  /** What only the state file knows. */
  readonly digestKey: Uint8Array;
  /** Takes other manifests from now on; what differs is told to whoever watches. */
  reload(manifests: Omit<Manifests, "ignored">): void;
}
export type Find = (reference: Reference) => Resource | undefined;
interface StandaloneStoreOptions {
  readonly manifests: Omit<Manifests, "ignored">;
  /** Where the state is kept; in memory without it. */
  readonly dataFile?: string;
  /** The Secrets and ConfigMaps that the end of an object needs. `find`: what it may refer to. */
  readonly neededAtEnd?: (type: ResourceType, object: Resource, find: Find) => readonly Reference[];
}

/**
 * Opens the state and applies the manifests to it.
 *
 * Throws StateFileError, which says what to do, when the file cannot be used or another process has it.
 * A status is on the disk when `writeStatus` resolves. It is held against the kind's schema, as on the API server:
 * `writeStatus` throws StatusRefusedError where it does not fit.
 */
export function createStandaloneStore({ manifests, dataFile, neededAtEnd }: StandaloneStoreOptions): StandaloneStore {
  const database = openStateDatabase(dataFile);
  const watchers = createWatchers();
  /** By type, then by key: what watchers see. */
  const objects = new Map(definitions.map((one) => [resourceName({ ...one, group }), new Map<string, Resource>()]));
  let version = database.latestVersion;
  const data = createDeclaredData(() => ++version);
  const outputs = createOutputs({
    database,
    isDeclared: (kind, key) => data.get(kind, key) !== undefined,
    isPresent: (uid) => [...objects.values()].some((known) => [...known.values()].some(({ metadata }) => metadata.uid === uid)),
    nextVersion: () => ++version,
    onWritten: (type, made) =>
      watchers.tell(dataName(type, made.metadata.namespace), { type: "applied", resource: withoutContent(made) }),
  });

  const find: Find = ({ type, key }) => objects.get(resourceName(type))?.get(keyText(key));
  const readDeclared = (kind: string, key: ResourceKey): DataResource | undefined =>
    data.get(kind, key) ?? outputs.read(kind, key);
  const held = createHeldObjects({
    database,
    find: readDeclared,
    neededAtEnd(resource, object) {
      const type = types.get(resource);
      return (type && neededAtEnd?.(type, object, find)) ?? [];
    },
  });

  function reload(next: StandaloneStoreOptions["manifests"]): void {
    const changes = database.transaction(() => [...next.objects.flatMap(apply), ...gone(next.objects)]);
    const differing = data.reload(next);
    for (const { resource, change } of changes) remember(resource, change);
    database.transaction(noteHeld);
    for (const { resource, change } of differing) watchers.tell(resource, change);
  }
  /** As they are declared from now on, and what their end needs as well. */
  function noteHeld(): void {
    for (const [resource, known] of objects) for (const object of known.values()) held.note(resource, object);
  }
  /** What was held when this process ended before is here still: taken out since, it is to end. Of what is followed no more nobody can say. */
  function restore(sources: readonly string[]): void {
    for (const { resource, key, uid, source, declaration } of held.atStart) {
      const state = database.load(resource, key);
      const { spec, deletionTimestamp, finalizers, ...declared } = declaration;
      const isKnown = deletionTimestamp !== undefined || (source !== undefined && sources.includes(source));
      if (!isKnown || state?.uid !== uid) continue;
      const { metadata, ...rest } = resourceOf({ ...key, ...declared }, spec, state);
      const marks = { finalizers, ...(deletionTimestamp !== undefined && { deletionTimestamp }) };
      objects.get(resource)?.set(keyText(key), { ...rest, metadata: { ...metadata, ...marks } });
    }
  }

  /** The row of an object that is new, or differs from what was there. */
  function apply(object: ManifestObject): readonly WatchedChange[] {
    const resource = resourceName(object.type);
    held.noteSource(resource, object.key, object.source);
    const before = objects.get(resource)?.get(keyText(object.key));
    if (before && isAsDeclared(before, object) && before.metadata.deletionTimestamp === undefined) return [];
    const stored = database.load(resource, object.key);
    const specDigest = digest(object.spec);
    const bump = stored && stored.specDigest !== specDigest ? 1 : 0;
    const known = stored ?? { uid: randomUUID(), generation: 1, status: null };
    const state = { ...known, specDigest, generation: known.generation + bump, resourceVersion: ++version };
    database.save(resource, object.key, state);
    const applied = resourceOf({ ...object, ...object.key }, object.spec, state);
    const creationTimestamp = before?.metadata.creationTimestamp ?? (stored ? undefined : new Date().toISOString());
    const made = withFinalizersOf(before, applied);
    const metadata = { ...made.metadata, ...(creationTimestamp !== undefined && { creationTimestamp }) };
    return [{ resource, change: { type: "applied", resource: { ...made, metadata } } }];
  }

  function gone(declared: readonly ManifestObject[]): readonly WatchedChange[] {
    const kept = new Set(declared.map(({ type, key }) => `${resourceName(type)} ${keyText(key)}`));
    return [...objects].flatMap(([resource, known]) =>
      [...known].flatMap(([key, object]): WatchedChange[] => {
        if (kept.has(`${resource} ${key}`)) return [];
        if (object.metadata.deletionTimestamp !== undefined) return [];
        const metadata = { ...object.metadata, resourceVersion: String(++version) };
        if ((metadata.finalizers ?? []).length > 0) {
          const deletionTimestamp = new Date().toISOString();
          return [
            { resource, change: { type: "applied", resource: { ...object, metadata: { ...metadata, deletionTimestamp } } } },
          ];
        }
        return [{ resource, change: { type: "deleted", resource: { ...object, metadata } } }];
      }),
    );
  }

  function remember(resource: string, change: Change): void {
    const key = keyText(change.resource.metadata);
    if (change.type === "applied") objects.get(resource)?.set(key, change.resource);
    else objects.get(resource)?.delete(key);
    watchers.tell(resource, change);
  }

  function write(type: ResourceType, resource: Resource, status: object, precondition: Precondition): WriteResult {
    const name = resourceName(type);
    const present = objects.get(name)?.get(keyText(resource.metadata));
    const stored = database.load(name, resource.metadata);
    if (!stored || stored.uid !== resource.metadata.uid) return { type: "conflict" };
    if (!holds(precondition, statusOf(stored), resource.status)) return { type: "conflict" };
    // Nobody sees an object without a manifest, but what came of an attempt is remembered for when it comes back.
    if (precondition.type === "unchanged") {
      const { generation = present?.metadata.generation } = precondition;
      if (!present || present.metadata.generation !== generation) return { type: "conflict" };
    }
    const text = JSON.stringify(status);
    refuseInvalid(type, parseJSON(text));
    if (present && sameJSON(present.status, status)) return { type: "written", resource: present };
    const state = { ...stored, status: text, resourceVersion: version + 1 };
    database.transaction(() => database.save(name, resource.metadata, state));
    version = state.resourceVersion;
    if (!present) return { type: "conflict" };
    const { metadata, ...rest } = resourceOf(present.metadata, present.spec, state);
    const written = { ...rest, metadata: { ...present.metadata, ...metadata } };
    remember(name, { type: "applied", resource: written });
    return { type: "written", resource: written };
  }

  /** Not remembered: a plan that wants one asks for it again. The last one that goes ends an object whose manifest has gone. */
  function setFinalizer(
    type: ResourceType,
    { metadata, status }: Pick<Resource, "metadata" | "status">,
    { name, present }: Finalizer,
    anyStatus = false,
  ): WriteResult {
    const resource = resourceName(type);
    const there = objects.get(resource)?.get(keyText(metadata));
    if (there?.metadata.uid !== metadata.uid || (!anyStatus && !sameJSON(there.status, status))) return { type: "conflict" };
    const others = (there.metadata.finalizers ?? []).filter((one) => one !== name);
    const finalizers = present ? [...others, name] : others;
    const changed = { ...there, metadata: { ...there.metadata, finalizers, resourceVersion: String(++version) } };
    const ends = finalizers.length === 0 && there.metadata.deletionTimestamp !== undefined;
    database.transaction(() => {
      if (ends && !isOrphaned(there)) database.save(resource, metadata, unborn(version));
      held.note(resource, changed);
    });
    remember(resource, { type: ends ? "deleted" : "applied", resource: changed });
    return { type: "written", resource: changed };
  }

  function listing(resources: readonly Resource[]): WatchEvent {
    return { type: "listed", resources, resourceVersion: String(version) };
  }

  try {
    restore(manifests.sources ?? []);
    reload(manifests);
  } catch (error) {
    database[Symbol.dispose]();
    throw error;
  }
  return {
    reload,
    digestKey: database.digestKey,
    watch(type, signal) {
      if (type.kind === namespaceType.kind) return watchers.watch(namespacesName, () => listing(data.namespaces()), signal);
      const resource = resourceName(type);
      return watchers.watch(resource, () => listing([...(objects.get(resource)?.values() ?? [])]), signal);
    },
    watchData(type, namespace = "", signal) {
      const list = (): WatchEvent => {
        const made = outputs.listed(type.kind, namespace).map(withoutContent);
        return listing([...data.listed(type, namespace), ...made]);
      };
      return watchers.watch(dataName(type, namespace), list, signal);
    },
    async readLive(type, { metadata }) {
      const live = objects.get(resourceName(type))?.get(keyText(metadata));
      return live?.metadata.uid === metadata.uid ? live : undefined;
    },
    async read({ type, key }) {
      const resource = readDeclared(type.kind, key) ?? held.read(type.kind, key);
      return resource ? { type: "found", resource } : { type: "absent" };
    },
    async setFinalizer(type, resource, finalizer, _signal, mayWrite = always) {
      return mayWrite() ? setFinalizer(type, resource, finalizer) : { type: "conflict" };
    },
    async hold(type, resource, name, _signal, mayWrite = always) {
      return mayWrite() ? setFinalizer(type, resource, { name, present: true }, true) : { type: "conflict" };
    },
    as() {
      return this; // one user, who has every right
    },
    checkOutput: outputs.checkOutput.bind(outputs),
    writeOutput: outputs.writeOutput.bind(outputs),
    async writeStatus(type, resource, status, precondition, signal, mayWrite = always) {
      signal.throwIfAborted();
      return mayWrite() ? write(type, resource, status, precondition) : { type: "conflict" };
    },
    serviceAccountToken: () => Promise.resolve({ type: "unsupported" }),
    isNewer: (a, b) => Number(a) > Number(b),
    [Symbol.dispose]: () => database[Symbol.dispose](),
  };
}

const always = (): boolean => true;

/** Whether its remote object was left: an object that comes back goes on with it. Of any other nothing is there any more. */
function isOrphaned({ metadata, spec }: Resource): boolean {
  const { delete: deletion, deletionPolicy } = spec as { readonly delete?: unknown; readonly deletionPolicy?: unknown };
  return deletion === undefined || deletionPolicy === "Orphan" || metadata.annotations?.[orphanAnnotation] === "true";
}

/** The state of an object that is another one when it comes back. */
function unborn(resourceVersion: number): StoredState {
  return { uid: randomUUID(), generation: 0, specDigest: "", resourceVersion, status: null };
}

/** What a state does not hold. A deletion mark goes with an object that is declared again. */
function withFinalizersOf(before: Resource | undefined, { metadata, ...rest }: Resource): Resource {
  const { finalizers } = before?.metadata ?? {};
  return { ...rest, metadata: { ...metadata, ...(finalizers && { finalizers }) } };
}

/** By resource name. */
const types: ReadonlyMap<string, ResourceType> = new Map(
  definitions.map((one) => [resourceName({ ...one, group }), typeOf(one)]),
);
function typeOf({ kind, plural, scope }: KindDefinition): ResourceType {
  return { group, version: apiVersion, kind, plural, ...(scope === "Cluster" && { scope }) };
}

function resourceName({ plural, group }: Pick<ResourceType, "plural" | "group">): string {
  return `${plural}.${group}`;
}
