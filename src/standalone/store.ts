/**
 * The resources of manifests, with their state in SQLite: a ResourceStore without a cluster.
 *
 * Objects are what the manifests say; only uid, generation and status are remembered, and all of what has something to end. An
 * object whose manifest goes away keeps its row, so that what was done is not done again when the manifest comes back; but for one
 * whose remote object was deleted with it, which begins anew.
 */
import type { ResourceStore, WatchEvent } from "../core/ports.ts";
import {
  namespaceType,
  type DataResource,
  type Reference,
  type Resource,
  type ResourceKey,
  type ResourceType,
} from "../core/resource.ts";
import { createDeclaredData, dataName, namespacesName, withoutContent } from "./data.ts";
import { createDeclaredObjects } from "./declared-objects.ts";
import { createHeldObjects } from "./held-objects.ts";
import type { Manifests } from "./manifests.ts";
import { createObjectWrites } from "./object-writes.ts";
import { createObjects, resourceName, types, type Objects } from "./objects.ts";
import { createOutputs } from "./outputs.ts";
import { openStateDatabase } from "./state-database.ts";
import { createWatchers } from "./watchers.ts";

export interface StandaloneStore extends ResourceStore, Disposable {
  /** What only the state file knows. */
  readonly digestKey: Uint8Array;
  /**
   * Takes other manifests from now on; what differs is told to whoever watches. Throws StateFileError where they cannot be written:
   * called again it does what is still to be done.
   */
  reload(manifests: Omit<Manifests, "ignored">): void;
}
export type Find = Objects["find"];
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
  const objects = createObjects((resource, change) => watchers.tell(resource, change));
  let version = database.latestVersion;
  const nextVersion = (): number => ++version;
  const data = createDeclaredData(nextVersion);
  const outputs = createOutputs({
    database,
    isDeclared: (kind, key) => data.get(kind, key) !== undefined,
    isPresent: objects.hasUid,
    nextVersion,
    onWritten: (type, made) =>
      watchers.tell(dataName(type, made.metadata.namespace), { type: "applied", resource: withoutContent(made) }),
  });
  const readDeclared = (kind: string, key: ResourceKey): DataResource | undefined =>
    data.get(kind, key) ?? outputs.read(kind, key);
  const held = createHeldObjects({
    database,
    find: readDeclared,
    neededAtEnd(resource, object) {
      const type = types.get(resource);
      return (type && neededAtEnd?.(type, object, objects.find)) ?? [];
    },
  });
  const declared = createDeclaredObjects({ objects, held, database, nextVersion });
  const writes = createObjectWrites({ objects, held, database, nextVersion });

  function reload(next: StandaloneStoreOptions["manifests"]): void {
    const changes = database.transaction(() => declared.declare(next.objects));
    const differing = data.reload(next);
    for (const { resource, change } of changes) objects.take(resource, change);
    for (const { resource, change } of differing) watchers.tell(resource, change);
    // As they are declared from now on, and what their end needs as well.
    held.transaction(() => {
      for (const { resource, object } of objects.all()) held.note(resource, object);
    });
  }
  using opening = new DisposableStack();
  opening.use(database);
  declared.restore(held.atStart, manifests.sources ?? []);
  reload(manifests);
  const opened = opening.move();
  return {
    reload,
    digestKey: database.digestKey,
    ...createWatches({ watchers, objects, data, outputs, latestVersion: () => version }),
    async readLive(type, { metadata }) {
      const live = objects.get(resourceName(type), metadata);
      return live?.metadata.uid === metadata.uid ? live : undefined;
    },
    async read({ type, key }) {
      const resource = readDeclared(type.kind, key) ?? held.read(type.kind, key);
      return resource ? { type: "found", resource } : { type: "absent" };
    },
    async setFinalizer(type, resource, finalizer, _signal, mayWrite = always) {
      return mayWrite() ? writes.setFinalizer(type, resource, finalizer) : { type: "conflict" };
    },
    annotate: () => Promise.resolve({ type: "forbidden" }), // annotations are what the manifests say
    remove: () => Promise.resolve({ type: "unsupported" }), // objects are what the manifests say
    async hold(type, resource, name, _signal, mayWrite = always) {
      return mayWrite() ? writes.setFinalizer(type, resource, { name, present: true }, true) : { type: "conflict" };
    },
    as() {
      return this; // one user, who has every right
    },
    checkOutput: outputs.checkOutput.bind(outputs),
    writeOutput: outputs.writeOutput.bind(outputs),
    async writeStatus(type, resource, status, precondition, signal, mayWrite = always) {
      signal.throwIfAborted();
      return mayWrite() ? writes.writeStatus(type, resource, status, precondition) : { type: "conflict" };
    },
    serviceAccountToken: () => Promise.resolve({ type: "unsupported" }),
    isNewer: (a, b) => Number(a) > Number(b),
    [Symbol.dispose]: () => opened.dispose(),
  };
}

const always = (): boolean => true;

interface Watched {
  readonly watchers: ReturnType<typeof createWatchers>;
  readonly objects: Objects;
  readonly data: ReturnType<typeof createDeclaredData>;
  readonly outputs: ReturnType<typeof createOutputs>;
  readonly latestVersion: () => number;
}

function createWatches({
  watchers,
  objects,
  data,
  outputs,
  latestVersion,
}: Watched): Required<Pick<ResourceStore, "watch" | "watchData">> {
  function listing(resources: readonly Resource[]): WatchEvent {
    return { type: "listed", resources, resourceVersion: String(latestVersion()) };
  }
  return {
    watch(type, signal) {
      if (type.kind === namespaceType.kind) return watchers.watch(namespacesName, () => listing(data.namespaces()), signal);
      const resource = resourceName(type);
      return watchers.watch(resource, () => listing(objects.of(resource)), signal);
    },
    watchData(type, namespace = "", signal) {
      const list = (): WatchEvent => {
        const made = outputs.listed(type.kind, namespace).map(withoutContent);
        return listing([...data.listed(type, namespace), ...made]);
      };
      return watchers.watch(dataName(type, namespace), list, signal);
    },
  };
}
