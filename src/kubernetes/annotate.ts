/** Sets an annotation on an object, and touches nothing else of it. Invariant: it lands on the object (UID) that was read. */
import type { Annotation } from "../core/plan.ts";
import type { WriteResult } from "../core/ports.ts";
import type { Resource, ResourceType } from "../core/resource.ts";
import type { ApiClient } from "./api-client.ts";
import { refusalOf } from "./api-error.ts";
import { toResource } from "./objects.ts";
import { objectPath } from "./paths.ts";

/** `conflict`: the object is gone, or another has its name. Throws what else the server says, and when it cannot be reached. */
export async function writeAnnotation(
  client: ApiClient,
  {
    type,
    resource,
    annotation: { name, value },
  }: { readonly type: ResourceType; readonly resource: Resource; readonly annotation: Annotation },
  signal: AbortSignal,
): Promise<WriteResult | { readonly type: "forbidden" }> {
  const { metadata } = resource;
  const body = { metadata: { uid: metadata.uid, annotations: { [name]: value } } };
  const request = { method: "PATCH", path: objectPath(type, metadata), query: { fieldManager: "holdfast" } } as const;
  try {
    const answer = await client.call({ ...request, body, contentType: "application/merge-patch+json" }, signal);
    return { type: "written", resource: toResource(answer.body) };
  } catch (error) {
    return refusalOf(error);
  }
}
