/** One listing in pages, or one stream of a watch, from its opening to its end. Each returns the state that follows. */
import { deadline } from "../core/tools/deadline.ts";
import type { WatchEndReason } from "../core/telemetry-event.ts";
import type { WatchEvent } from "../core/ports.ts";
import { keyText, type Resource } from "../core/resource.ts";
import { ApiError } from "./api-error.ts";
import { list, type Listed } from "./listing.ts";
import { collectionPath } from "./paths.ts";
import type { ReflectorRecord } from "./reflector-record.ts";
import { acceptOf, isSelected, selectionOf, type ReflectorSettings } from "./reflector-settings.ts";
import type { End, Listing, ReflectorState, Watching } from "./reflector-state.ts";
import { readEvents, type StreamEvent } from "./watch-stream.ts";

interface Reflecting {
  readonly settings: ReflectorSettings;
  readonly record: ReflectorRecord;
}

export async function* listInPages(
  from: Listing,
  { settings, record }: Reflecting,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, ReflectorState> {
  const { client, type, namespace } = settings;
  const startedMs = performance.now();
  const path = collectionPath(type, namespace);
  let everything: Listed;
  try {
    const all = await list(client, { path, ...acceptOf(settings, "PartialObjectMetadataList") }, selectionOf(settings), signal);
    everything = { ...all, resources: all.resources.filter((resource) => isSelected(settings, resource)) };
  } catch (error) {
    signal.throwIfAborted();
    return record.ended(from, { ...causeOf(error, "listFailed"), sessionMs: 0, error });
  }
  yield record.listed(from, everything, startedMs);
  const { resourceVersion } = everything;
  return { type: "watching", resourceVersion, isFresh: true, failures: from.failures };
}

/**
 * From a listing it begins with all there is, as events up to a bookmark. `unsupported`: the server has no streaming lists, and
 * has told nothing.
 */
export async function* watchOnce(
  from: Listing | Watching,
  { settings, record }: Reflecting,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, ReflectorState | "unsupported"> {
  const { client, type, namespace, idleTimeoutMs } = settings;
  const startedMs = performance.now();
  let openedMs: number | undefined;
  let known = from.type === "watching" ? { resourceVersion: from.resourceVersion } : undefined;
  const initial = new Map<string, Resource>();
  using idle = deadline(signal, idleTimeoutMs);
  idle.pause();
  function end(cause: Cause, error?: unknown): ReflectorState {
    const sessionMs = openedMs === undefined ? 0 : performance.now() - openedMs;
    return record.ended(from, { ...cause, ...known, sessionMs, error });
  }
  /** What is to be told of it. */
  function take(event: StreamEvent): WatchEvent | undefined {
    const { resourceVersion } = event;
    const isOthers = event.type !== "bookmark" && !isSelected(settings, event.resource);
    if (isOthers) {
      if (known) known = { resourceVersion };
      return undefined;
    }
    if (from.type === "listing" && !known) {
      if (!collect(initial, event)) return undefined;
      known = { resourceVersion };
      return record.listed(from, { resources: [...initial.values()], resourceVersion }, startedMs);
    }
    known = { resourceVersion };
    return event.type === "bookmark" ? undefined : { type: event.type, resource: event.resource };
  }
  try {
    const query = { watch: "true", allowWatchBookmarks: "true", ...selectionOf(settings), ...(known ?? initialQuery) };
    const call = {
      method: "GET",
      path: collectionPath(type, namespace),
      query,
      ...acceptOf(settings, "PartialObjectMetadata"),
    } as const;
    using stream = await client.stream(call, idle.signal);
    openedMs = performance.now();
    record.connected();
    idle.restart();
    for await (const event of readEvents(stream.chunks)) {
      record.heard();
      idle.pause(); // whoever takes the event may take its time
      const told = take(event);
      if (told) yield told;
      idle.restart();
    }
    return end({ reason: "closed" });
  } catch (error) {
    signal.throwIfAborted();
    if (from.type === "listing" && openedMs === undefined && isUnknownQuery(error)) return "unsupported";
    if (idle.expired) client.reconnect();
    return end(idle.expired ? { reason: "silent" } : causeOf(error, "network"), error);
  }
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
