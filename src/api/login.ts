/** A session that begins with a login of any shape, shared by all requests of its endpoint. */
import { allowHTTP, mustBeEncrypted } from "./cleartext.ts";
import { configMapKeyRef, headerName, secretKeyRef } from "./fields.ts";
import { expect, jq, requestProperties } from "./request.ts";
import type { ArraySchema, Infer, ObjectSchema } from "./schema.ts";
import { jwt, serviceAccountToken } from "./token-source.ts";

const { path, query, headers, body, method } = requestProperties;

const loginRequest = {
  type: "object",
  description:
    "A request of the usual shape. Its expressions see `.inputs` and `.responses`, the answers before it. No redirect is followed; cookies that one answer sets go along with what follows at the same origin.",
  properties: {
    path: { ...path, description: `${path.description} With the endpoint's header fields and client certificate.` },
    url: {
      type: "string",
      minLength: 1,
      maxLength: 8192,
      pattern: "^https?://[^/?#@$\\s\\\\]{1,260}(/[^#\\s\\\\]*)?$",
      description:
        "Where it goes, in place of path: an absolute URL, whose host is written here. `${ jq }` expressions in its path are expanded. It is reached with the endpoint's proxy, tls.ca and tls.minVersion.",
    },
    method: { ...method, default: "POST", description: "The method, any token in capitals." },
    query,
    headers,
    body,
    expect,
  },
  "x-kubernetes-validations": [
    { rule: "has(self.path) != has(self.url)", message: "exactly one of path (below baseURL) and url must be set" },
  ],
} as const satisfies ObjectSchema;

const sent = {
  type: "array",
  description:
    "What each request of the endpoint gets. It is made once, when the login has been answered; what is null, empty or more than one line is a failed login.",
  minItems: 1,
  maxItems: 8,
  "x-kubernetes-list-type": "atomic",
  items: {
    type: "object",
    description: "Exactly one of header, query and cookie; value may be left out with a cookie.",
    properties: {
      header: { ...headerName, description: "A header field, Authorization say." },
      query: { type: "string", minLength: 1, maxLength: 256, description: "A query parameter, not yet percent-encoded." },
      cookie: {
        type: "string",
        maxLength: 256,
        pattern: "^(\\*|[!#$%&'*+.^_`|~0-9A-Za-z-]+)$",
        description: 'A cookie. Without value, the one of this name that the login set; "*" is all that it set.',
      },
      value: {
        type: "string",
        minLength: 1,
        maxLength: 8192,
        description:
          "The value: `${ jq }` expressions see `.inputs` and `.responses`, for example `Bearer ${ .responses[0].body.token }`. Of each answer they see `.statusCode`, `.headers`, `.body` and `.cookies`.",
      },
    },
    "x-kubernetes-validations": [
      {
        rule: "[has(self.header), has(self.query), has(self.cookie)].filter(given, given).size() == 1",
        message: "exactly one of header, query and cookie must be set",
      },
      { rule: "has(self.value) || has(self.cookie)", message: "value must be set, unless it is a cookie that the login set" },
      { rule: "!has(self.value) || !has(self.cookie) || self.cookie != '*'", message: "value does not go with cookie: *" },
    ],
  },
} as const satisfies ArraySchema;

export const login = {
  type: "object",
  description:
    "A login of any shape. All requests of the endpoint share what came of it, which is renewed when four fifths of its life are over, and when an answer says that it is not accepted (renewOn); it stays in use until another is there. Nothing of the login is recorded.",
  properties: {
    inputs: {
      type: "object",
      description: "Values by name, that expressions see as `.inputs.NAME`.",
      maxProperties: 16,
      additionalProperties: {
        type: "object",
        description: "Exactly one of its fields.",
        properties: {
          value: { "x-kubernetes-preserve-unknown-fields": true, description: "Any JSON value, written here." },
          secretKeyRef,
          configMapKeyRef,
          serviceAccountToken,
          jwt,
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
    },
    requests: {
      type: "array",
      description: "What is sent to log in, in this order.",
      minItems: 1,
      maxItems: 3,
      "x-kubernetes-list-type": "atomic",
      items: loginRequest,
    },
    send: sent,
    expires: {
      ...jq,
      description:
        "jq that sees `.responses` and yields when the session ends: a number is the seconds that it lives, a text a time (RFC 3339). Without it the shortest life of the cookies that are sent, else until it is refused, a day at most.",
    },
    renewOn: {
      type: "array",
      description:
        "Which answers to a request say that the session is not accepted, and so that nothing was done: it logs in again and sends the request once more. Status codes, and LoginRedirect: a redirect to where a request of the login goes.",
      minItems: 1,
      maxItems: 16,
      default: ["401"],
      "x-kubernetes-list-type": "set",
      items: { type: "string", maxLength: 13, pattern: "^(4[0-9]{2}|LoginRedirect)$" },
    },
    allowHTTP,
    logout: {
      ...loginRequest,
      description:
        "Ends a session when its endpoint is deleted or changed, when nobody has used it for an hour, and when Holdfast stops: sent once, with what send made. Expressions see `.inputs`.",
    },
  },
  required: ["requests", "send"],
  "x-kubernetes-validations": [
    mustBeEncrypted(
      "(self.requests.filter(request, has(request.url)).map(request, request.url) + (has(self.logout) && has(self.logout.url) ? [self.logout.url] : []))",
      "the url of its requests and of logout",
    ),
  ],
} as const satisfies ObjectSchema;
export type Login = Infer<typeof login>;
