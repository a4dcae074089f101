/**
 * The status of an object of the peer, in the peer's shape, from what its shadow's says. Pure.
 *
 * Invariant: nothing to say means nothing to write: what has not changed keeps its times.
 */
import type { PeerAnswer, PeerStatus } from "../convert/peer-schema.ts";
import type { HTTPRequestStatus } from "../api/http-request.ts";
import type { HTTPResourceStatus } from "../api/http-resource.ts";
import type { Action } from "../convert/mappings.ts";
import { findCondition, type Condition } from "../core/conditions.ts";
import type { Resource } from "../core/resource.ts";
import { sameJSON } from "../core/tools/json.ts";
import { headersThere } from "./go-headers.ts";
import { identityAnswer } from "./identity-answer.ts";
import { conditionOf, type ServedObject } from "./served-object.ts";

type ShadowStatus = Partial<HTTPResourceStatus> & Partial<HTTPRequestStatus>;
type Details = NonNullable<PeerStatus["requestDetails"]>;
export type State = Pick<Condition, "type" | "status" | "reason"> & { readonly message?: string };

/** What was asked last. */
export function lastAction({ status }: Resource): Action {
  const { attempt, values } = (status ?? {}) as ShadowStatus & { readonly attempt?: { readonly verb?: string } };
  const hasBeenSeen = values !== undefined;
  if (!attempt || (hasBeenSeen && attempt.phase === "Done" && attempt.succeeded === true)) return "OBSERVE";
  return ({ Create: "CREATE", Update: "UPDATE", Delete: "REMOVE", BeforeDelete: "REMOVE" } as const)[attempt.verb];
}

/** The latest answer, as far as the shadow has it; undefined: it has none. */
function answerOf(shadow: Resource): PeerAnswer | undefined {
  const { response, values } = (shadow.status ?? {}) as ShadowStatus;
  const seen = (values as { readonly statusCode?: unknown } | undefined)?.statusCode;
  const code = lastAction(shadow) === "OBSERVE" && typeof seen === "number" ? seen : response?.statusCode;
  if (code === undefined) return undefined;
  const { body, headers = {} } = response ?? {};
  return {
    statusCode: code,
    ...(body !== undefined && body !== "" && { body }),
    ...(Object.keys(headers).length > 0 && { headers: headersThere(headers) }),
  };
}

export interface Told {
  readonly object: ServedObject;
  readonly shadow: Resource;
  /** What was sent last, with placeholders where Secrets were; undefined: it stays as it is. */
  readonly details: Details | undefined;
  readonly now: Date;
}

/** Without the conditions. */
export function tellAnswer(told: Told): PeerStatus {
  return told.object.peer.type === "request" ? tellRequest(told) : tellDisposable(told);
}

function tellRequest({ object, shadow, details, now }: Told): PeerStatus {
  const before = object.peer.status ?? {};
  const { response, cache, requestDetails, failed: _, error: __, ...rest } = before;
  const answer = answerOf(shadow);
  // Whoever takes it back knows it by what the last answer says.
  const known = identityAnswer(shadow);
  const told = answer ? (answer.body === undefined && known ? { ...answer, ...known } : answer) : response;
  const isWhole = !((shadow.status ?? {}) as ShadowStatus).response?.bodyTruncated;
  const good = told && answer && isSuccess(told) && (isWhole ? told : known && { ...told, ...known });
  return {
    ...rest,
    ...(told && { response: told }),
    ...(good
      ? { cache: sameJSON(cache?.response, good) ? cache : { lastUpdated: seconds(now), response: good } }
      : cache && { cache }),
    ...tellFailures(shadow, told),
    ...((details ?? requestDetails) && { requestDetails: details ?? requestDetails }),
  };
}

function tellDisposable({ object, shadow, details }: Told): PeerStatus {
  const before = object.peer.status ?? {};
  const { response, requestDetails, failed: _, error: __, synced, lastReconcileTime, ...rest } = before;
  const { attempt } = (shadow.status ?? {}) as ShadowStatus;
  const told = answerOf(shadow) ?? response;
  const isSynced = findCondition(shadow.status, "Succeeded")?.status === "True" || (attempt === undefined && synced === true);
  const at = attempt?.finishedAt === undefined ? lastReconcileTime : seconds(new Date(attempt.finishedAt));
  const asked = attempt ? details : requestDetails;
  return {
    ...rest,
    ...(told && { response: told }),
    ...(isSynced && { synced: true }),
    ...tellFailures(shadow, told),
    ...(asked && { requestDetails: asked }),
    ...(at !== undefined && { lastReconcileTime: at }),
  };
}

/** There `error` is what went wrong without an answer, or with one that was not as expected; a status of failure says itself. */
function tellFailures(shadow: Resource, answer: PeerAnswer | undefined): Pick<PeerStatus, "failed" | "error"> {
  const { attempt } = (shadow.status ?? {}) as ShadowStatus;
  const ready = findCondition(shadow.status, "Ready");
  if (!attempt || ready?.status === "True" || attempt.phase === "InFlight" || attempt.phase === "Polling") return {};
  if (attempt.phase === "Done" && "succeeded" in attempt && attempt.succeeded) return {};
  const saysItself = (answer?.statusCode ?? 0) >= 400 && ready?.reason === "UnexpectedStatus";
  return { failed: attempt.tries, ...(!saysItself && ready && { error: ready.message }) };
}

const inProgress: readonly string[] = ["Sending", "Polling", "NotDelivered", "Replacing"];

/** Ready and Synced, as Crossplane has them. */
export function readyStates({ resource }: ServedObject, shadow: Resource | undefined): readonly State[] {
  const ready = findCondition(shadow?.status, "Ready");
  const { attempt, values } = (shadow?.status ?? {}) as ShadowStatus;
  const wasThere = values !== undefined || attempt === undefined || (attempt.phase === "Done" && ready?.status === "True");
  const isFine = !ready || ready.status === "True" || inProgress.includes(ready.reason);
  const synced: State = isFine
    ? { type: "Synced", status: "True", reason: "ReconcileSuccess" }
    : { type: "Synced", status: "False", reason: "ReconcileError", message: `${ready.reason}: ${ready.message}` };
  if (resource.metadata.deletionTimestamp !== undefined) return [{ type: "Ready", status: "False", reason: "Deleting" }, synced];
  if (ready?.status === "True") return [{ type: "Ready", status: "True", reason: "Available" }, synced];
  // Nothing is known yet: what was said of it stands.
  if (!ready && conditionOf(resource.status, "Ready")) return [];
  return [{ type: "Ready", status: "False", reason: ready && wasThere ? "Unavailable" : "Creating" }, synced];
}

/** The conditions with these in place of those of the same types; the others stay. */
export function withStates(resource: Resource, states: readonly State[], now: Date): readonly object[] {
  const before = ((resource.status ?? {}) as { readonly conditions?: readonly Condition[] }).conditions ?? [];
  const made = states.map((state) => {
    const was = conditionOf(resource.status, state.type);
    const isSame = was?.status === state.status;
    return {
      ...state,
      lastTransitionTime: isSame ? was.lastTransitionTime : seconds(now),
      observedGeneration: resource.metadata.generation,
    };
  });
  return [...before.filter(({ type }) => !states.some((state) => state.type === type)), ...made];
}

function isSuccess({ statusCode = 0 }: PeerAnswer): boolean {
  return statusCode >= 200 && statusCode < 300;
}
/** As Kubernetes writes times. */
function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
