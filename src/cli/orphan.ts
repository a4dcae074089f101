/**
 * `holdfast orphan`: lets go of remote objects, so that no HTTPResource waits for a controller that is not there any more.
 *
 * Invariant: nothing is sent. Each object is marked before its finalizer goes, so that a controller that still runs leaves
 * the remote object alone, too.
 */
import type { OrphanSettings } from "../config.ts";
import { orphanAnnotation, type Resource } from "../core/resource.ts";
import { finalizer } from "../kinds/http-resource/context.ts";
import { httpResourceType } from "../kinds/types.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { loadKubeConfig } from "../kubernetes/credentials.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { ApiError } from "../kubernetes/api-error.ts";
import { writeFinalizer } from "../kubernetes/finalizer-write.ts";
import { list } from "../kubernetes/listing.ts";
import { toResource } from "../kubernetes/objects.ts";
import { collectionPath, objectPath } from "../kubernetes/paths.ts";
import { version } from "./version.ts";

/** Returns the exit code: 1 where one could not be let go of. */
export async function orphanResources({ kubeconfig, namespace }: OrphanSettings): Promise<number> {
  const loadKube = (): ReturnType<typeof loadKubeConfig> => loadKubeConfig(kubeconfig);
  await using client = createApiClient({ loadKubeConfig: loadKube, emit: () => {}, userAgent: `holdfast/${version}` });
  const { signal } = new AbortController();
  const { resources } = await list(client, { path: collectionPath(httpResourceType, namespace) }, {}, signal);
  const held = resources.filter(({ metadata }) => metadata.finalizers?.includes(finalizer));
  const failed: string[] = [];
  for (const resource of held) {
    const at = `${resource.metadata.namespace}/${resource.metadata.name}`;
    try {
      await letGo(client, resource, signal);
      process.stdout.write(`${at}  let go\n`);
    } catch (error) {
      failed.push(at);
      process.stderr.write(`${at}  ${Error.isError(error) ? error.message : "failed"}\n`);
    }
  }
  process.stdout.write(
    `let go of ${held.length - failed.length} HTTPResources; ${resources.length - held.length} held nothing\n`,
  );
  return failed.length > 0 ? 1 : 0;
}

/** Each needs somebody else, a controller that still runs say, to have written the status since the one before. */
const maxTries = 5;

/** Throws what the API server says. One that is gone meanwhile holds nothing any more. */
async function letGo(client: ApiClient, { metadata }: Resource, signal: AbortSignal): Promise<void> {
  const body = { metadata: { uid: metadata.uid, annotations: { [orphanAnnotation]: "true" } } };
  const path = objectPath(httpResourceType, metadata);
  const mark = { method: "PATCH", path, body, contentType: "application/merge-patch+json" } as const;
  try {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const resource = toResource((await client.call(mark, signal)).body);
      const change = { finalizer: { name: finalizer, present: false }, mayWrite: () => true };
      const { type } = await writeFinalizer(
        { client, random: Math.random },
        { type: httpResourceType, resource, ...change },
        signal,
      );
      if (type === "written") return;
    }
  } catch (error) {
    if (error instanceof ApiError && error.status === 404 && error.reason === "NotFound") return;
    throw error;
  }
  throw new Error("somebody else keeps changing it: try again");
}
