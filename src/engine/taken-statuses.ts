/**
 * Statuses that somebody took away from objects that stay: what was sent is known by them alone, so they are written back.
 *
 * Invariant: a status is only given back to the object (UID) that had it, and never over another that tells of an attempt.
 */
import { isRecorded, type DeliveryRecord } from "../core/delivery.ts";
import type { Kind } from "../core/plan.ts";
import type { ResourceStore } from "../core/ports.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { Resource } from "../core/resource.ts";
import type { Change } from "./changes.ts";

export interface TakenStatuses {
  /** True: this change took the status away. */
  note(id: string, change: Change): boolean;
  /** What the object had, where it has it no more. */
  of(id: string, resource: Resource): object | undefined;
  forget(id: string): void;
}

export function createTakenStatuses(): TakenStatuses {
  const taken = new Map<string, Resource>();
  return {
    note(id, { before, after }) {
      const isSame = before !== undefined && after?.metadata.uid === before.metadata.uid;
      // The watch can tell of a write before its reply is there.
      if (!isSame || isRecorded(after.status)) {
        taken.delete(id);
        return false;
      }
      if (!hasAttempt(before)) return false;
      taken.set(id, before);
      return true;
    },
    of(id, resource) {
      const had = taken.get(id);
      return had?.metadata.uid === resource.metadata.uid && !isRecorded(resource.status) ? had.status : undefined;
    },
    forget: (id) => void taken.delete(id),
  };
}

function hasAttempt(resource: Resource | undefined): boolean {
  const record: Partial<DeliveryRecord> = resource?.status ?? {};
  return record.attempt !== undefined;
}

interface GiveBackDeps {
  readonly store: Pick<ResourceStore, "writeStatus">;
  readonly emit: EmitTelemetry;
  readonly onWritten: (kind: Kind, resource: Resource) => void;
}
interface Taken {
  readonly kind: Kind;
  readonly resource: Resource;
  readonly status: object;
  readonly mayAct: () => boolean;
}
/** The object as it is then. Throws what the store throws, and where somebody else was faster: nothing is sent before it is back. */
export async function giveBack(
  { store, emit, onWritten }: GiveBackDeps,
  { kind, resource, status, mayAct }: Taken,
  signal: AbortSignal,
): Promise<Resource> {
  const result = await store.writeStatus(kind.type, resource, status, { type: "unchanged" }, signal, mayAct);
  if (result.type === "conflict") throw new Error("a status that was taken away could not be written back");
  const { namespace, name } = resource.metadata;
  const fields = { kind: kind.type.kind, namespace, name };
  emit({ type: "note", level: "warn", message: "a status was taken away from its object, and is written back", fields });
  onWritten(kind, result.resource);
  return result.resource;
}
