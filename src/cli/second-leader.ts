/**
 * Tells of another Holdfast that leads over the same objects: by another lease, for example where one was tried beside an installation.
 *
 * A process that has lost its lease begins nothing, so an attempt that another began after this one came to lead is a second
 * leader's. Only requests that must not be sent twice name their sender, so that this may come late; it is never wrong by more
 * than clocks are.
 */
import type { DeliveryRecord } from "../core/delivery.ts";
import type { Resource, ResourceKey } from "../core/resource.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";

interface SecondLeaderOptions {
  /** This process. */
  readonly instanceId: string;
  /** Since when it leads, Unix milliseconds; undefined: it does not. */
  readonly ledSinceMs: () => number | undefined;
  readonly emit: EmitTelemetry;
}

/** Clocks of two machines may differ by as much. */
const clockMs = 60_000;
/** Others that are told of, each once. */
const maxTold = 16;

export function createSecondLeaderAlarm({ instanceId, ledSinceMs, emit }: SecondLeaderOptions) {
  const told = new Set<string>();
  return (kind: string, { namespace, name }: ResourceKey, resource: Resource | undefined): void => {
    const { attempt }: Partial<DeliveryRecord> = resource?.status ?? {};
    const sinceMs = ledSinceMs();
    if (sinceMs === undefined || attempt?.sender === undefined || attempt.sender === instanceId) return;
    if (Date.parse(attempt.startedAt) < sinceMs + clockMs || told.has(attempt.sender) || told.size >= maxTold) return;
    told.add(attempt.sender);
    emit({
      type: "note",
      level: "error",
      message: "another Holdfast leads over the same objects, and requests may be sent twice: stop one, or give both one lease",
      fields: { otherSender: attempt.sender, kind, namespace, name },
    });
  };
}
