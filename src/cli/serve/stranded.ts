/**
 * Shadows that are deleted while their objects are not served: the provider, or the garbage collector after it, has ended them.
 *
 * Invariant: they go, and nothing is sent; whoever serves their objects answers for what is at the server.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { orphanAnnotation, keyText, type Resource, type ResourceKey } from "../../core/resource.ts";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";
import { shadowTypes } from "../../serve/kinds.ts";
import { isShadow } from "../../serve/registry.ts";
import type { Writes } from "./writes.ts";

export interface Stranded {
  /** Told of each change of our own objects. */
  readonly observe: (kind: string, key: ResourceKey, after: Resource | undefined) => void;
  /** Until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** How often it is looked for them. */
const pauseMs = 5_000;

/** `isIdle`: whether this process leads, and serves nothing. */
export function createStranded(writes: Pick<Writes, "annotate">, isIdle: () => boolean, emit: EmitTelemetry): Stranded {
  const deleted = new Map<string, { readonly kind: keyof typeof shadowTypes; readonly shadow: Resource }>();

  async function release(signal: AbortSignal): Promise<void> {
    for (const { kind, shadow } of deleted.values())
      if (isIdle())
        await writes.annotate(shadowTypes[kind], shadow, orphanAnnotation, "true", signal).catch((error: unknown) => {
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
