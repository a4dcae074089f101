/**
 * What about a change of status is worth telling people in an event: something that was well no longer is, has failed again and
 * again, is well again, will stay as it is until somebody acts, cannot be told, may not go where it would, or has waited for
 * something outside it; and that a remote object had drifted and was
 * corrected. A first success is none, nor is what stays as it was, nor what somebody's own change of the spec brings about.
 *
 * Invariant: its text is that of a condition, so it holds no secret and nothing that a server sent.
 */
import { findCondition, type Condition } from "./conditions.ts";
import { isLook } from "./next-look.ts";
import { turnReasons } from "./outcome.ts";
import { isRecord } from "./tools/json.ts";

export interface TransitionEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** Not ready, and nothing is wrong: something is on its way, waits for its turn or another, or somebody wants nothing done. */
const harmless: readonly string[] = [
  "Sending",
  "Polling",
  "Replacing",
  "Deleting",
  "InUse",
  ...turnReasons,
  "Suspended",
  "EndpointSuspended",
  "DependencyNotReady",
];

/** What a server may show a little later; after that it is stalled. */
const mayGoWell: readonly string[] = ["NotSeen", "ExternalIDUnknown"];

/** `before`: the status that the reconcile began with, whatever it recorded in between. Undefined: nothing to tell. */
export function deriveTransitionEvent(before: object | undefined, after: object): TransitionEvent | undefined {
  const [was, is] = [summary(before), summary(after)];
  if (!is.ready) return undefined;
  const { reason, message } = is.ready;
  if (is.stalled && !isSame(is.stalled, was.stalled)) return { type: "Warning", reason, message };
  // What is there cannot be told: of an object that nobody has seen ready that is news as well.
  if (is.ready.status === "Unknown" && !(was.ready?.status === "Unknown" && isSame(is.ready, was.ready)))
    return { type: "Warning", reason, message };
  if (reason === "EgressDenied" && was.ready?.reason !== reason) return { type: "Warning", reason, message };
  if (hasLongFailed(is) && !(hasLongFailed(was) && was.attempt?.["id"] === is.attempt?.["id"]))
    return { type: "Warning", reason, message };
  if (is.isContested && !was.isContested) return { type: "Warning", reason, message };
  if (was.id === undefined && was.address !== undefined && is.address !== undefined && was.address !== is.address)
    return { type: "Normal", reason: "Moved", message: hasMoved };
  if (reason === "Replacing") return was.ready?.reason === reason ? undefined : { type: "Normal", reason, message };
  if (was.ready?.reason === "Replacing" && reason === "Created") return { type: "Normal", reason: "Replaced", message };
  if (was.ready?.status === "True" && isFailure(is.ready) && is.nextLookAt === undefined)
    return { type: "Warning", reason, message };
  if (was.id !== undefined && is.id !== undefined && was.id !== is.id)
    return { type: "Normal", reason: "IdentityChanged", message: `the remote object's id was ${was.id}, and is ${is.id}` };
  if (isCorrection(was, is)) return { type: "Normal", reason: "Corrected", message: is.drifted?.message ?? message };
  if (was.ready && isFailure(was.ready) && is.ready.status === "True") return { type: "Normal", reason, message };
  if (hasWaited(is) && !(hasWaited(was) && isSameWait(was, is)))
    return { type: [...harmless, ...mayGoWell].includes(reason) ? "Normal" : "Warning", reason, message };
  return undefined;
}

const hasMoved =
  "what the spec makes of the object's URL has changed: what was there before, or may have been made there, is left where it is. Declare spec.externalID to have what was made followed";

function isFailure({ status, reason }: Condition): boolean {
  return status !== "True" && !harmless.includes(reason);
}

/** Whether it says the same: how often it was tried is no news. */
function isSame(one: Condition, other: Condition | undefined): boolean {
  return one.reason === other?.reason && withoutTries(one.message) === withoutTries(other.message);
}
function withoutTries(message: string): string {
  return message.replace(/; (?:try|tried|tried again by) \d[^]*$/, "");
}
/** Tries that have failed before somebody is told, once: what is wrong may be a name, which no further try mends. */
const patience = 5;
function hasLongFailed({ attempt }: Summary): boolean {
  return attempt?.["phase"] === "Retrying" && Number(attempt["tries"]) > patience;
}

/** What waits for something outside it is told of once it has waited so long, milliseconds: much is there a moment later. */
const patienceMs = 10_000;
/** Whether it waits for something outside it, and by the time that it says of its next look has done so, or will. */
function hasWaited({ ready, nextLookAt }: Summary): boolean {
  return ready !== undefined && nextLookAt !== undefined && nextLookAt - Date.parse(ready.lastTransitionTime) >= patienceMs;
}
/** Of what goes well the text is no news. */
function isSameWait({ ready: was }: Summary, { ready: is }: Summary): boolean {
  return is !== undefined && was?.reason === is.reason && (harmless.includes(is.reason) || isSame(is, was));
}

/** An update has ended well that was none when the reconcile began, or not over. */
function isCorrection(was: Summary, is: Summary): boolean {
  const { attempt } = is;
  const isDone = attempt?.["verb"] === "Update" && attempt["phase"] === "Done" && attempt["succeeded"] === true;
  const wasDone = was.attempt?.["id"] === attempt?.["id"] && was.attempt?.["phase"] === "Done";
  const isTold = is.ready?.reason === "Updated" && is.drifted?.reason === "Corrected";
  return isTold && isDone && !wasDone && was.generation === is.generation;
}

interface Summary {
  readonly generation: unknown;
  /** Of the remote object, as JSON text. */
  readonly id?: string;
  readonly attempt?: Readonly<Record<string, unknown>>;
  readonly ready?: Condition;
  readonly drifted?: Condition;
  readonly stalled?: Condition;
  readonly isContested: boolean;
  /** Milliseconds since the epoch; of what waits. */
  readonly nextLookAt?: number;
  /** A digest of where its requests go. */
  readonly address?: unknown;
}
function summary(status: object | undefined): Summary {
  const fields = isRecord(status) ? status : {};
  const { observedGeneration: generation, attempt, externalID: id, nextRunAt } = fields;
  const [ready, drifted, stalled] = ["Ready", "Drifted", "Stalled"].map((type) => findCondition(fields, type));
  const isContested = findCondition(fields, "Contested")?.status === "True";
  // Each of the others is told at once.
  const mayWait = ready?.status === "False" && ready.reason !== "EgressDenied" && !stalled && !isContested;
  const waits = mayWait && typeof nextRunAt === "string" && isLook(nextRunAt);
  return {
    generation,
    isContested,
    ...(fields["address"] !== undefined && { address: fields["address"] }),
    ...(typeof id === "string" && { id: JSON.stringify(id) }),
    ...(isRecord(attempt) && { attempt }),
    ...(waits && { nextLookAt: Date.parse(nextRunAt) }),
    ...(ready && { ready }),
    ...(drifted && { drifted }),
    ...(stalled && { stalled }),
  };
}
