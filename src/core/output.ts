/**
 * Secrets and ConfigMaps that are made of what a request's answer holds.
 *
 * Their values are sealed from where they are evaluated to where they are stored: no plan and no status holds one.
 */
import type { Scope } from "./evaluation.ts";
import type { Refusal, Response } from "./outcome.ts";
import type { LocatedPair } from "./request-template.ts";
import {
  reconcileAtAnnotation,
  takeOverAnnotation,
  type RightDenial,
  type Metadata,
  type ResourceKey,
  type ResourceType,
} from "./resource.ts";
import type { Redacted } from "./redacted.ts";

/** As it is declared. */
export interface OutputObject {
  /** Where it is written, such as `spec.outputs[0].secret`. */
  readonly field: string;
  /** Secrets or ConfigMaps. */
  readonly type: ResourceType;
  readonly name: string;
  /** A Secret's. */
  readonly secretType?: string;
  /** An answer before this one has made it: where it is not there, what only that had is lost. */
  readonly wasMade?: true;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
export interface Output {
  readonly object: OutputObject;
  /** `name`: the key; `text`: jq. */
  readonly data: readonly LocatedPair[];
  readonly whenMissing: "Keep" | "Empty" | "Delete" | "Fail";
}
/** The resource whose outputs they are: it controls them, and they are deleted with it. */
export interface Owner {
  readonly type: ResourceType;
  readonly metadata: Metadata;
}
export interface OutputEvaluation {
  readonly outputs: readonly Output[];
  readonly scope: Scope;
  readonly response?: Response;
  /** With forEach, in the order of the list: of those that succeeded just now; others are null. */
  readonly responses?: readonly (Response | undefined)[];
}

/** An answer whose outputs are as they are to be, and what they were made of it. */
export interface Answered {
  readonly response: Response;
  readonly outputs: readonly Output[];
  /** In the order of the outputs. */
  readonly values: readonly Redacted<OutputData>[];
}

/** All keys that the object is to have. Null: what is there under the key stays. */
export type OutputData = Readonly<Record<string, string | null>>;

/** In the order of the outputs. */
export type EvaluatedOutputs =
  | {
      readonly type: "values";
      readonly values: readonly Redacted<OutputData>[];
      /** Of all values. */
      readonly sizeBytes: number;
      /** Fields whose expression yielded null, so that what is there under their keys stays, if there is anything. */
      readonly unwritten?: readonly string[];
    }
  | Refusal;

/** `mayPass`: it is not for what the object holds, but by a right, a policy or a quota: the same may be taken later. */
export interface OutputRefusal extends Refusal {
  readonly mayPass?: true;
}

/** An API server that has just started denies everything until it has read its roles: so long a refusal says nothing. Milliseconds. */
export const startingUpMs = 4_000;

export interface OutputStore {
  /** Why the output could not be written as things are; nothing is. Throws when the store cannot be reached. */
  checkOutput(owner: Owner, object: OutputObject, signal: AbortSignal): Promise<Refusal | undefined>;
  /**
   * Makes the object what it is to be, if it is not so already. Waits while the store cannot be reached, since the values
   * are those of an answer that may not come again. Throws the signal's reason when it aborts. `mayWrite` is asked before
   * each try; `conflict`: it may not. Absent: it always may.
   * Guarantees: an object that does not belong to the owner is not changed; what was read is not overwritten if
   * somebody else changed it meanwhile.
   */
  writeOutput(
    owner: Owner,
    object: OutputObject,
    data: Redacted<OutputData>,
    signal: AbortSignal,
    mayWrite?: () => boolean,
  ): Promise<{ readonly type: "written" | "unchanged" | "conflict" } | OutputRefusal>;
  /** Told of each of the owner's answers once its outputs are written. Absent: nobody asks. */
  answered?(owner: Owner, answered: Answered): void;
}

/**
 * An output is in its owner's namespace: an owner reference cannot lead to another.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
 */
export function outputKey({ metadata: { namespace } }: Owner, { name }: OutputObject): ResourceKey {
  return { namespace, name };
}

/** What the object's data becomes. `live`: what it is, where there is one. */
export function mergedData(
  data: OutputData,
  live: Readonly<Record<string, Uint8Array>> | undefined,
): Readonly<Record<string, Uint8Array>> {
  const present = live ?? {};
  return Object.fromEntries(
    Object.entries(data).flatMap(([key, value]) => {
      if (value !== null) return [[key, Buffer.from(value)]];
      const kept = Object.hasOwn(present, key) ? present[key] : undefined;
      return kept ? [[key, kept]] : [];
    }),
  );
}

/**
 * Why an object cannot be made once more: what a key had came of an answer before this one, and may not come again. Without it
 * the object would look whole and be of no use. `live`: what it holds, where it is there.
 */
export function findLost(object: OutputObject, data: OutputData, live: object | undefined): Refusal | undefined {
  if (live !== undefined || !object.wasMade) return undefined;
  const lost = Object.keys(data).find((key) => data[key] === null);
  if (lost === undefined) return undefined;
  const why = `is not there any more, and what it had as "${lost}" is not in this answer`;
  const way =
    "have what gives it sent anew (a request by the annotation " +
    `${reconcileAtAnnotation}, a remote object by what replace names), or set whenMissing: Delete where it may be missing`;
  return { ...refusal("OutputMissing", object, `${why}: ${way}`), heals: false };
}

function refusal(reason: Refusal["reason"], { field, type, name }: OutputObject, message: string): Refusal {
  return { type: "refusal", reason, message: `${field}: ${type.kind} "${name}" ${message}`, heals: true };
}
/** It is there, and not this owner's. */
export function notOurs(object: OutputObject): Refusal {
  return refusal(
    "OutputConflict",
    object,
    "is there already and does not belong to this object; it is not changed: choose another name, or delete it",
  );
}
/** One of the owner's kind and name made it, and it has been restored since, from a backup say. */
export function notTakenOver(object: OutputObject): Refusal {
  return refusal(
    "OutputConflict",
    object,
    `was made by an object of this kind and name that is gone, and has been restored since; it is not changed: to have it taken over set the annotation ${takeOverAnnotation}: "true" on this object; else choose another name, or delete it`,
  );
}
/** It is on its way out: what is written to it now would go with it. */
export function refuseDeleted(object: OutputObject): Refusal {
  return refusal("OutputConflict", object, "is being deleted");
}
/** The message has the command by which an admin allows it, where one is known. */
export function refuseForbidden(
  object: OutputObject,
  verb: "get" | "create" | "patch" | "write",
  { grant, who = "Holdfast" }: RightDenial,
): Refusal {
  const remedy = grant === undefined ? `grant ${verb} on it` : `to allow it: ${grant}`;
  return refusal("OutputForbidden", object, `may not be written: ${who} lacks the right to ${verb} it; ${remedy}`);
}
/** `why` quotes no value. */
export function refuseValue(object: OutputObject, why: string): Refusal {
  return refusal("OutputRefused", object, `is not taken: ${why}`);
}
