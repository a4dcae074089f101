/**
 * Puts a finalizer on an object or takes it off, and touches nothing else of it.
 *
 * Invariant: the patch tests UID and resourceVersion, so it lands on the object and on the list of finalizers that was read,
 * and never where the status, by which it was decided on, is another one by now.
 */
import { sameJSON } from "../core/tools/json.ts";
import type { WriteResult } from "../core/ports.ts";
import type { Finalizer, Resource, ResourceType } from "../core/resource.ts";
import { mayHaveChanged } from "./api-error.ts";
import { toResource } from "./objects.ts";
import { objectPath } from "./paths.ts";
import { persistently, readLive, startingUpTries, type StatusWriter } from "./status-write.ts";

/** Each try needs somebody else to have changed the object since the last one. */
const maxTries = 5;

interface FinalizerWrite {
  readonly type: ResourceType;
  /** As it was read. */
  readonly resource: Resource;
  readonly finalizer: Finalizer;
  /** It was not decided on by the status. */
  readonly anyStatus?: true;
  /** Asked before each try. */
  readonly mayWrite: () => boolean;
}

/**
 * `conflict`: the object is gone, its status is another one, others change it all the time, or it may not be written. Waits while the server cannot
 * be reached, since what led to it may be a request that would be sent again. Throws as `writeUnchanged` does.
 */
export async function writeFinalizer(writer: StatusWriter, write: FinalizerWrite, signal: AbortSignal): Promise<WriteResult> {
  return persistently(writer, startingUpTries, () => tryOnce(writer, write, signal), signal);
}

async function tryOnce(writer: StatusWriter, write: FinalizerWrite, signal: AbortSignal): Promise<WriteResult> {
  const { type, finalizer, mayWrite } = write;
  let current: Resource | undefined = write.resource;
  for (let tries = 0; current && tries < maxTries; tries += 1) {
    const { metadata }: Resource = current;
    if ((metadata.finalizers ?? []).includes(finalizer.name) === finalizer.present) return { type: "written", resource: current };
    if (!mayWrite()) break;
    try {
      const body = patch(current, finalizer);
      const request = { method: "PATCH", path: objectPath(type, metadata), query: { fieldManager: "holdfast" } } as const;
      const answer = await writer.client.call({ ...request, body, contentType: "application/json-patch+json" }, signal);
      return { type: "written", resource: toResource(answer.body) };
    } catch (error) {
      if (!mayHaveChanged(error)) throw error;
      const live = await readLive(writer, write, signal);
      // The server refuses it for what it is, where the object is as it was.
      if (error.status === 422 && live?.metadata.resourceVersion === metadata.resourceVersion) throw error;
      current = live && (write.anyStatus || sameJSON(live.status, write.resource.status)) ? live : undefined;
    }
  }
  return { type: "conflict" };
}

function patch({ metadata }: Resource, { name, present }: Finalizer): object[] {
  const { uid, resourceVersion, finalizers = [] } = metadata;
  const path = "/metadata/finalizers";
  return [
    { op: "test", path: "/metadata/uid", value: uid },
    { op: "test", path: "/metadata/resourceVersion", value: resourceVersion },
    present
      ? finalizers.length === 0
        ? { op: "add", path, value: [name] }
        : { op: "add", path: `${path}/-`, value: name }
      : { op: "remove", path: `${path}/${finalizers.indexOf(name)}` },
  ];
}
