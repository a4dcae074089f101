/** ClusterHTTPEndpoint: an admin's endpoint for chosen namespaces. Its credential goes to its own host only. */
import { headerName } from "./fields.ts";
import { endpointColumns, endpointProperties, endpointRules, endpointStatus } from "./http-endpoint.ts";
import type { KindDefinition } from "./kind-definition.ts";
import { matchExpressions, matchLabels } from "./label-selector.ts";
import type { Infer, Schema } from "./schema.ts";

const namespaceName = {
  type: "string",
  minLength: 1,
  maxLength: 63,
  pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
} as const satisfies Schema;

/** A header field's name as CGI's servers read it, in which `X_Tenant` is `X-Tenant`. */
function asRead(name: string): string {
  return `${name}.lowerAscii().replace('_', '-')`;
}

/** What an endpoint's descriptions call the same namespace is another one here. */
function inSecretNamespace<T extends object>(schemas: T): T {
  const entries = Object.entries(schemas).map(([name, value]: [string, unknown]) => {
    if (name === "description" && typeof value === "string")
      return [name, value.replace("the same namespace", "secretNamespace")];
    return [name, typeof value === "object" && value !== null && !Array.isArray(value) ? inSecretNamespace(value) : value];
  });
  return Object.fromEntries(entries) as T;
}

const spec = {
  type: "object",
  description:
    "Where and how to connect, for requests of several namespaces. They add a path, a query, header fields of their own and a body; what is set here they cannot set, and the path does not leave baseURL's.",
  properties: {
    ...inSecretNamespace(endpointProperties),
    headers: {
      ...endpointProperties.headers,
      description: "Header fields of every request, taken as they stand. A request cannot set one of the same name.",
    },
    allowedHeaders: {
      type: "array",
      description:
        "Header fields that requests may set beside those that speak of their content alone: Accept and Accept-…, Cache-Control, Content-Type and Content-… but Content-Location, Digest and its like, Idempotency-Key, If-…, Prefer and Range. Any other is refused, since servers can take one for a caller's identity, another host or another path.",
      maxItems: 64,
      "x-kubernetes-list-type": "set",
      items: headerName,
    },
    allowedNamespaces: {
      type: "object",
      description: "Whose requests may use it.",
      properties: {
        from: {
          type: "string",
          enum: ["All", "Names", "Selector"],
          description: "All: every namespace's; Names: those of `names`; Selector: those whose labels `selector` chooses.",
        },
        names: {
          type: "array",
          description: "The namespaces, by name.",
          minItems: 1,
          maxItems: 256,
          "x-kubernetes-list-type": "set",
          items: namespaceName,
        },
        selector: {
          type: "object",
          description:
            "The namespaces, by their labels as they are when a request is about to be sent. All of it must hold, and an empty one is refused: from: All says that. A Holdfast that may not look at Namespaces, since it works on some of them only, lets nobody use such an endpoint.",
          properties: {
            matchLabels: { ...matchLabels, minProperties: 1 },
            matchExpressions: { ...matchExpressions, minItems: 1 },
          },
          minProperties: 1,
        },
      },
      required: ["from"],
      "x-kubernetes-validations": [
        {
          rule: "has(self.names) == (self.from == 'Names')",
          message: "names goes with from: Names: set it there, and only there",
        },
        {
          rule: "has(self.selector) == (self.from == 'Selector')",
          message: "selector goes with from: Selector: set it there, and only there",
        },
      ],
    },
    secretNamespace: {
      ...namespaceName,
      description:
        "The namespace of the Secrets, ConfigMaps and ServiceAccounts that this spec refers to. Holdfast reads them where its right was bound there; requests' own namespaces need hold none of them.",
    },
  },
  required: ["baseURL", "allowedNamespaces"],
  "x-kubernetes-validations": [
    ...endpointRules,
    {
      rule: `!has(self.allowedHeaders) || !has(self.headers) || self.allowedHeaders.all(allowed, !self.headers.exists(header, ${asRead("header.name")} == ${asRead("allowed")}))`,
      message: "allowedHeaders must not name a field that headers sets, in any spelling: it is not a request's to set",
      fieldPath: ".allowedHeaders",
    },
    {
      rule: `!has(self.allowedHeaders) || !has(self.auth) || self.allowedHeaders.all(allowed, ${asRead("allowed")} != (has(self.auth.apiKey) ? ${asRead("self.auth.apiKey.name")} : 'authorization'))`,
      message: "allowedHeaders must not name what auth sets, in any spelling",
      fieldPath: ".allowedHeaders",
    },
    {
      rule: `!has(self.allowedHeaders) || !has(self.auth) || !has(self.auth.login) || self.allowedHeaders.all(allowed, !self.auth.login.send.exists(sent, ${asRead("allowed")} == (has(sent.header) ? ${asRead("sent.header")} : has(sent.cookie) ? 'cookie' : '')))`,
      message: "allowedHeaders must not name a field that auth.login sends, in any spelling",
      fieldPath: ".allowedHeaders",
    },
    {
      rule: "!has(self.auth) || !has(self.auth.digest) || has(self.auth.digest.realm)",
      message: "auth.digest.realm must be set: callers choose paths, and what answers there could ask for the password",
    },
    {
      rule: "has(self.secretNamespace) || !(has(self.auth) || has(self.sign) || (has(self.tls) && (has(self.tls.certificate) || (has(self.tls.ca) && !has(self.tls.ca.inline)))) || (has(self.proxy) && has(self.proxy.secretKeyRef)))",
      message: "secretNamespace must be set where something is referred to: it says in which namespace that is",
    },
  ],
} as const satisfies Schema;

export const clusterHTTPEndpoint = {
  kind: "ClusterHTTPEndpoint",
  plural: "clusterhttpendpoints",
  shortName: "chep",
  scope: "Cluster",
  description:
    "Where and how to connect, owned by an admin, for chosen namespaces; its credential only ever goes to its own host.",
  spec,
  status: endpointStatus,
  columns: endpointColumns,
} as const satisfies KindDefinition;

export type ClusterHTTPEndpointSpec = Infer<typeof spec>;
