/**
 * Records what an earlier process sent and could not record. Invariant: nothing else is decided for the object before, and what came of
 * a try is written over no later one.
 */
import { carriesAttempt, type DeliveryRecord } from "../core/delivery.ts";
import type { Kind } from "../core/plan.ts";
import type { OutcomeJournal, ResourceStore } from "../core/ports.ts";
import type { Resource } from "../core/resource.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";

interface JournaledDeps {
  readonly store: Pick<ResourceStore, "writeStatus">;
  readonly journal?: OutcomeJournal | undefined;
  readonly emit: EmitTelemetry;
  readonly onWritten: (kind: Kind, resource: Resource) => void;
}

/** The object as it is then. Throws what the store throws. */
export async function recordJournaled(
  { store, journal, emit, onWritten }: JournaledDeps,
  { id, kind, resource }: { readonly id: string; readonly kind: Kind; readonly resource: Resource },
  signal: AbortSignal,
): Promise<Resource> {
  const entry = journal?.find(id);
  if (!entry) return resource;
  const { attemptId, sender, status } = entry;
  const isOfAttempt = entry.uid === resource.metadata.uid && carriesAttempt(resource.status, { id: attemptId, sender });
  const isOurs = isOfAttempt && !isOfEarlierTry(status, resource.status);
  const result = isOurs
    ? await store.writeStatus(kind.type, resource, status, { type: "attempt", id: attemptId, sender }, signal)
    : { type: "conflict" as const };
  forgetJournaled({ journal, emit }, id);
  if (result.type === "conflict") return resource;
  const { namespace, name } = resource.metadata;
  const message = "what came of a request that an earlier process sent is recorded from the journal";
  emit({ type: "note", level: "info", message, fields: { kind: kind.type.kind, namespace, name, attemptId } });
  onWritten(kind, result.resource);
  return result.resource;
}

/** A row that could not be taken out stays, and the later tries of its attempt have the same id and sender. */
function isOfEarlierTry(journaled: Partial<DeliveryRecord>, { attempt }: Partial<DeliveryRecord> = {}): boolean {
  return journaled.attempt !== undefined && attempt !== undefined && journaled.attempt.tries < attempt.tries;
}

/** What it told is recorded, or another's by now: that a row stays, as on a disk that is full, takes nothing from that. */
export function forgetJournaled({ journal, emit }: Pick<JournaledDeps, "journal" | "emit">, id: string): void {
  try {
    journal?.forget(id);
  } catch (error) {
    emit({ type: "note", level: "error", message: "the journal cannot be written", error });
  }
}
