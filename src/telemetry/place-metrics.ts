/**
 * Metrics that point at whom something concerns: namespaces with reasons, and endpoints.
 *
 * Invariant: there are no more series of each than `maxSeries`, whatever tenants call their objects; what is beyond is counted
 * under `other`. The series of an endpoint of a namespace go when it is gone, so that nobody keeps others out by what was.
 */
import { httpEndpoint } from "../api/http-endpoint.ts";
import { createYieldIfLong } from "../core/tools/event-loop-yield.ts";
import type { Instruments } from "./instruments.ts";

/** What is read at each scrape. */
export interface PlaceSources {
  resources(): Iterable<{
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    /** Absent: the work is not divided. */
    readonly slot?: number;
    readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  }>;
}
const other = "other";

export function createPlaceMetrics(
  { counter, gauge }: Pick<Instruments, "counter" | "gauge">,
  { maxSeries, sources }: { readonly maxSeries: number; readonly sources: () => PlaceSources | undefined },
) {
  gauge(
    "holdfast_resources_not_ready",
    "Resources that are not Ready, by namespace and by the reason of that; those beyond --metrics-series by `other`. Which they are say `kubectl get hreq,hres -n NAMESPACE` and the admin page.",
    ["kind", "resource_namespace", "reason"], // `namespace` is the label of the Pod that is scraped
    async (g) => {
      const { counts, endpoints } = await readAll(sources()?.resources() ?? []);
      forgetOthers(endpoints);
      const found = [...counts].toSorted(([, a], [, b]) => b.count - a.count);
      g.reset();
      for (const [index, [, { kind, namespace, reason, count }]] of found.entries())
        g.inc(
          index < maxSeries
            ? { kind, resource_namespace: namespace, reason }
            : { kind, resource_namespace: other, reason: other },
          count,
        );
    },
  );
  const requests = counter(
    "holdfast_endpoint_requests_total",
    "Requests that ended, by endpoint (`namespace/name`, of a ClusterHTTPEndpoint `/name`); without one it is empty, and beyond --metrics-series `other`. What is gone has no series.",
    { http_endpoint: [], code: [], reason: [] }, // `endpoint` is the port of the Pod that is scraped,
  );
  const known = new Set<string>();
  function forgetOthers(present: ReadonlySet<string>): void {
    // Of the cluster's another process may have the slot.
    for (const endpoint of known)
      if (!present.has(endpoint) && !endpoint.startsWith("/")) {
        requests.forget(endpoint);
        known.delete(endpoint);
      }
  }
  function labelOf(endpoint: string): string {
    if (endpoint === "" || known.has(endpoint)) return endpoint;
    if (known.size >= maxSeries) return other;
    known.add(endpoint);
    return endpoint;
  }
  return {
    noteEndpointRequest(endpoint: string, ended: { readonly code: string; readonly reason: string }): void {
      requests.inc({ http_endpoint: labelOf(endpoint), ...ended });
    },
  };
}

interface Found {
  readonly kind: string;
  readonly namespace: string;
  readonly reason: string;
  count: number;
}
interface Read {
  /** What is not Ready. */
  readonly counts: ReadonlyMap<string, Found>;
  /** Those of namespaces that there are, as they are counted. */
  readonly endpoints: ReadonlySet<string>;
}
/** With pauses. */
async function readAll(resources: ReturnType<PlaceSources["resources"]>): Promise<Read> {
  const found = new Map<string, Found>();
  const endpoints = new Set<string>();
  const breathe = createYieldIfLong();
  for (const { kind, namespace, name, conditions } of resources) {
    await breathe();
    if (kind === httpEndpoint.kind) endpoints.add(`${namespace}/${name}`);
    const ready = conditions.find(({ type }) => type === "Ready");
    if (!ready || ready.status === "True") continue;
    const { reason } = ready;
    const key = `${kind}/${namespace}/${reason}`;
    const one = found.get(key) ?? { kind, namespace, reason, count: 0 };
    one.count += 1;
    found.set(key, one);
  }
  return { counts: found, endpoints };
}
