/**
 * A real etcd and kube-apiserver on loopback, in a folder of their own. Ready in about five seconds.
 *
 * There is no kubelet and no controller-manager: a deleted namespace stays Terminating, owned objects are not collected.
 */
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Agent } from "undici";
import { auditPolicy } from "./audit-log.ts";
import { afterOwnEnd, startChild, type Child } from "./child-process.ts";
import { freePorts } from "./free-ports.ts";
import {
  kubeconfigPath,
  openControlPlane,
  tokenOf,
  users,
  writeKubeconfig,
  type ControlPlaneAddress,
  type ControlPlaneClient,
} from "./control-plane-client.ts";

const deadlineMs = 120_000;

export interface ControlPlane extends ControlPlaneClient {
  readonly address: ControlPlaneAddress;
  /** Stops the API server alone; etcd keeps what it holds. */
  stopAPIServer(): Promise<void>;
  /** Starts it again at the same address, and waits until it is ready. */
  startAPIServer(): Promise<void>;
  /** Has etcd forget every revision but the newest. */
  compact(): Promise<void>;
  /** Keeps a copy of what etcd holds. Both are away meanwhile. */
  copyStore(): Promise<void>;
  /** Takes etcd back to the copy. Both are away meanwhile. */
  restoreStore(): Promise<void>;
  /** Deletes one object behind the API server's back, as if by another API server of the same cluster. */
  deleteFromEtcd(key: string): Promise<void>;
  /** Everything that etcd holds, by its key, as text. */
  storedObjects(): Promise<readonly { readonly at: string; readonly text: string }[]>;
  stop(): Promise<void>;
}

/** The folder of the binaries, which are built first where there are none. Throws, saying what is missing. */
export async function controlPlaneBinaries(): Promise<string> {
  const script = join(import.meta.dirname, "../control-plane/ensure.sh");
  const { stdout } = await promisify(execFile)(script, { encoding: "utf8" });
  return stdout.trim();
}

/** `apiServerArgs`: further flags for the API server. */
export async function startControlPlane(options: { readonly apiServerArgs?: readonly string[] } = {}): Promise<ControlPlane> {
  const binaries = await controlPlaneBinaries();
  await using cleanup = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-control-plane-"));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const watchdog = afterOwnEnd('sleep 1; rm -rf "$1"', folder);
  cleanup.defer(() => void watchdog.kill("SIGKILL"));
  const [etcdPort, peerPort, apiPort] = await freePorts(3);
  const address = { folder, binaries, url: `https://127.0.0.1:${apiPort}`, etcdUrl: `http://127.0.0.1:${etcdPort}` };

  await writeSettings(folder);
  const startOwnEtcd = (): Promise<Child> => startEtcd(address, `http://127.0.0.1:${peerPort}`);
  let etcd = await startOwnEtcd();
  cleanup.defer(() => etcd.stop());
  let apiServer: Child | undefined;
  cleanup.defer(async () => apiServer?.stop("SIGKILL"));
  async function startAPIServer(): Promise<void> {
    const args = [...apiServerArgs(address, Number(apiPort)), ...(options.apiServerArgs ?? [])];
    const child = await startChild(join(binaries, "kube-apiserver"), args, join(folder, "kube-apiserver.log"));
    apiServer = child;
    await untilReady(address, child);
  }
  await startAPIServer();
  const [held, copy] = [join(folder, "etcd"), join(folder, "etcd-copy")];
  async function copyWhileAway(from: string, to: string): Promise<void> {
    await apiServer?.stop("SIGKILL");
    await etcd.stop("SIGTERM", 60_000);
    await rm(to, { recursive: true, force: true });
    await cp(from, to, { recursive: true });
    etcd = await startOwnEtcd();
    await startAPIServer();
  }

  const ca = await readFile(join(folder, "apiserver.crt"), "utf8");
  await Promise.all(users.map((user) => writeKubeconfig(kubeconfigPath(folder, user), address.url, ca, user)));
  const client = cleanup.use(openControlPlane(address));
  const running = cleanup.move();
  const stop = (): Promise<void> => running.disposeAsync();
  return {
    ...client,
    address,
    stopAPIServer: async () => apiServer?.stop("SIGKILL"),
    startAPIServer,
    copyStore: () => copyWhileAway(held, copy),
    restoreStore: () => copyWhileAway(copy, held),
    compact: () => compactEtcd(address.etcdUrl),
    deleteFromEtcd: async (key) => void (await askEtcd(address.etcdUrl, "/v3/kv/deleterange", { key: base64(key) })),
    storedObjects: () => storedObjects(address.etcdUrl),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function writeSettings(folder: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "sec1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const tokens = users.map((user) => `${tokenOf(user)},${user},${user}${user === "admin" ? ',"system:masters"' : ""}\n`).join("");
  const files = { "sa.key": privateKey, "sa.pub": publicKey, "tokens.csv": tokens, "audit-policy.yaml": auditPolicy };
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
}

function startEtcd({ binaries, folder, etcdUrl }: ControlPlaneAddress, peerUrl: string): Promise<Child> {
  const args = [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
  return startChild(join(binaries, "etcd"), args, join(folder, "etcd.log"));
}

function apiServerArgs({ folder, etcdUrl }: ControlPlaneAddress, port: number): readonly string[] {
  return [
    `--etcd-servers=${etcdUrl}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    `--secure-port=${port}`,
    `--cert-dir=${folder}`,
    "--service-cluster-ip-range=10.0.0.0/24",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-signing-key-file=${join(folder, "sa.key")}`,
    `--service-account-key-file=${join(folder, "sa.pub")}`,
    `--token-auth-file=${join(folder, "tokens.csv")}`,
    "--authorization-mode=RBAC",
    "--endpoint-reconciler-type=none",
    `--audit-policy-file=${join(folder, "audit-policy.yaml")}`,
    `--audit-log-path=${join(folder, "audit.log")}`,
    "--audit-log-mode=blocking", // an event is in the log before whoever asked has the end of its answer
  ];
}

/** Waits for `/readyz`. Throws when the API server ends or takes too long, with the end of its log. */
async function untilReady({ url, folder }: ControlPlaneAddress, apiServer: Child): Promise<void> {
  const giveUpMs = performance.now() + deadlineMs;
  // The certificate that will be trusted is only being made: this asks nothing but whether somebody is ready.
  const agent = new Agent({ allowH2: false, connect: { rejectUnauthorized: false } });
  try {
    while (performance.now() < giveUpMs && !apiServer.ended) {
      const status = await agent
        .request({ origin: url, path: "/readyz", method: "GET", headers: { authorization: `Bearer ${tokenOf("admin")}` } })
        .then(async ({ statusCode, body }) => (await body.dump(), statusCode))
        .catch(() => 0);
      if (status === 200) return;
      await sleep(50);
    }
  } finally {
    await agent.destroy();
  }
  const log = await readFile(join(folder, "kube-apiserver.log"), "utf8");
  throw new Error(`kube-apiserver did not get ready:\n${log.slice(-3000)}`);
}

async function compactEtcd(etcdUrl: string): Promise<void> {
  const { header } = await askEtcd(etcdUrl, "/v3/kv/range", { key: base64("\0") });
  await askEtcd(etcdUrl, "/v3/kv/compaction", { revision: header.revision, physical: true });
}

async function storedObjects(etcdUrl: string): Promise<readonly { at: string; text: string }[]> {
  const { kvs = [] } = await askEtcd(etcdUrl, "/v3/kv/range", { key: base64("/"), range_end: base64("0") });
  const decoded = (text: string): string => Buffer.from(text, "base64").toString();
  return kvs.map(({ key, value }) => ({ at: decoded(key), text: decoded(value) }));
}

interface EtcdReply {
  readonly header: { readonly revision: string };
  readonly kvs?: readonly { readonly key: string; readonly value: string }[];
}
/** Through etcd's JSON gateway. https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/ */
async function askEtcd(etcdUrl: string, path: string, body: object): Promise<EtcdReply> {
  const reply = await fetch(`${etcdUrl}${path}`, { method: "POST", body: JSON.stringify(body) });
  if (!reply.ok) throw new Error(`etcd answered ${reply.status} to ${path}`);
  return (await reply.json()) as EtcdReply;
}
function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
