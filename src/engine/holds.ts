/** What a resource needs for its end is there until then: others are held by a finalizer, and what only its end reads is read before. */
import type { Hold, Keeps } from "../core/plan.ts";
import type { ActingStore, ResourceStore, WaitFor } from "../core/ports.ts";
import type { Resource, ResourceType } from "../core/resource.ts";
import { readMissing, type OwnKeptData } from "./kept-data.ts";
import type { Conflict } from "./reconciled.ts";

export interface HoldDeps {
  readonly store: Pick<ResourceStore, "hold" | "read" | "readLive">;
  readonly waitFor: WaitFor;
  readonly mayAct: () => boolean;
  /** What a write answered about another object: it goes into the cache before anything else is decided. */
  readonly held: (type: ResourceType, resource: Resource) => void;
  readonly kept: OwnKeptData;
}
export interface Holds {
  /** `undefined`: the reconcile may go on. Without the right to put it on, what is needed can go before. */
  put(holds: readonly Hold[] | undefined): Promise<Conflict | undefined>;
  /** Whether they are there still, and not being deleted. */
  confirm(stays: Keeps["stays"]): Promise<Conflict | undefined>;
  /** The Secrets and ConfigMaps that its end needs, as far as nothing has read them yet. */
  readAhead(): Promise<void> | undefined;
}

/** `acting`: what reads what the resource refers to. `current`: the resource, by now. */
export function createHolds(
  deps: HoldDeps,
  {
    acting,
    current,
    signal,
  }: { readonly acting: Pick<ActingStore, "read">; readonly current: () => Resource; readonly signal: AbortSignal },
): Holds {
  const { store, waitFor, mayAct } = deps;
  return {
    async put(holds = []) {
      for (const { type, resource, finalizer } of holds) {
        const result = await waitFor(store.hold(type, resource, finalizer, signal, mayAct));
        if (result.type === "conflict") return result;
        if (result.type === "written") deps.held(type, result.resource);
      }
      return undefined;
    },
    async confirm(stays = []) {
      for (const { type, resource } of stays) {
        const live = await waitFor(store.readLive(type, resource, signal));
        if (live) deps.held(type, live);
        if (live?.metadata.deletionTimestamp !== undefined || !live) return { type: "conflict" };
      }
      return undefined;
    },
    readAhead: () => readMissing(deps.kept, { acting, store, resource: current() }, signal),
  };
}
