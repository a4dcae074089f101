/** An object of the peer as it is read for serving: what the API server has, and what the translator makes of it. */
import { readPeerObject, type PeerConfig, type PeerDisposable, type PeerRequest } from "../convert/peer-object.ts";
import type { Condition } from "../core/conditions.ts";
import type { Resource, ResourceType } from "../core/resource.ts";
import { apiVersionOf } from "./kinds.ts";

export interface ServedObject {
  readonly type: ResourceType;
  readonly resource: Resource;
  readonly peer: PeerRequest | PeerDisposable;
}
type ReadServed =
  { readonly type: "object"; readonly object: ServedObject } | { readonly type: "invalid"; readonly message: string };

export function readServed(type: ResourceType, resource: Resource): ReadServed {
  const read = readPeerObject(asGiven(type, resource));
  if (read.type === "object" && read.object.type !== "config")
    return { type: "object", object: { type, resource, peer: read.object } };
  const problems =
    read.type === "invalid" ? read.problems.map(({ message }) => message) : ["it is none of the kinds that are served"];
  return { type: "invalid", message: problems.slice(0, 3).join("; ") };
}

/** Undefined: it is none that can be read. */
export function readConfig(type: ResourceType, resource: Resource): PeerConfig | undefined {
  const read = readPeerObject(asGiven(type, resource));
  return read.type === "object" && read.object.type === "config" ? read.object : undefined;
}

function asGiven(type: ResourceType, { metadata, spec, status }: Resource): object {
  const { namespace, ...named } = metadata;
  const where = namespace === "" ? named : { ...named, namespace };
  return { apiVersion: apiVersionOf(type), kind: type.kind, metadata: where, spec, ...(status && { status }) };
}

/** The finalizer of every managed object of Crossplane: whoever serves it takes it off. */
export const peerFinalizer = "finalizer.managedresource.crossplane.io";
export const externalNameAnnotation = "crossplane.io/external-name";
export const pausedAnnotation = "crossplane.io/paused";
/** `"true"`: this object is Holdfast's; `"false"`: it is not. */
export const serveAnnotation = "holdfast.dev/serve";

export function conditionOf(status: unknown, type: string): Condition | undefined {
  const { conditions } = (status ?? {}) as { readonly conditions?: unknown };
  return Array.isArray(conditions) ? (conditions as readonly Condition[]).find((one) => one.type === type) : undefined;
}
