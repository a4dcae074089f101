/**
 * The lines of a watch's stream, parsed. Invariant: an error that the server sends in the stream is thrown, so an event
 * that comes out of here is an event.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
import { isRecord, parseJSON } from "../core/tools/json.ts";
import { ApiError, ApiUnreachableError, unreadable } from "./api-error.ts";
import { readLines } from "./lines.ts";
import { withoutManagedFields } from "./managed-fields.ts";
import { toResource } from "./objects.ts";
import type { WatchEvent } from "../core/ports.ts";

export type StreamEvent =
  | (Exclude<WatchEvent, { type: "listed" }> & { readonly resourceVersion: string })
  /** Everything up to here has been told. `initialEnd`: so has everything that there was at the start. */
  | { readonly type: "bookmark"; readonly resourceVersion: string; readonly initialEnd: boolean };

/** An object is at most about 1.5 MB in etcd; as JSON, with every character escaped, some times that. */
const maxLineBytes = 16 * 1024 * 1024;

/** Ends where the stream does. Throws `ApiError` for an error event, `ApiUnreachableError` for what cannot be read. */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent, void> {
  for await (const line of readLines(chunks, maxLineBytes)) yield toEvent(parse(line));
}

function toEvent(event: unknown): StreamEvent {
  const { type, object } = isRecord(event) ? event : {};
  if (type === "ERROR") throw new ApiError("watching", isRecord(object) ? Number(object["code"]) : 500, object);
  if (type === "BOOKMARK") return toBookmark(object);
  const resource = toResource(object);
  const { resourceVersion } = resource.metadata;
  if (type === "DELETED") return { type: "deleted", resource, resourceVersion };
  if (type === "ADDED" || type === "MODIFIED") return { type: "applied", resource, resourceVersion };
  throw new ApiUnreachableError("reading a watch", unreadable);
}

/** A bookmark's object has nothing but a resourceVersion, and an annotation on the one that ends the initial events. */
function toBookmark(object: unknown): StreamEvent {
  const metadata = isRecord(object) && isRecord(object["metadata"]) ? object["metadata"] : {};
  const annotations = isRecord(metadata["annotations"]) ? metadata["annotations"] : {};
  const initialEnd = annotations["k8s.io/initial-events-end"] === "true";
  return { type: "bookmark", resourceVersion: String(metadata["resourceVersion"]), initialEnd };
}

function parse(line: string): unknown {
  try {
    return parseJSON(withoutManagedFields(line));
  } catch {
    throw new ApiUnreachableError("reading a watch", unreadable); // no cause: its message quotes the line
  }
}
