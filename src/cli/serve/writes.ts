/** What serving writes: shadows, and of the objects that they stand for a finalizer, a name and the status. */
import type { Manifest } from "../../convert/translation.ts";
import type { Resource, ResourceType } from "../../core/resource.ts";
import { orphanAnnotation } from "../../core/resource.ts";
import { writeAnnotation } from "../../kubernetes/annotate.ts";
import type { ApiClient } from "../../kubernetes/api-client.ts";
import { isNotFound, isWriteConflict } from "../../kubernetes/api-error.ts";
import { writeFinalizer } from "../../kubernetes/finalizer-write.ts";
import { toResource } from "../../kubernetes/objects.ts";
import { collectionPath, objectPath } from "../../kubernetes/paths.ts";
import { removeObject } from "../../kubernetes/remove.ts";
import { readLive, writeUnchanged, type StatusWriter } from "../../kubernetes/status-write.ts";
import { externalNameAnnotation, peerFinalizer } from "../../serve/served-object.ts";

/** Somebody has changed it meanwhile, or it is gone: it is looked at again. */
export class ChangedError extends Error {
  override readonly name = "ChangedError";
}

export interface Writes {
  create(type: ResourceType, manifest: Manifest, signal: AbortSignal): Promise<Resource>;
  /** Its spec, labels and annotations become those of the manifest; other annotations stay. */
  replace(type: ResourceType, shadow: Resource, manifest: Manifest, signal: AbortSignal): Promise<Resource>;
  /** It goes, and its remote object stays. */
  letGo(type: ResourceType, shadow: Resource, signal: AbortSignal): Promise<void>;
  remove(type: ResourceType, shadow: Resource, signal: AbortSignal): Promise<void>;
  annotate(type: ResourceType, shadow: Resource, name: string, value: string, signal: AbortSignal): Promise<Resource>;
  /** Puts the finalizer on and names it, where that is missing. */
  adopt(type: ResourceType, resource: Resource, signal: AbortSignal): Promise<Resource>;
  release(type: ResourceType, resource: Resource, signal: AbortSignal): Promise<void>;
  status(type: ResourceType, resource: Resource, status: object, signal: AbortSignal): Promise<Resource>;
  /** Undefined: it is gone. */
  live(type: ResourceType, resource: Resource, signal: AbortSignal): Promise<Resource | undefined>;
  exists(
    type: ResourceType,
    key: Resource["metadata"] | { readonly namespace: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<boolean>;
}

/** `mayWrite` is asked before each write: whoever may not serve any more changes nothing. */
export function createWrites(client: ApiClient, mayWrite: () => boolean, random: () => number = Math.random): Writes {
  const writer = { client, random };
  const query = { fieldManager: "holdfast" };
  function demand(): void {
    if (!mayWrite()) throw new ChangedError("this process does not serve any more");
  }
  async function send(request: Parameters<ApiClient["call"]>[0], signal: AbortSignal): Promise<Resource> {
    demand();
    try {
      return toResource((await client.call({ ...request, query }, signal)).body);
    } catch (error) {
      if (isNotFound(error) || isWriteConflict(error)) throw new ChangedError("it has changed meanwhile", { cause: error });
      throw error;
    }
  }
  async function annotate(
    type: ResourceType,
    resource: Resource,
    { name, value, signal }: { readonly name: string; readonly value: string; readonly signal: AbortSignal },
  ): Promise<Resource> {
    if (resource.metadata.annotations?.[name] === value) return resource;
    demand();
    const written = await writeAnnotation(client, { type, resource, annotation: { name, value }, mayWrite }, signal);
    if (written.type !== "written") throw new ChangedError(`its annotation ${name} could not be written: ${written.type}`);
    return written.resource;
  }
  async function remove(type: ResourceType, resource: Resource, signal: AbortSignal): Promise<void> {
    if (resource.metadata.deletionTimestamp !== undefined) return;
    demand();
    const live = await readLive(writer, { type, resource }, signal);
    if (!live || live.metadata.deletionTimestamp !== undefined) return;
    const removed = await removeObject(client, { type, resource: live }, signal);
    if (removed.type !== "removed") throw new ChangedError(`it could not be deleted: ${removed.type}`);
  }
  return {
    remove,
    create: (type, manifest, signal) =>
      send({ method: "POST", path: collectionPath(type, manifest.metadata.namespace), body: manifest }, signal),
    replace(type, { metadata }, manifest, signal) {
      const { labels = {}, annotations = {} } = manifest.metadata;
      const gone = Object.keys(metadata.labels ?? {}).filter((name) => !Object.hasOwn(labels, name));
      const body = [
        { op: "test", path: "/metadata/uid", value: metadata.uid },
        { op: "test", path: "/metadata/generation", value: metadata.generation },
        // What is sent once may have left since it was looked at, which its status alone says.
        ...(type.kind === "HTTPRequest"
          ? [{ op: "replace", path: "/metadata/resourceVersion", value: metadata.resourceVersion }]
          : []),
        { op: "replace", path: "/spec", value: manifest.spec },
        ...gone.map((name) => ({ op: "remove", path: `/metadata/labels/${pointer(name)}` })),
        ...Object.entries(labels).map(([name, value]) => ({ op: "add", path: `/metadata/labels/${pointer(name)}`, value })),
        ...Object.entries(annotations).map(([name, value]) => ({
          op: "add",
          path: `/metadata/annotations/${pointer(name)}`,
          value,
        })),
      ];
      const path = objectPath(type, metadata);
      return send({ method: "PATCH", path, body, contentType: "application/json-patch+json" }, signal);
    },
    async letGo(type, shadow, signal) {
      await annotate(type, shadow, { name: orphanAnnotation, value: "true", signal });
      await remove(type, shadow, signal);
    },
    annotate: (type, shadow, name, value, signal) => annotate(type, shadow, { name, value, signal }),
    ...objectWrites({ writer, demand, send, mayWrite }),
    live: (type, resource, signal) => readLive(writer, { type, resource }, signal),
    async exists(type, key, signal) {
      try {
        await client.call({ method: "GET", path: objectPath(type, key) }, signal);
        return true;
      } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
      }
    },
  };
}

interface ObjectWriting {
  readonly writer: StatusWriter;
  readonly demand: () => void;
  readonly send: (request: Parameters<ApiClient["call"]>[0], signal: AbortSignal) => Promise<Resource>;
  readonly mayWrite: () => boolean;
}
function objectWrites({ writer, demand, send, mayWrite }: ObjectWriting): Pick<Writes, "adopt" | "release" | "status"> {
  return {
    async adopt(type, resource, signal) {
      const { metadata } = resource;
      const { finalizers = [], annotations = {}, resourceVersion, uid, name } = metadata;
      const isKept = finalizers.includes(peerFinalizer);
      const isNamed = (annotations[externalNameAnnotation] ?? "") !== "";
      if (isKept && isNamed) return resource;
      const body = {
        metadata: {
          uid,
          resourceVersion,
          ...(!isKept && { finalizers: [...finalizers, peerFinalizer] }),
          ...(!isNamed && { annotations: { [externalNameAnnotation]: name } }),
        },
      };
      const path = objectPath(type, metadata);
      return send({ method: "PATCH", path, body, contentType: "application/merge-patch+json" }, signal);
    },
    async release(type, resource, signal) {
      demand();
      const finalizer = { name: peerFinalizer, present: false };
      const written = await writeFinalizer(writer, { type, resource, finalizer, anyStatus: true, mayWrite }, signal);
      if (written.type !== "written" && (await readLive(writer, { type, resource }, signal)))
        throw new ChangedError("its finalizer could not be taken off");
    },
    async status(type, resource, status, signal) {
      const written = await writeUnchanged(writer, { type, resource, status, mayWrite }, { type: "unchanged" }, signal);
      if (written.type !== "written") throw new ChangedError("its status has changed meanwhile");
      return written.resource;
    },
  };
}

/** RFC 6901. */
function pointer(text: string): string {
  return text.replaceAll("~", "~0").replaceAll("/", "~1");
}
