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

/** Whether its status speaks of the spec as it is, and nothing of it is on its way or due by itself. */
export function isSettled({ metadata, status }: HTTPRequest | HTTPResource): boolean {
  return (
    status?.observedGeneration === metadata.generation &&
    status.conditions !== undefined &&
    !waitsForTurn(status) &&
    !awaited.includes(findCondition(status, "Reconciling")?.reason ?? "") &&
    !["InFlight", "Retrying", "Polling"].includes(status.attempt?.phase ?? "Done") &&
    !(status.attempt?.phase === "Unknown" && nextTryOf(status) !== undefined)
  );
}

/** What may come to pass by itself: for how long it is waited for is the plan's. */
const awaited: readonly string[] = ["Deleting", "OutcomeUnknown"];

function waitsForTurn(status: object): boolean {
  const ready = findCondition(status, "Ready");
  return ready?.status === "False" && turnReasons.some((reason) => reason === ready.reason);
}

/** Whether it waits for a policy to let it through. */
export function isEgressDenied({ status }: Resource): boolean {
  return findCondition(status, "Ready")?.reason === "EgressDenied";
}
