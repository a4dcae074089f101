/**
 * How far the API server's store is. Invariant: it only ever goes on, or this says so.
 *
 * A store that was restored from an older copy counts on from there. What is cached is of a future that is not to be, and no watch
 * from there tells of what happens now: whoever reads StoreWentBackError has to begin anew.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isRecord } from "../core/tools/json.ts";
import type { ResourceType } from "../core/resource.ts";
import type { ApiClient } from "./api-client.ts";
import { collectionPath } from "./paths.ts";

export class StoreWentBackError extends Error {
  override readonly name = "StoreWentBackError";
  constructor() {
    super("the API server has gone back to an older state (etcd was restored): the process ends, to begin anew");
  }
}

/** Takes each resourceVersion as the API server gives it. Throws StoreWentBackError for one that it cannot give after those before. */
export function createVersionCheck(): (resourceVersion: string) => void {
  let latest = 0n;
  return (resourceVersion) => {
    const version = BigInt(resourceVersion);
    if (version < latest) throw new StoreWentBackError();
    latest = version;
  };
}

interface Followed {
  /** What is listed for it, one object of it: a type that this process may list. */
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly pauseMs: number;
}
/** Until `signal` aborts. Rejects with StoreWentBackError; an API server that does not answer is asked again. */
export async function followStoreVersion(
  client: ApiClient,
  { type, namespace, pauseMs }: Followed,
  signal: AbortSignal,
): Promise<void> {
  const check = createVersionCheck();
  const accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
  const listing = { method: "GET", path: collectionPath(type, namespace), query: { limit: "1" }, accept } as const;
  while (!signal.aborted) {
    const body = await client.call(listing, signal).then(
      (answer) => answer.body,
      () => undefined,
    );
    const { resourceVersion } = isRecord(body) && isRecord(body["metadata"]) ? body["metadata"] : {};
    if (typeof resourceVersion === "string" && /^\d+$/.test(resourceVersion)) check(resourceVersion);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
