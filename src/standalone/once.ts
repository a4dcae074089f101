/** What `run --once` makes of manifests: it waits for each request to end, so that each has to have an end. */
import { httpRequest, type HTTPRequestSpec } from "../api/http-request.ts";
import type { Manifests } from "./manifests.ts";

/** Tries after the first, where nothing in the manifest says when it ends. */
const limit = 5;

export function withEnds(manifests: Manifests): Manifests {
  const objects = manifests.objects.map((object) => {
    if (object.type.kind !== httpRequest.kind) return object;
    const spec = object.spec as HTTPRequestSpec; // it has been validated
    const { retry } = spec;
    return retry.limit === undefined && retry.maxDuration === undefined
      ? { ...object, spec: { ...spec, retry: { ...retry, limit } } }
      : object;
  });
  return { ...manifests, objects };
}
