/** A store in memory, and requesters that are scripts: what a test of the engine needs around it. */
import { createWatchers } from "../../src/standalone/watchers.ts";
import type { Requester, Requests, ResourceStore } from "../../src/core/ports.ts";
import type { Resource, ResourceType } from "../../src/core/resource.ts";

export const type: ResourceType = { group: "g", version: "v1", kind: "Thing", plural: "things" };
const noOutputs = { evaluateOutputs: () => Promise.reject(new Error("there are no outputs here")) };

/** The rest of a reconcile's requests, and of one that is prepared, where nothing is long. */
export const nothingHeld = { holdMuch: () => Promise.resolve(), [Symbol.dispose]() {} };
export const letsGo = { [Symbol.dispose]() {} };

/** Sends nothing; `evaluate` is the test's. */
export function requesterThat(evaluate: Requester["evaluate"]): Requester {
  const requests: Requests = { prepare: () => Promise.reject(new Error("nothing is sent here")), ...nothingHeld };
  return { begin: () => requests, evaluate, check: () => Promise.resolve({ type: "usable" }), ...noOutputs };
}
export const idle = requesterThat(() => Promise.reject(new Error("nothing is evaluated here")));

export function thing(name: string, generation = 1, resourceVersion = 1): Resource {
  return { metadata: { namespace: "n", name, uid: name, generation, resourceVersion: String(resourceVersion) }, spec: {} };
}

/** A store that holds objects and takes every status. */
export function memoryStore(objects: readonly Resource[]) {
  const held = new Map(objects.map((object) => [object.metadata.name, object]));
  const watchers = createWatchers();
  let version = 100;
  const writes: string[] = [];
  const removed = new Set<string>();
  const store: ResourceStore = {
    watch: (_type, signal) =>
      watchers.watch(
        "things",
        () => ({ type: "listed", resources: [...held.values()], resourceVersion: String(version) }),
        signal,
      ),
    read: async () => ({ type: "absent" }),
    as: () => store,
    checkOutput: async () => undefined,
    writeOutput: async () => ({ type: "unchanged" }),
    readLive: async (_type, { metadata }) => held.get(metadata.name),
    setFinalizer: async (_type, resource) => ({ type: "written", resource }),
    annotate: async (_type, resource) => ({ type: "written", resource }),
    remove: async () => ({ type: "unsupported" }),
    hold: async (_type, resource) => ({ type: "written", resource }),
    async writeStatus(...[, { metadata }, status, , , mayWrite]) {
      if (mayWrite?.() === false) return { type: "conflict" };
      writes.push(metadata.name);
      const written = {
        ...(held.get(metadata.name) as Resource),
        status,
        metadata: { ...metadata, resourceVersion: String((version += 1)) },
      };
      held.set(metadata.name, written);
      if (!removed.has(metadata.name)) watchers.tell("things", { type: "applied", resource: written });
      return { type: "written", resource: written };
    },
    serviceAccountToken: async () => ({ type: "unsupported" }),
    isNewer: (a, b) => Number(a) > Number(b),
  };
  return {
    store,
    writes,
    change: (resource: Resource) => watchers.tell("things", { type: "applied", resource }),
    /** The watch tells that it is gone; what is being written of it may land all the same. */
    remove: (name: string) => {
      const resource = held.get(name) as Resource;
      removed.add(name);
      watchers.tell("things", { type: "deleted", resource });
    },
    /** Changes what is there, and no watch tells it. */
    quietly: (resource: Resource) => void held.set(resource.metadata.name, resource),
  };
}

export async function until(isSo: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 25_000; !isSo();) {
    if (performance.now() > endMs) throw new Error("not so within 25 s");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
