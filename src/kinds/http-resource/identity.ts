/** What is recorded of a remote object as core/remote-object has it, and what its spec declares of its identity. Pure. */
import type { HTTPResourceSpec, HTTPResourceStatus } from "../../api/http-resource.ts";
import type { RemoteObject, Sight } from "../../core/remote-object.ts";
import { isReady } from "../../core/conditions.ts";
import { oncePerText } from "../../core/tools/once-per.ts";
import type { Context, VerbAttempt } from "./context.ts";
import type { Found } from "./observation.ts";

type Status = HTTPResourceStatus;
type Recorded = Pick<Context, "status" | "attempt" | "externalID" | "imported" | "spec">;

/** An older Holdfast's status does not say whether the object has been seen: it counts as seen. */
export function remoteOf({ status, attempt, externalID, imported, spec }: Recorded): RemoteObject {
  const isImported = imported !== undefined;
  return {
    made: madeOf({ spec, status, ...(attempt && { attempt }), ...(externalID !== undefined && { externalID }) }),
    ...(externalID !== undefined && { id: externalID }),
    seen: isImported || status.seen !== false,
    ...(!isImported && status.formerExternalID !== undefined && { former: status.formerExternalID }),
    replacing: status.replacing === true,
  };
}

function madeOf({ status, attempt, externalID, spec }: Omit<Recorded, "imported">): RemoteObject["made"] {
  if (isUnresolvedCreate({ ...(attempt && { attempt }) })) return "doubt";
  const isOpen = attempt?.phase === "InFlight" || attempt?.phase === "Unknown";
  const mayRename = attempt?.verb === "Update" && (isOpen || (attempt.phase === "Retrying" && attempt.inDoubt === true));
  if (mayRename && spec.externalID !== undefined && !isDeclared(spec.externalID)) return "renaming";
  if (externalID !== undefined) return "made";
  if (attempt?.verb === "Delete" && attempt.succeeded === true) return "never";
  // What was there already has no attempt to tell of it, or one that was refused.
  const isTold = attempt !== undefined && (attempt.verb !== "Create" || attempt.succeeded === true);
  return isTold || status.seen === true || isReady(status.conditions) ? "made" : "never";
}

/** Whether it may be that a create has arrived and nobody knows. */
export function isUnresolvedCreate({ attempt }: Pick<Context, "attempt">): boolean {
  if (attempt?.verb !== "Create") return false;
  const { phase, inDoubt, sentAs, tries, unsent = 0 } = attempt;
  // Of what is safe by its method alone only the tries tell: it is in no doubt that would keep it from being sent again.
  const mayHaveArrived = inDoubt === true || (sentAs === undefined && tries > unsent);
  return phase === "InFlight" || phase === "Unknown" || (phase === "Retrying" && mayHaveArrived);
}

/** Whether it was answered as expected and is not over: it is there, or still being made, whatever it looks like. */
export function hasArrived(attempt: Context["attempt"]): boolean {
  return attempt?.succeeded === true && attempt.phase !== "Done";
}
/**
 * Of a create that has arrived: whether it is sent again by itself. To send it as it was sent gives back the place to ask after its
 * work, or goes on with what a person asked for, until its server refuses that.
 */
export function mayBeFollowed({ inDoubt, refused }: VerbAttempt): boolean {
  return inDoubt === true && refused !== true;
}

/**
 * As fields of a status. What was seen is only said of what was recorded as not seen before, and of what nothing else that is
 * recorded tells of. `others`: what else is recorded by then.
 */
export function toStatusFields(
  remote: RemoteObject,
  before: Pick<Status, "seen">,
  others: Pick<Recorded, "spec" | "attempt">,
): Partial<Status> {
  const { made, id, seen, former, replacing } = remote;
  const isUntold = made === "made" && madeOf({ status: {}, ...others, ...(id !== undefined && { externalID: id }) }) === "never";
  return {
    ...(id !== undefined && { externalID: id }),
    ...(former !== undefined && { formerExternalID: former }),
    ...((!seen || (made !== "never" && before.seen !== undefined) || isUntold) && { seen }),
    ...(replacing && { replacing }),
  };
}

/** Whether an id reads no answer, and so is known before the first request. False where it cannot be told. */
export const isDeclared = oncePerText((externalID): boolean => {
  const others = /\.(parameters|inputs|metadata)\b[\w.[\]"?-]*/g;
  return !/\b(response|object|item)\b|^\s*\.\s*(\||$)|\$__loc__/.test(externalID.replaceAll(others, ""));
});
/** Of an id that answers give. */
export function givenID({ externalID }: Pick<HTTPResourceSpec, "externalID">): string | undefined {
  return externalID === undefined || isDeclared(externalID) ? undefined : externalID;
}

/** Whether somebody can look at what was made. */
export function isWatched({ observe, lookup }: Pick<HTTPResourceSpec, "observe" | "lookup">): boolean {
  return observe !== undefined || lookup !== undefined;
}

export function sightOf({ externalID, mine, upToDate }: Pick<Found, "externalID" | "mine" | "upToDate">): Sight {
  return {
    ...(externalID !== undefined && { id: externalID }),
    ...(mine !== undefined && { mine }),
    asDeclared: upToDate === true,
  };
}
/** Whether what was found is another one than what was known by another id. */
export function isOfAnother({ status }: Pick<Context, "status">, found: string): boolean {
  return status.externalID !== undefined && status.externalID !== found && status.formerExternalID !== found;
}
