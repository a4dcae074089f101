/**
 * A container of a rendered Pod as a process: its image's entry point, its args, env and user, on a read-only root with
 * nothing in it but the image's files and those of its volumes, which are its group's alone.
 *
 * That takes root and a mount namespace. Elsewhere the same command runs as whoever runs the tests, with the same token in
 * a kubeconfig.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterOwnEnd } from "../support/child-process.ts";
import { entryPoint } from "../support/image.ts";
import type { Container, PodSpec } from "./helm.ts";
import { chartTools } from "./tools.ts";

const root = join(import.meta.dirname, "../..");
const nodeFolder = dirname(realpathSync(join(root, "node_modules/.bin/node")));
/** The image's PATH. */
const searched = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
export const canIsolate = spawnSync("unshare", ["--mount", "true"]).status === 0 && process.getuid?.() === 0;
if (!canIsolate) console.warn("No root or no mount namespace: the chart's containers run as you, not as their own user.");

/**
 * Makes a root at $1 of the Node in folder $2, the volumes' files $3 and the image's, whose list is the file $4, for the user
 * $5 and group $6; the rest is run in it, in the folder $7.
 */
const isolate = `
set -eu
new=$1 node=$2 volumes=$3 image=$4 user=$5 group=$6 workdir=$7; shift 7
mount -t tmpfs -o mode=755 tmpfs "$new"
cd "$new"
mkdir -p proc dev
for file in bin sbin lib lib64; do [ ! -L "/$file" ] || cp -P "/$file" .; done
cp -R /etc .
for folder in usr bin sbin lib lib64 proc dev; do
  if [ -d "/$folder" ] && [ ! -L "/$folder" ]; then mkdir -p "$folder"; mount --rbind "/$folder" "$folder"; fi
done
mount --bind "$node" usr/local/bin
while read -r from to; do
  if [ -d "$from" ]; then mkdir -p ".$to"; else mkdir -p ".$(dirname "$to")"; touch ".$to"; fi
  mount --bind "$from" ".$to"
done < "$image"
chown -R "root:$group" "$volumes"
cp -Rp "$volumes/." .
mount -o remount,ro "$new"
for folder in usr usr/local/bin; do mount -o remount,ro,bind "$folder"; done
while read -r _ to; do mount -o remount,ro,bind ".$to"; done < "$image"
exec chroot . env --chdir="$workdir" setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
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

/** What is mounted: a file's path, absolute → its text. */
export type VolumeFiles = Readonly<Record<string, string>>;

export async function runContainer(
  pod: PodSpec,
  container: Container,
  account?: ServiceAccount,
  mounted: VolumeFiles = {},
): Promise<PodProcess> {
  const { files: imageFiles, env: imageEnv, workdir } = chartTools().image;
  const folder = await mkdtemp(join(tmpdir(), "holdfast-pod-"));
  const program = [...(container.command ?? entryPoint()), ...container.args];
  const volumes = join(folder, "volumes");
  const newRoot = join(folder, "root");
  await mkdir(newRoot);
  await mkdir(volumes);
  const image = join(folder, "image");
  await writeFile(image, imageFiles.map(({ from, to }) => `${from} ${to}\n`).join(""));
  await writeFiles(volumes, { ...mounted, ...(account && accountFiles(account)) });
  const env = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value]));
  const moved = Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value.replace(/^\/etc\/holdfast\//, `${volumes}/etc/holdfast/`)]),
  );
  const outsideOfImage = (path: string): string => {
    const file = imageFiles.find(({ to }) => path.startsWith(`${to}/`));
    return file ? path.replace(file.to, file.from) : path;
  };
  const { runAsUser, runAsGroup } = pod.securityContext;
  const child = canIsolate
    ? spawn(
        "unshare",
        ["--mount", "sh", "-c", isolate, "isolate"].concat(
          [newRoot, nodeFolder, volumes, image, String(runAsUser), String(runAsGroup), workdir],
          program,
        ),
        {
          stdio: ["ignore", "pipe", "pipe"],
          env: { PATH: searched, HOME: "/", ...imageEnv, ...serviceVariables(account), ...env },
        },
      )
    : spawn(
        join(root, "node_modules/.bin/node"),
        program.slice(1).map((arg) => outsideOfImage(arg).replace("=/etc/holdfast/", `=${volumes}/etc/holdfast/`)),
        {
          stdio: ["ignore", "pipe", "pipe"],
          env: { PATH: process.env["PATH"], KUBECONFIG: join(volumes, accountFolder, "kubeconfig"), ...moved },
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

const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** As the kubelet makes them for a Pod with an fsGroup: that group may read. */
async function writeFiles(folder: string, files: VolumeFiles): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text, { mode: 0o640 });
  }
}

/** `kubeconfig` is for where there is no root to give the process. */
function accountFiles({ server, ca, token, namespace }: ServiceAccount): VolumeFiles {
  const files = { token, "ca.crt": ca, namespace, kubeconfig: JSON.stringify(kubeconfig()) };
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${accountFolder}/${name}`, text]));
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
