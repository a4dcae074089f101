/** Resources as the engine sees them: any object of a Kubernetes API, whichever store it comes from. */
import { digest } from "./tools/digest.ts";

export interface ResourceType {
  /** `""` for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  /** Absent: its objects are in namespaces. */
  readonly scope?: "Cluster";
}
export interface ResourceKey {
  /** `""` where the type is cluster-wide. */
  readonly namespace: string;
  readonly name: string;
}
export interface Metadata extends ResourceKey {
  readonly uid: string;
  readonly generation: number;
  /** Opaque to everyone but a store's own `isNewer`. */
  readonly resourceVersion: string;
  /** RFC 3339, whole seconds. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  /** While there is one, the object stays after it was deleted. */
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
export interface Resource<Spec = unknown, Status = object> {
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly status?: Status;
}
/** One object of one type, by name. */
export interface Reference {
  readonly type: ResourceType;
  readonly key: ResourceKey;
}

/** A Secret's or ConfigMap's content, whose values are text except where they are bytes. */
export interface DataResource {
  readonly metadata: Metadata;
  readonly data: Readonly<Record<string, Uint8Array>>;
}

export const secretType: ResourceType = { group: "", version: "v1", kind: "Secret", plural: "secrets" };
export const configMapType: ResourceType = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps" };
export const namespaceType: ResourceType = {
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  scope: "Cluster",
};

/** `namespace/name`, which no two keys of a type share: neither part can hold a slash. */
export function keyText({ namespace, name }: ResourceKey): string {
  return [namespace, name].join("/"); // one text, where a template leaves the pieces in memory
}

/** Asks for a reconcile now: any new value does. Acknowledged in `status.lastHandledReconcileAt`. */
export const reconcileAtAnnotation = "holdfast.dev/reconcile-at";
/** As much of an annotation as a status has room for. */
const longestKept = 1024;
/** The annotation's value; where it is longer than a status has room for, its fingerprint. */
export function reconcileAtOf({ annotations }: Pick<Metadata, "annotations">): string | undefined {
  const value = annotations?.[reconcileAtAnnotation];
  return value !== undefined && value.length > longestKept ? digest(value) : value;
}

/** On an HTTPResource: the id of the remote object, which is taken over as it is. A new value replaces the one that is known. */
export const externalIdAnnotation = "holdfast.dev/external-id";
/** `"true"` on an HTTPResource that is being deleted: it goes, and the remote object stays. */
export const orphanAnnotation = "holdfast.dev/orphan";
/** The id of an attempt whose outcome is not known: it has arrived. Of any other attempt it says nothing. */
export const arrivedAnnotation = "holdfast.dev/arrived";
/** `"true"` on an object: outputs that one of its kind and name made, and that were restored since, are its own. */
export const takeOverAnnotation = "holdfast.dev/take-over-outputs";
/** What makes a resource due when its value changes. */
export const wakingAnnotations = [
  reconcileAtAnnotation,
  externalIdAnnotation,
  orphanAnnotation,
  arrivedAnnotation,
  takeOverAnnotation,
] as const;
/** On an object without a status, a restored backup say: what it declares counts as done already. */
export const assumeDoneAnnotation = "holdfast.dev/assume-done";

/** What reading a Secret or ConfigMap gave. */
export type ReadResult =
  | { readonly type: "found"; readonly resource: DataResource }
  | { readonly type: "absent" }
  /** With the others that one reconcile has read it is longer than so many bytes. */
  | { readonly type: "tooMuch"; readonly limitBytes: number }
  | ({ readonly type: "forbidden" } & RightDenial);

/** `grant`: the command by which an admin of the namespace allows it, where one is known. `who` lacks the right; Holdfast where not said. */
export interface RightDenial {
  readonly grant?: string;
  readonly who?: string;
}

export interface Finalizer {
  readonly name: string;
  readonly present: boolean;
  /** It goes, and what it was there to have deleted stays. */
  readonly leaves?: true;
}
