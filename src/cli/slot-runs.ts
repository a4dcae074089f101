/**
 * The slots that a replica works on, takes up or gives up.
 *
 * Invariant: a slot is given up in this order: nothing more of it begins, what is under way ends, its lease is released. It is
 * taken up anew only after that.
 */
import type { ControllerSettings } from "../config.ts";
import type { Slot } from "../core/slots.ts";
import type { LeaseHolders } from "../kubernetes/lease-holders.ts";
import { createLeadership } from "../kubernetes/lease.ts";
import type { KubernetesStore } from "../kubernetes/store.ts";
import type { Engine } from "./engine.ts";
import { bothOf, type Terms } from "./joint-leadership.ts";
import { leaseSettings, type LeadershipParts } from "./leadership.ts";
import type { Shutdown } from "./shutdown.ts";
import { work } from "./work.ts";

export interface SlotEngine extends Engine {
  readonly store: Pick<KubernetesStore, "readiness">;
}
export interface SlotRunsParts extends LeadershipParts {
  /** An engine for the slot that leads in the terms that are given. */
  readonly engineFor: (slot: Slot, terms: Terms) => SlotEngine;
  /** Of the lease that all replicas hold together. */
  readonly terms: Terms;
  readonly names: readonly string[];
  /** What the lease with this name has been seen to say, and since when: who takes a slot up has looked for it before. */
  readonly seen: LeaseHolders["seen"];
}
export type Stopping = Pick<Shutdown, "stop" | "drain" | "begin">;

export interface SlotRuns {
  /** `isOwn`: whether each slot is to be this replica's. */
  adjust(isOwn: readonly boolean[], shutdown: Stopping): void;
  /** Of the slots that it has, or is about to have or to give up, by the slot's index. */
  readonly engines: ReadonlyMap<number, SlotEngine>;
  /** Resolves when none is left, which is some time after `stop` aborts. Rejects as `work` does. */
  ended(): Promise<void>;
}
interface Run {
  readonly engine: SlotEngine;
  readonly ended: Promise<void>;
  giveUp(): void;
}

/** So many looks in a row have to say the same before anything moves: replicas come and go together. */
const looksUntilSure = 2;

export function createSlotRuns(
  settings: ControllerSettings,
  { names, terms, seen, engineFor, ...parts }: SlotRunsParts,
): SlotRuns {
  const runs = new Map<number, Run>();
  const engines = new Map<number, SlotEngine>();
  /** How many looks in a row have said that a slot is to be taken up, or given up. */
  const looks = names.map(() => 0);
  let failure: { readonly error: unknown } | undefined;

  function begin(index: number, shutdown: Stopping): Run {
    const { stop, drain } = shutdown;
    const fail = (): void => shutdown.begin();
    const [leaving, giving] = [new AbortController(), new AbortController()];
    let timer: NodeJS.Timeout | undefined;
    const own = leaseSettings(settings, parts, names[index]);
    const leadership = createLeadership({ ...own, absentIsHeld: true, seen: () => seen(own.name) });
    const engine = engineFor({ index, count: names.length }, bothOf(terms, leadership));
    engines.set(index, engine);
    const signals = { stop: AbortSignal.any([stop, leaving.signal]), drain: AbortSignal.any([drain, giving.signal]), fail };
    const ended = work(engine.controller, leadership, signals)
      .catch((error: unknown) => {
        failure ??= { error };
        fail();
      })
      .finally(() => {
        clearTimeout(timer);
        runs.delete(index);
        engines.delete(index);
      });
    function giveUp(): void {
      leaving.abort(new Error("the slot is another replica's"));
      // All that was sent has ended by then. What cannot be recorded is said in the log, as when a process ends.
      timer ??= setTimeout(() => giving.abort(new Error("the time to give the slot up is over")), settings.reconcileTimeout);
    }
    return { engine, ended, giveUp };
  }
  return {
    adjust(isOwn, shutdown) {
      for (const index of names.keys()) {
        const run = runs.get(index);
        const isRight = isOwn[index] === (run !== undefined);
        looks[index] = isRight ? 0 : (looks[index] ?? 0) + 1;
        if (isRight || looks[index] < looksUntilSure) continue;
        if (run) run.giveUp();
        else runs.set(index, begin(index, shutdown));
      }
    },
    engines,
    async ended() {
      await Promise.all([...runs.values()].map((run) => run.ended));
      if (failure) throw failure.error;
    },
  };
}
