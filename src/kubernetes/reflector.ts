/**
 * Keeps telling what there is of one type, in one namespace or all, through whatever happens to the connection.
 *
 * Drives the machine of `reflector-state.ts`, by the listings and sessions of `reflector-session.ts`. Invariant: whoever applies
 * the events in order has, after each, a state that the server had; nothing that the server told is lost.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { WatchEvent } from "../core/ports.ts";
import type { WatchState } from "./readiness.ts";
import { createReflectorRecord } from "./reflector-record.ts";
import { listInPages, watchOnce } from "./reflector-session.ts";
import type { ReflectorSettings } from "./reflector-settings.ts";
import { start, type Listing, type ReflectorState, type Watching } from "./reflector-state.ts";

export interface Reflector {
  /** Begins with `listed`. Ends when the signal aborts, and never otherwise. To be called once. */
  events(signal: AbortSignal): AsyncGenerator<WatchEvent, void>;
  readiness(): WatchState;
}

export function createReflector(settings: ReflectorSettings): Reflector {
  const record = createReflectorRecord(settings);
  let state: ReflectorState = start;
  let streamed = settings.initialState === "watchList";
  let hasTold = false;

  async function* step(from: Listing | Watching, signal: AbortSignal): AsyncGenerator<WatchEvent, ReflectorState> {
    if (from.type === "listing" && !streamed) return yield* listInPages(from, { settings, record }, signal);
    const next = yield* watchOnce(from, { settings, record }, signal);
    if (next !== "unsupported") return next;
    streamed = false;
    return from;
  }
  return {
    async *events(signal) {
      try {
        while (!signal.aborted) {
          if (settings.forbiddenIsEmpty && !hasTold && record.isForbidden()) {
            hasTold = true;
            yield { type: "listed", resources: [], resourceVersion: "0" };
          }
          if (state.type === "backingOff") {
            await sleep(state.delayMs, undefined, { signal });
            state = state.next;
          } else state = yield* step(state, signal);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    readiness: () => record.readiness(),
  };
}
