/**
 * The `exec` plugins of a kubeconfig's users, as client-go runs them: client-node 2.0 tells a plugin nothing of the cluster, and waits
 * without end for one that hangs.
 *
 * Invariant: a plugin has ended, or was killed, before it is asked again; what it says goes into no message.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { promisify } from "node:util";
import type { Cluster, KubeConfig, User } from "@kubernetes/client-node";
import { isRecord } from "../core/tools/json.ts";
import { entriesIn, filesOf } from "./token-files.ts";

type Authenticator = Parameters<KubeConfig["addAuthenticator"]>[0];
const mostBytes = 1024 * 1024;
/** Under which a cluster's entry has what is for plugins. */
const extensionName = "client.authentication.k8s.io/exec";

/** `exec`, as a user's entry has it. */
interface Plugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly needsCluster: boolean;
}
interface Credential {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly expiresAtMs: number;
}

/** `file`: as of `useTokenFiles`. `limitMs`: how long a plugin may take before it is killed. Throws what reading and parsing it throws. */
export function usePlugins(kubeConfig: KubeConfig, file: string | undefined, limitMs: number): void {
  const plugins = new Map<string, Plugin>();
  kubeConfig.users = kubeConfig.users.map((user) => {
    const plugin = toPlugin(user.exec);
    if (!plugin) return user;
    plugins.set(user.name, plugin);
    const { exec: _, ...others } = user;
    return { ...others, authProvider: { name: providerName } };
  });
  if (plugins.size === 0) return;
  const cluster = kubeConfig.getCurrentCluster();
  const information = cluster === null ? undefined : clusterInformation(cluster, extensionOf(cluster.name, file));
  kubeConfig.addAuthenticator(createAuthenticator(plugins, information, limitMs));
}
const providerName = "exec-plugin";

function createAuthenticator(plugins: ReadonlyMap<string, Plugin>, cluster: object | undefined, limitMs: number): Authenticator {
  let known: Credential | undefined;
  return {
    isAuthProvider: (user: User) => user.authProvider?.name === providerName,
    async applyAuthentication(user: User, options: RequestOptions) {
      const plugin = plugins.get(user.name);
      if (!plugin) return;
      if (!known || known.expiresAtMs <= Date.now()) known = await ask(plugin, cluster, limitMs);
      const { token, cert, key } = known;
      if (token !== undefined) options.headers = Object.assign(options.headers ?? {}, { authorization: `Bearer ${token}` });
      if (cert !== undefined) options.cert = cert;
      if (key !== undefined) options.key = key;
    },
  };
}

async function ask(
  { apiVersion, command, args, env, needsCluster }: Plugin,
  cluster: object | undefined,
  limitMs: number,
): Promise<Credential> {
  const spec = { interactive: false, ...(needsCluster && { cluster }) };
  const information = JSON.stringify({ apiVersion, kind: "ExecCredential", spec });
  const running = promisify(execFile)(command, args, {
    env: { ...process.env, ...env, KUBERNETES_EXEC_INFO: information },
    timeout: limitMs,
    killSignal: "SIGKILL",
    maxBuffer: mostBytes,
  });
  running.child.stdin?.end(); // there is nobody whom it could ask
  return toCredential(JSON.parse((await running).stdout));
}

/** Throws for what is no credential. */
function toCredential(answer: unknown): Credential {
  const status = isRecord(answer) ? answer["status"] : undefined;
  if (!isRecord(status)) throw new Error("the plugin gave no credential");
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = status;
  const expiresAtMs = typeof expirationTimestamp === "string" ? Date.parse(expirationTimestamp) : Infinity;
  return {
    ...(typeof token === "string" && token !== "" && { token }),
    ...(typeof cert === "string" && { cert }),
    ...(typeof key === "string" && { key }),
    expiresAtMs: Number.isNaN(expiresAtMs) ? Infinity : expiresAtMs,
  };
}

function toPlugin(exec: unknown): Plugin | undefined {
  if (!isRecord(exec) || typeof exec["command"] !== "string") return undefined;
  const { apiVersion, command, args, env, provideClusterInfo } = exec;
  const pairs = (Array.isArray(env) ? env : []).filter(isRecord).map(({ name, value }) => [String(name), String(value)]);
  return {
    apiVersion: typeof apiVersion === "string" ? apiVersion : "client.authentication.k8s.io/v1",
    command,
    args: Array.isArray(args) ? args.map(String) : [],
    env: Object.fromEntries(pairs) as Readonly<Record<string, string>>,
    needsCluster: provideClusterInfo === true,
  };
}

/** The `spec.cluster` of an ExecCredential. Throws where the authority's file cannot be read. */
function clusterInformation(cluster: Cluster, config: unknown): object {
  const { server, caData, caFile, tlsServerName, skipTLSVerify, proxyUrl } = cluster;
  const authority = caData ?? (caFile === undefined ? undefined : readFileSync(caFile).toString("base64"));
  return {
    server,
    ...(tlsServerName !== undefined && { "tls-server-name": tlsServerName }),
    ...(skipTLSVerify && { "insecure-skip-tls-verify": true }),
    ...(authority !== undefined && { "certificate-authority-data": authority }),
    ...(proxyUrl !== undefined && { "proxy-url": proxyUrl }),
    ...(config !== undefined && { config }),
  };
}
function extensionOf(name: string, file: string | undefined): unknown {
  const entry = filesOf(file)
    .flatMap((one) => entriesIn(one, "clusters"))
    .find((one) => one["name"] === name);
  const { extensions } = isRecord(entry?.["cluster"]) ? entry["cluster"] : {};
  const all = Array.isArray(extensions) ? extensions.filter(isRecord) : [];
  return all.find((one) => one["name"] === extensionName)?.["extension"];
}
