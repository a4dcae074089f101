/** Fields that several kinds share: names, durations, references, TLS, conditions. */
import type { Schema } from "./schema.ts";

/** Gateway API's GEP-2257 duration, for example `1m30s`. */
export const duration = {
  type: "string",
  maxLength: 32,
  pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$",
  "x-kubernetes-validations": [{ rule: "duration(self) > duration('0s')", message: "must be longer than zero" }],
} as const satisfies Schema;

/** A name of an object of this namespace (RFC 1123 subdomain). */
export const objectName = {
  type: "string",
  minLength: 1,
  maxLength: 253,
  pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
} as const satisfies Schema;

const dataKey = {
  type: "string",
  minLength: 1,
  maxLength: 253,
  pattern: "^[-._a-zA-Z0-9]+$",
  description: "The key in the object's data.",
} as const satisfies Schema;

export const secretKeyRef = {
  type: "object",
  description: "A key of a Secret in the same namespace.",
  properties: { name: { ...objectName, description: "The Secret's name." }, key: dataKey },
  required: ["name", "key"],
} as const satisfies Schema;

export const configMapKeyRef = {
  type: "object",
  description: "A key of a ConfigMap in the same namespace.",
  properties: { name: { ...objectName, description: "The ConfigMap's name." }, key: dataKey },
  required: ["name", "key"],
} as const satisfies Schema;

const secretOnly = {
  type: "object",
  properties: { secretKeyRef },
  required: ["secretKeyRef"],
} as const satisfies Schema;

export const tls = {
  type: "object",
  description: "How the server is verified, and how this client identifies itself to it.",
  properties: {
    ca: {
      type: "object",
      description: "The certificate authorities to trust, PEM, in place of the well-known ones. Exactly one source.",
      properties: {
        inline: { type: "string", minLength: 1, maxLength: 65536, description: "PEM certificates, written here." },
        secretKeyRef,
        configMapKeyRef,
      },
      minProperties: 1,
      maxProperties: 1,
    },
    certificate: { ...secretOnly, description: "The client certificate, PEM, with its chain. Goes with `key`." },
    key: { ...secretOnly, description: "The client certificate's private key, PEM. Goes with `certificate`." },
    serverName: {
      type: "string",
      minLength: 1,
      maxLength: 253,
      pattern: "^[!-~]+$",
      description: "The name to ask for (SNI) and to verify, where it is not the URL's host.",
    },
    insecureSkipVerify: {
      type: "boolean",
      default: false,
      description: "True: the server's certificate is not verified. Anyone on the path can read and change what is sent.",
    },
    minVersion: {
      type: "string",
      enum: ["TLSv1.2", "TLSv1.3"],
      description: "The oldest protocol version to accept. TLSv1.2 where not set.",
    },
  },
  "x-kubernetes-validations": [
    { rule: "has(self.certificate) == has(self.key)", message: "certificate and key go together: set both or neither" },
  ],
} as const satisfies Schema;

/** The name of a header field that may be declared. */
export const headerName = {
  type: "string",
  minLength: 1,
  maxLength: 256,
  pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
  "x-kubernetes-validations": [
    {
      rule: "!(self.lowerAscii() in ['host', 'content-length', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'te', 'trailer', 'expect', 'proxy-connection', 'proxy-authorization'])",
      message: "must not be one that the client sets itself, such as Host, Content-Length or Connection",
    },
  ],
} as const satisfies Schema;

export const headers = {
  type: "array",
  description: "Header fields, in this order; a name may repeat.",
  maxItems: 64,
  "x-kubernetes-list-type": "atomic",
  items: {
    type: "object",
    properties: {
      name: { ...headerName, description: "The field's name (an RFC 9110 token)." },
      value: {
        type: "string",
        maxLength: 8192,
        pattern: "^[^\\r\\n\\x00]*$",
        description: "The field's value, on one line.",
      },
    },
    required: ["name", "value"],
  },
} as const satisfies Schema;

export const idempotencyKey = {
  type: "object",
  description: "Present: the server treats requests with the same key as one, so a request may safely be sent again.",
  properties: {
    header: { ...headerName, default: "Idempotency-Key", description: "The header that carries the attempt's id." },
  },
} as const satisfies Schema;

export const conditions = {
  type: "array",
  description: "Ready always; Reconciling and Stalled only while true (kstatus).",
  maxItems: 16,
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["type"],
  items: {
    type: "object",
    properties: {
      type: { type: "string", maxLength: 316, description: "What the condition speaks of." },
      status: { type: "string", enum: ["True", "False", "Unknown"], description: "Whether it holds." },
      reason: { type: "string", maxLength: 1024, description: "Why, as one CamelCase word." },
      message: { type: "string", maxLength: 4096, description: "Why, for people." },
      lastTransitionTime: { type: "string", format: "date-time", description: "When status last changed." },
      observedGeneration: { type: "integer", format: "int64", minimum: 0, description: "The generation this speaks of." },
    },
    required: ["type", "status", "reason", "message", "lastTransitionTime"],
  },
} as const satisfies Schema;

export const observedGeneration = {
  type: "integer",
  format: "int64",
  minimum: 0,
  description: "The generation of the spec that this status speaks of.",
} as const satisfies Schema;
