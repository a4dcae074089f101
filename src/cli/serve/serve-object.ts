/** One look at one object of the peer: whether it is served, and what is to be done about it. */
import type { PeerConfig } from "../../convert/peer-object.ts";
import type { Resource, ResourceKey, ResourceType } from "../../core/resource.ts";
import { shadowTypeOf } from "../../serve/kinds.ts";
import { isShadow } from "../../serve/registry.ts";
import { conditionOf, readServed, type ServedObject } from "../../serve/served-object.ts";
import { choose, servedCondition, type ServeMode } from "../../serve/serving.ts";
import { newlyAsked, servedAsAnnotation, shadowKey, standsForLabel, type ServeSettings } from "../../serve/shadow.ts";
import { createKeeping, isToBeEnded, type KeepingDeps } from "./keeping.ts";
import { servedId } from "./peer-caches.ts";
import { createTelling, type Given, type TellingDeps } from "./telling.ts";
import { ChangedError } from "./writes.ts";

export interface ServeDeps extends Omit<KeepingDeps, "telling">, Omit<TellingDeps, "writes"> {
  readonly settings: ServeSettings & { readonly mode: ServeMode };
  readonly find: (type: ResourceType, key: ResourceKey) => Resource | undefined;
  readonly shadowAt: (kind: string, key: ResourceKey) => Resource | undefined;
  /** Undefined: there is none of that name. */
  readonly configOf: (object: ServedObject) => PeerConfig | undefined;
  /** Whether all are known among which there may be its own. */
  readonly knowsConfigs: (object: ServedObject) => boolean;
}
export type ServeObject = (type: ResourceType, key: ResourceKey, signal: AbortSignal) => Promise<void>;

export function createServeObject(deps: ServeDeps): ServeObject {
  const { settings, registry, writes } = deps;
  const telling = createTelling(deps);
  const keeping = createKeeping({ ...deps, telling });

  /** With a credential or TLS, by object: what is deleted together with its config needs them still. */
  const configs = new Map<string, PeerConfig>();
  function configNow(object: ServedObject, id: string): PeerConfig | undefined {
    const config = deps.configOf(object);
    if (!config) return object.resource.metadata.deletionTimestamp === undefined ? undefined : configs.get(id);
    if (config.spec.credentials?.secretRef || config.spec.tls) configs.set(id, config);
    else configs.delete(id);
    return config;
  }

  /** The shadow, told what people have asked for on the object. */
  async function asked(object: ServedObject, shadow: Resource | undefined, signal: AbortSignal): Promise<Resource | undefined> {
    if (shadow?.metadata.labels?.[standsForLabel] !== object.resource.metadata.uid) return shadow;
    const kind = shadowTypeOf(object.type);
    let told = shadow;
    for (const [name, value] of Object.entries(newlyAsked(object, shadow))) {
      told = await writes.annotate(kind, told, name, value, signal);
      deps.learn(kind, told);
    }
    return told;
  }

  async function serve(object: ServedObject, before: Resource | undefined, signal: AbortSignal): Promise<void> {
    const { resource, peer, type } = object;
    const shadow = await asked(object, before, signal);
    const config = configNow(object, servedId(type, resource.metadata));
    const known = { shadow, config };
    const isEnding = resource.metadata.deletionTimestamp !== undefined;
    const needsConfig = !isEnding || (!shadow && isToBeEnded(object));
    if (needsConfig && !deps.knowsConfigs(object)) throw new ChangedError("its ProviderConfig may be there, and not known yet");
    if (!config && needsConfig) {
      const { name = "default" } = peer.spec.providerConfigRef ?? {};
      return keeping.refuse(object, `its ProviderConfig ${name} is not there`, signal);
    }
    return isEnding ? keeping.end(object, known, signal) : keeping.keep(object, known, signal);
  }
  async function handBack(given: Given, shadow: Resource | undefined, signal: AbortSignal): Promise<void> {
    const kind = shadowTypeOf(given.type);
    if (shadow?.metadata.labels?.[standsForLabel] === given.resource.metadata.uid) return keeping.letGo(kind, shadow, signal);
    registry.close(kind.kind, shadowKey(given, settings));
    if (conditionOf(given.resource.status, servedCondition)?.status !== "True") return;
    const message = "Holdfast does nothing about it any more";
    await telling.states(given, [], { status: "False", reason: "HandedBack", message }, signal);
  }
  /** A shadow whose object is not there any more. */
  async function forget(type: ResourceType, key: ResourceKey, shadow: Resource | undefined, signal: AbortSignal): Promise<void> {
    if (!shadow || !isShadow(shadow) || shadow.metadata.annotations?.[servedAsAnnotation] !== servedId(type, key)) return;
    if (!(await writes.exists(type, key, signal))) await keeping.letGo(shadowTypeOf(type), shadow, signal);
  }

  return async (type, key, signal) => {
    const { kind } = shadowTypeOf(type);
    const resource = deps.find(type, key);
    const at = shadowKey({ type, key }, settings);
    const shadow = deps.shadowAt(kind, at);
    if (!resource) {
      configs.delete(servedId(type, key));
      return forget(type, key, shadow, signal);
    }
    const read = readServed(type, resource);
    const given = { type, resource };
    switch (choose(resource, settings.mode)) {
      case "away":
        return handBack(given, shadow, signal);
      case "unpaused": {
        registry.close(kind, at);
        const message = `it asks to be served and is not paused: with crossplane.io/paused: "true" the provider leaves it alone`;
        return telling.states(given, [], { status: "False", reason: "NotPaused", message }, signal);
      }
      case "paused": {
        registry.close(kind, at);
        const message = "it is paused, by its annotation or by its managementPolicies: nothing is sent";
        return telling.resting(given, [{ type: "Synced", status: "False", reason: "ReconcilePaused", message }], signal);
      }
      case "served":
        return read.type === "object" ? serve(read.object, shadow, signal) : keeping.refuse(given, read.message, signal);
    }
  };
}
