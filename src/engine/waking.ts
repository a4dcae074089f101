/** Looks at all objects for a change that may concern anybody, with pauses. */
import type { WatchedKind } from "../core/plan.ts";
import type { Resource } from "../core/resource.ts";
import type { Caches } from "./caches.ts";
import type { DueReasons } from "./due-reasons.ts";
import { createYieldIfLong } from "../core/tools/event-loop-yield.ts";
import { queueKey } from "./key.ts";
import type { WorkQueue } from "./work-queue.ts";

interface WakingDeps {
  readonly caches: Pick<Caches, "all">;
  readonly queue: Pick<WorkQueue, "add">;
  readonly reasons: Pick<DueReasons, "note">;
  readonly onMistake: (kind: WatchedKind, error: unknown) => void;
}

/** `about`: the key of what has changed. */
export function createWaking({ caches, queue, reasons, onMistake }: WakingDeps): (kind: WatchedKind, about: string) => void {
  const breathe = createYieldIfLong();
  /** Kinds of which something has changed, that may concern anybody; with the key of the last of it. */
  const toWake = new Map<WatchedKind, string>();
  let waking: Promise<void> | undefined;
  /** All are looked at once for whatever has changed by then, with pauses: a wave of changes is not a wave of looks. */
  function awaken(kind: WatchedKind, about: string): void {
    if (!kind.wakesOthers) return;
    toWake.set(kind, about);
    waking ??= wakeAll()
      .catch((error: unknown) => onMistake(kind, error))
      .finally(() => (waking = undefined));
  }
  async function wakeAll(): Promise<void> {
    while (toWake.size > 0) {
      await breathe();
      const changed = [...toWake];
      toWake.clear();
      for (const { kind, resource } of caches.all()) {
        for (const [{ wakesOthers }, about] of changed) if (wakesOthers?.(resource)) wake(kind, resource, about);
        await breathe();
      }
    }
  }
  function wake(kind: WatchedKind, resource: Resource, about: string): void {
    const id = queueKey(kind.type.kind, resource.metadata);
    reasons.note(id, "referenceChanged", { about });
    queue.add(id, { lane: "listing" });
  }
  return awaken;
}
