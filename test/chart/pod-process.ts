/**
 * A container of a rendered Pod as a process: its image's entry point, its args, env and user, on a read-only root with
 * nothing in it but the image's files and the service account's token, where a Pod finds it.
 *
 * That takes root and a mount namespace. Elsewhere the same command runs as whoever runs the tests, with the same token in
 * a kubeconfig.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterOwnEnd } from "../support/child-process.ts";
import { entryPoint } from "../support/image.ts";
import type { Container, PodSpec } from "./helm.ts";

const root = join(import.meta.dirname, "../..");
export const canIsolate = spawnSync("unshare", ["--mount", "true"]).status === 0 && process.getuid?.() === 0;
if (!canIsolate) console.warn("No root or no mount namespace: the chart's containers run as you, not as their own user.");

/** Makes a root at $1 of the checkout $2 and the service account's files $3, for the user $4 and group $5; the rest is run in it. */
const isolate = `
set -eu
new=$1 checkout=$2 account=$3 user=$4 group=$5; shift 5
mount -t tmpfs -o mode=755 tmpfs "$new"
cd "$new"
mkdir -p app proc dev var/run/secrets/kubernetes.io/serviceaccount
for file in bin sbin lib lib64; do [ ! -L "/$file" ] || cp -P "/$file" .; done
for folder in usr etc bin sbin lib lib64 proc dev; do
  if [ -d "/$folder" ] && [ ! -L "/$folder" ]; then mkdir -p "$folder"; mount --rbind "/$folder" "$folder"; fi
done
cp "$checkout/package.json" app
for folder in src node_modules; do mkdir "app/$folder"; mount --bind "$checkout/$folder" "app/$folder"; done
cp -R "$account/." var/run/secrets/kubernetes.io/serviceaccount
mount -o remount,ro "$new"
for folder in usr etc app/src app/node_modules; do mount -o remount,ro,bind "$folder"; done
exec chroot . setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
`;

export interface PodProcess extends AsyncDisposable {
  readonly pid: number;
  /** Everything that it has printed, as lines. */
  readonly log: readonly string[];
  kill(signal: NodeJS.Signals): void;
  /** The exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
}
/** What the kubelet adds. */
export interface ServiceAccount {
  readonly server: URL;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
  readonly namespace: string;
}

export async function runContainer(pod: PodSpec, container: Container, account?: ServiceAccount): Promise<PodProcess> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-pod-"));
  const program = [...(container.command ?? entryPoint()), ...container.args];
  const accountFiles = join(folder, "account");
  const newRoot = join(folder, "root");
  spawnSync("mkdir", [accountFiles, newRoot]);
  if (account) await writeAccount(accountFiles, account);
  const env = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value]));
  const { runAsUser, runAsGroup } = pod.securityContext;
  const child = canIsolate
    ? spawn(
        "unshare",
        [
          "--mount",
          "sh",
          "-c",
          isolate,
          "isolate",
          newRoot,
          root,
          accountFiles,
          String(runAsUser),
          String(runAsGroup),
          ...program,
        ],
        {
          stdio: ["ignore", "pipe", "pipe"],
          env: { PATH: "/app/node_modules/.bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/", ...serviceVariables(account), ...env },
        },
      )
    : spawn(
        join(root, "node_modules/.bin/node"),
        program.slice(1).map((arg) => arg.replace(/^\/app\//, `${root}/`)),
        {
          stdio: ["ignore", "pipe", "pipe"],
          env: { PATH: process.env["PATH"], KUBECONFIG: join(accountFiles, "kubeconfig"), ...env },
        },
      );
  const watchdog = afterOwnEnd('kill -9 "$1"', String(child.pid));
  const log: string[] = [];
  for (const output of [child.stdout, child.stderr]) createInterface({ input: output }).on("line", (line) => log.push(line));
  const exited = once(child, "close").then(async ([code, signal]) => {
    watchdog.kill("SIGKILL");
    await rm(folder, { recursive: true });
    return (code ?? signal) as number | string;
  });
  return {
    pid: child.pid ?? 0,
    log,
    kill: (signal) => void child.kill(signal),
    exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function serviceVariables(account: ServiceAccount | undefined): Readonly<Record<string, string>> {
  return account ? { KUBERNETES_SERVICE_HOST: account.server.hostname, KUBERNETES_SERVICE_PORT: account.server.port } : {};
}

async function writeAccount(folder: string, { server, ca, token, namespace }: ServiceAccount): Promise<void> {
  const files = { token, "ca.crt": ca, namespace, kubeconfig: JSON.stringify(kubeconfig()) };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  function kubeconfig(): object {
    const cluster = { server: server.href, "certificate-authority-data": Buffer.from(ca).toString("base64") };
    return {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "pod",
      clusters: [{ name: "pod", cluster }],
      users: [{ name: "pod", user: { token } }],
      contexts: [{ name: "pod", context: { cluster: "pod", user: "pod", namespace } }],
    };
  }
}
