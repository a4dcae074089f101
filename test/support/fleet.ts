/** Replicas that share slots, on a control plane of a test's own, and what they did as the origin and the audit log tell it. */
import type { ControlPlaneClient } from "./control-plane-client.ts";
import { startController, type HoldfastProcess } from "./controller-process.ts";
import { until } from "./fault-world.ts";
import { shortLease } from "./replicas.ts";

export interface Fleet extends AsyncDisposable {
  /** Starts one. */
  start(args?: readonly string[]): Promise<HoldfastProcess>;
  /** Those that are left, so that a test which failed leaves none to the next. */
  killAll(): Promise<void>;
  /** Who holds each slot of so many: the identity, or undefined. */
  holders(slots: number): Promise<readonly (string | undefined)[]>;
  /** Waits until each slot has a holder, and there are as many different ones. */
  untilShared(slots: number, replicas: number, timeoutMs?: number): Promise<readonly string[]>;
  leasePath(name: string): string;
}

export function startFleet(plane: ControlPlaneClient, namespace: string, common: readonly string[]): Fleet {
  const started = new Set<HoldfastProcess>();
  async function killAll(): Promise<void> {
    await Promise.all([...started].map((one) => one[Symbol.asyncDispose]()));
    started.clear();
  }
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const own = [
    "--kubeconfig",
    plane.kubeconfigs.holdfast,
    "--lease-namespace",
    namespace,
    "--lease-name",
    "fleet",
    ...shortLease,
  ];

  async function holders(slots: number): Promise<readonly (string | undefined)[]> {
    const { body } = await plane.admin("GET", collection);
    const { items } = body as { items: { metadata: { name: string }; spec: { holderIdentity?: string } }[] };
    const byName = new Map(items.map(({ metadata, spec }) => [metadata.name, spec.holderIdentity]));
    return Array.from({ length: slots }, (_, index) => byName.get(`fleet-slot-${index}-of-${slots}`));
  }
  return {
    async start(args = []) {
      const one = await startController([...own, ...common, ...args]);
      started.add(one);
      return one;
    },
    killAll,
    holders,
    async untilShared(slots, replicas, timeoutMs = 60_000) {
      let now: readonly (string | undefined)[] = [];
      const [least, most] = [Math.floor(slots / replicas), Math.ceil(slots / replicas)];
      await until(
        `${slots} slots are shared by ${replicas}`,
        async () => {
          now = await holders(slots);
          const counts = new Map<string | undefined, number>();
          for (const one of now) counts.set(one, (counts.get(one) ?? 0) + 1);
          const isEven = [...counts.values()].every((count) => count >= least && count <= most);
          return isEven && !counts.has(undefined) && !counts.has("") && counts.size === Math.min(slots, replicas);
        },
        timeoutMs,
      );
      return now.filter((one) => one !== undefined);
    },
    leasePath: (name) => `${collection}/${name}`,
    [Symbol.asyncDispose]: killAll,
  };
}
