/** The latest reconciles of each object, for the admin page. Invariant: it keeps ten of an object, of one thousand objects. */
import { keyText } from "../core/resource.ts";
import type { TelemetryEvent } from "../core/telemetry-event.ts";
import type { AdminView } from "../telemetry/admin-page.ts";

type Past = Omit<AdminView["reconciles"][number], "agoSecs"> & { readonly atMs: number };

export interface ReconcileHistory {
  note(event: TelemetryEvent): void;
  /** The newest first: of one object, or of all the newest. `object`: `Kind namespace/name`. */
  latest(object?: string): AdminView["reconciles"];
}

const keptObjects = 1_000;
const keptOfEach = 10;
const shown = 20;

export function createReconcileHistory(): ReconcileHistory {
  const byObject = new Map<string, readonly Past[]>();
  return {
    note(event) {
      if (event.type !== "reconciled") return;
      const { kind, durationMs, result, reason, why = "", reconcileId = "", attemptId = "" } = event;
      const object = `${kind} ${keyText(event)}`;
      const past: Past = { object, why, result, reason, reconcileId, attemptId, durationMs, atMs: performance.now() };
      const before = byObject.get(object) ?? [];
      byObject.delete(object); // to the end: the first is the oldest
      byObject.set(object, [past, ...before].slice(0, keptOfEach));
      for (const oldest of byObject.keys()) {
        if (byObject.size <= keptObjects) break;
        byObject.delete(oldest);
      }
    },
    latest(object) {
      const all = object === undefined ? [...byObject.values()].flat() : (byObject.get(object) ?? []);
      const newest = all.toSorted((a, b) => b.atMs - a.atMs).slice(0, shown);
      return newest.map(({ atMs, ...past }) => ({ ...past, agoSecs: (performance.now() - atMs) / 1000 }));
    },
  };
}
