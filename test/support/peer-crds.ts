/** The peer's CRDs, as far as an API server looks at them: what is pruned, what has a default, what is a subresource. */
import type { ControlPlaneClient } from "./control-plane-client.ts";
import { until } from "./fault-world.ts";

const text = { type: "string" };
const headers = { type: "object", additionalProperties: { type: "array", items: text } };
const response = { type: "object", properties: { statusCode: { type: "integer" }, body: text, headers } };
const details = {
  type: "object",
  properties: {
    action: { type: "string", enum: ["CREATE", "OBSERVE", "UPDATE", "REMOVE"] },
    method: { type: "string", enum: ["POST", "GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] },
    url: text,
    body: text,
    headers,
  },
  required: ["url"],
};
const conditions = {
  type: "array",
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["type"],
  items: {
    type: "object",
    properties: {
      type: text,
      status: text,
      reason: text,
      message: text,
      lastTransitionTime: { type: "string", format: "date-time" },
      observedGeneration: { type: "integer", format: "int64" },
    },
    required: ["lastTransitionTime", "reason", "status", "type"],
  },
};
const shared = { conditions, response, requestDetails: details, failed: { type: "integer", format: "int32" }, error: text };
const statuses = {
  Request: { ...shared, cache: { type: "object", properties: { lastUpdated: text, response } } },
  DisposableRequest: { ...shared, synced: { type: "boolean" }, lastReconcileTime: { type: "string", format: "date-time" } },
};

function specOf(isNamespaced: boolean): object {
  const reference = isNamespaced
    ? {
        properties: { kind: text, name: text },
        required: ["kind", "name"],
        default: { kind: "ClusterProviderConfig", name: "default" },
      }
    : { properties: { name: text }, required: ["name"], default: { name: "default" } };
  return {
    type: "object",
    properties: {
      ...(!isNamespaced && { deletionPolicy: { type: "string", enum: ["Orphan", "Delete"], default: "Delete" } }),
      managementPolicies: { type: "array", items: text, default: ["*"] },
      providerConfigRef: { type: "object", ...reference },
      forProvider: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
    required: ["forProvider"],
  };
}

function crd(group: string, kind: string, version: string, scope: string, schema: object, hasStatus: boolean): object {
  const plural = `${kind.toLowerCase()}s`;
  const one = {
    name: version,
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: "object", ...schema } },
    ...(hasStatus && { subresources: { status: {} } }),
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    // The older version of objects of the cluster has fewer fields, and is kept as the newer one.
    spec: {
      group,
      scope,
      names: { kind, plural },
      versions:
        version === "v1alpha2" && scope === "Cluster" && hasStatus ? [one, { ...one, name: "v1alpha1", storage: false }] : [one],
    },
  };
}

const config = { properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } } };

/** All of them. */
export function peerCRDs(): readonly object[] {
  const managed = (["http.crossplane.io", "http.m.crossplane.io"] as const).flatMap((group) => {
    const isNamespaced = group === "http.m.crossplane.io";
    return (["Request", "DisposableRequest"] as const).map((kind) => {
      const status = { type: "object", properties: statuses[kind] };
      const schema = { properties: { spec: specOf(isNamespaced), status }, required: ["spec"] };
      return crd(group, kind, "v1alpha2", isNamespaced ? "Namespaced" : "Cluster", schema, true);
    });
  });
  return [
    ...managed,
    crd("http.crossplane.io", "ProviderConfig", "v1alpha1", "Cluster", config, false),
    crd("http.m.crossplane.io", "ProviderConfig", "v1alpha2", "Namespaced", config, false),
    crd("http.m.crossplane.io", "ClusterProviderConfig", "v1alpha2", "Cluster", config, false),
  ];
}

/** Once they are served. */
export async function installPeerCRDs(plane: ControlPlaneClient): Promise<void> {
  for (const one of peerCRDs()) await plane.apply(JSON.stringify(one));
  const names = ["requests.http", "disposablerequests.http", "providerconfigs.http"].flatMap((name) => [
    `${name}.crossplane.io`,
    `${name}.m.crossplane.io`,
  ]);
  const all = [...names, "clusterproviderconfigs.http.m.crossplane.io"].join(",");
  await until("the kinds are there", async () => (await plane.kubectl("get", all, "-A")).code === 0, 120_000);
}
