/** Deletes an object. Invariant: it is the one (UID) that was read, and nobody has changed anything of it since. */
import type { RemoveResult } from "../core/plan.ts";
import type { Resource, ResourceType } from "../core/resource.ts";
import type { ApiClient } from "./api-client.ts";
import { refusalOf } from "./api-error.ts";
import { objectPath } from "./paths.ts";

/** `conflict`: the object is gone, or another one by now. Throws what else the server says, and when it cannot be reached. */
export async function removeObject(
  client: ApiClient,
  { type, resource: { metadata } }: { readonly type: ResourceType; readonly resource: Resource },
  signal: AbortSignal,
): Promise<RemoveResult | { readonly type: "conflict" }> {
  const { uid, resourceVersion } = metadata;
  const body = {
    apiVersion: "v1",
    kind: "DeleteOptions",
    preconditions: { uid, resourceVersion },
    propagationPolicy: "Background",
  };
  try {
    await client.call({ method: "DELETE", path: objectPath(type, metadata), body }, signal);
    return { type: "removed" };
  } catch (error) {
    return refusalOf(error);
  }
}
