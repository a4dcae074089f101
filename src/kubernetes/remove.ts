/** Deletes an object. Invariant: it is the one (UID) that was read, and nobody has changed anything of it since. */
import type { ResourceStore } from "../core/ports.ts";
import type { Resource, ResourceType } from "../core/resource.ts";
import { isRecord } from "../core/tools/json.ts";
import type { ApiClient } from "./api-client.ts";
import { refusalOf } from "./api-error.ts";
import { toResource } from "./objects.ts";
import { objectPath } from "./paths.ts";

/** `conflict`: the object is gone, or another one by now. Throws what else the server says, and when it cannot be reached. */
export async function removeObject(
  client: ApiClient,
  { type, resource: { metadata } }: { readonly type: ResourceType; readonly resource: Resource },
  signal: AbortSignal,
): ReturnType<ResourceStore["remove"]> {
  const { uid, resourceVersion } = metadata;
  const body = {
    apiVersion: "v1",
    kind: "DeleteOptions",
    preconditions: { uid, resourceVersion },
    propagationPolicy: "Background",
  };
  try {
    const answer = await client.call({ method: "DELETE", path: objectPath(type, metadata), body }, signal);
    const left = leftBy(answer.body);
    return { type: "removed", ...(left && { left }) };
  } catch (error) {
    return refusalOf(error);
  }
}

/**
 * Of an object that is gone the API server answers a Status, or the object as it was last; of one that a finalizer keeps, the object.
 * https://github.com/kubernetes/apiserver, pkg/registry/generic/registry/store.go (Delete, finalizeDelete)
 */
function leftBy(answer: unknown): Resource | undefined {
  if (isRecord(answer) && answer["kind"] === "Status") return undefined;
  const last = toResource(answer);
  return last.metadata.finalizers?.length ? last : undefined;
}
