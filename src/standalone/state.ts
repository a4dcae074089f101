/** Resources from what a manifest declares and what is remembered, and the rules for writing a status. Pure. */
import { definitions } from "../api/definitions.ts";
import { validator, type Validate } from "../api/validate.ts";
import { carriesAttempt, carriesSameAttempt } from "../core/delivery.ts";
import { attemptUUID } from "../core/tools/digest.ts";
import { parseJSON, sameJSON } from "../core/tools/json.ts";
import type { Precondition } from "../core/ports.ts";
import type { DataResource, Metadata, Resource, ResourceType } from "../core/resource.ts";
import type { ManifestData, ManifestObject } from "./object.ts";
import type { StoredState } from "./state-database.ts";

type Declared = Pick<Metadata, "namespace" | "name" | "labels" | "annotations">;

export function resourceOf(declared: Declared, spec: unknown, state: StoredState): Resource {
  const { uid, generation, resourceVersion } = state;
  const metadata = { ...metadataOf(declared), uid, generation, resourceVersion: String(resourceVersion) };
  const status = statusOf(state);
  return { metadata, spec, ...(status && { status }) };
}
function metadataOf({ namespace, name, labels, annotations }: Declared): Declared {
  return { namespace, name, ...(labels && { labels }), ...(annotations && { annotations }) };
}

/** A Secret or ConfigMap has no state: its uid follows from its name, its version is that of the loading. */
export function dataResource({ type, key, labels, annotations, data }: ManifestData, version: number): DataResource {
  const uid = attemptUUID([type.kind, key.namespace, key.name]);
  const declared = { ...key, ...(labels && { labels }), ...(annotations && { annotations }) };
  return { metadata: { ...declared, uid, generation: 1, resourceVersion: String(version) }, data };
}

export function statusOf({ status }: StoredState): object | undefined {
  return status === null ? undefined : (parseJSON(status) as object);
}

/** Whether an object differs in nothing from what a manifest says of it. */
export function isAsDeclared({ metadata, spec }: Resource, { labels, annotations, spec: declared }: ManifestObject): boolean {
  return sameJSON([spec, metadata.labels, metadata.annotations], [declared, labels, annotations]);
}

/** Whether a status may replace the stored one. `read`: the status that the writer saw. */
export function holds(precondition: Precondition, stored: object | undefined, read: object | undefined): boolean {
  switch (precondition.type) {
    case "unchanged":
      return sameJSON(stored, read);
    case "sameAttempt":
      return carriesSameAttempt(stored, read);
    case "attempt":
      return carriesAttempt(stored, precondition);
  }
}

class StatusRefusedError extends Error {
  override readonly name = "StatusRefusedError";
}

const statusValidators: ReadonlyMap<string, Validate> = new Map(definitions.map((one) => [one.kind, validator(one.status)]));

/** Throws StatusRefusedError for a status that does not fit its kind's schema. */
export function refuseInvalid({ kind }: ResourceType, status: unknown): void {
  const { problems = [] } = statusValidators.get(kind)?.(status, ["status"]) ?? {};
  if (problems.length === 0) return;
  throw new StatusRefusedError(`${kind}: ${problems.map(({ path, message }) => `${path}: ${message}`).join("; ")}`);
}
