/** The whole objects that manifests may hold, by the same schemas and rules as the API server's. */
import { definitions } from "../api/definitions.ts";
import { objectName } from "../api/fields.ts";
import { group, version, type KindDefinition } from "../api/kind-definition.ts";
import type { MapSchema, ObjectSchema, Schema } from "../api/schema.ts";
import { validator, type Validate } from "../api/validate.ts";
import type { ResourceType } from "../core/resource.ts";

interface KindReader {
  readonly type: ResourceType;
  readonly namespaced: boolean;
  readonly validate: Validate;
}

/** Accepted, since `kubectl get -o yaml` prints it, and of no effect. */
const anything: Schema = { "x-kubernetes-preserve-unknown-fields": true };

const annotations = {
  type: "object",
  maxProperties: 4096,
  additionalProperties: { type: "string" },
} as const satisfies MapSchema;

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/ (names, labels). */
const metadata = {
  type: "object",
  properties: {
    name: { ...objectName, description: "Small letters, digits, - and ., at most 253 (RFC 1123)." },
    namespace: {
      type: "string",
      minLength: 1,
      maxLength: 63,
      pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
      description: "Small letters, digits and -, at most 63 (RFC 1123).",
      default: "default",
    },
    labels: {
      ...annotations,
      additionalProperties: {
        type: "string",
        maxLength: 63,
        pattern: "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
        description: "Letters, digits, -, _ and ., at most 63.",
      },
    },
    annotations,
    ...Object.fromEntries(
      (
        "generateName selfLink uid resourceVersion generation creationTimestamp deletionTimestamp " +
        "deletionGracePeriodSeconds ownerReferences finalizers managedFields"
      )
        .split(" ")
        .map((name) => [name, anything]),
    ),
  },
  required: ["name"],
} as const satisfies ObjectSchema;

const head = { apiVersion: { type: "string" }, kind: { type: "string" }, metadata } as const;

/** At most 253 letters, digits, - _ and . in each key, as the API server asks of Secrets and ConfigMaps. */
const dataMap = {
  type: "object",
  maxProperties: 4096,
  additionalProperties: { type: "string" },
  "x-kubernetes-validations": [
    { rule: "self.all(key, key.matches('^[-._a-zA-Z0-9]{1,253}$'))", message: "keys are made of letters, digits, -, _ and ." },
  ],
} as const satisfies MapSchema;

const secret: ObjectSchema = {
  type: "object",
  properties: { ...head, type: { type: "string" }, immutable: { type: "boolean" }, data: dataMap, stringData: dataMap },
  required: ["metadata"],
};
const configMap: ObjectSchema = {
  type: "object",
  properties: { ...head, immutable: { type: "boolean" }, data: dataMap, binaryData: dataMap },
  required: ["metadata"],
  "x-kubernetes-validations": [
    {
      rule: "!has(self.data) || !has(self.binaryData) || self.data.all(key, !(key in self.binaryData))",
      message: "a key may stand in data or in binaryData, not in both",
    },
  ],
};

const namespace: ObjectSchema = {
  type: "object",
  properties: { ...head, spec: anything, status: anything },
  required: ["metadata"],
};

export const validateNamespace = validator(namespace);
export const validateSecret = validator(secret);
export const validateConfigMap = validator(configMap);

/** Our own kinds, by name. */
export const kindReaders: ReadonlyMap<string, KindReader> = new Map(definitions.map((one) => [one.kind, kindReader(one)]));

function kindReader({ kind, plural, scope, spec }: KindDefinition): KindReader {
  const schema: ObjectSchema = {
    type: "object",
    properties: { ...head, spec, status: anything },
    required: ["metadata", "spec"],
  };
  const type = { group, version, kind, plural, ...(scope === "Cluster" && { scope }) };
  return { type, namespaced: scope === "Namespaced", validate: validator(schema) };
}
