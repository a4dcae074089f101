/**
 * The objects of Crossplane's provider-http, and of its fork for long operations, as far as they mean anything here.
 * https://github.com/crossplane-contrib/provider-http/tree/main/apis
 */
import type { Infer, ObjectSchema, Schema } from "../api/schema.ts";

const text = { type: "string" } as const satisfies Schema;
const flag = { type: "boolean" } as const satisfies Schema;
const anything = { "x-kubernetes-preserve-unknown-fields": true } as const satisfies Schema;
const many = { maxItems: 4096, "x-kubernetes-list-type": "atomic" } as const;
const texts = { type: "object", maxProperties: 4096, additionalProperties: text } as const satisfies Schema;

const headers = {
  type: "object",
  maxProperties: 4096,
  additionalProperties: { type: "array", items: text, ...many },
} as const satisfies Schema;

const secretKey = {
  type: "object",
  properties: { name: text, namespace: text, key: text },
  required: ["name", "key"],
} as const satisfies Schema;

const tlsConfig = {
  type: "object",
  properties: {
    caBundle: text,
    caCertSecretRef: secretKey,
    clientCertSecretRef: secretKey,
    clientKeySecretRef: secretKey,
    insecureSkipVerify: flag,
  },
} as const satisfies Schema;
export type PeerTLS = Infer<typeof tlsConfig>;

const injection = {
  type: "object",
  properties: {
    secretRef: { type: "object", properties: { name: text, namespace: text }, required: ["name"] },
    secretKey: text,
    responsePath: text,
    keyMappings: {
      type: "array",
      items: {
        type: "object",
        properties: {
          secretKey: text,
          responseJQ: text,
          missingFieldStrategy: { type: "string", enum: ["preserve", "setEmpty", "delete"] },
        },
        required: ["secretKey", "responseJQ"],
      },
      ...many,
    },
    metadata: { type: "object", properties: { labels: texts, annotations: texts } },
    setOwnerReference: flag,
  },
  required: ["secretRef"],
} as const satisfies Schema;
export type PeerInjection = Infer<typeof injection>;

const check = { type: "object", properties: { type: text, logic: text } } as const satisfies Schema;
export type PeerCheck = Infer<typeof check>;

const polling = {
  type: "object",
  properties: { url: text, method: text, headers, done: text, error: text, interval: text, timeout: text },
  required: ["url"],
} as const satisfies Schema;
export type PeerPolling = Infer<typeof polling>;

const mapping = {
  type: "object",
  properties: { action: text, method: text, url: text, body: text, headers, polling },
  required: ["url"],
} as const satisfies Schema;
export type PeerMapping = Infer<typeof mapping>;

/** What both kinds have. */
const shared = {
  headers,
  waitTimeout: text,
  insecureSkipTLSVerify: flag,
  tlsConfig,
  secretInjectionConfigs: { type: "array", items: injection, ...many },
  allowedStatusCodes: { type: "array", items: { type: "integer" }, ...many },
  isTerminalError: text,
} as const satisfies Readonly<Record<string, Schema>>;

const requestParameters = {
  type: "object",
  properties: {
    ...shared,
    mappings: { type: "array", items: mapping, ...many },
    payload: { type: "object", properties: { baseUrl: text, body: text } },
    expectedResponseCheck: check,
    isRemovedCheck: check,
    resourceExistsCheck: check,
    externalRef: text,
  },
  required: ["mappings"],
} as const satisfies Schema;
export type RequestParameters = Infer<typeof requestParameters>;

const disposableParameters = {
  type: "object",
  properties: {
    ...shared,
    url: text,
    method: text,
    body: text,
    rollbackRetriesLimit: { type: "integer" },
    expectedResponse: text,
    nextReconcile: text,
    shouldLoopInfinitely: flag,
    polling,
  },
  required: ["url", "method"],
} as const satisfies Schema;
export type DisposableParameters = Infer<typeof disposableParameters>;

/** What every managed object of Crossplane has. */
const managed = {
  providerConfigRef: { type: "object", properties: { name: text, kind: text, policy: anything }, required: ["name"] },
  deletionPolicy: text,
  managementPolicies: { type: "array", items: text, ...many },
  writeConnectionSecretToRef: anything,
  publishConnectionDetailsTo: anything,
} as const satisfies Readonly<Record<string, Schema>>;

const answer = {
  type: "object",
  properties: { statusCode: { type: "integer" }, body: text, headers },
} as const satisfies Schema;
export type PeerAnswer = Infer<typeof answer>;
/** A 2xx. */
export function isSuccess({ statusCode = 0 }: PeerAnswer): boolean {
  return statusCode >= 200 && statusCode < 300;
}

const status = {
  type: "object",
  properties: {
    response: answer,
    cache: { type: "object", properties: { lastUpdated: text, response: answer } },
    requestDetails: { type: "object", properties: { method: text, url: text, body: text, headers } },
    polling: anything,
    externalRef: text,
    failed: { type: "integer" },
    error: text,
    synced: flag,
    lastReconcileTime: text,
    conditions: anything,
  },
} as const satisfies Schema;
export type PeerStatus = Infer<typeof status>;

export const metadata = {
  type: "object",
  properties: {
    name: text,
    namespace: text,
    labels: texts,
    annotations: texts,
    uid: text,
    generateName: text,
    deletionTimestamp: text,
  },
} as const satisfies Schema;
export type PeerMetadata = Infer<typeof metadata>;

const credentials = {
  type: "object",
  properties: { source: text, secretRef: secretKey, env: anything, fs: anything },
  required: ["source"],
} as const satisfies Schema;

const configSpec = {
  type: "object",
  properties: { credentials, tls: tlsConfig },
} as const satisfies Schema;
export type PeerConfigSpec = Infer<typeof configSpec>;

function object(spec: Schema, hasStatus: boolean): Schema {
  const head = { apiVersion: text, kind: text, metadata, spec };
  return { type: "object", properties: { ...head, ...(hasStatus && { status }) }, required: ["metadata", "spec"] };
}
function managedObject(forProvider: ObjectSchema): Schema {
  return object({ type: "object", properties: { ...managed, forProvider }, required: ["forProvider"] }, true);
}

/** v1alpha1 of the objects of the cluster has none of these, and the API server took them away. */
const newer = [
  "tlsConfig",
  "secretInjectionConfigs",
  "expectedResponseCheck",
  "isRemovedCheck",
  "nextReconcile",
  "shouldLoopInfinitely",
];
function older(schema: ObjectSchema): ObjectSchema {
  return {
    ...schema,
    properties: Object.fromEntries(Object.entries(schema.properties).filter(([name]) => !newer.includes(name))),
  };
}

export const requestObject = managedObject(requestParameters);
export const olderRequestObject = managedObject(older(requestParameters));
export const disposableObject = managedObject(disposableParameters);
export const olderDisposableObject = managedObject(older(disposableParameters));
export const configObject = object(configSpec, false);

const managedSpec = { type: "object", properties: managed } as const satisfies Schema;
export type ManagedSpec = Infer<typeof managedSpec>;
