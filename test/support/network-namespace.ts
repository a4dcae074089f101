/** Runs a script in a network namespace of its own, where ports can run out without harm to anybody. Needs root. */
import { execFile, spawnSync } from "node:child_process";
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
