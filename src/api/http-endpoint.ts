/** HTTPEndpoint: where and how to connect. */
import { auth } from "./auth.ts";
import { circuitBreaker, maxInFlight, rateLimit } from "./endpoint-limits.ts";
import { conditions, duration, headers, idempotencyKey, observedGeneration, secretKeyRef, tls } from "./fields.ts";
import { readyColumns, type KindDefinition } from "./kind-definition.ts";
import { refusedIf } from "./object-settings.ts";
import type { Infer, Schema } from "./schema.ts";
import { sign, signatureFormats } from "./sign.ts";

/** What an endpoint of a namespace and one of the cluster have in common. */
export const endpointProperties = {
  baseURL: {
    type: "string",
    minLength: 1,
    maxLength: 2048,
    pattern: "^https?://[^/?#@\\s\\\\]{1,260}(/[^?#\\s\\\\]*)?$",
    description: "Scheme, host, port and a path prefix that no request leaves; no user, query or fragment.",
  },
  headers: {
    ...headers,
    description: "Header fields of every request, taken as they stand; a request's own field of the same name replaces them.",
  },
  auth,
  sign,
  tls,
  proxy: {
    type: "object",
    description:
      "The proxy to connect through, whatever HTTP_PROXY, HTTPS_PROXY and NO_PROXY of Holdfast's own environment say. Exactly one source.",
    properties: {
      url: {
        type: "string",
        minLength: 1,
        maxLength: 2048,
        pattern: "^https?://[^/?#@\\s\\\\]{1,260}/?$",
        description: "Scheme, host and port, written here. No user and password: those go into a Secret.",
      },
      secretKeyRef: {
        ...secretKeyRef,
        description: "A key of a Secret in the same namespace, whose value is the whole URL: http://user:password@host:port.",
      },
    },
    minProperties: 1,
    maxProperties: 1,
  },
  http2: {
    type: "boolean",
    default: false,
    description: "True: HTTP/2 is used with an https server that offers it. A server that does not is spoken to in HTTP/1.1.",
  },
  freshConnectionAfter: {
    ...duration,
    description:
      "How long a connection may have been idle for a POST or PATCH without an honoured idempotency key to go over it; after longer it gets a fresh one. " +
      "Such a request is lost where the server closes its connection at that very moment, and cannot be sent again. " +
      "500ms where not given; longer, for a server that is known to keep idle connections for longer; 1ms, for one that keeps none.",
  },
  timeout: { ...duration, description: "Limit on a whole exchange, for requests that set none. 30s where neither does." },
  refusedIf: { ...refusedIf, description: `${refusedIf.description} For HTTPResources that say nothing of it.` },
  idempotencyKey,
  traceContext: {
    type: "string",
    enum: ["None", "W3C"],
    description:
      "W3C: each request carries a traceparent whose trace is the attempt's id without its hyphens, with a new span for each try. A request cannot set it. Without it None.",
  },
  suspend: {
    type: "boolean",
    description:
      "True: nothing is sent by it until it is false again, polls, observations and requests for tokens included. What would be sent waits, with the reason EndpointSuspended, and goes out as soon as it may; what is under way ends.",
  },
  maxInFlight,
  rateLimit,
  circuitBreaker,
} as const satisfies Readonly<Record<string, Schema>>;

/** In CEL: the names of what `sign` adds, in lower case. */
const signedNames = `(${Object.entries(signatureFormats)
  .map(
    ([scheme, { headers: added }]) =>
      `self.sign.scheme == '${scheme}' ? [${added.map(({ name }) => `'${name.toLowerCase()}'`).join(", ")}] : `,
  )
  .join("")}has(self.sign.hmac) ? self.sign.hmac.headers.map(header, header.name.lowerAscii()) : [])`;

/** In CEL: whether the credential is sent in the field `name`. */
const ofCredential = [
  "name == 'authorization' && !has(self.auth.apiKey) && !has(self.auth.login)",
  "has(self.auth.awsSigV4) && name in ['date', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256']",
  "has(self.auth.apiKey) && self.auth.apiKey.__in__ == 'Header' && name == self.auth.apiKey.name.lowerAscii()",
  "has(self.auth.login) && self.auth.login.send.exists(sent, name == (has(sent.header) ? sent.header.lowerAscii() : has(sent.cookie) ? 'cookie' : ''))",
]
  .map((one) => `(${one})`)
  .join(" || ");

export const endpointRules = [
  {
    rule: "!has(self.auth) || !has(self.headers) || !self.headers.exists(header, header.name.lowerAscii() == 'authorization')",
    message: "headers must not set Authorization where auth is set",
  },
  {
    rule: "!has(self.auth) || !has(self.auth.apiKey) || !has(self.headers) || !self.headers.exists(header, header.name.lowerAscii() == self.auth.apiKey.name.lowerAscii())",
    message: "headers must not set the field that auth.apiKey sets",
  },
  {
    rule: `!has(self.sign) || !has(self.headers) || !self.headers.exists(header, header.name.lowerAscii() in ${signedNames})`,
    message: "headers must not set a field that sign sets",
    fieldPath: ".headers",
  },
  {
    rule: `!has(self.sign) || !${signedNames}.exists(name, (name == 'traceparent' && has(self.traceContext) && self.traceContext == 'W3C') || (has(self.auth) && (${ofCredential})))`,
    message: "sign must not set a field that the credential, or the trace, is sent in",
    fieldPath: ".sign",
  },
  {
    rule: "!has(self.auth) || !has(self.auth.login) || !has(self.headers) || self.auth.login.send.all(sent, !self.headers.exists(header, header.name.lowerAscii() == (has(sent.header) ? sent.header.lowerAscii() : has(sent.cookie) ? 'cookie' : '')))",
    message: "headers must not set a field that auth.login sends",
  },
] as const;

const spec = {
  type: "object",
  description: "Where and how to connect.",
  properties: endpointProperties,
  required: ["baseURL"],
  "x-kubernetes-validations": endpointRules,
} as const satisfies Schema;

export const endpointStatus = {
  type: "object",
  description: "Whether the endpoint can be used.",
  properties: {
    observedGeneration,
    conditions,
    nextRunAt: {
      type: "string",
      maxLength: 32,
      description: "Of one that cannot be used yet: when that is looked at next at the latest.",
    },
  },
} as const satisfies Schema;

export const endpointColumns = [
  ...readyColumns,
  { name: "URL", type: "string", jsonPath: ".spec.baseURL" },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
] as const satisfies KindDefinition["columns"];

export const httpEndpoint = {
  kind: "HTTPEndpoint",
  plural: "httpendpoints",
  shortName: "hep",
  scope: "Namespaced",
  description: "Where and how to connect: base URL, headers, credentials, TLS, limits.",
  spec,
  status: endpointStatus,
  columns: endpointColumns,
} as const satisfies KindDefinition;

export type HTTPEndpointSpec = Infer<typeof spec>;
export type HTTPEndpointStatus = Infer<typeof endpointStatus>;
