/** Paths of the Kubernetes API. Invariant: no text of a user's becomes anything but one segment of a path. */
import type { ResourceKey, ResourceType } from "../core/resource.ts";

/** `httprequests.holdfast.dev`, as CRDs and kubectl name a type. */
export function resourceName({ group, plural }: ResourceType): string {
  return group === "" ? plural : `${plural}.${group}`;
}

/** All objects of a type, in one namespace or, without one, in all. */
export function collectionPath(type: ResourceType, namespace?: string): string {
  const root = type.group === "" ? "/api" : `/apis/${type.group}`;
  const within = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}/${type.version}${within}/${type.plural}`;
}

/** One object. A key without a namespace is of a cluster-wide type. */
export function objectPath(type: ResourceType, { namespace, name }: ResourceKey): string {
  return `${collectionPath(type, namespace === "" ? undefined : namespace)}/${encodeURIComponent(name)}`;
}

/**
 * Whether an object can have this name: a DNS subdomain, RFC 1123. What cannot is never asked for, `..` above all.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
 */
export function isObjectName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
}
