/**
 * `holdfast orphan`: lets go of remote objects, so that no HTTPResource, and no endpoint, waits for a controller that is not
 * there any more.
 *
 * Invariant: nothing is sent. Each HTTPResource is marked before its finalizer goes, so that a controller that still runs leaves
 * the remote object alone, too.
 */
import type { OrphanSettings } from "../config.ts";
import { keyText, orphanAnnotation, type Resource, type ResourceType } from "../core/resource.ts";
import { finalizer } from "../kinds/http-resource/context.ts";
import { inUseFinalizer } from "../kinds/request/endpoint.ts";
import { clusterHTTPEndpointType, httpEndpointType, httpResourceType } from "../kinds/types.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { loadKubeConfig } from "../kubernetes/credentials.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { ApiError, isNotFound } from "../kubernetes/api-error.ts";
import { writeFinalizer } from "../kubernetes/finalizer-write.ts";
import { list } from "../kubernetes/listing.ts";
import { toResource } from "../kubernetes/objects.ts";
import { collectionPath, objectPath } from "../kubernetes/paths.ts";
import { version } from "./version.ts";

/** Returns the exit code: 1 where one could not be let go of. */
export async function orphanResources({ kubeconfig, namespace }: OrphanSettings): Promise<number> {
  const loadKube = (): ReturnType<typeof loadKubeConfig> => loadKubeConfig(kubeconfig);
  await using client = createApiClient({ loadKubeConfig: loadKube, emit: () => {}, userAgent: `holdfast/${version}` });
  const resources = await letGoOfAll(client, { type: httpResourceType, finalizer, namespace, mark: true });
  // What nobody needs any more needs no mark: none of those that are left puts it on again.
  const endpoint = { finalizer: inUseFinalizer, mark: false };
  const own = await letGoOfAll(client, { type: httpEndpointType, namespace, ...endpoint });
  const shared =
    namespace === undefined ? await letGoOfAll(client, { type: clusterHTTPEndpointType, namespace, ...endpoint }) : undefined;
  process.stdout.write(`let go of ${resources.count} HTTPResources; ${resources.others} held nothing\n`);
  const endpoints = own.count + (shared?.count ?? 0);
  if (endpoints > 0) process.stdout.write(`let go of ${endpoints} endpoints\n`);
  return [resources, own, shared].some((one) => one?.hasFailed) ? 1 : 0;
}

interface Holding {
  readonly type: ResourceType;
  readonly finalizer: string;
  readonly namespace: string | undefined;
  /** Marked first, so that a controller that still runs lets go, too. */
  readonly mark: boolean;
}

/** Of all that hold something. What may not be listed is the cluster's, and its admin's. */
async function letGoOfAll(
  client: ApiClient,
  holding: Holding,
): Promise<{ readonly count: number; readonly others: number; readonly hasFailed: boolean }> {
  const { type, namespace } = holding;
  const { signal } = new AbortController();
  const path = collectionPath(type, namespace);
  const { resources } = await list(client, { path }, {}, signal).catch((error: unknown) => {
    if (type.scope === "Cluster" && error instanceof ApiError && error.status === 403) return { resources: [] };
    throw error;
  });
  const held = resources.filter(({ metadata }) => metadata.finalizers?.includes(holding.finalizer));
  let count = 0;
  for (const resource of held) {
    const at = type.scope === "Cluster" ? resource.metadata.name : keyText(resource.metadata);
    try {
      await letGo(client, holding, resource, signal);
      count += 1;
      process.stdout.write(`${at}  let go\n`);
    } catch (error) {
      process.stderr.write(`${at}  ${Error.isError(error) ? error.message : "failed"}\n`);
    }
  }
  return { count, others: resources.length - held.length, hasFailed: count < held.length };
}

/** Each needs somebody else, such as a controller that still runs, to have written the status since the one before. */
const maxTries = 5;

/** Throws what the API server says. One that is gone meanwhile holds nothing any more. */
async function letGo(
  client: ApiClient,
  { type, finalizer: name, mark }: Holding,
  { metadata }: Resource,
  signal: AbortSignal,
): Promise<void> {
  const body = { metadata: { uid: metadata.uid, ...(mark && { annotations: { [orphanAnnotation]: "true" } }) } };
  const path = objectPath(type, metadata);
  const request = { method: "PATCH", path, body, contentType: "application/merge-patch+json" } as const;
  try {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const resource = toResource((await client.call(request, signal)).body);
      const change = { finalizer: { name, present: false }, mayWrite: () => true };
      const written = await writeFinalizer({ client, random: Math.random }, { type, resource, ...change }, signal);
      if (written.type === "written") return;
    }
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  throw new Error("somebody else keeps changing it: try again");
}
