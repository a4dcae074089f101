/** Several controllers that compete for one lease. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlaneClient } from "./control-plane-client.ts";
import { startController, type HoldfastProcess } from "./controller-process.ts";

/** Short, for tests that wait until a lease is over; not so short that a process loses it which a busy machine leaves waiting. */
export const leaseMs = { duration: 8_000, renewDeadline: 5_000, retryPeriod: 500 };
export const shortLease = Object.entries({
  "--lease-duration": leaseMs.duration,
  "--renew-deadline": leaseMs.renewDeadline,
  "--retry-period": leaseMs.retryPeriod,
}).flatMap(([flag, ms]) => [flag, `${ms}ms`]);

export interface Replicas extends AsyncDisposable {
  /** Starts one and returns once it has warm caches. `kubeconfig`: the API server directly where not given. */
  start(args?: readonly string[], kubeconfig?: string): Promise<HoldfastProcess>;
  /** Starts one and waits until it leads. */
  startLeader(args?: readonly string[], kubeconfig?: string): Promise<HoldfastProcess>;
  /** The spec of the lease. */
  lease(): Promise<Readonly<Record<string, unknown>>>;
}

/** `common`: flags of all of them. Disposing kills all of them, the suspended ones too. */
export function replicas(plane: ControlPlaneClient, namespace: string, common: readonly string[] = []): Replicas {
  const started = new AsyncDisposableStack();
  const own = ["--namespace", namespace, "--lease-namespace", namespace, "--lease-name", "leader", ...common];

  async function start(args: readonly string[] = [], kubeconfig = plane.kubeconfigs.holdfast): Promise<HoldfastProcess> {
    const replica = started.use(await startController(["--kubeconfig", kubeconfig, ...own, ...args]));
    while ((await replica.probe("/readyz")).status !== 200) await sleep(20);
    return replica;
  }
  return {
    start,
    async startLeader(args, kubeconfig) {
      const replica = await start(args, kubeconfig);
      await leading(replica);
      return replica;
    },
    async lease() {
      const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/leader`;
      return ((await plane.admin("GET", path)).body as { spec: Readonly<Record<string, unknown>> }).spec;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** When it came to lead, milliseconds of the wall clock, by its own log. */
export async function leading(replica: HoldfastProcess, timeoutMs?: number): Promise<number> {
  return at(await replica.logged(({ message }) => message === "leading", timeoutMs));
}
/** When a line was logged, milliseconds of the wall clock. */
export function at(line: Readonly<Record<string, unknown>>): number {
  return Date.parse(String(line["timestamp"]));
}
