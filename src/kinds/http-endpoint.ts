/**
 * The plan of HTTPEndpoint and ClusterHTTPEndpoint: nothing is sent to the endpoint itself; its status says whether requests
 * can use it, that is whether what it refers to is there and fits.
 *
 * Invariant: Secrets are not polled. A change of one makes it due; where they cannot be watched, what is in order is looked at
 * again every few minutes, what is not sooner.
 */
import { pauseSinceMs } from "../core/backoff.ts";
import { conditions, ready, reconciling, stalled } from "../core/conditions.ts";
import type { Connection } from "../core/connection.ts";
import { checkConnection, type Kind, type Plan, type Situation } from "../core/plan.ts";
import { retryAfterMs } from "../core/retry.ts";
import { connectionOf, endpointData } from "./request/endpoint.ts";
import { clusterHTTPEndpointType, httpEndpointType, type Endpoint } from "./types.ts";

/** How often what is referred to is looked at: when all is well, and after something was missing. */
const wellMs = 300_000;
const missing = { initialMs: 2_000, maxMs: 60_000 };

export const httpEndpointKind: Kind<Endpoint> = { type: httpEndpointType, references: endpointData, plan };
export const clusterHTTPEndpointKind: Kind<Endpoint> = { type: clusterHTTPEndpointType, references: endpointData, plan };

function* plan({ resource, now }: Situation<Endpoint>): Plan {
  const { metadata, status } = resource;
  const { generation } = metadata;
  const before = (status?.conditions ?? []).find(({ type }) => type === "Ready");
  const isKnownWell = before?.status === "True" && status?.observedGeneration === generation;
  const connection = connectionOf(resource);
  const result = yield* checkConnection(connection, !isKnownWell);
  const states =
    result.type === "usable"
      ? ready("Accepted", "requests can use it")
      : (result.heals ? reconciling : stalled)(result.reason, result.message);
  const shown = conditions(states, status?.conditions ?? [], generation, now.toISOString());
  const since = Date.parse(shown[0]?.lastTransitionTime ?? now.toISOString());
  const spread = { id: metadata.uid, tries: 1 };
  const againMs =
    result.type === "usable"
      ? refersElsewhere(connection)
        ? retryAfterMs({ initialMs: wellMs, maxMs: wellMs }, spread)
        : undefined
      : (result.retryAfterMs ?? pauseSinceMs(metadata.uid, missing, now.getTime() - since));
  return {
    status: { observedGeneration: generation, conditions: shown },
    ...(againMs !== undefined && { requeueAfterMs: againMs }),
    result: result.type === "usable" ? "unchanged" : result.heals ? "waiting" : "stalled",
    reason: result.type === "usable" ? "Accepted" : result.reason,
  };
}

function refersElsewhere({ auth, sign, proxy, tls: { ca, certificate, key } }: Connection): boolean {
  if (auth ?? sign) return true;
  return [proxy, ca, certificate, key].some((source) => source !== undefined && source.type !== "literal");
}
