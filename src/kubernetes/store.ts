/** Resources on a Kubernetes API server. Invariant: it reads and writes what the port says, and decides nothing. */
import { FinalizerRefusedError, type ResourceStore } from "../core/ports.ts";
import type { RightDenial, ResourceKey, ResourceType } from "../core/resource.ts";
import type { ApiClient } from "./api-client.ts";
import { writeAnnotation } from "./annotate.ts";
import { ApiError, isForbidden, isNotFound } from "./api-error.ts";
import { writeFinalizer } from "./finalizer-write.ts";
import { toDataResource } from "./objects.ts";
import { createOutputStore } from "./outputs.ts";
import { pages } from "./listing.ts";
import { collectionPath, isObjectName, objectPath } from "./paths.ts";
import { removeObject } from "./remove.ts";
import { createServiceAccountTokens } from "./service-account-token.ts";
import { actingAs, denialOf, grantOf } from "./impersonation.ts";
import { readLive, writeAttempt, writeUnchanged } from "./status-write.ts";
import { createWatches, type Watches, type WatchesSettings } from "./watches.ts";

const always = (): boolean => true;

export interface KubernetesStoreSettings extends WatchesSettings {
  /** What follows `kubectl create rolebinding --namespace=…`, to let this process read a namespace's Secrets. */
  readonly secretGrant?: string;
  /** Likewise, to let this process act as the namespace's ServiceAccounts. */
  readonly impersonationGrant?: string;
  /** The same to let it write the Secrets and ConfigMaps that requests declare as outputs. */
  readonly outputGrant?: string;
  /** The same, to let it make tokens of a namespace's ServiceAccounts. */
  readonly serviceAccountTokenGrant?: string;
}
export type KubernetesStore = ResourceStore & Pick<Watches, "readiness">;

/** The client stays its owner's to dispose of. */
export function createKubernetesStore(settings: KubernetesStoreSettings): KubernetesStore {
  const { client, random = Math.random } = settings;
  const writer = { client, random };

  return {
    ...createWatches(settings),
    read: readFrom(client, async ({ namespace }, type) =>
      type.kind === "Secret" ? grantOf(namespace, settings.secretGrant) : {},
    ),
    ...createOutputStore({ ...writer, denial: async ({ namespace }) => grantOf(namespace, settings.outputGrant) }),
    as(account) {
      const acting = actingAs(client, account);
      const denial = (signal: AbortSignal): Promise<RightDenial> =>
        denialOf(client, account, settings.impersonationGrant, signal);
      return {
        read: readFrom(acting, (_key, _type, signal) => denial(signal)),
        ...createOutputStore({ ...writer, client: acting, denial: (_key, signal) => denial(signal) }),
      };
    },
    serviceAccountToken: createServiceAccountTokens(client, settings.serviceAccountTokenGrant),
    async find(type, matches, signal) {
      for await (const { resources } of pages(client, { path: collectionPath(type) }, {}, signal)) {
        const found = resources.find(matches);
        if (found) return found;
      }
      return undefined;
    },
    readLive: (type, resource, signal) => readLive(writer, { type, resource }, signal),
    async setFinalizer(type, resource, finalizer, signal, mayWrite = always) {
      try {
        return await writeFinalizer(writer, { type, resource, finalizer, mayWrite }, signal);
      } catch (error) {
        if (!isForbidden(error) && !(error instanceof ApiError && error.isInternal)) throw error;
        const change = finalizer.present ? "put on" : "taken off";
        throw new FinalizerRefusedError(`metadata.finalizers: ${finalizer.name} cannot be ${change}: ${error.message}`, {
          cause: error,
        });
      }
    },
    annotate: (type, resource, annotation, signal, mayWrite = always) =>
      writeAnnotation(client, { type, resource, annotation, mayWrite }, signal),
    async remove(type, resource, signal, mayWrite = always) {
      return mayWrite() ? removeObject(client, { type, resource }, signal) : { type: "conflict" };
    },
    async hold(type, resource, name, signal, mayWrite = always) {
      try {
        const write = { type, resource, finalizer: { name, present: true }, anyStatus: true, mayWrite } as const;
        return await writeFinalizer(writer, write, signal);
      } catch (error) {
        if (isForbidden(error)) return { type: "forbidden" };
        throw error;
      }
    },
    writeStatus(type, resource, status, precondition, signal, mayWrite = always) {
      const write = { type, resource, status, mayWrite };
      return precondition.type === "attempt"
        ? writeAttempt(writer, write, precondition, signal)
        : writeUnchanged(writer, write, precondition, signal);
    },
    /** They count etcd's revisions, and only their server may be asked what they mean: this is its store. */
    isNewer: (a, b) => BigInt(a) > BigInt(b),
  };
}

/** A live read of a Secret or ConfigMap by the client's rights. */
function readFrom(
  client: ApiClient,
  denial: (key: ResourceKey, type: ResourceType, signal: AbortSignal) => Promise<RightDenial>,
): ResourceStore["read"] {
  return async ({ type, key }, signal) => {
    if (!isObjectName(key.name)) return { type: "absent" };
    try {
      const { body } = await client.call({ method: "GET", path: objectPath(type, key) }, signal);
      return { type: "found", resource: toDataResource(type.kind, body) };
    } catch (error) {
      if (isNotFound(error)) return { type: "absent" };
      if (error instanceof ApiError && error.status === 403) return { type: "forbidden", ...(await denial(key, type, signal)) };
      throw error;
    }
  };
}
