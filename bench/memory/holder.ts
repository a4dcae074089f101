/**
 * Lists what `server.ts` has and holds it, and prints as JSON what that took. `bare`: by nothing but the client and a list. `engine`:
 * as a controller does that goes on where the one before it was, until each object waits for its next look.
 *
 * The longest stall is of processor time: what the main thread used between two turns of a timer, whatever else the machine did.
 *
 * Usage: node bench/memory/holder.ts bare|engine PORT OBJECTS
 */
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { KubeConfig } from "@kubernetes/client-node";
import type { Kind } from "../../src/core/plan.ts";
import type { Requester } from "../../src/core/ports.ts";
import { createController } from "../../src/engine/controller.ts";
import { httpResourceKind } from "../../src/kinds/http-resource/plan.ts";
import { httpResourceType } from "../../src/kinds/types.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { collectionPath } from "../../src/kubernetes/paths.ts";
import { createKubernetesStore } from "../../src/kubernetes/store.ts";

const [how = "engine", port = "", objects = "1000"] = process.argv.slice(2);
const never = new AbortController().signal;
const emit = (): void => {};
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
function heapBytes(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
function loadKubeConfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: "bench", server: `http://127.0.0.1:${port}`, skipTLSVerify: true }, { name: "bench" });
  return config;
}
const client = createApiClient({ loadKubeConfig, emit });
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
let longestMs = 0;
let lastMs = cpuMs();
function look(): void {
  const nowMs = cpuMs();
  longestMs = Math.max(longestMs, nowMs - lastMs);
  lastMs = nowMs;
}

async function holdBare(): Promise<unknown> {
  const held: unknown[] = [];
  let next = "0";
  for (; next !== "";) {
    const query = { limit: "500", continue: next };
    const { body } = await client.call({ method: "GET", path: collectionPath(httpResourceType, undefined), query }, never);
    const page = body as { readonly items: readonly unknown[]; readonly metadata: { readonly continue?: string } };
    held.push(...page.items);
    next = page.metadata.continue ?? "";
  }
  return held;
}
async function holdWithEngine(): Promise<unknown> {
  const store = createKubernetesStore({ client, emit, initialState: "pagedLists" });
  const nothing = (): never => {
    throw new Error("nothing is sent here");
  };
  const requests = { prepare: nothing, holdMuch: async () => {}, [Symbol.dispose]() {} };
  const requester: Requester = {
    begin: () => requests,
    evaluate: nothing,
    evaluateOutputs: nothing,
    check: nothing,
  };
  const kinds = [httpResourceKind as unknown as Kind];
  const limits = { concurrency: 20, reconcileTimeoutMs: 600_000 };
  const controller = createController({ kinds, store, requester, emit, ...limits, instanceId: "bench", resumes: true });
  void controller.run(never, never);
  while (controller.queue.delayed < Number(objects)) await sleep(20);
  return controller;
}

const before = heapBytes();
lastMs = cpuMs();
const looking = setInterval(look, 1);
const [cpu, startedMs] = [process.cpuUsage(), performance.now()];
const held = how === "bare" ? await holdBare() : await holdWithEngine();
const tookMs = performance.now() - startedMs;
const { user, system } = process.cpuUsage(cpu);
look();
clearInterval(looking);
const rssMiB = process.memoryUsage.rss() / 2 ** 20;
const found = {
  bytes: (heapBytes() - before) / Number(objects),
  tookMs,
  cpuMs: (user + system) / 1000,
  longestMs,
  rssMiB,
};
process.stdout.write(`${JSON.stringify(found)}\n`);
process.exit(held === undefined ? 1 : 0);
