/** What a kind's definition holds besides its schemas: everything that its CRD and its page in the docs are made from. */
import type { ObjectSchema } from "./schema.ts";

export const group = "holdfast.dev";
export const version = "v1alpha1";
export const apiVersion = `${group}/${version}`;

/** What `status.observedGeneration` is before anybody has looked at an object. */
export const unseenGeneration = -1;

export interface KindDefinition {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly scope: "Namespaced" | "Cluster";
  readonly description: string;
  readonly spec: ObjectSchema;
  readonly status: ObjectSchema;
  /** kubectl's columns. A date in the future prints as invalid there, so such a column is a string. */
  readonly columns: readonly { readonly name: string; readonly type: "string" | "integer" | "date"; readonly jsonPath: string }[];
}

/** kubectl's first columns, of every kind. */
export const readyColumns = [
  { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: "Reason", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
] as const satisfies KindDefinition["columns"];
