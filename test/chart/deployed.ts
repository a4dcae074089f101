/**
 * What a cluster makes of the chart's Deployment, where there is neither a controller-manager nor a kubelet: a process for
 * each replica, with a Pod that is ready when its probe says so and goes when the process has ended.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlane } from "../support/control-plane.ts";
import { freePorts } from "../support/free-ports.ts";
import type { Manifest, PodSpec } from "./helm.ts";
import { runContainer, type PodProcess } from "./pod-process.ts";

interface Deployment extends Manifest {
  readonly metadata: Manifest["metadata"] & { readonly generation: number };
  readonly spec: {
    readonly replicas: number;
    readonly template: { readonly metadata: { readonly labels: object }; readonly spec: PodSpec };
  };
}
interface Replica extends AsyncDisposable {
  readonly process: PodProcess;
}

export interface Deployed extends AsyncDisposable {
  /** The last lines of each replica that there was. */
  readonly lastLines: () => string;
}

/** Follows the Deployment `holdfast`, also one that is made later. `args`: what only a test may say. */
export function followDeployment(plane: ControlPlane, namespace: string, args: readonly string[]): Deployed {
  const ending = new AbortController();
  const replicas: Replica[] = [];
  const processes: PodProcess[] = [];
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/holdfast`;
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  let names = 0;

  async function follow(): Promise<void> {
    while (!ending.signal.aborted) {
      const { status, body } = await plane.admin("GET", path);
      const deployment = status === 200 ? (body as Deployment) : undefined;
      const wanted = deployment?.spec.replicas ?? 0;
      if (deployment) while (replicas.length < wanted) replicas.push(await begin(deployment));
      while (replicas.length > wanted) await replicas.pop()?.[Symbol.asyncDispose]();
      if (deployment) await tell(deployment, replicas.length);
      await sleep(100, undefined, { signal: ending.signal }).catch(() => {});
    }
    for (const replica of replicas) await replica[Symbol.asyncDispose]();
  }
  async function tell({ metadata: { generation } }: Deployment, count: number): Promise<void> {
    const [replicas, updatedReplicas, readyReplicas, availableReplicas] = [count, count, count, count];
    const counts = { replicas, updatedReplicas, readyReplicas, availableReplicas };
    await plane.adminPatch(`${path}/status`, { status: { observedGeneration: generation, ...counts } });
  }
  async function begin({ spec: { template } }: Deployment): Promise<Replica> {
    const { spec } = template;
    const [container] = spec.containers;
    if (!container) throw new Error("the Pod has no container");
    const name = `holdfast-${(names += 1)}`;
    const pod = { metadata: { name, labels: template.metadata.labels }, spec };
    const { status, body } = await plane.admin("POST", pods, pod);
    if (status !== 201) throw new Error(`the Pod was answered ${status}: ${JSON.stringify(body)}`);
    const account = `/api/v1/namespaces/${namespace}/serviceaccounts/${spec.serviceAccountName}/token`;
    const reply = await plane.admin("POST", account, { spec: { expirationSeconds: 3600 } });
    const { token } = (reply.body as { status: { token: string } }).status;
    // Each Pod would have a network of its own.
    const ports = await freePorts(3);
    const addresses = ["metrics", "health", "admin"].map((what, index) => `--${what}-address=127.0.0.1:${ports[index]}`);
    const own = { ...container, args: [...container.args, ...addresses, ...args] };
    const process = await runContainer(spec, own, { server: new URL(plane.url), ca: plane.certificate.cert, token, namespace });
    processes.push(process);
    await untilReady(`http://127.0.0.1:${ports[1]}${container.readinessProbe.httpGet.path}`, process);
    await plane.adminPatch(`${pods}/${name}/status`, { status: { phase: "Running" } });
    return {
      process,
      async [Symbol.asyncDispose]() {
        process.kill("SIGTERM");
        const code = await Promise.race([
          process.exited,
          sleep(spec.terminationGracePeriodSeconds * 1000, "late", { ref: false }),
        ]);
        await process[Symbol.asyncDispose]();
        await plane.admin("DELETE", `${pods}/${name}?gracePeriodSeconds=0`);
        if (code !== 0) throw new Error(`the controller ended with ${code}`);
      },
    };
  }
  async function untilReady(url: string, { log }: PodProcess): Promise<void> {
    for (const giveUpMs = performance.now() + 120_000; performance.now() < giveUpMs; await sleep(50)) {
      if (
        await fetch(url)
          .then(({ ok }) => ok)
          .catch(() => false)
      )
        return;
    }
    throw new Error(`the controller is not ready:\n${log.slice(-5).join("\n")}`);
  }
  const following = follow();
  following.catch(() => {}); // told at the end
  return {
    lastLines: () => processes.map(({ log }) => log.slice(-5).join("\n")).join("\n\n"),
    async [Symbol.asyncDispose]() {
      ending.abort();
      await following;
    },
  };
}
