/**
 * The status of an object of the peer, in the peer's shape, from what its shadow's says. Pure.
 *
 * Invariant: nothing to say means nothing to write: what has not changed keeps its times.
 */
import { isSuccess, type PeerAnswer, type PeerStatus } from "../convert/peer-schema.ts";
import type { HTTPRequestStatus } from "../api/http-request.ts";
import type { HTTPResourceStatus } from "../api/http-resource.ts";
import type { Action } from "../convert/mappings.ts";
import { findCondition, type Condition } from "../core/conditions.ts";
import type { Resource } from "../core/resource.ts";
import { sameJSON } from "../core/tools/json.ts";
import type { ShownAnswer } from "./shown-answers.ts";
import { withKnown } from "./injected-body.ts";
import { headersThere } from "./go-headers.ts";
import { identityAnswer } from "./identity-answer.ts";
import { inItsWords } from "./told-text.ts";
import { hasSucceeded, isAssumed, isTakenForDone, triesInAll } from "./sent-once.ts";
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
  /** Of the answer that it has last made Secrets of. */
  readonly shown?: ShownAnswer | undefined;
  /** What was sent last, with placeholders where Secrets were; undefined: it stays as it is. */
  readonly details: Details | undefined;
  readonly now: Date;
}

/** Without the conditions. */
export function tellAnswer(told: Told): PeerStatus {
  return told.object.peer.type === "request" ? tellRequest(told) : tellDisposable(told);
}

function tellRequest({ object, shadow, shown, details, now }: Told): PeerStatus {
  const before = object.peer.status ?? {};
  const { response, cache, requestDetails, failed: _, error: __, ...rest } = before;
  const answer = answerOf(shadow);
  // Whoever takes it back knows it by what the last answer says.
  const known = identityAnswer(shadow);
  // One is kept a moment before the shadow's status says so: until then what was told of the one before stands.
  const same = [shown, response].find((one) => one?.statusCode === answer?.statusCode);
  const body = hasInjections(object) ? same?.body : undefined;
  const told = answer ? (answer.body === undefined ? withShown(answer, body, known) : answer) : response;
  const isWhole = !((shadow.status ?? {}) as ShadowStatus).response?.bodyTruncated;
  const good = told && answer && isSuccess(told) && (isWhole ? told : known && { ...told, ...known });
  return {
    ...rest,
    ...(told && { response: told }),
    ...(good
      ? { cache: sameJSON(cache?.response, good) ? cache : { lastUpdated: seconds(now), response: good } }
      : cache && { cache }),
    ...tellFailures(object, shadow, told),
    ...((details ?? requestDetails) && { requestDetails: details ?? requestDetails }),
  };
}

function hasInjections({ peer }: ServedObject): boolean {
  return (peer.spec.forProvider.secretInjectionConfigs ?? []).length > 0;
}
/** `body`: what may be shown, where there is anything; it is told where the object is known by it. */
function withShown(answer: PeerAnswer, body: string | undefined, known: ReturnType<typeof identityAnswer>): PeerAnswer {
  const headers = known?.headers && { ...answer.headers, ...known.headers };
  // Whoever takes it back has to know it: its id stays, where that went into a Secret, too.
  const whole = body !== undefined && known?.body !== undefined ? withKnown(body, known.body) : body;
  const shown = whole ?? known?.body;
  return { ...answer, ...(shown !== undefined && { body: shown }), ...(headers && { headers }) };
}

function tellDisposable({ object, shadow, shown, details }: Told): PeerStatus {
  const before = object.peer.status ?? {};
  const { response, requestDetails, failed: _, error: __, synced, lastReconcileTime, ...rest } = before;
  const { attempt } = (shadow.status ?? {}) as ShadowStatus;
  const answer = answerOf(shadow);
  const isSynced = hasSucceeded(shadow) || ((attempt === undefined || isAssumed(shadow)) && synced === true);
  const at = attempt?.finishedAt === undefined ? lastReconcileTime : seconds(new Date(attempt.finishedAt));
  const { durationMs } = ((shadow.status ?? {}) as ShadowStatus).response ?? {};
  // After a restart what was told of the same answer stands.
  const isTold = shown === undefined && at === lastReconcileTime && answer?.statusCode === response?.statusCode;
  const isShown = shown !== undefined && shown.durationMs === durationMs && shown.statusCode === answer?.statusCode;
  const body = hasInjections(object) ? (isShown ? shown.body : isTold ? response?.body : undefined) : undefined;
  const told = answer ? (answer.body === undefined ? withShown(answer, body, undefined) : answer) : response;
  const asked = details ?? requestDetails;
  return {
    ...rest,
    ...(told && { response: told }),
    ...(isSynced && { synced: true }),
    ...tellFailures(object, shadow, told),
    ...(asked && { requestDetails: asked }),
    ...(at !== undefined && { lastReconcileTime: at }),
  };
}

/**
 * There `error` is what went wrong without an answer, or with one that was not as expected; of a Request a status of failure says
 * itself. What is under way takes nothing back, and whoever takes the object back goes on counting.
 */
function tellFailures({ peer }: ServedObject, shadow: Resource, answer: PeerAnswer | undefined): Failures {
  const { failed, error } = peer.status ?? {};
  const before = { ...(failed !== undefined && { failed }), ...(error !== undefined && { error }) };
  const { attempt, schedule } = (shadow.status ?? {}) as ShadowStatus;
  const ready = inItsWords(findCondition(shadow.status, "Ready"));
  if (isTakenForDone(shadow)) return before;
  if (ready?.status === "True") return attempt || peer.type === "request" ? {} : before;
  if (attempt?.phase === "InFlight" || attempt?.phase === "Polling") return before;
  const hasEndedWell = attempt?.phase === "Done" && "succeeded" in attempt && attempt.succeeded;
  if (!attempt || hasEndedWell) {
    // It could not be sent, or could not be looked at; how often is not known.
    if (ready && !resting.includes(ready.reason)) return { failed: Math.max(failed ?? 0, 1), error: ready.message };
    return hasEndedWell ? {} : before;
  }
  const why = errorOf(
    peer,
    (attempt.phase === "Done" ? inItsWords(findCondition(shadow.status, "Succeeded")) : ready) ?? ready,
    answer,
  );
  return { failed: Math.max(triesInAll(shadow), schedule?.failures ?? 0), ...(why !== undefined && { error: why }) };
}
type Failures = Pick<PeerStatus, "failed" | "error">;

/** What other programs look for is there: the method, the status and the limit. */
function errorOf(
  peer: ServedObject["peer"],
  ended: Condition | undefined,
  { statusCode = 0 }: PeerAnswer = {},
): string | undefined {
  if (!ended) return undefined;
  if (peer.type === "request") return statusCode >= 400 && ended.reason === "UnexpectedStatus" ? undefined : ended.message;
  const { method, rollbackRetriesLimit: limit = 1 } = peer.spec.forProvider;
  if (ended.reason === "UnexpectedStatus") return `HTTP ${method} request failed with status code: ${statusCode}`;
  return ended.reason === "UnexpectedResponse"
    ? `Response does not match the expected format, retries limit ${limit}`
    : ended.message;
}

/** Of what is sent once, and has failed as often as it may. */
export const errorObserved = "ErrorObserved";
/** `answer`: what is told of it. */
export function exhaustedStates({ peer }: ServedObject, { failed = 0, error = "" }: PeerStatus): readonly State[] {
  if (peer.type !== "disposable" || error === "") return [];
  const { rollbackRetriesLimit: limit } = peer.spec.forProvider;
  if (limit === undefined || failed < limit) return [];
  return [{ type: errorObserved, status: "True", reason: "RetriesExhausted", message: error }];
}

const inProgress: readonly string[] = [
  "Sending",
  "Polling",
  "NotDelivered",
  "Replacing",
  "Retrying",
  "RateLimited",
  "OriginBusy",
  "EndpointBusy",
];
/** Nothing has failed, though it is not Ready. */
const resting: readonly string[] = [
  ...inProgress,
  "Suspended",
  "Scheduled",
  "Superseded",
  "Drifted",
  "NotHeld",
  "ImportNotFound",
  "Absent",
];

/** Ready and Synced, as Crossplane has them. */
export function readyStates({ resource, peer }: ServedObject, shadow: Resource | undefined): readonly State[] {
  const ready = inItsWords(findCondition(shadow?.status, "Ready"));
  const { attempt, values } = (shadow?.status ?? {}) as ShadowStatus;
  const isDeleted = resource.metadata.deletionTimestamp !== undefined;
  // Taken over after it had failed for good: that stands.
  if (shadow && !isDeleted && isTakenForDone(shadow) && peer.status?.synced !== true) return [];
  const { response, synced: wasSent } = peer.status ?? {};
  // Taken over: what was made before its shadow has sent anything.
  const wasMade = attempt === undefined && (wasSent === true || (response?.statusCode ?? 0) !== 0);
  const wasThere = values !== undefined || wasMade;
  const isFine = !ready || ready.status === "True" || inProgress.includes(ready.reason);
  const synced: State = isFine
    ? { type: "Synced", status: "True", reason: "ReconcileSuccess" }
    : { type: "Synced", status: "False", reason: "ReconcileError", message: `${ready.reason}: ${ready.message}` };
  if (isDeleted) return [{ type: "Ready", status: "False", reason: "Deleting" }, synced];
  if (ready?.status === "True") return [{ type: "Ready", status: "True", reason: "Available" }, synced];
  // Nothing is known yet: what was said of it stands.
  if (!ready && conditionOf(resource.status, "Ready")) return [];
  return [{ type: "Ready", status: "False", reason: ready && wasThere ? "Unavailable" : "Creating" }, synced];
}

/** The conditions with these in place of those of the same types; the others stay. */
export function withStates(resource: Resource, states: readonly State[], now: Date): readonly State[] {
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

/** As Kubernetes writes times. */
function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
