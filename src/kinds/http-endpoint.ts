/**
 * The plan of HTTPEndpoint and ClusterHTTPEndpoint: nothing is sent to the endpoint itself; its status says whether requests
 * can use it, that is whether what it refers to is there and fits.
 *
 * Invariant: Secrets are not polled. A change of one makes it due; where they cannot be watched, what is in order is looked at
 * again every few minutes, what is not sooner.
 */
import { pauseSinceMs } from "../core/backoff.ts";
import { conditions, ready, reconciling, stalled, type Condition, type ConditionState } from "../core/conditions.ts";
import type { Connection, EndpointTraits } from "../core/connection.ts";
import { endpointOfSlot } from "../core/slots.ts";
import { checkConnection, type Kind, type Plan, type Situation, type Verdict } from "../core/plan.ts";
import { retryAfterMs } from "../core/retry.ts";
import { orphanAnnotation } from "../core/resource.ts";
import { tellNextLook } from "./request/next-look.ts";
import { holderOf, isToBeHeld } from "./request/referrers.ts";
import { connectionOf, endpointData, inUseFinalizer, isHeld, typeOf } from "./request/endpoint.ts";
import { endpointFault } from "./request/endpoint-faults.ts";
import { clusterHTTPEndpointType, httpEndpointType, type Endpoint } from "./types.ts";

/** How often what is referred to is looked at: when all is well, and after something was missing. */
const wellMs = 300_000;
const missing = { initialMs: 2_000, maxMs: 60_000 };

/** One waits, when it is being deleted, for those that need it to delete what they have made. */
const shared = { references: endpointData, waitsForReferrers: "always", plan: planAndTell } as const;
export const httpEndpointKind: Kind<Endpoint> = { type: httpEndpointType, ...shared };
export const clusterHTTPEndpointKind: Kind<Endpoint> = { type: clusterHTTPEndpointType, ...shared };

function planAndTell(situation: Situation<Endpoint>): Plan {
  return tellNextLook(plan(situation), situation);
}
function* plan(situation: Situation<Endpoint>): Plan {
  const { resource, isPartial = false, slots } = situation;
  const { metadata } = resource;
  const isDeleted = metadata.deletionTimestamp !== undefined;
  const isLet = metadata.annotations?.[orphanAnnotation] === "true";
  // Who needs the cluster's own, only one who sees the whole of it knows: it may have been held by one that did. Where slots do its
  // work now, it would wait in vain.
  if (metadata.namespace === "" && isPartial) {
    if (!isDeleted || !isHeld(metadata)) return yield* judge(situation);
    return isLet || slots !== undefined ? letGo(resource) : yield* judge(situation, heldByAnother);
  }
  const user = holderOf(situation);
  if (!isHeld(metadata)) {
    const hold = { type: typeOf(resource), resource, finalizer: inUseFinalizer };
    return { ...(yield* judge(situation)), ...(user !== undefined && !isDeleted && { holds: [hold] }) };
  }
  if (!isDeleted) return isToBeHeld(situation) ? yield* judge(situation) : letGo(resource);
  return user === undefined || isLet ? letGo(resource) : yield* judge(situation, inUseBy(user));
}

/** Nobody needs it any more: it waits for no controller that may have gone by the time it is deleted. */
function letGo({ status = {}, metadata }: Endpoint): Verdict {
  const isDeleted = metadata.deletionTimestamp !== undefined;
  const finalizer = { name: inUseFinalizer, present: false };
  return { status, finalizer, result: "succeeded", reason: "Deleted", ...(!isDeleted && { requeueAfterMs: 0 }) };
}

/** Whether requests can use it. `waiting`: for whom its deletion waits, for people. */
function* judge({ resource, now, slots }: Situation<Endpoint>, waiting?: string): Plan {
  const { metadata, status } = resource;
  const { generation } = metadata;
  const before = (status?.conditions ?? []).find(({ type }) => type === "Ready");
  const isKnownWell = before?.status === "True" && status?.observedGeneration === generation;
  const waits = waiting === undefined ? [] : [{ type: "InUse", status: "True", reason: "InUse", message: waiting } as const];
  const told = (states: readonly ConditionState[]): readonly Condition[] =>
    conditions([...states, ...waits], status?.conditions ?? [], generation, now.toISOString());
  // Nothing is looked at, and no token asked for.
  if (resource.spec.suspend)
    return {
      status: { observedGeneration: generation, conditions: told([suspended]) },
      result: "suspended",
      reason: "Suspended",
    };
  const fault = endpointFault(resource);
  if (fault) {
    const shown = told(stalled(fault.reason, fault.message));
    return { status: { observedGeneration: generation, conditions: shown }, result: "stalled", reason: fault.reason };
  }
  const connection = connectionOf(resource);
  const result = yield* checkConnection(connection, !isKnownWell);
  const states =
    result.type === "usable"
      ? [...ready("Accepted", `requests can use it${partsText(connection.endpoint, slots)}`), ...suspicious(result.suspicion)]
      : (result.heals ? reconciling : stalled)(result.reason, result.message);
  const shown = told(states);
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

function inUseBy(user: string): string {
  return `${user} needs this endpoint to delete its remote object, and is there still: it is deleted first. To delete the endpoint without waiting, set the annotation ${orphanAnnotation}: "true" on it; that one then has to be let go by the same annotation`;
}

/** What of its limits each slot has, since no process sees them all. */
function partsText(endpoint: EndpointTraits | undefined, slots: number | undefined): string {
  if (endpoint?.key.namespace !== "" || slots === undefined) return "";
  const { maxInFlight, rateLimit } = endpointOfSlot(endpoint, { index: 0, count: slots });
  const parts = [
    ...(maxInFlight === undefined ? [] : [`${maxInFlight} in flight`]),
    ...(rateLimit === undefined ? [] : [`${rateLimit.requests} requests in ${rateLimit.perMs / 1_000} s`]),
  ];
  return parts.length === 0 ? "" : `; of its limits each of the ${slots} slots has its part: ${parts.join(", ")}`;
}
const heldByAnother = `a Holdfast that looked after the whole cluster holds this endpoint (finalizer ${inUseFinalizer}) for objects that may need it to delete their remote ones. This one sees a part of the cluster, and cannot say whether any is left: see that none is, and set the annotation ${orphanAnnotation}: "true" on the endpoint, or run holdfast orphan`;

const suspended: ConditionState = {
  type: "Ready",
  status: "False",
  reason: "Suspended",
  message: "spec.suspend is true: nothing is sent by it until it is false",
};

function suspicious(message: string | undefined): readonly ConditionState[] {
  return message === undefined ? [] : [{ type: "Suspicious", status: "True", reason: "NotKept", message }];
}

function refersElsewhere({ auth, sign, proxy, tls: { ca, certificate, key } }: Connection): boolean {
  if (auth ?? sign) return true;
  return [proxy, ca, certificate, key].some((source) => source !== undefined && source.type !== "literal");
}
