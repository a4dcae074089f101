/**
 * Sets an annotation on an object, and touches nothing else of it.
 *
 * Invariant: it lands on the object (UID) that was read, and over no other value of the annotation than was read there.
 */
import type { Annotation } from "../core/plan.ts";
import type { WriteResult } from "../core/ports.ts";
import type { Resource, ResourceType } from "../core/resource.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError, refusalOf } from "./api-error.ts";
import { toResource } from "./objects.ts";
import { objectPath } from "./paths.ts";
import { readLive } from "./status-write.ts";

/** Each try needs somebody else to have changed the object since the last one. */
const maxTries = 5;

interface AnnotationWrite {
  readonly type: ResourceType;
  /** As it was read. */
  readonly resource: Resource;
  readonly annotation: Annotation;
  /** Asked before each try. */
  readonly mayWrite: () => boolean;
}

/**
 * `conflict`: the object is gone, or another has its name; or somebody else has written the annotation, changes the object all the time, or it
 * may not be written. Throws what else the server says, and when it cannot be reached.
 */
export async function writeAnnotation(
  client: ApiClient,
  write: AnnotationWrite,
  signal: AbortSignal,
): Promise<WriteResult | { readonly type: "forbidden" }> {
  const { type, resource, annotation } = write;
  const valueIn = ({ metadata }: Resource): string | undefined => metadata.annotations?.[annotation.name];
  let current: Resource | undefined = resource;
  for (let tries = 0; current && tries < maxTries && write.mayWrite(); tries += 1) {
    try {
      return { type: "written", resource: toResource(await patch(client, current, write, signal)) };
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409)) return refusalOf(error);
    }
    const live: Resource | undefined = await readLive({ client }, { type, resource }, signal);
    current = live && valueIn(live) === valueIn(resource) ? live : undefined;
  }
  return { type: "conflict" };
}

async function patch(
  client: ApiClient,
  { metadata }: Resource,
  { type, annotation: { name, value } }: AnnotationWrite,
  signal: AbortSignal,
): Promise<unknown> {
  const { uid, resourceVersion } = metadata;
  const body = { metadata: { uid, resourceVersion, annotations: { [name]: value } } };
  const request = { method: "PATCH", path: objectPath(type, metadata), query: { fieldManager: "holdfast" } } as const;
  const answer = await client.call({ ...request, body, contentType: "application/merge-patch+json" }, signal);
  return answer.body;
}
