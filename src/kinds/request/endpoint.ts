/**
 * What an endpoint means for the requests that use it. Pure.
 *
 * Invariant: only what a ClusterHTTPEndpoint refers to has a namespace of its own, and that is the one that its admin chose.
 */
import { sourcesOf } from "../../core/auth.ts";
import { durationMs } from "../../core/tools/duration.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import type { Connection, EndpointTraits } from "../../core/connection.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Owner } from "../../core/output.ts";
import { selects } from "../../core/label-selector.ts";
import type { Dependency } from "../../core/plan.ts";
import { configMapType, namespaceType, secretType, type Resource, type ResourceType } from "../../core/resource.ts";
import { authSources } from "./auth.ts";
import { endpointFault } from "./endpoint-faults.ts";
import { signSources, source, tlsSources } from "./sources.ts";
import { clusterHTTPEndpointType, httpEndpointType, type Endpoint, type UsedEndpoint } from "../types.ts";

export interface EndpointRef {
  readonly kind: "HTTPEndpoint" | "ClusterHTTPEndpoint";
  readonly name: string;
}

/**
 * The endpoint as something to watch, and for the cluster's the namespace, on whose labels it can depend who may use it.
 * `namespace`: of the resource that refers to it. A kind's own references begin with these.
 */
export function endpointReferences(endpointRef: EndpointRef | undefined, namespace: string): readonly Dependency[] {
  if (!endpointRef) return [];
  const { kind, name } = endpointRef;
  return kind === "HTTPEndpoint"
    ? [{ type: httpEndpointType, key: { namespace, name }, isTransitive: true }]
    : [
        { type: clusterHTTPEndpointType, key: { namespace: "", name }, isTransitive: true },
        { type: namespaceType, key: { namespace: "", name: namespace }, isTransitive: true },
      ];
}

/** The endpoint, where it exists. `references`: what is there of `endpointReferences`, in that order. */
export function usedEndpoint(
  endpointRef: EndpointRef | undefined,
  references: readonly (Resource | undefined)[],
): UsedEndpoint | undefined {
  const endpoint = endpointRef && (references[0] as Endpoint | undefined);
  if (!endpoint || endpointRef.kind === "HTTPEndpoint") return endpoint;
  const namespace = references[1];
  return { ...endpoint, ...(namespace && { callerLabels: namespace.metadata.labels ?? {} }) };
}

/** Those that exist, by `endpointKey`. `references`: what is there of each one's `endpointReferences`, one after the other. */
export function usedEndpoints(
  refs: readonly EndpointRef[],
  references: readonly (Resource | undefined)[],
): ReadonlyMap<string, UsedEndpoint> {
  let next = 0;
  const found = refs.map((ref) => {
    const from = next;
    next += endpointReferences(ref, "").length;
    return [endpointKey(ref), usedEndpoint(ref, references.slice(from, next))] as const;
  });
  return new Map(found.flatMap(([key, endpoint]) => (endpoint ? [[key, endpoint] as const] : [])));
}
export function endpointKey({ kind, name }: EndpointRef): string {
  return `${kind}/${name}`;
}

/** Keeps an endpoint that is being deleted until those that need it for their own end are gone. */
export const inUseFinalizer = "holdfast.dev/in-use";

export function isHeld({ finalizers = [] }: Endpoint["metadata"]): boolean {
  return finalizers.includes(inUseFinalizer);
}
export function typeOf({ metadata }: Endpoint): ResourceType {
  return metadata.namespace === "" ? clusterHTTPEndpointType : httpEndpointType;
}

/** After what is not there, for people: it can be there without the labels. */
export function shardText(seesOnly: string | undefined): string {
  return seesOnly === undefined
    ? ""
    : ` with the labels ${seesOnly}, and no other is seen by this Holdfast: what depends on each other has to be in one shard`;
}

/** `HTTPEndpoint "name"`, for messages. */
export function titleOf({ metadata }: Endpoint): string {
  return `${metadata.namespace === "" ? "ClusterHTTPEndpoint" : "HTTPEndpoint"} "${metadata.name}"`;
}

/** How to connect, and what the endpoint's requests share. Made once for an endpoint as it is. */
export function connectionOf(endpoint: Endpoint): Connection {
  const { spec, metadata } = endpoint;
  const bySpec = connectionsOf(metadata); // equal specs may be one object
  const known = bySpec.get(spec) ?? makeConnection(endpoint);
  bySpec.set(spec, known);
  return known;
}
const connectionsOf = oncePer((_metadata: object) => new WeakMap<object, Connection>());
function makeConnection(endpoint: Endpoint): Connection {
  const { spec } = endpoint;
  const title = titleOf(endpoint);
  const elsewhere = spec.secretNamespace;
  const from = { field: `${title}: spec`, ...(elsewhere !== undefined && { namespace: elsewhere }) };
  const { tls, proxy, http2, freshConnectionAfter, auth, sign, traceContext } = spec;
  return {
    tls: tlsSources(tls, { ...from, field: `${from.field}.tls` }),
    ...(proxy && { proxy: source({ ...from, field: `${from.field}.proxy` }, { value: proxy.url, ...proxy }) }),
    ...(http2 && { http2 }),
    ...(freshConnectionAfter !== undefined && { freshAfterMs: durationMs(freshConnectionAfter) }),
    ...(auth && { auth: authSources(auth, from, { ...spec, ...ownedBy(endpoint) }) }),
    ...(sign && { sign: signSources(sign, { ...from, field: `${from.field}.sign` }) }),
    ...(traceContext === "W3C" && { traces: true as const }),
    endpoint: traitsOf(endpoint, title),
  };
}

/** The namespace of its Secrets, and whose those are that it makes: no change of it makes that another. */
function ownedBy(endpoint: Endpoint): { readonly namespace: string; readonly owner: Owner } {
  const { spec, metadata } = endpoint;
  const namespace = spec.secretNamespace ?? metadata.namespace;
  const { name, uid } = metadata;
  return { namespace, owner: { type: typeOf(endpoint), metadata: { namespace, name, uid, generation: 0, resourceVersion: "" } } };
}

/** The Secrets and ConfigMaps that an endpoint refers to, each once. */
export function endpointData(endpoint: Endpoint): readonly Dependency[] {
  if (endpointFault(endpoint)) return [];
  const { tls, proxy, auth, sign, endpoint: traits } = connectionOf(endpoint);
  const sources = [tls.ca, tls.certificate, tls.key, proxy, ...(auth ? sourcesOf(auth) : []), ...(sign?.keys ?? [])];
  const named = sources.flatMap((one): Dependency[] => {
    if (!one || one.type === "literal") return [];
    const key = { namespace: traits?.credentialNamespace ?? "", name: one.name };
    return [{ type: one.type === "secret" ? secretType : configMapType, key }];
  });
  return [...new Map(named.map((one) => [`${one.type.kind} ${one.key.name}`, one])).values()];
}

function traitsOf(
  { spec: { rateLimit, maxInFlight, circuitBreaker, secretNamespace }, metadata: { namespace, name } }: Endpoint,
  title: string,
): EndpointTraits {
  return {
    key: { namespace, name },
    credentialNamespace: secretNamespace ?? namespace,
    title,
    ...(maxInFlight !== undefined && { maxInFlight }),
    ...(rateLimit && {
      rateLimit: {
        requests: rateLimit.requests,
        perMs: durationMs(rateLimit.per),
        burst: rateLimit.burst ?? rateLimit.requests,
      },
    }),
    ...(circuitBreaker && {
      circuitBreaker: { failures: circuitBreaker.failures, openForMs: durationMs(circuitBreaker.openFor) },
    }),
  };
}

/**
 * Why a request of `namespace` cannot use the endpoint. `field`: where the reference is; `endpoint`: what it names, where it
 * exists; `seesOnly`: as of a situation.
 */
export function endpointRefusal(
  endpointRef: EndpointRef,
  endpoint: UsedEndpoint | undefined,
  { namespace, field, seesOnly }: { readonly namespace: string; readonly field: string; readonly seesOnly?: string | undefined },
): Refusal | undefined {
  const { kind, name } = endpointRef;
  if (!endpoint) {
    const message =
      kind === "HTTPEndpoint"
        ? `there is no HTTPEndpoint "${name}" in this namespace${shardText(seesOnly)}`
        : `there is no ClusterHTTPEndpoint "${name}", or this Holdfast may not look at them`;
    return { type: "refusal", reason: "EndpointNotFound", message: `${field}: ${message}`, heals: true };
  }
  if (serves(endpoint, namespace)) return refuseUnusable(endpoint, field);
  const isUnknown = endpoint.spec.allowedNamespaces?.from === "Selector" && !endpoint.callerLabels;
  const why = isUnknown
    ? "is for namespaces by their labels, and Holdfast does not know this one's"
    : "is not for requests of this namespace";
  return {
    type: "refusal",
    reason: "EndpointNotAllowed",
    message: `${field}: ${titleOf(endpoint)} ${why}; its admin decides whom it is for`,
    heals: true,
  };
}

function refuseUnusable(endpoint: UsedEndpoint, field: string): Refusal | undefined {
  if (endpoint.spec.suspend) return refuseSuspended(endpoint, field);
  const fault = endpointFault(endpoint);
  if (!fault) return undefined;
  const isAdmins = endpoint.metadata.namespace === "";
  const why = isAdmins ? " cannot be used as it is written; its own status says why" : `: ${fault.message}`;
  return { type: "refusal", reason: "EndpointNotReady", message: `${field}: ${titleOf(endpoint)}${why}`, heals: true };
}

/** It is in the way of deletions, too: nothing of a remote object can be deleted by it. */
function refuseSuspended(endpoint: UsedEndpoint, field: string): Refusal {
  const message = `${field}: ${titleOf(endpoint)} is suspended; it is sent when spec.suspend there is no longer true`;
  return { type: "refusal", reason: "EndpointSuspended", message, heals: true };
}

/** Only what is known to be chosen is. */
function serves({ spec: { allowedNamespaces: allowed }, metadata, callerLabels }: UsedEndpoint, namespace: string): boolean {
  if (!allowed) return metadata.namespace !== "";
  switch (allowed.from) {
    case "All":
      return true;
    case "Names":
      return allowed.names?.includes(namespace) === true;
    case "Selector":
      return allowed.selector !== undefined && callerLabels !== undefined && selects(allowed.selector, callerLabels);
  }
}
