/** What about a change of an object makes a key due. Pure. */
import type { DeliveryRecord } from "../core/delivery.ts";
import type { Reads } from "../core/expression-reads.ts";
import { isRecord, sameJSON } from "../core/tools/json.ts";
import { wakingAnnotations, type Resource } from "../core/resource.ts";
import type { DueReason } from "./due-reasons.ts";

export interface Change {
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
}

/**
 * A process that was thought lost, such as a leader that was suspended, has recorded the outcome of its attempt. Whatever we
 * made of that attempt meanwhile, this may be more: that it is to be tried again.
 */
export function isOutcomeOfAnother({ before, after }: Change, instanceId: string): boolean {
  const [was, is] = [senderOf(before), senderOf(after)];
  return was !== undefined && was !== instanceId && is === undefined;
}
function senderOf(resource: Resource | undefined): string | undefined {
  const record: Partial<DeliveryRecord> | undefined = resource?.status;
  return record?.attempt?.sender;
}

/** Whether it is Ready where it was not, or the other way round, or has another value at a place that is read. */
export function hasNewStatus({ before, after }: Change, reads: Reads): boolean {
  if (reads === "everything") return !sameJSON(before?.status ?? {}, after?.status ?? {});
  if (!sameJSON(readinessOf(before), readinessOf(after))) return true;
  return [...reads].some((path) => !sameJSON(valueAt(before, path), valueAt(after, path)));
}
function readinessOf(resource: Resource | undefined): readonly unknown[] {
  const { observedGeneration, conditions = [] } = (resource?.status ?? {}) as {
    readonly observedGeneration?: unknown;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  return [observedGeneration ?? null, conditions.find(({ type }) => type === "Ready")?.status ?? null];
}
/** null: there is none. */
function valueAt(resource: Resource | undefined, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((value, key) => (isRecord(value) && Object.hasOwn(value, key) ? value[key] : null), resource);
}

/** In one word, of a change that makes its own object due. */
export function reasonOf({ before, after }: Change): DueReason {
  if (!before || before.metadata.uid !== after?.metadata.uid) return "created";
  if (before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp) return "deletionBegan";
  if (before.metadata.generation !== after.metadata.generation) return "specChanged";
  return needsReconcile({ before, after }) ? "annotationChanged" : "outcomeOfAnotherProcess";
}

/** Our own status writes and other people's labels make nothing due. */
export function needsReconcile({ before, after }: Change): boolean {
  if (!before || !after) return true;
  const [a, b] = [before.metadata, after.metadata];
  return (
    a.uid !== b.uid ||
    a.generation !== b.generation ||
    a.deletionTimestamp !== b.deletionTimestamp ||
    wakingAnnotations.some((name) => a.annotations?.[name] !== b.annotations?.[name])
  );
}
