/** How an endpoint's requests prove who sends them. Invariant: every credential is a key of a Secret, and never written here. */
import { fromSecret, valueOrSecret, word } from "./credential-sources.ts";
import { headerName, objectName } from "./fields.ts";
import { login } from "./login.ts";
import type { Infer, ObjectSchema } from "./schema.ts";

const basic = {
  type: "object",
  description: "User name and password (RFC 7617).",
  properties: {
    username: { ...valueOrSecret, description: "The user name. Exactly one source." },
    password: { ...fromSecret, description: "The password." },
  },
  required: ["username", "password"],
} as const satisfies ObjectSchema;

const bearer = {
  type: "object",
  description: "A token that does not change by itself (RFC 6750), sent as `Authorization: Bearer`.",
  properties: { token: { ...fromSecret, description: "The token, without the word Bearer." } },
  required: ["token"],
} as const satisfies ObjectSchema;

const apiKey = {
  type: "object",
  description: "A key in a header field or query parameter.",
  properties: {
    in: { type: "string", enum: ["Header", "Query"], default: "Header", description: "Where the key goes." },
    name: { ...headerName, description: "The name of the header field or query parameter." },
    value: { ...fromSecret, description: "The key." },
  },
  required: ["name", "value"],
} as const satisfies ObjectSchema;

const oauth2 = {
  type: "object",
  description:
    "Client credentials (RFC 6749, section 4.4). All requests share one token, which is renewed when four fifths of its life are over, and when a request is answered 401; it stays in use until another is there.",
  properties: {
    tokenURL: {
      type: "string",
      minLength: 1,
      maxLength: 2048,
      pattern: "^https?://[^/?#@\\s\\\\]{1,260}(/[^#\\s\\\\]*)?$",
      description: "Where tokens are asked for. It is reached with the endpoint's proxy, tls.ca and tls.minVersion.",
    },
    clientID: { ...valueOrSecret, description: "The client's id. Exactly one source." },
    clientSecret: { ...fromSecret, description: "The client's secret. Either this or privateKeyJWT." },
    authMethod: {
      type: "string",
      enum: ["Basic", "Post"],
      default: "Basic",
      description:
        "How the secret is sent. Basic: client_secret_basic, in the Authorization header; Post: client_secret_post, in the body.",
    },
    privateKeyJWT: {
      type: "object",
      description: "The client signs an assertion with its private key (RFC 7523, private_key_jwt).",
      properties: {
        key: { ...fromSecret, description: "The private key, PEM (PKCS #8), without a passphrase." },
        keyID: { ...word, description: "The key's id, `kid`, where the server knows several." },
        algorithm: {
          type: "string",
          enum: ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"],
          default: "RS256",
          description: "The signature's algorithm (RFC 7518, section 3.1); it must fit the key.",
        },
      },
      required: ["key"],
    },
    scopes: {
      type: "array",
      description: "What the token is to be good for.",
      maxItems: 64,
      "x-kubernetes-list-type": "set",
      items: { ...word, pattern: "^[!#-\\[\\]-~]+$" },
    },
    audience: {
      ...word,
      maxLength: 1024,
      description: "Whom the token is for: the parameter `audience`, which some servers want.",
    },
  },
  required: ["tokenURL", "clientID"],
  "x-kubernetes-validations": [
    {
      rule: "has(self.clientSecret) != has(self.privateKeyJWT)",
      message: "exactly one of clientSecret and privateKeyJWT must be set",
    },
  ],
} as const satisfies ObjectSchema;

const awsSigV4 = {
  type: "object",
  description: "AWS Signature Version 4. Each request, redirect and retry is signed anew, with its time.",
  properties: {
    region: { ...word, maxLength: 64, description: "The region, for example eu-central-1." },
    service: { ...word, maxLength: 64, description: "The service's name in signatures, for example execute-api." },
    accessKeyID: { ...valueOrSecret, description: "The access key's id. Exactly one source." },
    secretAccessKey: { ...fromSecret, description: "The secret access key." },
    sessionToken: { ...fromSecret, description: "The session token of temporary credentials." },
  },
  required: ["region", "service", "accessKeyID", "secretAccessKey"],
} as const satisfies ObjectSchema;

const serviceAccountToken = {
  type: "object",
  description:
    "A short-lived token of a Kubernetes ServiceAccount, sent as `Authorization: Bearer`. Holdfast may ask for it where its right to create serviceaccounts/token was bound in the ServiceAccount's namespace.",
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

export const auth = {
  type: "object",
  description:
    "How requests prove who sends them. Exactly one of its fields; a client certificate is in tls. A request cannot set what this sets, and to another origin nothing of it goes along.",
  properties: { basic, bearer, apiKey, oauth2, awsSigV4, serviceAccountToken, login },
  minProperties: 1,
  maxProperties: 1,
} as const satisfies ObjectSchema;
export type Auth = Infer<typeof auth>;
