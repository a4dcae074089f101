/** Where requests may go, as the settings have it; and where the API server is, to which none does. */
import { portNumber, withoutBrackets } from "../core/tools/host.ts";
import { lookup } from "node:dns/promises";
import type { ControllerSettings } from "../config.ts";
import { addressBytes, network, type Bytes } from "../core/tools/address.ts";
import { deadline, unlessAborted } from "../core/tools/deadline.ts";
import type { EgressFloor } from "../core/egress.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { loadKubeConfig } from "../kubernetes/credentials.ts";
import type { EgressSettings } from "./sending.ts";

/** Whoever runs manifests from files owns them and the machine. Metadata services stay closed even so. */
export const ownMachine: EgressSettings = {
  default: "AllowPrivate",
  floor: { opened: ["127.0.0.0/8", "::1/128"].map(network) },
  clusterDomain: "cluster.local",
  watches: true,
};

/**
 * Policies are of the whole cluster: a controller of some namespaces only does without.
 * Throws what reading the kubeconfig throws.
 */
export async function clusterEgress(settings: ControllerSettings, emit: EmitTelemetry): Promise<EgressSettings & Disposable> {
  const { kubeconfig, egressUnsafeAllow, nat64Prefix, clusterDomain, namespace } = settings;
  const server = new URL(loadKubeConfig(kubeconfig).getCurrentCluster()?.server ?? "");
  const service = process.env["KUBERNETES_SERVICE_HOST"];
  if (egressUnsafeAllow.length > 0) {
    const fields = { networks: egressUnsafeAllow };
    emit({
      type: "note",
      level: "warn",
      message: "requests may go to networks that are closed, by --egress-unsafe-allow",
      fields,
    });
  }
  const host = withoutBrackets(server.hostname);
  const addresses = await apiServerAddresses(service ? [host, service] : [host]);
  const floor: EgressFloor = {
    opened: egressUnsafeAllow.map(network),
    nat64: nat64Prefix.map(network),
    apiServer: { names: apiServerNames(host, clusterDomain), port: portNumber(server), addresses: () => addresses.known },
  };
  return {
    default: settings.egressDefault === "deny" ? "Deny" : "AllowPublic",
    floor,
    clusterDomain,
    watches: namespace.length === 0,
    [Symbol.dispose]: () => addresses[Symbol.dispose](),
  };
}

/** https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
function apiServerNames(host: string, clusterDomain: string): readonly string[] {
  const service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", `kubernetes.default.svc.${clusterDomain}`];
  return addressBytes(host) ? service : [...service, host];
}

const againMs = 60_000;
const maxLookupMs = 5_000;

interface KnownAddresses extends Disposable {
  readonly known: readonly Bytes[];
}

/** Those of its names, which are looked up again each minute. Where that gives nothing, what was known stays. */
async function apiServerAddresses(hosts: readonly string[]): Promise<KnownAddresses> {
  const fixed = hosts.flatMap((host) => {
    const bytes = addressBytes(host);
    return bytes ? [bytes] : [];
  });
  const names = hosts.filter((host) => !addressBytes(host));
  let known: readonly Bytes[] = fixed;

  async function look(): Promise<void> {
    const found = (await Promise.all(names.map(resolveAddresses))).flat();
    if (found.length > 0) known = [...fixed, ...found];
  }
  await look();
  const timer = setInterval(() => void look(), againMs).unref();
  return {
    get known() {
      return known;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

async function resolveAddresses(name: string): Promise<readonly Bytes[]> {
  using limit = deadline(new AbortController().signal, maxLookupMs);
  try {
    const found = await unlessAborted(limit.signal, lookup(name, { all: true }));
    return found.map(({ address }) => addressBytes(address)).filter((bytes): bytes is Bytes => bytes !== undefined);
  } catch {
    return []; // its name is closed in any case
  }
}
