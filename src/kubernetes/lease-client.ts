/**
 * One Lease on the API server. Invariant: a write lands only on the version that it was decided on, and its calls go over
 * a connection that nothing else can hold up.
 * https://kubernetes.io/docs/concepts/architecture/leases/
 */
import type { Resource, ResourceType } from "../core/resource.ts";
import type { ApiClient, ApiRequest } from "./api-client.ts";
import { isNotFound, isWriteConflict } from "./api-error.ts";
import type { LeaseSpec } from "./lease-state.ts";
import { toResource } from "./objects.ts";
import { collectionPath, objectPath } from "./paths.ts";
import { readEvents } from "./watch-stream.ts";

export const leaseType: ResourceType = { group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases" };

export type Lease = Resource<LeaseSpec>;

/** Each throws as `ApiClient` does. Undefined stands for no such Lease, of which only the API server itself can tell. */
interface LeaseClient {
  read(signal: AbortSignal): Promise<Lease | undefined>;
  /** `conflict`: somebody else has written it, created it or deleted it meanwhile, and nothing was written. */
  write(lease: Lease | undefined, spec: LeaseSpec, signal: AbortSignal): Promise<Lease | "conflict">;
  /** As it is, and every change, until the server ends the stream. */
  follow(signal: AbortSignal): AsyncGenerator<Lease | undefined, void>;
}

interface LeaseClientSettings {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly name: string;
  /** Limit on a call, milliseconds. */
  readonly timeoutMs: number;
}

export function createLeaseClient({ client, namespace, name, timeoutMs }: LeaseClientSettings): LeaseClient {
  const collection = collectionPath(leaseType, namespace);
  const path = objectPath(leaseType, { namespace, name });

  async function call(request: ApiRequest, signal: AbortSignal): Promise<Lease> {
    const { body } = await client.call({ ...request, purpose: "lease", timeoutMs }, signal);
    return toLease(toResource(body));
  }
  return {
    async read(signal) {
      try {
        return await call({ method: "GET", path }, signal);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    async write(lease, spec, signal) {
      const creation = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, namespace }, spec };
      // A merge patch leaves alone what is not ours; the resourceVersion in it is a precondition.
      const change = { metadata: { resourceVersion: lease?.metadata.resourceVersion }, spec };
      try {
        return await (lease
          ? call({ method: "PATCH", path, body: change, contentType: "application/merge-patch+json" }, signal)
          : call({ method: "POST", path: collection, body: creation }, signal));
      } catch (error) {
        if (isWriteConflict(error) || (lease !== undefined && isNotFound(error))) return "conflict";
        throw error;
      }
    },
    async *follow(signal) {
      // Without a resourceVersion: that of a lease which nobody renews may be one that the server no longer has.
      const query = { watch: "true", fieldSelector: `metadata.name=${name}` };
      using stream = await client.stream({ method: "GET", path: collection, query }, signal);
      for await (const event of readEvents(stream.chunks)) {
        if (event.type === "deleted") yield undefined;
        if (event.type === "applied") yield toLease(event.resource);
      }
    },
  };
}

/** A Lease that nobody has ever held may have no spec. */
function toLease(resource: Resource): Lease {
  return { ...resource, spec: resource.spec ?? {} };
}
