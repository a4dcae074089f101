/**
 * Objects as the API server sends them, made into the engine's. Here is where they are parsed: beyond, types are trusted.
 *
 * Invariant: nothing is kept that nobody reads; managedFields are often larger than all the rest.
 */
import { unseenGeneration } from "../api/kind-definition.ts";
import { stringsIn } from "../core/templating.ts";
import { isRecord } from "../core/tools/json.ts";
import { oncePer } from "../core/tools/once-per.ts";
import { createSharing } from "../core/tools/sharing.ts";
import type { DataResource, Metadata, Resource } from "../core/resource.ts";
import { ApiUnreachableError, unreadable } from "./api-error.ts";

/** `known`: its spec, where the object comes without. Throws `ApiUnreachableError` for what is no object of the Kubernetes API. */
export function toResource(object: unknown, known?: object): Resource {
  if (!isRecord(object)) throw notAnObject();
  const spec = known ?? share(object["spec"]);
  const status = toStatus(share(object["status"]));
  const { annotations, labels, finalizers, ...metadata } = toMetadata(object);
  return {
    metadata: {
      ...metadata,
      ...(finalizers && { finalizers: share(finalizers) }),
      ...(labels && { labels: share(labels) }),
      ...(annotations && { annotations: share(withoutCopy(annotations, spec)) }),
    },
    spec,
    ...(status && { status }),
  };
}
const share = createSharing();

/** What `kubectl apply` keeps of the manifest: another spec, of which nothing is made. */
const copyAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
/** A longer one stays, since the size of the object counts (`findTooLarge`). */
const longestCopy = 4096;
function withoutCopy(annotations: Annotations, spec: unknown): Annotations {
  const { [copyAnnotation]: copy, ...others } = annotations;
  return copy === undefined || copy.length > longestCopy || mayReadAnnotations(spec) ? annotations : others;
}
type Annotations = NonNullable<Metadata["annotations"]>;

/** Whether an expression in the spec speaks of annotations, or of all metadata at once. Equal parts are looked through once. */
function mayReadAnnotations(spec: unknown): boolean {
  return isRecord(spec) && Object.values(spec).some((part) => (isRecord(part) ? speaks(part) : speaksIn(part)));
}
const speaks = oncePer((part: object) => speaksIn(part));
function speaksIn(part: unknown): boolean {
  return stringsIn(part, "").some(({ text }) => /annotations|metadata(?!\.(?:name|namespace|uid|labels)\b)/.test(text));
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
