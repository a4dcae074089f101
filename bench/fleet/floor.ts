/**
 * The least that a controller can do for a fleet: it watches, and patches each status once or twice. No queue, no
 * request, no decision. What it takes is what the API server takes, on this machine, in this run.
 *
 * Usage: node floor.ts KUBECONFIG NAMESPACE WRITES
 */
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { loadKubeConfig } from "../../src/kubernetes/credentials.ts";
import { createKubernetesStore } from "../../src/kubernetes/store.ts";
import type { Resource } from "../../src/core/resource.ts";
import { httpRequestType } from "../../src/kinds/types.ts";

const [kubeconfig = "", namespace = "", writes = "1"] = process.argv.slice(2);
const emit = (): void => {};
await using client = createApiClient({ loadKubeConfig: () => loadKubeConfig(kubeconfig), emit });
const store = createKubernetesStore({ client, emit, namespaces: [namespace] });
const never = new AbortController().signal;
const started = new Set<string>();
const waiting: (() => void)[] = [];
let working = 0;

async function patch(resource: Resource): Promise<void> {
  if (working >= 20) await new Promise<void>((resolve) => waiting.push(resolve));
  working += 1;
  let current = resource;
  for (let write = 1; write <= Number(writes); write += 1) {
    const status = write === Number(writes) ? "True" : "False";
    const condition = { type: "Ready", status, reason: "Floor", message: "", lastTransitionTime: new Date().toISOString() };
    const result = await store.writeStatus(httpRequestType, current, { conditions: [condition] }, { type: "unchanged" }, never);
    if (result.type === "written") current = result.resource;
  }
  working -= 1;
  waiting.shift()?.();
}

process.stdout.write("watching\n");
for await (const event of store.watch(httpRequestType, never)) {
  const resources = event.type === "listed" ? event.resources : event.type === "applied" ? [event.resource] : [];
  for (const resource of resources) {
    if (started.has(resource.metadata.uid)) continue;
    started.add(resource.metadata.uid);
    void patch(resource);
  }
}
