/** What has become of the connection of one reflector: for its state, for readiness, for the log and the metrics. */
import type { WatchEvent } from "../core/ports.ts";
import type { Listed } from "./listing.ts";
import { resourceName } from "./paths.ts";
import { readiness, type WatchState } from "./readiness.ts";
import { afterEnd, type End, type Listing, type ReflectorState, type Watching } from "./reflector-state.ts";
import type { ReflectorSettings } from "./reflector-settings.ts";

export interface ReflectorRecord {
  /** A stream has opened. */
  connected(): void;
  /** The server said something. */
  heard(): void;
  /** Everything there is has come; in pages, where no stream is open. */
  listed(from: Listing, everything: Listed, startedMs: number): WatchEvent;
  /** A listing or a session ended: what follows. */
  ended(from: Listing | Watching, how: End): ReflectorState;
  /** The server does not let us look, and nothing has been told yet. */
  isForbidden(): boolean;
  readiness(): WatchState;
}

/** A stream that ends sooner, without a word, is no sign of the API server: a page of a gateway ends at once. Milliseconds. */
const worthMs = 5_000;

export function createReflectorRecord(settings: ReflectorSettings): ReflectorRecord {
  const { type, namespace, emit, idleTimeoutMs, refusedDelayMs, random } = settings;
  const resource = resourceName(type);
  let hasListed = false;
  let lastHeardMs = performance.now();
  /** When the stream was opened on which nothing has been heard yet. */
  let openedMs: number | undefined;
  /** What ended last, until something works again. */
  let problem: End | undefined;

  return {
    connected() {
      problem = undefined;
      openedMs = performance.now();
      emit({ type: "watchConnected", resource });
    },
    heard() {
      lastHeardMs = performance.now();
      openedMs = undefined;
    },
    listed(from, { resources, resourceVersion }, startedMs) {
      problem = undefined;
      lastHeardMs = performance.now();
      hasListed = true;
      const durationMs = performance.now() - startedMs;
      emit({ type: "listed", resource, count: resources.length, durationMs, reason: from.reason });
      return { type: "listed", resources, resourceVersion };
    },
    ended(from, how) {
      const isRefused = how.status === 403 && refusedDelayMs !== undefined;
      const end = isRefused ? { ...how, retryAfterMs: refusedDelayMs } : how;
      problem = end;
      const wasThereMs = end.reason === "silent" ? 0 : end.sessionMs; // who is cut off in a quiet stream was not so before
      if (openedMs !== undefined && end.sessionMs >= worthMs) lastHeardMs = openedMs + wasThereMs;
      openedMs = undefined;
      const next = afterEnd(from, end, idleTimeoutMs, random());
      const { reason, sessionMs, error } = end;
      const facts = { resource, reason, sessionDurationSecs: sessionMs / 1000, delayMs: next.delayMs };
      emit({ type: "watchEnded", ...facts, ...(error === undefined ? {} : { error }) });
      return next;
    },
    isForbidden: () => !hasListed && problem?.status === 403,
    readiness() {
      const silentSecs = (performance.now() - (openedMs ?? lastHeardMs)) / 1000;
      return { ...readiness({ resource, namespace, hasListed, problem, silentSecs }), silentSecs };
    },
  };
}
