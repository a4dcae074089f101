/** What of an answer is kept, and where: one schema for every kind that sends requests. */
import { objectName } from "./fields.ts";
import { jq } from "./request.ts";
import type { Infer, Schema } from "./schema.ts";

/**
 * What other programs act on has their domain before a slash: to be copied into other namespaces (reflector, replicator), taken
 * for a cluster's credential (Argo CD), adopted (Helm) or selected (app.kubernetes.io/part-of: argocd). Nobody knows all of them.
 */
const noDomain = {
  rule: "self.all(key, !key.contains('/'))",
  message: "none of kubernetes.io/, helm.sh/ or any other domain may be set: what it stands before belongs to other programs",
};
const plainName = {
  rule: "self.all(key, key.contains('/') || key.matches('^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
  message: "a key is a name of up to 63 letters, digits, -, _ and .",
};

const target = {
  name: { ...objectName, description: "Its name, in this namespace." },
  labels: {
    type: "object",
    description: "Labels that it gets, by names without a domain. Those that others set stay.",
    maxProperties: 32,
    additionalProperties: {
      type: "string",
      maxLength: 63,
      pattern: "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
    },
    "x-kubernetes-validations": [noDomain, plainName],
  },
  annotations: {
    type: "object",
    description: "Annotations that it gets, by names without a domain. Those that others set stay.",
    maxProperties: 32,
    additionalProperties: { type: "string", maxLength: 4096 },
    "x-kubernetes-validations": [noDomain, plainName],
  },
} as const satisfies Readonly<Record<string, Schema>>;

/** The keys that the API server demands of a Secret's type. */
function needs(type: string, keys: string): { readonly rule: string; readonly message: string } {
  return {
    rule: `!has(self.secret) || self.secret.type != '${type}' || (${keys
      .split(" ")
      .map((word) => (/^[|&]/.test(word) ? word : `'${word}' in self.data`))
      .join(" ")})`,
    message: `a Secret of type ${type} needs the data ${keys.replace("&&", "and").replace("||", "or")}`,
  };
}

export const outputs = {
  type: "array",
  description:
    "Secrets and ConfigMaps of this namespace that are written after each success, before the status says so. They belong to this object and go with it; one that is somebody else's is never changed.",
  maxItems: 8,
  "x-kubernetes-list-type": "atomic",
  items: {
    type: "object",
    description: "Exactly one of secret and configMap.",
    properties: {
      secret: {
        type: "object",
        description: "The Secret to write.",
        properties: {
          ...target,
          type: {
            type: "string",
            enum: [
              "Opaque",
              "kubernetes.io/tls",
              "kubernetes.io/basic-auth",
              "kubernetes.io/ssh-auth",
              "kubernetes.io/dockerconfigjson",
            ],
            default: "Opaque",
            description: "Its type, which stays what it was made with.",
          },
        },
        required: ["name"],
      },
      configMap: { type: "object", description: "The ConfigMap to write.", properties: target, required: ["name"] },
      data: {
        type: "object",
        description:
          "All of its data: for each key jq that sees `.response`; with forEach `.responses`, a list with those of the items that succeeded just now, else null. A text is kept as it is, any other value as JSON; null, or nothing at all, counts as missing.",
        maxProperties: 64,
        additionalProperties: jq,
        "x-kubernetes-validations": [
          {
            rule: "self.all(key, key.matches('^[-._a-zA-Z0-9]{1,253}$') && !(key in ['.', '..']))",
            message: "a key is made of letters, digits, -, _ and .",
          },
          { rule: "self.size() > 0", message: "at least one key is needed" },
        ],
      },
      whenMissing: {
        type: "string",
        enum: ["Keep", "Empty", "Delete", "Fail"],
        default: "Keep",
        description:
          "When a value is missing. Keep: what is there stays, and what was deleted is not made without it; Empty: an empty value; Delete: without the key; Fail: nothing is written, and the run has failed.",
      },
    },
    required: ["data"],
    "x-kubernetes-validations": [
      { rule: "has(self.secret) != has(self.configMap)", message: "exactly one of secret and configMap must be set" },
      needs("kubernetes.io/tls", "tls.crt && tls.key"),
      needs("kubernetes.io/basic-auth", "username || password"),
      needs("kubernetes.io/ssh-auth", "ssh-privatekey"),
      needs("kubernetes.io/dockerconfigjson", ".dockerconfigjson"),
    ],
  },
  "x-kubernetes-validations": [
    {
      rule: "self.all(a, !has(a.secret) || self.exists_one(b, has(b.secret) && b.secret.name == a.secret.name))",
      message: "each Secret may be named once",
    },
    {
      rule: "self.all(a, !has(a.configMap) || self.exists_one(b, has(b.configMap) && b.configMap.name == a.configMap.name))",
      message: "each ConfigMap may be named once",
    },
  ],
} as const satisfies Schema;
export type Outputs = Infer<typeof outputs>;
