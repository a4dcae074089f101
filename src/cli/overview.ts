/** What all engines of a process say together, for its metrics, its probes and the admin page. */
import type { Condition } from "../core/conditions.ts";
import type { Resource } from "../core/resource.ts";
import type { EngineSources, SlotSource } from "../telemetry/engine-metrics.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Engine } from "./engine.ts";
import type { Sending } from "./sending.ts";

export interface Overview {
  queue(): {
    readonly depth: number;
    readonly oldestSecs: number;
    readonly delayed: number;
    readonly working: ReadonlyMap<string, number>;
  };
  resources(): Iterable<{ readonly kind: string; readonly resource: Resource }>;
}

export function overviewOf(engines: () => Iterable<Engine>): Overview {
  return {
    queue() {
      const queues = [...engines()].map(({ controller }) => controller.queue);
      return {
        depth: sum(queues.map(({ depth }) => depth)),
        oldestSecs: Math.max(0, ...queues.map(({ oldestSecs }) => oldestSecs)),
        delayed: sum(queues.map(({ delayed }) => delayed)),
        working: new Map(queues.flatMap(({ working }) => [...working])),
      };
    },
    *resources() {
      for (const { controller } of engines()) yield* controller.resources();
    },
  };
}

interface Observed extends Pick<EngineSources, "leads" | "slots"> {
  readonly engines: () => Iterable<Engine>;
  /** Of a namespace. Absent: the work is not divided. */
  readonly slotOf?: (namespace: string) => number;
}

/** Says where the metrics of sending and of the engines read from. */
export function observe(
  metrics: Metrics,
  { clients, sockets, requester }: Sending,
  { engines, leads, slots, slotOf }: Observed,
): void {
  const overview = overviewOf(engines);
  const each = <T>(of: (engine: Engine) => T): T[] => [...engines()].map(of);
  metrics.observe({
    clients: () => clients.size,
    sockets: () => sockets.counts(),
    requestsInFlight: () => sockets.requests(),
    requestsQueued: () => clients.queued + requester.waiting(),
    queue: () => overview.queue(),
    unrecorded() {
      const failing = each(({ controller }) => controller.unrecorded.failing());
      return {
        count: sum(failing.map(({ count }) => count)),
        oldestSecs: Math.max(0, ...failing.map(({ oldestSecs }) => oldestSecs)),
      };
    },
    postponed: () => sums(each(({ controller }) => controller.postponed.counts())),
    unwatchedNamespaces: () => sum(each(({ controller }) => controller.unwatchedNamespaces())),
    leads,
    slots,
    resources: () => conditionsOf(overview, slotOf),
  });
}

/** What one slot's engine has. */
export function slotSource({ controller }: Engine): SlotSource {
  const { depth, oldestSecs } = controller.queue;
  return { resources: controller.cached(), depth, oldestSecs };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
function sums(counts: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const all = new Map<string, number>();
  for (const [key, count] of counts.flatMap((one) => [...one])) all.set(key, (all.get(key) ?? 0) + count);
  return all;
}

function* conditionsOf(overview: Overview, slotOf: Observed["slotOf"]): ReturnType<EngineSources["resources"]> {
  for (const { kind, resource } of overview.resources()) {
    const { conditions = [] } = (resource.status ?? {}) as { conditions?: readonly Condition[] };
    const { namespace, name } = resource.metadata;
    yield { kind, namespace, name, conditions, ...(slotOf && { slot: slotOf(namespace) }) };
  }
}
