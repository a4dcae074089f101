/**
 * Keeps telling what there is of one type, in one namespace or all, through whatever happens to the connection.
 *
 * Drives the machine of `reflector-state.ts`: this file has the clock, the dice, the network and the records. Invariant:
 * whoever applies the events in order has, after each, a state that the server had; nothing that the server told is lost.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { deadline } from "../core/tools/deadline.ts";
import type { EmitTelemetry, WatchEndReason } from "../core/telemetry-event.ts";
import type { WatchEvent } from "../core/ports.ts";
import type { Resource, ResourceType } from "../core/resource.ts";
import { keyText } from "../core/resource.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError } from "./api-error.ts";
import { list, type Listed } from "./listing.ts";
import { collectionPath, resourceName } from "./paths.ts";
import { readiness, type WatchState } from "./readiness.ts";
import { afterEnd, start, type End, type Listing, type ReflectorState, type Watching } from "./reflector-state.ts";
import { readEvents, type StreamEvent } from "./watch-stream.ts";

export interface ReflectorSettings {
  readonly client: ApiClient;
  readonly type: ResourceType;
  /** All namespaces where not given. */
  readonly namespace?: string;
  /** Only what has these labels. */
  readonly labelSelector?: string;
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
export interface Reflector {
  /** Begins with `listed`. Ends when the signal aborts, and never otherwise. To be called once. */
  events(signal: AbortSignal): AsyncGenerator<WatchEvent, void>;
  readiness(): WatchState;
}

export function createReflector(settings: ReflectorSettings): Reflector {
  const { client, type, namespace, emit, idleTimeoutMs, random } = settings;
  const selection = settings.labelSelector === undefined ? {} : { labelSelector: settings.labelSelector };
  const path = collectionPath(type, namespace);
  const resource = resourceName(type);
  let state: ReflectorState = start;
  let streamed = settings.initialState === "watchList";
  let hasListed = false;
  let hasTold = false;
  let lastHeardMs = performance.now();
  /** What ended last, until something works again. */
  let problem: End | undefined;

  function accepting(kind: string): { readonly accept?: string } {
    return settings.metadataOnly ? { accept: `application/json;as=${kind};g=meta.k8s.io;v=v1` } : {};
  }
  function endSession(from: Listing | Watching, how: End): ReflectorState {
    const isRefused = how.status === 403 && settings.refusedDelayMs !== undefined;
    const end = isRefused ? { ...how, retryAfterMs: settings.refusedDelayMs } : how;
    problem = end;
    const next = afterEnd(from, end, idleTimeoutMs, random());
    const { reason, sessionMs, error } = end;
    const facts = { resource, reason, sessionDurationSecs: sessionMs / 1000, delayMs: next.delayMs };
    emit({ type: "watchEnded", ...facts, ...(error === undefined ? {} : { error }) });
    return next;
  }

  function tellListed(from: Listing, { resources, resourceVersion }: Listed, startedMs: number): WatchEvent {
    hasListed = true;
    const durationMs = performance.now() - startedMs;
    emit({ type: "listed", resource, count: resources.length, durationMs, reason: from.reason });
    return { type: "listed", resources, resourceVersion };
  }

  async function* listInPages(from: Listing, signal: AbortSignal): AsyncGenerator<WatchEvent, ReflectorState> {
    const startedMs = performance.now();
    let everything: Listed;
    try {
      everything = await list(client, { path, ...accepting("PartialObjectMetadataList") }, selection, signal);
    } catch (error) {
      signal.throwIfAborted();
      return endSession(from, { ...causeOf(error, "listFailed"), sessionMs: 0, error });
    }
    problem = undefined;
    yield tellListed(from, everything, startedMs);
    const { resourceVersion } = everything;
    return { type: "watching", resourceVersion, isFresh: true, failures: from.failures };
  }

  /** One stream, from its opening to its end. From a listing it begins with all there is, as events up to a bookmark. */
  async function* session(from: Listing | Watching, signal: AbortSignal): AsyncGenerator<WatchEvent, ReflectorState> {
    const startedMs = performance.now();
    let openedMs: number | undefined;
    let known = from.type === "watching" ? { resourceVersion: from.resourceVersion } : undefined;
    const initial = new Map<string, Resource>();
    using idle = deadline(signal, idleTimeoutMs);
    idle.pause();
    function finish(cause: Cause, error?: unknown): ReflectorState {
      const sessionMs = openedMs === undefined ? 0 : performance.now() - openedMs;
      return endSession(from, { ...cause, ...known, sessionMs, error });
    }
    /** What is to be told of it. */
    function take(event: StreamEvent): WatchEvent | undefined {
      const { resourceVersion } = event;
      if (from.type === "listing" && !known) {
        if (!collect(initial, event)) return undefined;
        known = { resourceVersion };
        return tellListed(from, { resources: [...initial.values()], resourceVersion }, startedMs);
      }
      known = { resourceVersion };
      return event.type === "bookmark" ? undefined : { type: event.type, resource: event.resource };
    }
    try {
      const query = { watch: "true", allowWatchBookmarks: "true", ...selection, ...(known ?? initialQuery) };
      using stream = await client.stream({ method: "GET", path, query, ...accepting("PartialObjectMetadata") }, idle.signal);
      openedMs = performance.now();
      problem = undefined;
      emit({ type: "watchConnected", resource });
      idle.restart();
      lastHeardMs = performance.now();
      for await (const event of readEvents(stream.chunks)) {
        lastHeardMs = performance.now();
        idle.pause(); // whoever takes the event may take its time
        const told = take(event);
        if (told) yield told;
        idle.restart();
      }
      return finish({ reason: "closed" });
    } catch (error) {
      signal.throwIfAborted();
      if (from.type === "listing" && openedMs === undefined && isUnknownQuery(error)) {
        streamed = false;
        return from;
      }
      if (idle.expired) client.reconnect();
      return finish(idle.expired ? { reason: "silent" } : causeOf(error, "network"), error);
    }
  }

  function step(from: Listing | Watching, signal: AbortSignal): AsyncGenerator<WatchEvent, ReflectorState> {
    return from.type === "listing" && !streamed ? listInPages(from, signal) : session(from, signal);
  }

  return {
    async *events(signal) {
      try {
        while (!signal.aborted) {
          if (settings.forbiddenIsEmpty && !hasTold && !hasListed && problem?.status === 403) {
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
    readiness() {
      const silentSecs = (performance.now() - lastHeardMs) / 1000;
      return { ...readiness({ resource, namespace, hasListed, problem, silentSecs }), silentSecs };
    },
  };
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists */
const initialQuery = { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" };

/** A server without streaming lists refuses the query. */
function isUnknownQuery(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 400 || error.status === 422);
}

/** Takes one of the events with which a watch tells what there is. True: that was all. */
function collect(initial: Map<string, Resource>, event: StreamEvent): boolean {
  if (event.type === "bookmark") return event.initialEnd;
  const key = keyText(event.resource.metadata);
  if (event.type === "applied") initial.set(key, event.resource);
  else initial.delete(key);
  return false;
}

type Cause = Pick<End, "reason" | "status" | "retryAfterMs">;
/** `otherwise`: the reason where the server gave none. */
function causeOf(error: unknown, otherwise: "listFailed" | "network"): Cause {
  if (!(error instanceof ApiError)) return { reason: otherwise };
  const { status, retryAfterMs } = error;
  return { reason: reasonOf(status, otherwise), status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
function reasonOf(status: number, otherwise: "listFailed" | "network"): WatchEndReason {
  if (status === 410) return "expired";
  if (status === 429) return "throttled";
  return otherwise === "listFailed" ? otherwise : "refused";
}
