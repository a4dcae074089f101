/** Runs a script in a network namespace of its own, where ports can run out without harm to anybody. Needs root. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Whether this process may make one. */
export function canMakeNamespaces(): boolean {
  return spawnSync("unshare", ["--net", "true"], { stdio: "ignore" }).status === 0;
}

const setUp = `
ip link set lo up
echo "40000 $((39999 + $1))" > /proc/sys/net/ipv4/ip_local_port_range
echo 0 > /proc/sys/net/ipv4/tcp_tw_reuse # Linux would take up ports in TIME_WAIT on loopback again after a second
shift
exec "$@"`;

/** The JSON that the script prints. `ports`: how many ephemeral ports there are. Rejects when it fails. */
export async function inNamespace(script: URL, parameters: readonly string[], { ports }: { ports: number }): Promise<unknown> {
  const command = ["--net", "sh", "-e", "-c", setUp, "sh", String(ports), process.execPath, script.pathname, ...parameters];
  const { stdout } = await promisify(execFile)("unshare", command, { timeout: 60_000, killSignal: "SIGKILL" });
  return JSON.parse(stdout);
}

const setUpAddresses = `
ip link set lo up
addresses=$1 resolv=$2; shift 2
for address in $addresses; do
  case $address in *:*) ip -6 addr add "$address/128" dev lo nodad;; *) ip addr add "$address/32" dev lo;; esac
done
echo "nameserver 127.0.0.1" > "$resolv"
mount --bind "$resolv" /etc/resolv.conf
exec "$@"`;

/**
 * The JSON that the script prints, run where its loopback device has these addresses besides its own, and where names are asked of
 * a server on 127.0.0.1 that the script starts. Rejects when it fails.
 */
export async function inOwnNetwork(
  script: string,
  addresses: readonly string[],
  parameters: readonly string[] = [],
): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-network-"));
  try {
    const program = [process.execPath, script, ...parameters];
    const command = [
      "--net",
      "--mount",
      "sh",
      "-e",
      "-c",
      setUpAddresses,
      "sh",
      addresses.join(" "),
      join(folder, "resolv.conf"),
    ];
    const { stdout } = await promisify(execFile)("unshare", [...command, ...program], {
      timeout: 120_000,
      killSignal: "SIGKILL",
      maxBuffer: 64 * 1024 * 1024,
    });
    return JSON.parse(stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}
