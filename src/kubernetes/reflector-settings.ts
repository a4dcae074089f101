/** What a reflector is told, and how it asks. */
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { Resource, ResourceType } from "../core/resource.ts";
import { shardSelector, slotOf, type Slot } from "../core/slots.ts";
import type { ApiClient } from "./api-client.ts";

export interface ReflectorSettings {
  readonly client: ApiClient;
  readonly type: ResourceType;
  /** All namespaces where not given. */
  readonly namespace?: string;
  /** Only what has these labels. */
  readonly labelSelector?: string;
  /** Only what is in the slot's namespaces. Servers that know sharded lists send no other, and of them it is taken all the same. */
  readonly slot?: Slot;
  /** True: objects come without their content. https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches */
  readonly metadataOnly?: boolean;
  /** The shortest pause after the server has refused, milliseconds. */
  readonly refusedDelayMs?: number;
  readonly emit: EmitTelemetry;
  /** A stream that has been silent for this long, milliseconds, is taken for dead. */
  readonly idleTimeoutMs: number;
  /** At least 0 and below 1: spreads the pauses. */
  readonly random: () => number;
  /** `watchList`: the initial state comes through the watch itself, where the server can (Kubernetes 1.32 and newer). */
  readonly initialState: "watchList" | "pagedLists";
  /**
   * Others wait for the first listing, and are not to wait for a namespace that this process may not look at: where the
   * server says so, what is there counts as nothing until it says otherwise.
   */
  readonly forbiddenIsEmpty?: boolean;
}

/** As the query of a listing or a watch. */
export function selectionOf({ labelSelector, slot }: ReflectorSettings): Readonly<Record<string, string>> {
  return { ...(labelSelector !== undefined && { labelSelector }), ...(slot && { shardSelector: shardSelector(slot) }) };
}
/** Whether it is one of those that were asked for. A server without sharded lists and watches sends others, too. */
export function isSelected({ slot }: ReflectorSettings, { metadata }: Resource): boolean {
  return slot === undefined || slotOf(metadata.namespace, slot.count) === slot.index;
}
/** As the header of a call whose answers are of `kind`. */
export function acceptOf({ metadataOnly }: ReflectorSettings, kind: string): { readonly accept?: string } {
  return metadataOnly ? { accept: `application/json;as=${kind};g=meta.k8s.io;v=v1` } : {};
}
