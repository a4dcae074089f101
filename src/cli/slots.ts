/**
 * `--slots`: the slots that this replica works on, of those that all replicas share.
 *
 * Each slot is an ordinary Lease, and an engine over the slot's namespaces. A replica is live while it holds a seat, which is one,
 * too; there are as many seats as slots. What is to be whose follows from who holds which (`core/slots.ts`), and is looked at in
 * intervals: it only says for what a replica competes. All of them together hold the lease that one without slots would hold, by a
 * name that says how many slots there are.
 *
 * Invariant: an engine acts only while this process holds the lease of its slot, and that of all. So no two act for a namespace,
 * whatever they believe of each other, and whatever number of slots they were started with.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ControllerSettings } from "../config.ts";
import { assignSlots } from "../core/slots.ts";
import { createLeaseHolders } from "../kubernetes/lease-holders.ts";
import { createLeadership } from "../kubernetes/lease.ts";
import { leaseNameFor, leaseSettings, ownNamespace } from "./leadership.ts";
import { createSeat } from "./seat.ts";
import { createSlotRuns, type SlotRuns, type SlotRunsParts, type Stopping } from "./slot-runs.ts";

export interface Slots extends Pick<SlotRuns, "engines"> {
  /** Until `stop` aborts and what was under way has ended. To be called once. Rejects as `work` does. */
  run(shutdown: Stopping): Promise<void>;
  /** Whether this number of slots is the one that is at work. */
  readonly areAtWork: () => boolean;
  /** Why it does not know which slots are to be its own, as a sentence. */
  readonly problem: () => string | undefined;
}

export function createSlots(settings: ControllerSettings, parts: Omit<SlotRunsParts, "terms" | "names" | "seen">): Slots {
  const { client, identity, emit } = parts;
  const { slots: count, retryPeriod } = settings;
  const namesOf = (what: string): readonly string[] =>
    Array.from({ length: count }, (_, index) => `${leaseNameFor(settings)}-${what}-${index}-of-${count}`);
  const [slotNames, seatNames] = [namesOf("slot"), namesOf("seat")];
  const common = leaseSettings(settings, { client, emit, identity: `slots-of-${count}` });
  const all = createLeadership({ ...common, isShared: true, absentIsHeld: true });
  const namespace = ownNamespace(settings, client);
  const holders = createLeaseHolders(client, { namespace, mostApartMs: settings.leaseDuration / 2 });
  const seat = createSeat(settings, parts, seatNames);
  const runs = createSlotRuns(settings, { ...parts, terms: all, names: slotNames, seen: holders.seen });
  let problem: string | undefined = "the leases of the slots have not been listed yet";

  async function look(shutdown: Stopping): Promise<void> {
    const found = await holders.look([...slotNames, ...seatNames], shutdown.stop);
    const [owners, seats] = [found.slice(0, count), found.slice(count)];
    seat.adjust(seats, shutdown.stop);
    const live = new Set(seats.filter((one) => one !== undefined));
    const assigned = assignSlots(owners, [...live]);
    runs.adjust(
      assigned.map((one) => one === identity),
      shutdown,
    );
  }
  async function share(shutdown: Stopping): Promise<void> {
    while (!shutdown.stop.aborted) {
      try {
        await look(shutdown);
        problem = undefined;
      } catch (error) {
        problem = `the leases of the slots cannot be listed: ${Error.isError(error) ? error.message : ""}`;
      }
      await sleep(retryPeriod, undefined, { signal: shutdown.stop }).catch(() => undefined);
    }
    await Promise.all([runs.ended(), seat.left()]);
  }
  return {
    async run(shutdown) {
      const ended = new AbortController();
      const queueAll = (): void => {
        for (const { controller } of runs.engines.values()) controller.queueAll();
      };
      let failure: { readonly error: unknown } | undefined;
      const held = all.run({ stop: shutdown.stop, ended: ended.signal }, queueAll).catch((error: unknown) => {
        failure = { error };
        shutdown.begin(); // what is under way ends in peace, and then the process
      });
      await share(shutdown).finally(() => ended.abort());
      await held;
      if (failure) throw failure.error;
    },
    engines: runs.engines,
    areAtWork: () => all.term() !== undefined,
    problem: () => problem,
  };
}
