/**
 * Who this process is to the API server, from a kubeconfig: its TLS settings and its authorization, fresh for each call.
 *
 * Invariant: what is read here goes to the kubeconfig's own server; a kubeconfig that comes to name another is not taken up.
 */
import { KubeConfig } from "@kubernetes/client-node";
import type { RequestOptions } from "node:https";
import type { SecureContextOptions } from "node:tls";
import { CredentialsError } from "./api-error.ts";
import { usePlugins } from "./exec-plugins.ts";
import { useTokenFiles } from "./token-files.ts";

export interface TlsSettings extends Pick<SecureContextOptions, "ca" | "cert" | "key"> {
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}
interface Credentials {
  readonly tls: TlsSettings;
  readonly headers: Readonly<Record<string, string>>;
}
interface CredentialSource {
  readonly server: URL;
  /** The kubeconfig's `proxy-url`. Proxies from the environment are for outbound requests, never for the API server. */
  readonly proxyURL: string | undefined;
  /** That of the current context, which in a Pod is the one of its service account. */
  readonly namespace: string | undefined;
  /** Those of the last second; undefined: they have to be read. Never those of a plugin, which says itself how long they last. */
  kept(): Credentials | undefined;
  /** Those of now. Runs the kubeconfig's plugin or reads its files where they are due; concurrent callers share that. */
  current(): Promise<Credentials>;
  /** The server did not accept them, or was not accepted: the kubeconfig is read again, at most every `reloadMs`. */
  rejected(): void;
}

/** For so long files of certificates and tokens are not looked at again, milliseconds: reading and checking them costs as much as a call. */
const keptMs = 1_000;
/** A plugin that takes longer is killed, milliseconds. */
const pluginLimitMs = 30_000;

/**
 * A kubeconfig file; without one what kubectl would take (KUBECONFIG, ~/.kube/config), else the Pod's service account.
 * Throws where there is none or it cannot be read, with its path and never its text, which holds credentials.
 */
export function loadKubeConfig(file?: string, limitMs = pluginLimitMs): KubeConfig {
  const kubeConfig = new KubeConfig();
  const what = file === undefined ? "the default kubeconfig" : `the kubeconfig ${file}`;
  const problem = problemOf(() => {
    if (file === undefined) kubeConfig.loadFromDefault();
    else kubeConfig.loadFromFile(file);
    useTokenFiles(kubeConfig, file);
    usePlugins(kubeConfig, file, limitMs);
  });
  if (problem !== undefined) throw new Error(`${what} cannot be read: ${problem}`);
  const server = kubeConfig.getCurrentCluster()?.server;
  if (server === undefined) throw new Error(`${what} has no current context that names a cluster`);
  if (!server.startsWith("https://"))
    throw new Error(
      file === undefined && server === "http://localhost:8080"
        ? "no cluster: give --kubeconfig, set KUBECONFIG, or run in a Pod"
        : `${what} names a server without https, to which no credential is sent`,
    );
  if (!URL.canParse(server)) throw new Error(`${what} names a server that is no URL`);
  return kubeConfig;
}

/** What went wrong as Node's code for it, or in words of our own: a parser's error quotes the file. */
function problemOf(load: () => void): string | undefined {
  try {
    load();
    return undefined;
  } catch (error) {
    return Error.isError(error) && "code" in error ? String(error.code) : "it is not a kubeconfig";
  }
}

/** `load` is called once now, and again when the server stops accepting what it gave. Throws what `load` throws. */
export function createCredentialSource(load: () => KubeConfig, reloadMs: number): CredentialSource {
  let kubeConfig = load();
  let loadedAtMs = performance.now();
  let pending: Promise<Credentials> | undefined;
  let kept: { readonly credentials: Credentials; readonly untilMs: number } | undefined;
  const { server, proxyUrl } = kubeConfig.getCurrentCluster() ?? { server: "" };
  return {
    server: new URL(server),
    proxyURL: proxyUrl,
    namespace: kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace,
    kept: () => (kept && performance.now() < kept.untilMs ? kept.credentials : undefined),
    current() {
      if (pending) return pending;
      const [from, untilMs] = [kubeConfig, performance.now() + keptMs];
      const reading = readCredentials(from).then((credentials) => {
        if (from === kubeConfig && pending === reading && mayKeep(from)) kept = { credentials, untilMs };
        return credentials;
      });
      pending = reading;
      // What hangs is asked anew later, and holds up nobody who has not waited for it by then.
      const timer = setTimeout(forget, 2 * pluginLimitMs).unref();
      function forget(): void {
        clearTimeout(timer);
        if (pending === reading) pending = undefined;
      }
      reading.then(forget, forget);
      return reading;
    },
    rejected() {
      kept = undefined;
      if (performance.now() - loadedAtMs < reloadMs) return;
      loadedAtMs = performance.now();
      try {
        const reloaded = load();
        if (reloaded.getCurrentCluster()?.server === server) kubeConfig = reloaded;
      } catch {
        // The file is gone or half written. The refusal is reported anyway, and the next one looks again.
      }
    },
  };
}

/** A plugin, or a provider that takes its place, knows when what it gave expires. */
function mayKeep(kubeConfig: KubeConfig): boolean {
  const provider = kubeConfig.getCurrentUser()?.authProvider;
  return provider === undefined || provider.name === "tokenFile";
}

/**
 * Through `applyToHTTPSOptions`, which gives both halves at once. `applySecurityAuthentication` would give the headers
 * alone, and makes an undici Agent for each call that nobody closes.
 */
async function readCredentials(kubeConfig: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = {};
  await kubeConfig.applyToHTTPSOptions(options).catch((error: unknown) => {
    const code = Error.isError(error) && "code" in error ? String(error.code) : "its plugin failed";
    throw new CredentialsError(`the kubeconfig gives no credentials: ${code}`); // no cause: it can quote a plugin's output
  });
  const { ca, cert, key, servername, rejectUnauthorized = true, auth } = options;
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
    rejectUnauthorized,
  };
  const headers: Record<string, string> = {};
  if (typeof auth === "string") headers["authorization"] = `Basic ${Buffer.from(auth).toString("base64")}`;
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value).trim();
  return { tls, headers };
}
