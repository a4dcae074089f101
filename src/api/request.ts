/** The shape of a request, one schema for every kind and verb that sends one. */
import { fieldRef, objectRef } from "./dependencies.ts";
import { configMapKeyRef, headers, objectName, secretKeyRef } from "./fields.ts";
import type { Infer, Schema } from "./schema.ts";

/** jq between `${` and its balanced `}`. */
const expressionNote = "`${ jq }` expressions are expanded; `$${` is a literal `${`.";

export const jq = { type: "string", minLength: 1, maxLength: 8192 } as const satisfies Schema;

/** Line breaks, as base64 prints them, stand between groups of four. */
const base64 = {
  type: "string",
  maxLength: 393216,
  pattern: "^\\s*([A-Za-z0-9+/]{4}\\s*)*(([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)\\s*)?$",
  description: "Bytes, written here in base64, sent decoded.",
} as const satisfies Schema;

/** Text between quotation marks of a header field, and on one line. */
const quoted = { type: "string", minLength: 1, maxLength: 256, pattern: '^[^"\\r\\n\\x00]*$' } as const satisfies Schema;

const part = {
  type: "object",
  description: "Exactly one of value, base64, secretKeyRef and configMapKeyRef.",
  properties: {
    name: { ...quoted, description: "The part's name." },
    filename: { ...quoted, description: "Makes the part a file of this name." },
    contentType: {
      type: "string",
      minLength: 1,
      maxLength: 256,
      pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+( *;[\\x20-\\x7e]*)?$",
      description: "The part's media type. Without it a file is application/octet-stream, and anything else text.",
    },
    value: { type: "string", maxLength: 65536, description: `The part's text, sent as UTF-8. ${expressionNote}` },
    base64,
    secretKeyRef,
    configMapKeyRef,
  },
  required: ["name"],
  "x-kubernetes-validations": [
    {
      rule: "[has(self.value), has(self.base64), has(self.secretKeyRef), has(self.configMapKeyRef)].filter(given, given).size() == 1",
      message: "exactly one of value, base64, secretKeyRef and configMapKeyRef must be set",
    },
  ],
} as const satisfies Schema;

/** A token (RFC 9110, section 5.6.2). */
export const method = {
  type: "string",
  minLength: 1,
  maxLength: 32,
  "x-kubernetes-validations": [
    { rule: "self.matches('^[A-Z0-9!#$%&\\'*+.^_`|~-]+$')", message: "must be a method in capitals, GET or PURGE say" },
    { rule: "self != 'CONNECT'", message: "CONNECT opens a tunnel, and is no request: see proxy" },
    // RFC 9110, section 9.3.8: the answer to TRACE is the request itself, an endpoint's credential with it. TRACK is IIS's.
    { rule: "!(self in ['TRACE', 'TRACK'])", message: "TRACE and TRACK are answered with the request itself and its credential" },
  ],
} as const satisfies Schema;

export const idempotent = {
  type: "boolean",
  description:
    "Whether sending it twice does what sending it once does. Without it the method says so (RFC 9110, section 9.2.2); true makes a POST or PATCH be sent again where its outcome is not known, false makes a PUT or DELETE be sent only once.",
} as const satisfies Schema;

export const requestProperties = {
  url: {
    type: "string",
    minLength: 1,
    maxLength: 8192,
    description: `The absolute URL. ${expressionNote} May be one whole expression, since webhook URLs are secrets.`,
    "x-kubernetes-validations": [
      {
        rule: "self.startsWith('http://') || self.startsWith('https://') || self.contains('${')",
        message: "must start with http:// or https://, or be an expression",
      },
      {
        rule: "!self.matches('^https?://[^/?#$]*@')",
        message: "must hold no user name or password; use headers with an input",
      },
      { rule: "self.contains('${') || !self.contains('#')", message: "must have no fragment, which is never sent" },
    ],
  },
  path: {
    type: "string",
    minLength: 1,
    maxLength: 8192,
    pattern: "^(/|\\$\\{)",
    description: `The path under the endpoint's baseURL, starting with a slash. ${expressionNote} What an expression yields is one percent-encoded segment. A path that is one whole expression is a link, as it stands, with its query: relative to baseURL, or an absolute path or URL below it.`,
  },
  method: {
    ...method,
    default: "GET",
    description:
      "The method: any token in capitals (RFC 9110, section 9.1), PURGE or MKCOL say. GET, HEAD, OPTIONS, PUT and DELETE are idempotent; of any other it is not known, so none is sent twice.",
  },
  query: {
    type: "array",
    description: "Query parameters, appended in this order; a name may repeat.",
    maxItems: 64,
    "x-kubernetes-list-type": "atomic",
    items: {
      type: "object",
      properties: {
        name: { type: "string", minLength: 1, maxLength: 256, description: "The parameter's name, not yet percent-encoded." },
        value: {
          type: "string",
          maxLength: 8192,
          description: `The parameter's value, not yet percent-encoded. ${expressionNote} Of one whole expression that yields a list the parameter is repeated for each item.`,
        },
      },
      required: ["name", "value"],
    },
  },
  auth: {
    type: "string",
    enum: ["None"],
    description:
      "None: this request goes without the endpoint's credential and signature (its auth and sign), and may set what those set. A client certificate of the endpoint's tls is the connection's, and stays.",
  },
  headers: { ...headers, description: `Header fields, in this order; a name may repeat. In values ${expressionNote}` },
  body: {
    type: "object",
    description: "The content to send. Exactly one of its fields.",
    properties: {
      json: {
        "x-kubernetes-preserve-unknown-fields": true,
        description:
          "Any JSON value; expressions in its strings are expanded, and a string that is one whole expression becomes the value it yields. " +
          'kubectl\'s client-side apply drops nulls in here, and a null in place of the whole body is refused: write "${ null }".',
      },
      text: { type: "string", maxLength: 262144, description: `Text, sent as UTF-8. ${expressionNote}` },
      form: {
        type: "array",
        description: "Fields of a form, sent as application/x-www-form-urlencoded in this order; a name may repeat.",
        maxItems: 256,
        "x-kubernetes-list-type": "atomic",
        items: {
          type: "object",
          properties: {
            name: { type: "string", minLength: 1, maxLength: 256, description: "The field's name, not yet encoded." },
            value: {
              type: "string",
              maxLength: 65536,
              description: `The field's value, not yet encoded. ${expressionNote} Of one whole expression that yields a list the field is repeated for each item.`,
            },
          },
          required: ["name", "value"],
        },
      },
      multipart: {
        type: "array",
        description:
          "Parts, sent as multipart/form-data (RFC 7578) in this order; a name may repeat. A Content-Type header, where one is given, must be multipart/…; the boundary is added to it.",
        minItems: 1,
        maxItems: 64,
        "x-kubernetes-list-type": "atomic",
        items: part,
      },
      base64,
      secretKeyRef: { ...secretKeyRef, description: "The bytes of a key of a Secret in the same namespace, sent as they are." },
      configMapKeyRef: {
        ...configMapKeyRef,
        description: "The bytes of a key of a ConfigMap in the same namespace, of its data or binaryData, sent as they are.",
      },
    },
    minProperties: 1,
    maxProperties: 1,
  },
} as const satisfies Readonly<Record<string, Schema>>;

const requestShape = { type: "object", properties: requestProperties } as const satisfies Schema;
export type RequestShape = Infer<typeof requestShape>;

export const inputs = {
  type: "object",
  description: "Values by name, that expressions see as `.inputs.NAME`.",
  maxProperties: 64,
  additionalProperties: {
    type: "object",
    description: "Exactly one of its fields.",
    properties: {
      value: { "x-kubernetes-preserve-unknown-fields": true, description: "Any JSON value, written here." },
      secretKeyRef,
      configMapKeyRef,
      fieldRef,
      objectRef,
    },
    minProperties: 1,
    maxProperties: 1,
  },
  "x-kubernetes-validations": [
    {
      rule: "self.all(name, name.matches('^[A-Za-z_][A-Za-z0-9_-]{0,62}$'))",
      message: "a name is up to 63 letters, digits, - and _, and does not start with a digit",
    },
  ],
} as const satisfies Schema;
export type Inputs = Infer<typeof inputs>;

export const endpointRef = {
  type: "object",
  description: "The endpoint that says where and how to connect.",
  properties: {
    kind: {
      type: "string",
      enum: ["HTTPEndpoint", "ClusterHTTPEndpoint"],
      default: "HTTPEndpoint",
      description: "HTTPEndpoint: one of this namespace; ClusterHTTPEndpoint: an admin's, for whom that says.",
    },
    name: { ...objectName, description: "The endpoint's name." },
  },
  required: ["name"],
} as const satisfies Schema;

export const expect = {
  type: "object",
  description: "What counts as success.",
  default: {},
  properties: {
    status: {
      type: "array",
      description: "Status codes (404), classes (2xx) and ranges (200-204), any of which is success.",
      minItems: 1,
      maxItems: 32,
      default: ["2xx"],
      "x-kubernetes-list-type": "set",
      items: { type: "string", maxLength: 7, pattern: "^[1-5](xx|[0-9]{2}|[0-9]{2}-[1-5][0-9]{2})$" },
    },
    that: { ...jq, description: "jq that sees `.response` and yields true when the answer is a success." },
  },
} as const satisfies Schema;
export type Expectation = Infer<typeof expect>;

export const serviceAccountName = {
  ...objectName,
  description:
    "A ServiceAccount of this namespace, in whose name and by whose rights alone references are read and outputs written. Without it by Holdfast's own.",
} as const satisfies Schema;
