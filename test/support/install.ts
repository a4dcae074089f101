/** Puts the CRDs onto a control plane. */
import { setTimeout as sleep } from "node:timers/promises";
import { customResourceDefinition } from "../../src/api/crd.ts";
import { definitions } from "../../src/api/definitions.ts";
import { group } from "../../src/api/kind-definition.ts";
import type { ControlPlaneClient } from "./control-plane-client.ts";

/** Returns once the API server serves every kind. */
export async function installCRDs(plane: ControlPlaneClient): Promise<void> {
  const items = definitions.map(customResourceDefinition);
  await plane.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  for (const { plural } of definitions) {
    while ((await plane.admin("GET", `/apis/${group}/v1alpha1/${plural}?limit=1`)).status !== 200) await sleep(20);
  }
}
