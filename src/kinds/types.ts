/** The kinds as resource types, and the shapes of their resources. */
import { findCondition } from "../core/conditions.ts";
import { turnReasons } from "../core/outcome.ts";
import { clusterHTTPEndpoint, type ClusterHTTPEndpointSpec } from "../api/cluster-http-endpoint.ts";
import { egressPolicy, type EgressPolicySpec, type EgressPolicyStatus } from "../api/egress-policy.ts";
import { httpEndpoint, type HTTPEndpointSpec, type HTTPEndpointStatus } from "../api/http-endpoint.ts";
import { httpRequest, type HTTPRequestSpec, type HTTPRequestStatus } from "../api/http-request.ts";
import { httpResource, type HTTPResourceSpec, type HTTPResourceStatus } from "../api/http-resource.ts";
import { group, version, type KindDefinition } from "../api/kind-definition.ts";
import type { Labels } from "../core/label-selector.ts";
import { nextTryOf } from "../core/next-look.ts";
import type { Resource, ResourceType } from "../core/resource.ts";

function resourceType({ kind, plural, scope }: KindDefinition): ResourceType {
  return { group, version, kind, plural, ...(scope === "Cluster" && { scope }) };
}
export const httpRequestType = resourceType(httpRequest);
export const httpResourceType = resourceType(httpResource);
export const httpEndpointType = resourceType(httpEndpoint);
export const egressPolicyType = resourceType(egressPolicy);
export const clusterHTTPEndpointType = resourceType(clusterHTTPEndpoint);

export type HTTPRequest = Resource<HTTPRequestSpec, HTTPRequestStatus>;
export type HTTPResource = Resource<HTTPResourceSpec, HTTPResourceStatus>;
export type HTTPEndpoint = Resource<HTTPEndpointSpec, HTTPEndpointStatus>;
export type EgressPolicy = Resource<EgressPolicySpec, EgressPolicyStatus>;
export type ClusterHTTPEndpoint = Resource<ClusterHTTPEndpointSpec, HTTPEndpointStatus>;
/** Either of the two; one without a namespace is the cluster's. */
export type Endpoint = Resource<
  HTTPEndpointSpec & Partial<Pick<ClusterHTTPEndpointSpec, "allowedNamespaces" | "allowedHeaders" | "secretNamespace">>,
  HTTPEndpointStatus
>;
/** An endpoint as one of its requests sees it. */
export interface UsedEndpoint extends Endpoint {
  /** Of the request's namespace. Absent: they are not known, or make no difference. */
  readonly callerLabels?: Labels;
}

/**
 * Whether its status speaks of the spec as it is, and nothing of it is on its way or due by itself. What is refused before it can
 * be sent, or asked after, is due when that is mended, as it is before its first try. A deletion is tried without end: for whoever
 * waits, it has had its tries once there were more than `retry.limit`, and than `triesBefore`.
 */
export function isSettled({ spec, metadata, status }: HTTPRequest | HTTPResource, triesBefore = 0): boolean {
  if (status?.observedGeneration !== metadata.generation || status.conditions === undefined || waitsForTurn(status)) return false;
  const reason = findCondition(status, "Reconciling")?.reason ?? "";
  if (awaited.includes(reason)) return false;
  if (spec.suspend) return true;
  if ("pageSeenAt" in status) return false; // it is believed soon
  const isDue = nextTryOf(status) !== undefined;
  switch (status.attempt?.phase) {
    case "InFlight":
      return reason !== "Sending";
    case "Polling":
      return reason !== "Polling";
    case "Retrying":
      if (!isDue) return reason !== "CircuitOpen"; // that closes, or lets a try through, by itself
      return deletionTries({ status }) > Math.max(spec.retry.limit ?? 0, triesBefore);
    case "Unknown":
      return !isDue;
    case "Done":
    case undefined:
      return true;
  }
}
/** How often it has been tried to delete what it stands for, in vain; 0: that is not under way. */
export function deletionTries({ status }: Pick<HTTPRequest | HTTPResource, "status">): number {
  const attempt = status?.attempt;
  const isDeletion = attempt && "verb" in attempt && (attempt.verb === "Delete" || attempt.verb === "BeforeDelete");
  return isDeletion && attempt.phase === "Retrying" ? attempt.tries : 0;
}

/** What may come to pass by itself: for how long it is waited for is the plan's. */
const awaited: readonly string[] = ["Deleting", "OutcomeUnknown", "Retrying"];

function waitsForTurn(status: object): boolean {
  const ready = findCondition(status, "Ready");
  return ready?.status === "False" && turnReasons.some((reason) => reason === ready.reason);
}

/** Whether it waits for a policy to let it through. */
export function isEgressDenied({ status }: Resource): boolean {
  return findCondition(status, "Ready")?.reason === "EgressDenied";
}
