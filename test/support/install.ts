/** Puts what the controller needs onto a control plane: the CRDs, and its user's rights. */
import { customResourceDefinition } from "../../src/api/crd.ts";
import { definitions } from "../../src/api/definitions.ts";
import { group } from "../../src/api/kind-definition.ts";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlaneClient } from "./control-plane-client.ts";

/** Returns once the API server serves every kind. */
export async function installCRDs(plane: ControlPlaneClient): Promise<void> {
  const items = definitions.map(customResourceDefinition);
  await plane.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  for (const { plural } of definitions) {
    while ((await plane.admin("GET", `/apis/${group}/v1alpha1/${plural}?limit=1`)).status !== 200) await sleep(20);
  }
}

/** The controller's ClusterRole. */
export const controllerRole = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name: "holdfast" },
  rules: [
    { apiGroups: [group], resources: definitions.map(({ plural }) => plural), verbs: ["get", "list", "watch"] },
    { apiGroups: [group], resources: definitions.map(({ plural }) => `${plural}/status`), verbs: ["patch"] },
    { apiGroups: [group], resources: ["httpresources"], verbs: ["patch"] },
    { apiGroups: [""], resources: ["secrets", "configmaps"], verbs: ["get", "list", "watch", "create", "patch"] },
    { apiGroups: [""], resources: ["namespaces"], verbs: ["list", "watch"] },
    { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "create", "patch", "watch"] },
    { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"] },
  ],
};

/** Gives a user the controller's rights in the whole cluster. */
export async function grantController(plane: ControlPlaneClient, user = "holdfast"): Promise<void> {
  const binding = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: `holdfast-${user}` },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: controllerRole.metadata.name },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }],
  };
  await plane.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: [controllerRole, binding] }));
}
