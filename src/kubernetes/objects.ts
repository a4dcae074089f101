/**
 * Objects as the API server sends them, made into the engine's. Here is where they are parsed: beyond, types are trusted.
 *
 * Invariant: nothing is kept that nobody reads; managedFields are often larger than all the rest.
 */
import { unseenGeneration } from "../api/kind-definition.ts";
import { isRecord } from "../core/tools/json.ts";
import type { DataResource, Metadata, Resource } from "../core/resource.ts";
import { ApiUnreachableError, unreadable } from "./api-error.ts";

/** Throws `ApiUnreachableError` for what is no object of the Kubernetes API. */
export function toResource(object: unknown): Resource {
  if (!isRecord(object)) throw notAnObject();
  const { spec } = object;
  const status = toStatus(object["status"]);
  return { metadata: toMetadata(object), spec, ...(status && { status }) };
}

/** Undefined: nobody has written one. What the API server puts in its place, by the CRD's default, says nothing. */
function toStatus(status: unknown): Resource["status"] {
  if (!isRecord(status)) return undefined;
  const { observedGeneration, ...rest } = status;
  if (observedGeneration !== unseenGeneration) return status;
  return Object.keys(rest).length === 0 ? undefined : rest;
}

/** A Secret or ConfigMap. https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/ */
export function toDataResource(kind: string, object: unknown): DataResource {
  if (!isRecord(object)) throw notAnObject();
  const encoding = kind === "Secret" ? "base64" : "utf8";
  const data = { ...decodeData(object["data"], encoding), ...decodeData(object["binaryData"], "base64") };
  return { metadata: toMetadata(object), data };
}

/** Throws `ApiUnreachableError` where name, uid or resourceVersion is missing. A cluster-wide object's namespace is empty. */
export function toMetadata(object: Readonly<Record<string, unknown>>): Metadata {
  const metadata = object["metadata"];
  if (!isRecord(metadata)) throw notAnObject();
  const {
    name,
    namespace = "",
    uid,
    generation = 0,
    resourceVersion,
    creationTimestamp,
    deletionTimestamp,
    finalizers,
    labels,
    annotations,
  } = metadata;
  if (typeof name !== "string" || typeof uid !== "string" || typeof resourceVersion !== "string") throw notAnObject();
  return {
    name,
    namespace: String(namespace),
    uid,
    generation: Number(generation),
    resourceVersion,
    ...(typeof creationTimestamp === "string" ? { creationTimestamp } : {}),
    ...(typeof deletionTimestamp === "string" ? { deletionTimestamp } : {}),
    ...(Array.isArray(finalizers) ? { finalizers: finalizers.map(String) } : {}),
    ...(isRecord(labels) ? { labels: labels as Readonly<Record<string, string>> } : {}),
    ...(isRecord(annotations) ? { annotations: annotations as Readonly<Record<string, string>> } : {}),
  };
}

function decodeData(data: unknown, encoding: "base64" | "utf8"): Readonly<Record<string, Uint8Array>> {
  const entries = isRecord(data) ? Object.entries(data) : [];
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(String(value), encoding)]));
}

function notAnObject(): ApiUnreachableError {
  return new ApiUnreachableError("reading an object", unreadable);
}
