/** Where a token comes from that is presented to get another one: no field of it holds the token itself. */
import { fromSecret, word } from "./credential-sources.ts";
import { duration, objectName, secretKeyRef } from "./fields.ts";
import type { Infer, ObjectSchema } from "./schema.ts";

export const signatureAlgorithm = {
  type: "string",
  enum: ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"],
  default: "RS256",
  description: "The signature's algorithm (RFC 7518, section 3.1); it must fit the key.",
} as const;

export const serviceAccountToken = {
  type: "object",
  description:
    "A short-lived token of a Kubernetes ServiceAccount. Holdfast may ask for it where its right to create serviceaccounts/token was bound in the ServiceAccount's namespace.",
  properties: {
    serviceAccountName: { ...objectName, description: "A ServiceAccount of the same namespace." },
    audience: {
      ...word,
      maxLength: 1024,
      description: "Whom the token is for. An audience that the API server itself accepts is refused.",
    },
    expirationSeconds: {
      type: "integer",
      format: "int64",
      minimum: 600,
      maximum: 86400,
      default: 3600,
      description: "How long a token lives.",
    },
  },
  required: ["serviceAccountName", "audience"],
} as const satisfies ObjectSchema;

const claim = { type: "string", minLength: 1, maxLength: 1024 } as const;

/** `iat` is a minute back, for servers whose clocks are. */
export const jwt = {
  type: "object",
  description:
    "A JWT that is made, and signed with a private key, each time that it is needed (RFC 7519). It has iat, exp and jti.",
  properties: {
    key: { ...fromSecret, description: "The private key, PEM, without a passphrase." },
    keyID: { ...word, description: "The key's id, `kid`, where the server knows several." },
    algorithm: signatureAlgorithm,
    issuer: { ...claim, description: "The claim iss: the id of a GitHub App, the e-mail address of a Google service account." },
    subject: { ...claim, description: "The claim sub." },
    audience: { ...claim, description: "The claim aud: the token server's URL as a rule." },
    lifetime: {
      ...duration,
      default: "5m",
      description: "From iat, which is a minute back, to exp.",
      "x-kubernetes-validations": [
        {
          rule: "duration(self) >= duration('2m') && duration(self) <= duration('1h')",
          message: "must be from 2m to 1h: iat is a minute back",
        },
      ],
    },
    claims: {
      type: "object",
      // CEL cannot look into what has no type, so no rule can refuse the names that are ours: that is done before anything is asked.
      description:
        "Further claims, `scope` say, each any JSON value. One that has a field of its own here, and iat, exp and jti, which are made, is refused (`InvalidRequest`).",
      maxProperties: 32,
      additionalProperties: { "x-kubernetes-preserve-unknown-fields": true },
    },
  },
  required: ["key"],
} as const satisfies ObjectSchema;

export const tokenSource = {
  type: "object",
  description: "Exactly one of its fields.",
  properties: { secretKeyRef, serviceAccountToken, jwt },
  minProperties: 1,
  maxProperties: 1,
} as const satisfies ObjectSchema;
export type TokenSourceShape = Infer<typeof tokenSource>;
