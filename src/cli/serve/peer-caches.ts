/** What there is of the kinds that are served, from their watches. One whose CRD is missing is looked for until it is there. */
import type { ResourceStore } from "../../core/ports.ts";
import { keyText, type Resource, type ResourceKey, type ResourceType } from "../../core/resource.ts";
import { createYieldIfLong } from "../../core/tools/event-loop-yield.ts";
import { createCache, type Cache } from "../../engine/cache.ts";
import { resourceName } from "../../kubernetes/paths.ts";

export interface PeerCaches {
  get(type: ResourceType, key: ResourceKey): Resource | undefined;
  all(type: ResourceType): Iterable<Resource>;
  inNamespace(type: ResourceType, namespace: string): Iterable<Resource>;
  /** What a write answered. */
  learn(type: ResourceType, resource: Resource): void;
  /** Whether all that there is of it is known. */
  isWarm(type: ResourceType): boolean;
  run(signal: AbortSignal): Promise<void>;
}

export function createPeerCaches(
  types: readonly ResourceType[],
  store: Pick<ResourceStore, "watch" | "isNewer">,
  onChange: (type: ResourceType, key: ResourceKey) => Promise<void>,
): PeerCaches {
  const caches = new Map<string, Cache>(types.map((type) => [resourceName(type), createCache(store.isNewer.bind(store))]));
  function of(type: ResourceType): Cache {
    const cache = caches.get(resourceName(type));
    if (!cache) throw new Error(`no such kind: ${resourceName(type)}`);
    return cache;
  }
  async function watch(type: ResourceType, signal: AbortSignal): Promise<void> {
    const breathe = createYieldIfLong();
    for await (const event of store.watch(type, signal)) {
      const cache = of(type);
      for (const { before, after } of event.type === "listed" ? await cache.list(event, breathe) : cache.apply(event)) {
        const metadata = (after ?? before)?.metadata;
        if (metadata) await onChange(type, metadata);
        await breathe();
      }
    }
  }
  return {
    get: (type, key) => of(type).get(key),
    all: (type) => of(type).all(),
    inNamespace: (type, namespace) => of(type).inNamespace(namespace),
    learn: (type, resource) => void of(type).learn(resource),
    isWarm: (type) => of(type).isWarm,
    run: async (signal) => void (await Promise.all(types.map((type) => watch(type, signal)))),
  };
}

/** The key of an object in the queue: `plural.group/namespace/name`. */
export function servedId(type: ResourceType, key: ResourceKey): string {
  return `${resourceName(type)}/${keyText(key)}`;
}
export function servedParts(
  id: string,
  types: readonly ResourceType[],
): { readonly type: ResourceType; readonly key: ResourceKey } | undefined {
  const [kind = "", namespace = "", name = ""] = id.split("/");
  const type = types.find((one) => resourceName(one) === kind);
  return type && { type, key: { namespace, name } };
}
