/**
 * The subset of JSON Schema that a Kubernetes structural schema allows, and the TypeScript type that each schema describes.
 *
 * A schema literal (`as const satisfies Schema`) is the only definition of what users write: types, CRDs, reference
 * docs and standalone validation are all derived from it.
 */
interface Common {
  readonly description?: string;
  readonly default?: unknown;
  readonly "x-kubernetes-validations"?: readonly Rule[];
}
/** A CEL rule across fields; `message` says what to do. https://kubernetes.io/docs/reference/using-api/cel/ */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}
export interface StringSchema extends Common {
  readonly type: "string";
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly format?: "date-time";
}
export interface IntegerSchema extends Common {
  readonly type: "integer";
  readonly format?: "int32" | "int64";
  readonly minimum?: number;
  readonly maximum?: number;
}
export interface BooleanSchema extends Common {
  readonly type: "boolean";
}
export interface ArraySchema extends Common {
  readonly type: "array";
  readonly items: Schema;
  readonly minItems?: number;
  readonly maxItems: number;
  readonly "x-kubernetes-list-type": "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
}
export interface ObjectSchema extends Common {
  readonly type: "object";
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly minProperties?: number;
  readonly maxProperties?: number;
}
export interface MapSchema extends Common {
  readonly type: "object";
  readonly additionalProperties: Schema;
  readonly minProperties?: number;
  readonly maxProperties: number;
}
/** Any JSON value at all. CEL cannot see into it. */
interface FreeFormSchema extends Common {
  readonly type?: never;
  readonly "x-kubernetes-preserve-unknown-fields": true;
}
export type Schema = StringSchema | IntegerSchema | BooleanSchema | ArraySchema | ObjectSchema | MapSchema | FreeFormSchema;

/** The type of a value that has been validated and defaulted. */
export type Infer<S> = S extends { enum: readonly (infer E)[] }
  ? E
  : S extends { type: "string" }
    ? string
    : S extends { type: "integer" }
      ? number
      : S extends { type: "boolean" }
        ? boolean
        : S extends { type: "array"; items: infer I }
          ? readonly Infer<I>[]
          : S extends { type: "object"; properties: infer P }
            ? InferObject<P, S extends { required: readonly (infer R)[] } ? R : never>
            : S extends { type: "object"; additionalProperties: infer V }
              ? Readonly<Record<string, Infer<V>>>
              : S extends { "x-kubernetes-preserve-unknown-fields": true }
                ? unknown
                : never;

/** Present after defaulting: what is required, and what has a default. */
type InferObject<P, Required> = {
  readonly [K in keyof P as K extends Required ? K : P[K] extends { default: unknown } ? K : never]: Infer<P[K]>;
} & {
  readonly [K in keyof P as K extends Required ? never : P[K] extends { default: unknown } ? never : K]?: Infer<P[K]>;
};
