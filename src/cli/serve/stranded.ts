/**
 * Shadows that are deleted while their objects are not served: the provider, or the garbage collector after it, has ended them.
 *
 * Invariant: they go, and nothing is sent; whoever serves their objects answers for what is at the server. While this process may
 * come to serve an object, that is itself: then its shadow is let be until the object is gone, or is nobody's to delete any more.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { orphanAnnotation, keyText, type Resource, type ResourceKey } from "../../core/resource.ts";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";
import { managedTypes, shadowTypes } from "../../serve/kinds.ts";
import { isShadow } from "../../serve/registry.ts";
import { peerFinalizer } from "../../serve/served-object.ts";
import { servedAsAnnotation, standsForLabel } from "../../serve/shadow.ts";
import { servedParts } from "./peer-caches.ts";
import type { Writes } from "./writes.ts";

export interface Stranded {
  /** Told of each change of our own objects. */
  readonly observe: (kind: string, key: ResourceKey, after: Resource | undefined) => void;
  /** Until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** How often it is looked for them. */
const pauseMs = 5_000;

interface StrandedParts {
  /** Whether this process leads, and serves nothing. */
  readonly isIdle: () => boolean;
  /** Whether it may come to serve. */
  readonly servesLater: boolean;
  readonly emit: EmitTelemetry;
}

export function createStranded(
  writes: Pick<Writes, "annotate" | "live">,
  { isIdle, servesLater, emit }: StrandedParts,
): Stranded {
  const deleted = new Map<string, { readonly kind: keyof typeof shadowTypes; readonly shadow: Resource }>();

  async function letGo(kind: keyof typeof shadowTypes, shadow: Resource, signal: AbortSignal): Promise<void> {
    if (servesLater && (await isWanted(shadow, signal))) return;
    await writes.annotate(shadowTypes[kind], shadow, orphanAnnotation, "true", signal);
  }
  /** Whether its object is there, for whoever serves it to delete what is at the server. */
  async function isWanted({ metadata }: Resource, signal: AbortSignal): Promise<boolean> {
    const parts = servedParts(metadata.annotations?.[servedAsAnnotation] ?? "", managedTypes);
    if (!parts) return false;
    const { type, key } = parts;
    const uid = metadata.labels?.[standsForLabel] ?? "";
    const object = await writes.live(type, { metadata: { ...metadata, ...key, uid }, spec: {} }, signal);
    if (!object) return false;
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    return deletionTimestamp === undefined || finalizers.includes(peerFinalizer);
  }
  async function release(signal: AbortSignal): Promise<void> {
    for (const { kind, shadow } of deleted.values())
      if (isIdle())
        await letGo(kind, shadow, signal).catch((error: unknown) => {
          const { namespace, name } = shadow.metadata;
          const fields = { kind, namespace, name };
          if (!signal.aborted) emit({ type: "note", level: "warn", message: "a shadow could not be let go", fields, error });
        });
  }
  return {
    observe(kind, key, after) {
      const id = `${kind}/${keyText(key)}`;
      deleted.delete(id);
      if (kind !== "HTTPResource" && kind !== "HTTPRequest") return;
      if (!after || !isShadow(after) || after.metadata.deletionTimestamp === undefined) return;
      if (after.metadata.annotations?.[orphanAnnotation] !== "true") deleted.set(id, { kind, shadow: after });
    },
    async run(signal) {
      while (!signal.aborted) {
        await release(signal);
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined); // told to stop
      }
    },
  };
}
