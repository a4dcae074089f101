/** What a test of faults needs: a namespace, an origin that counts, and the API server behind an interposer. */
import { setTimeout as sleep } from "node:timers/promises";
import { startInterposer, type ApiInterposer } from "./api-interposer.ts";
import type { ControlPlaneClient } from "./control-plane-client.ts";
import { startController, type HoldfastProcess } from "./controller-process.ts";
import { declaredRequests, type DeclaredRequests } from "./declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "./fault-origin.ts";

export interface StartOptions {
  readonly via?: string;
  readonly env?: Readonly<Record<string, string>>;
}
export interface FaultWorld extends AsyncDisposable {
  readonly namespace: string;
  readonly origin: FaultOrigin;
  readonly api: ApiInterposer;
  readonly requests: DeclaredRequests;
  /** Starts a controller that reaches the API server through `via`, the interposer where not given. The caller disposes of it. */
  start(args?: readonly string[], options?: StartOptions): Promise<HoldfastProcess>;
}

/** `prefix` begins the name of the namespace. */
export async function faultWorld(plane: ControlPlaneClient, prefix: string): Promise<FaultWorld> {
  await using cleanup = new AsyncDisposableStack();
  const namespace = await plane.createNamespace(prefix);
  const origin = cleanup.use(await startFaultOrigin());
  const api = cleanup.use(await startInterposer(plane));
  const kept = cleanup.move();
  return {
    namespace,
    origin,
    api,
    requests: declaredRequests(plane, namespace),
    async start(args = [], { via = api.url, env = {} } = {}) {
      const kubeconfig = await plane.kubeconfigVia("holdfast", via);
      return startController(["--kubeconfig", kubeconfig, "--namespace", namespace, ...args], env);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Never resolves: for what is held until its client is gone. */
export function never(): Promise<never> {
  return new Promise(() => {});
}

/** Looks until it is so; throws after `timeoutMs`. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const giveUpMs = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpMs) throw new Error(`${what}: not so within ${timeoutMs} ms`);
    await sleep(10);
  }
}

/** In CI the first, in a soak the second. */
export function inSoak<T>(short: T, long: T): T {
  return process.env["HOLDFAST_SOAK"] === undefined ? short : long;
}
