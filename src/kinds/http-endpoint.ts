/**
 * The plan of HTTPEndpoint and ClusterHTTPEndpoint: nothing is sent to the endpoint itself; its status says whether requests
 * can use it, that is whether what it refers to is there and fits.
 *
 * Invariant: Secrets are not polled. A change of one makes it due; where they cannot be watched, what is in order is looked at
 * again every few minutes, what is not sooner.
 */
import { pauseSinceMs } from "../core/backoff.ts";
import {
  conditions,
  findCondition,
  ready,
  reconciling,
  stalled,
  type Condition,
  type ConditionState,
} from "../core/conditions.ts";
import type { Connection, EndpointTraits } from "../core/connection.ts";
import type { Refusal } from "../core/outcome.ts";
import { endpointOfSlot } from "../core/slots.ts";
import { checkConnection, findLive, type Kind, type Plan, type Situation, type Verdict } from "../core/plan.ts";
import { retryAfterMs } from "../core/retry.ts";
import { orphanAnnotation } from "../core/resource.ts";
import { tellNextLook } from "./request/next-look.ts";
import { endpointRefs } from "./http-resource/endpoints.ts";
import { holderOf, isToBeHeld, releaseFinalizer, titleFor } from "./request/referrers.ts";
import { connectionOf, endpointData, inUseFinalizer, isHeld, typeOf } from "./request/endpoint.ts";
import { endpointFault } from "./request/endpoint-faults.ts";
import { clusterHTTPEndpointType, httpEndpointType, httpResourceType, type Endpoint, type HTTPResource } from "./types.ts";

/** How often what is referred to is looked at: when all is well, and after something was missing. */
const wellMs = 300_000;
const missing = { initialMs: 2_000, maxMs: 60_000 };

/** One waits, when it is being deleted, for those that need it to delete what they have made. */
const shared = { references: endpointData, waitsForReferrers: "always", plan: planAndTell, heldBack } as const;
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
  // Who needs the cluster's own, only one who sees the whole of it knows: it may have been held by one that did.
  if (metadata.namespace === "" && isPartial) {
    if (!isDeleted || !isHeld(metadata)) return yield* judge(situation);
    return isLet ? letGo(resource) : yield* judge(situation, heldByAnother);
  }
  if (metadata.namespace === "" && slots !== undefined && isHeld(metadata)) {
    if (isLet && isDeleted) return letGo(resource);
    return isDeleted ? yield* leaveWhenUnused(situation) : yield* judge(situation);
  }
  const user = holderOf(situation);
  if (!isHeld(metadata)) {
    const hold = { type: typeOf(resource), resource, finalizer: inUseFinalizer };
    return { ...(yield* judge(situation)), ...(user !== undefined && !isDeleted && { holds: [hold] }) };
  }
  if (!isDeleted && isToBeHeld(situation)) return yield* judge(situation);
  if (!isDeleted) return yield* letGoOnceSeen(situation);
  return user === undefined || isLet ? letGo(resource) : yield* judge(situation, inUseBy(user));
}

/** Nobody needs it any more: it waits for no controller that may have gone by the time it is deleted. */
function letGo({ status = {}, metadata }: Endpoint): Verdict {
  const isDeleted = metadata.deletionTimestamp !== undefined;
  const finalizer = { name: inUseFinalizer, present: false };
  return { status, finalizer, result: "succeeded", reason: "Deleted", ...(!isDeleted && { requeueAfterMs: 0 }) };
}

/** Requests can use it as before: all that is said is that it may not be let go of. */
function heldBack({ resource, now }: Situation<Endpoint>, { reason, message }: Refusal): Verdict | undefined {
  if (reason !== "FinalizerRefused") return undefined;
  const { metadata, status = {} } = resource;
  const { conditions: before = [] } = status;
  const told = conditions([{ type: reason, status: "True", reason, message }], before, metadata.generation, now.toISOString());
  const others = before.filter(({ type }) => type !== reason);
  return { status: { ...status, conditions: [...others, ...told] }, result: "waiting", reason };
}

/** Where it may not be let go of, what has changed about it is told before that is tried again. */
function* letGoOnceSeen(situation: Situation<Endpoint>): Plan {
  const { resource } = situation;
  const { metadata, status } = resource;
  if (!findCondition(status, "FinalizerRefused")) return letGo(resource);
  const seen = yield* judge(situation);
  const [before, now] = [status, seen.status].map((one) => findCondition(one, "Ready"));
  const isSame = before?.status === now?.status && before?.reason === now?.reason;
  if (isSame && status?.observedGeneration === metadata.generation) return letGo(resource);
  return seen.result === "waiting" ? seen : { ...seen, requeueAfterMs: 0 };
}

/** Of those that need the cluster's own a slot knows its part; of the others no watch tells it, and it looks. */
function* leaveWhenUnused(situation: Situation<Endpoint>): Plan {
  const { resource, now } = situation;
  const { name, uid, deletionTimestamp = "" } = resource.metadata;
  let user = holderOf(situation);
  if (user === undefined) {
    const { resource: found } = yield* findLive(httpResourceType, (one) => needs(one as HTTPResource, name));
    if (!found) return letGo(resource);
    user = titleFor(resource, found);
  }
  const verdict = yield* judge(situation, inUseBy(user));
  const againMs = pauseSinceMs(uid, missing, Math.max(0, now.getTime() - Date.parse(deletionTimestamp)));
  return { ...verdict, requeueAfterMs: Math.min(againMs, verdict.requeueAfterMs ?? Infinity) };
}
function needs({ metadata, spec }: HTTPResource, name: string): boolean {
  const isNamed = endpointRefs(spec).some((one) => one.kind === "ClusterHTTPEndpoint" && one.name === name);
  return isNamed && metadata.finalizers?.includes(releaseFinalizer) === true;
}

/** Whether requests can use it. `waiting`: for whom its deletion waits, for people. */
function* judge({ resource, now, slots, isPartial = false }: Situation<Endpoint>, waiting?: string): Plan {
  const { metadata, status } = resource;
  const { generation } = metadata;
  const before = (status?.conditions ?? []).find(({ type }) => type === "Ready");
  const isKnownWell = before?.status === "True" && status?.observedGeneration === generation;
  const waits = waiting === undefined ? [] : [{ type: "InUse", status: "True", reason: "InUse", message: waiting } as const];
  const asTold = isPartial && metadata.namespace === "" ? leaveTexts(status?.conditions ?? [], generation) : undefined;
  const told = (states: readonly ConditionState[]): readonly Condition[] => {
    const all = [...states, ...waits];
    return conditions(asTold ? all.map(asTold) : all, status?.conditions ?? [], generation, now.toISOString());
  };
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

/**
 * A Holdfast for the whole cluster, and those for parts of it, write one status of an endpoint of the cluster. Where they agree on
 * what is so they need not agree on the words: at each look one would write over what the other has said.
 */
function leaveTexts(before: readonly Condition[], generation: number): (state: ConditionState) => ConditionState {
  return (state) => {
    const { type, status, reason } = state;
    if (reason !== "Accepted" && reason !== "InUse") return state;
    const told = before.find((one) => one.type === type && one.status === status && one.reason === reason);
    return told?.observedGeneration === generation ? { ...state, message: told.message } : state;
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
