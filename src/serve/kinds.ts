/** The kinds of Crossplane's provider-http that are served, as the API server has them. */
import { group, version } from "../api/kind-definition.ts";
import type { ResourceType } from "../core/resource.ts";

const clusterGroup = "http.crossplane.io";
const namespacedGroup = "http.m.crossplane.io";

/** Those that declare requests. */
export const managedTypes: readonly ResourceType[] = [
  { group: clusterGroup, version: "v1alpha2", kind: "Request", plural: "requests", scope: "Cluster" },
  { group: clusterGroup, version: "v1alpha2", kind: "DisposableRequest", plural: "disposablerequests", scope: "Cluster" },
  { group: namespacedGroup, version: "v1alpha2", kind: "Request", plural: "requests" },
  { group: namespacedGroup, version: "v1alpha2", kind: "DisposableRequest", plural: "disposablerequests" },
];
/** Those that they take a credential and TLS from. */
export const configTypes: readonly ResourceType[] = [
  { group: clusterGroup, version: "v1alpha1", kind: "ProviderConfig", plural: "providerconfigs", scope: "Cluster" },
  { group: namespacedGroup, version: "v1alpha2", kind: "ProviderConfig", plural: "providerconfigs" },
  {
    group: namespacedGroup,
    version: "v1alpha2",
    kind: "ClusterProviderConfig",
    plural: "clusterproviderconfigs",
    scope: "Cluster",
  },
];

/** What a Request or a DisposableRequest becomes. */
export const shadowTypes = {
  HTTPResource: { group, version, kind: "HTTPResource", plural: "httpresources" },
  HTTPRequest: { group, version, kind: "HTTPRequest", plural: "httprequests" },
} as const satisfies Readonly<Record<string, ResourceType>>;

export function shadowTypeOf({ kind }: Pick<ResourceType, "kind">): ResourceType {
  return kind === "Request" ? shadowTypes.HTTPResource : shadowTypes.HTTPRequest;
}

export function apiVersionOf({ group: ofType, version: inVersion }: ResourceType): string {
  return `${ofType}/${inVersion}`;
}
