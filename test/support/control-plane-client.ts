/** What a test does with a control plane that is running: kubectl, calls as its administrator, kubeconfigs, its audit log. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent } from "undici";
import { readAuditLog, type AuditEvent } from "./audit-log.ts";
import { runKubectl, type KubectlResult } from "./kubectl.ts";

/** Where a control plane is: enough to use it from another process. */
export interface ControlPlaneAddress {
  readonly folder: string;
  readonly binaries: string;
  readonly url: string;
  readonly etcdUrl: string;
}
/** `holdfast`: the controller's user. `visitor`: one who has no rights. `newcomer`: one who begins without any. `limited`: a controller that may read no Secret. `server`: one that serves provider-http's kinds. */
export type User = "admin" | "holdfast" | "visitor" | "newcomer" | "limited" | "server";
export const users: readonly User[] = ["admin", "holdfast", "visitor", "newcomer", "limited", "server"];

export interface AdminReply {
  readonly status: number;
  readonly body: unknown;
}

export interface ControlPlaneClient extends AsyncDisposable {
  readonly url: string;
  readonly adminToken: string;
  /** The API server's own certificate and key, for a server of a test's that stands in front of it; for 127.0.0.1. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** Paths of kubeconfig files that reach the API server directly. */
  readonly kubeconfigs: Readonly<Record<User, string>>;
  /** Writes a kubeconfig whose requests go to another address of the same API server (a proxy's), and returns its path. */
  kubeconfigVia(user: User, url: string): Promise<string>;
  kubectl(...args: readonly string[]): Promise<KubectlResult>;
  /** `kubectl apply --server-side` of a manifest. Throws what kubectl says. */
  apply(manifest: string): Promise<void>;
  /** One API call as the administrator; `body` is sent as JSON. */
  admin(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<AdminReply>;
  /** JSON merge patch as the administrator. */
  adminPatch(path: string, patch: unknown): Promise<AdminReply>;
  /** Makes a namespace with a name of its own and returns it. */
  createNamespace(prefix: string): Promise<string>;
  auditEvents(): Promise<readonly AuditEvent[]>;
}

export function tokenOf(user: User): string {
  return `${user}-token`;
}
export function kubeconfigPath(folder: string, user: User): string {
  return join(folder, `${user}.kubeconfig`);
}
export async function writeKubeconfig(path: string, url: string, ca: string, user: User): Promise<void> {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server: url, "certificate-authority-data": Buffer.from(ca).toString("base64") } }],
    users: [{ name: user, user: { token: tokenOf(user) } }],
    contexts: [{ name: "test", context: { cluster: "test", user, namespace: "default" } }],
  };
  await writeFile(path, JSON.stringify(config));
}

export function openControlPlane({ folder, binaries, url }: ControlPlaneAddress): ControlPlaneClient {
  const ca = readFileSync(join(folder, "apiserver.crt"), "utf8");
  const key = readFileSync(join(folder, "apiserver.key"), "utf8");
  const agent = new Agent({ allowH2: false, connect: { ca } });
  const kubectlSettings = {
    program: join(binaries, "kubectl"),
    kubeconfig: kubeconfigPath(folder, "admin"),
    cacheFolder: join(folder, "kubectl-cache"),
  };
  async function adminCall(method: string, path: string, body: unknown, contentType: string): Promise<AdminReply> {
    const reply = await agent.request({
      origin: url,
      path,
      method,
      headers: { authorization: `Bearer ${tokenOf("admin")}`, "content-type": contentType },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: reply.statusCode, body: await reply.body.json().catch(() => undefined) };
  }
  const client: ControlPlaneClient = {
    url,
    adminToken: tokenOf("admin"),
    certificate: { cert: ca, key },
    kubeconfigs: {
      admin: kubeconfigPath(folder, "admin"),
      holdfast: kubeconfigPath(folder, "holdfast"),
      visitor: kubeconfigPath(folder, "visitor"),
      newcomer: kubeconfigPath(folder, "newcomer"),
      limited: kubeconfigPath(folder, "limited"),
      server: kubeconfigPath(folder, "server"),
    },
    async kubeconfigVia(user, otherUrl) {
      const path = join(folder, `${user}-${randomUUID()}.kubeconfig`);
      await writeKubeconfig(path, otherUrl, ca, user);
      return path;
    },
    kubectl: (...args) => runKubectl(kubectlSettings, args),
    async apply(manifest) {
      const { code, stderr } = await runKubectl(kubectlSettings, ["apply", "--server-side", "-f", "-"], manifest);
      if (code !== 0) throw new Error(`kubectl apply: ${stderr}`);
    },
    admin: (method, path, body) => adminCall(method, path, body, "application/json"),
    adminPatch: (path, patch) => adminCall("PATCH", path, patch, "application/merge-patch+json"),
    async createNamespace(prefix) {
      const name = `${prefix}-${randomUUID().slice(0, 8)}`;
      const { status } = await client.admin("POST", "/api/v1/namespaces", { metadata: { name } });
      if (status !== 201) throw new Error(`creating the namespace answered ${status}`);
      return name;
    },
    auditEvents: () => readAuditLog(join(folder, "audit.log")),
    [Symbol.asyncDispose]: () => agent.close(),
  };
  return client;
}
