/** What an HTTPResource's plan knows before it asks anybody, read once from the object. Pure. */
import type { HTTPResourceSpec, HTTPResourceStatus } from "../../api/http-resource.ts";
import { isStalledFor } from "../../core/conditions.ts";
import { durationMs } from "../../core/tools/duration.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import type { Situation } from "../../core/plan.ts";
import { externalIdAnnotation, orphanAnnotation, reconcileAtOf } from "../../core/resource.ts";
import { finalizer, idWritten, type Context } from "./context.ts";
import { endpointRefs } from "./endpoints.ts";
import { isUnresolvedCreate, remoteOf } from "./identity.ts";
import { deletesRemote } from "./keeps.ts";
import { usedEndpoints } from "../request/endpoint.ts";
import { retryPolicy } from "../request/request.ts";
import type { HTTPResource } from "../types.ts";

export function contextOf(situation: Situation<HTTPResource>): Context {
  const { resource, references, now, instanceId, isPartial = false, mirrorsIDs = false, seesOnly } = situation;
  const { spec, metadata } = resource;
  const { annotations = {}, finalizers = [] } = metadata;
  const status = asActedOn(resource);
  const id = idWritten(annotations[externalIdAnnotation]);
  const isOurs = mirrorsIDs && id === status.externalID && !isUnresolvedCreate(status);
  // A process may have died between the annotation and the status that says so.
  const imported = id === undefined || id === "" || id === status.lastHandledExternalID || isOurs ? undefined : id;
  const externalID = imported ?? status.externalID;
  const reconcileAt = reconcileAtOf(metadata);
  const hasFinalizer = finalizers.includes(finalizer);
  const wantsFinalizer = deletesRemote({ spec }) && !hasFinalizer;
  // An id that a person gives is the end of a create whose outcome nobody knew.
  const attempt = imported === undefined || status.attempt?.verb !== "Create" ? latestAttempt(resource, status) : undefined;
  const known = {
    spec,
    status,
    ...(attempt && { attempt }),
    ...(externalID !== undefined && { externalID }),
    ...(imported !== undefined && { imported }),
  };
  return {
    ...known,
    remote: remoteOf(known),
    resource,
    now,
    instanceId,
    isPartial,
    mirrorsIDs,
    isDivided: situation.slots !== undefined,
    seesOnly,
    hasFinalizer,
    ...(situation.mayBeMended && { mayBeMended: true }),
    endpoints: usedEndpoints(endpointRefs(spec), references),
    ...(reconcileAt !== undefined && reconcileAt !== status.lastHandledReconcileAt && { asked: reconcileAt }),
    ...(status.asMade && { asMade: status.asMade }),
    ...(imported !== undefined && imported !== status.externalID && { isAnother: true }),
    isOrphan: annotations[orphanAnnotation] === "true",
    retry: policyOf(spec.retry),
    intervalMs: durationMs(spec.interval),
    ...(wantsFinalizer && { missingFinalizer: finalizer }),
  };
}

/** Of what is declared again nobody waits any more for the end of a deletion: the next one is sent anew. */
function latestAttempt({ metadata }: HTTPResource, { attempt, replacing }: HTTPResourceStatus): HTTPResourceStatus["attempt"] {
  const isDeleting = metadata.deletionTimestamp !== undefined || replacing === true;
  if (isDeleting || attempt?.verb !== "Delete" || attempt.phase !== "Unknown" || attempt.succeeded !== true) return attempt;
  return { ...attempt, phase: "Done", succeeded: false };
}

/** A spec in a circle counts as observed, since only people mend that, but it has not been acted on. */
function asActedOn({ metadata: { generation }, status = {} }: HTTPResource): HTTPResourceStatus {
  const { observedGeneration, conditions } = status;
  const isInCircle = observedGeneration === generation && isStalledFor("DependencyCycle", conditions);
  return isInCircle ? { ...status, observedGeneration: generation - 1 } : status;
}

const policyOf = oncePer((retry: HTTPResourceSpec["retry"]): Context["retry"] => ({ ...retryPolicy(retry), limit: retry.limit }));
