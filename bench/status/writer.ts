/**
 * Writes the status of each HTTPResource of a namespace again and again, four at a time, and prints the CPU of a write in µs.
 *
 * Usage: node bench/status/writer.ts socket|bare|CHECKOUT KUBECONFIG NAMESPACE WRITES     (CHECKOUT: whose store writes)
 */
import type { RequestOptions } from "node:https";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { Pool } from "undici";
import type { Resource } from "../../src/core/resource.ts";
import { httpResourceType } from "../../src/kinds/types.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { loadKubeConfig } from "../../src/kubernetes/credentials.ts";
import { list } from "../../src/kubernetes/listing.ts";
import { collectionPath, objectPath } from "../../src/kubernetes/paths.ts";
import type { createKubernetesStore } from "../../src/kubernetes/store.ts";

const [way = "bare", kubeconfig = "", namespace = "", writes = "10"] = process.argv.slice(2);
const never = new AbortController().signal;
const emit = (): void => {};

type Write = (resource: Resource, status: object) => Promise<string>;
/** The API server's answer is read, and the next write's resourceVersion taken from it. */
const ways: Readonly<Record<string, () => Promise<Write>>> = {
  socket: socketWrites,
  bare: bareWrites,
};

async function storeWrites(): Promise<Write> {
  const parts = await partsOf(way);
  const common = { emit, record: emit }; // as 0.1.0 had it
  const client = parts.createApiClient({ loadKubeConfig: () => parts.loadKubeConfig(kubeconfig), ...common });
  const store = parts.createKubernetesStore({ client, namespaces: [namespace], ...common });
  return async (resource, status) => {
    const result = await store.writeStatus(httpResourceType, resource, status, { type: "unchanged" }, never);
    if (result.type !== "written") throw new Error(`a write met ${result.type}`);
    return result.resource.metadata.resourceVersion;
  };
}
interface Parts {
  readonly createApiClient: typeof createApiClient;
  readonly loadKubeConfig: typeof loadKubeConfig;
  readonly createKubernetesStore: typeof createKubernetesStore;
}
async function partsOf(checkout: string): Promise<Parts> {
  const parts = ["api-client", "credentials", "store"].map((name) => import(join(checkout, `src/kubernetes/${name}.ts`)));
  return Object.assign({}, ...(await Promise.all(parts))) as Parts;
}
interface Server {
  readonly url: URL;
  readonly tls: Pick<RequestOptions, "ca" | "cert" | "key">;
  readonly headers: Readonly<Record<string, string>>;
}
async function serverOf(): Promise<Server> {
  const config = loadKubeConfig(kubeconfig);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key } = options;
  const accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
  return {
    url: new URL(config.getCurrentCluster()?.server ?? ""),
    tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
    headers: { ...(options.headers as Record<string, string>), accept, "content-type": "application/json-patch+json" },
  };
}
function pathOf({ metadata }: Resource): string {
  return `${objectPath(httpResourceType, metadata)}/status?fieldManager=holdfast`;
}
function patchOf({ metadata }: Resource, status: object): string {
  return JSON.stringify([
    { op: "test", path: "/metadata/uid", value: metadata.uid },
    { op: "replace", path: "/metadata/resourceVersion", value: metadata.resourceVersion },
    { op: "add", path: "/status", value: status },
  ]);
}
interface Answer {
  readonly metadata: { readonly resourceVersion: string };
}
async function bareWrites(): Promise<Write> {
  const { url, tls, headers } = await serverOf();
  const pool = new Pool(url.origin, { connections: 4, pipelining: 1, allowH2: false, connect: tls });
  return async (resource, status) => {
    const { body, statusCode } = await pool.request({
      method: "PATCH",
      path: pathOf(resource),
      headers,
      body: patchOf(resource, status),
    });
    const answer = (await body.json()) as Answer;
    if (statusCode !== 200) throw new Error(`a write was answered ${statusCode}`);
    return answer.metadata.resourceVersion;
  };
}

/** No HTTP client at all: what Node, TLS and JSON take. It reads what this API server answers to these writes, and nothing else. */
async function socketWrites(): Promise<Write> {
  const { url, tls, headers } = await serverOf();
  const head = Object.entries({ host: url.host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const free: TLSSocket[] = [];
  return async (resource, status) => {
    const socket = free.pop() ?? connect({ host: url.hostname, port: Number(url.port), ...tls }).setNoDelay(true);
    const body = patchOf(resource, status);
    const { promise, resolve } = Promise.withResolvers<string>();
    let text = "";
    function take(chunk: Buffer): void {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n") + 4;
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      if (end < 4 || text.length < end + Number(length)) return;
      if (!text.startsWith("HTTP/1.1 200") || length === undefined) throw new Error("a write was refused");
      socket.off("data", take);
      free.push(socket);
      resolve(text.slice(end));
    }
    socket.on("data", take);
    socket.write(`PATCH ${pathOf(resource)} HTTP/1.1\r\n${head.join("")}content-length: ${body.length}\r\n\r\n${body}`);
    return (JSON.parse(await promise) as Answer).metadata.resourceVersion;
  };
}

/** As an object has it that is as declared. */
function statusOf(write: number): object {
  const at = new Date().toISOString();
  const condition = { status: "True", reason: "AsDeclared", message: "the remote object is as declared", observedGeneration: 1 };
  const conditions = ["Ready", "Synced"].map((type) => ({ type, ...condition, lastTransitionTime: at }));
  const response = { statusCode: 201, headers: { "content-type": "application/json" }, sizeBytes: 393, durationMs: 3 };
  const digest = "7c89c57bcbbe242b22792433c80d0dbe94d9a070553c18ff8ec37c89c57bcbbe";
  const attempt = { id: crypto.randomUUID(), digest, phase: "Done", startedAt: at, finishedAt: at, tries: 1, verb: "Create" };
  return { observedGeneration: 1, conditions, completedRuns: write, response, externalID: String(write), seen: true, attempt };
}

async function writeAll(write: Write, resources: readonly Resource[], times: number): Promise<readonly Resource[]> {
  const left = [...resources];
  const written: Resource[] = [];
  async function work(): Promise<void> {
    for (let resource = left.pop(); resource; resource = left.pop()) {
      let current = resource;
      for (let count = 0; count < times; count += 1) {
        const status = statusOf(count);
        const resourceVersion = await write(current, status);
        current = { ...current, status, metadata: { ...current.metadata, resourceVersion } };
      }
      written.push(current);
    }
  }
  await Promise.all([work(), work(), work(), work()]);
  return written;
}
await using client = createApiClient({ loadKubeConfig: () => loadKubeConfig(kubeconfig), emit });
const { resources } = await list(client, { path: collectionPath(httpResourceType, namespace) }, {}, never);
const write = await (ways[way] ?? storeWrites)();
const warm = await writeAll(write, resources, Number(writes)); // until it is compiled
const before = process.cpuUsage();
await writeAll(write, warm, Number(writes));
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${(user + system) / (warm.length * Number(writes))}\n`);
process.exit(0);
