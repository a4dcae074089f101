/**
 * How long the event loop of a controller has to wait with many objects in it: objects at rest, over a store in memory, so that
 * nothing but the engine and the kinds' plans takes time. Each line is one phase, with the longest stretch of CPU in which nothing else
 * had its turn.
 *
 * Usage: node bench/loop/main.ts [OBJECTS [NAMESPACES]]     (default 100000 2000)
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Resource } from "../../src/core/resource.ts";
import type { ResourceStore, WatchEvent } from "../../src/core/ports.ts";
import { createController } from "../../src/engine/controller.ts";
import { egressPolicyKind } from "../../src/kinds/egress/policy.ts";
import { clusterHTTPEndpointKind, httpEndpointKind } from "../../src/kinds/http-endpoint.ts";
import { httpRequestKind } from "../../src/kinds/http-request/plan.ts";
import { httpResourceKind } from "../../src/kinds/http-resource/plan.ts";
import { namespaceKind } from "../../src/kinds/namespace.ts";
import { idle, memoryStore } from "../../test/support/memory-store.ts";
import { httpRequest } from "../../test/support/request-plan.ts";
import { walk } from "../../test/support/scripted-world.ts";

const [objects = 100_000, namespaces = 2_000] = process.argv.slice(2).map(Number);

const kinds = [httpRequestKind, httpResourceKind, httpEndpointKind, clusterHTTPEndpointKind, egressPolicyKind, namespaceKind];
const held = new Map<string, Resource[]>(kinds.map(({ type }) => [type.plural, []]));
let version = 1;

function metadataOf(namespace: string, name: string, labels?: Readonly<Record<string, string>>): Resource["metadata"] {
  return {
    namespace,
    name,
    uid: `${namespace}/${name}`,
    generation: 1,
    resourceVersion: String((version += 1)),
    ...(labels && { labels }),
  };
}
/** As it is once it has been sent, and nothing is to be done. */
function atRest(): Resource {
  for (let n = 0; n < 100; n += 1) {
    const resource: Resource = httpRequest({ url: `https://example.com/${n}`, method: "PUT" });
    const walked = walk(httpRequestKind, { resource, now: new Date() }, { reconciles: 3 });
    if (JSON.stringify(walked.resource.status).includes('"reason":"Succeeded"')) return walked.resource;
  }
  throw new Error("no request succeeded");
}

const sample = atRest();
const requests = held.get("httprequests") as Resource[];
for (let n = 0; n < objects; n += 1) requests.push({ ...sample, metadata: metadataOf(`ns-${n % namespaces}`, `request-${n}`) });
const namespaceObjects = held.get("namespaces") as Resource[];
for (let n = 0; n < namespaces; n += 1) namespaceObjects.push({ metadata: metadataOf("", `ns-${n}`, { team: "a" }), spec: {} });

/** What has been told, and not taken yet, by the type's plural. */
const told = new Map<string, { readonly events: WatchEvent[]; wake: () => void }>();
async function* watch(plural: string, signal: AbortSignal): AsyncGenerator<WatchEvent, void> {
  const own = { events: [] as WatchEvent[], wake: (): void => {} };
  told.set(plural, own);
  signal.addEventListener("abort", () => own.wake());
  yield { type: "listed", resources: held.get(plural) ?? [], resourceVersion: String(version) };
  while (!signal.aborted) {
    const event = own.events.shift();
    if (event) yield event;
    else await new Promise<void>((resolve) => (own.wake = resolve));
  }
}
function tell(plural: string, event: WatchEvent): void {
  told.get(plural)?.events.push(event);
  told.get(plural)?.wake();
}
const store: ResourceStore = { ...memoryStore([]).store, watch: ({ plural }, signal) => watch(plural, signal) };
let term = 1;
let reconciled = 0;
let failed = 0;
const controller = createController({
  kinds,
  store,
  requester: idle,
  emit(event) {
    if (event.type !== "reconciled") return;
    reconciled += 1;
    if (event.result !== "unchanged" && event.result !== "succeeded") failed += 1;
  },
  concurrency: 32,
  reconcileTimeoutMs: 60_000,
  instanceId: "bench",
  term: () => term,
});

/** CPU of this thread between two turns of its loop, milliseconds: what others take of the machine is not in it. */
const stretchesMs: number[] = [];
let spentMicros = cpuMicros();
setInterval(() => {
  const now = cpuMicros();
  stretchesMs.push((now - spentMicros) / 1_000);
  spentMicros = now;
}, 1).unref();
function cpuMicros(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

async function phase(name: string, work: () => Promise<void>): Promise<void> {
  globalThis.gc?.();
  await sleep(100);
  stretchesMs.length = 0;
  const [startedMs, before] = [performance.now(), reconciled];
  await work();
  await sleep(20);
  const tookMs = performance.now() - startedMs;
  const sorted = stretchesMs.toSorted((a, b) => a - b);
  const words = [
    `${Math.round(tookMs)} ms`,
    `${reconciled - before} reconciles`,
    `longest stretch ${sorted.at(-1)?.toFixed(0)} ms`,
  ];
  const p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  process.stdout.write(`${name}: ${words.join("; ")}, 99 of 100 at most ${p99Ms.toFixed(0)} ms\n`);
}
/** Until it does nothing any more. */
async function rest(): Promise<void> {
  for (let quiet = 0, before = cpuMicros(); quiet < 3; before = cpuMicros()) {
    await sleep(400);
    quiet = controller.queue.depth === 0 && cpuMicros() - before < 40_000 ? quiet + 1 : 0;
  }
}

const stop = new AbortController();
let running = Promise.resolve();
await phase("listed, and each looked at", async () => {
  running = controller.run(stop.signal, stop.signal);
  await controller.warm;
  await rest();
});
await phase("each looked at anew, as by a new leader", async () => {
  term += 1;
  controller.queueAll();
  await rest();
});
await phase("the labels of all namespaces change", async () => {
  for (const { metadata } of namespaceObjects) {
    tell("namespaces", { type: "applied", resource: { metadata: metadataOf("", metadata.name, { team: "b" }), spec: {} } });
    if (metadata.name.endsWith("7")) await sleep(0);
  }
  await rest();
});
await phase("listed again, with one in a hundred changed", async () => {
  const resources = requests.map((one, n) =>
    n % 100 === 0 ? { ...one, metadata: { ...one.metadata, resourceVersion: String((version += 1)), labels: { a: "b" } } } : one,
  );
  tell("httprequests", { type: "listed", resources, resourceVersion: String(version) });
  await rest();
});
await phase("listed again, with nothing left", async () => {
  tell("httprequests", { type: "listed", resources: [], resourceVersion: String((version += 1)) });
  await rest();
});
stop.abort();
await running;
process.stdout.write(
  `${failed} reconciles came to something else than rest; ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB\n`,
);
