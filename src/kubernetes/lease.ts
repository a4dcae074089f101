/**
 * Leadership by a Lease: the network, the clock and the log around the decisions of `lease-state.ts`.
 *
 *     standing by ──taken──► leading ──told to leave──► released
 *          ▲  │                 └──────not renewed, or another's──► lost, for good
 *          └──┘ another's, or the API server does not answer
 *
 * Invariant: `mayAct` is true only while nobody else can hold the lease, whatever the wall clock does, however late an
 * answer comes, and for however long this process was suspended.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { deadline } from "../core/deadline.ts";
import type { RecordOccurrence } from "../core/occurrence.ts";
import type { ApiClient } from "./api-client.ts";
import { createLeaseClient, type Lease } from "./lease-client.ts";
import { freeInMs, heldBy, observe, released, termAfter, type LeaseTimes, type Observed, type Term } from "./lease-state.ts";

export interface Leadership {
  /** Whether this process may send and decide, at this instant. */
  readonly mayAct: () => boolean;
  /** Resolves when this process has come to lead. */
  readonly elected: Promise<void>;
  /** Aborts when it has led and does so no longer, without having been told to leave. */
  readonly lost: AbortSignal;
  /**
   * Competes for the lease and renews it until `signal` aborts; then releases it, if it is held, so that a successor
   * need not wait. Ends early when leadership is lost. To be called once.
   */
  run(signal: AbortSignal): Promise<void>;
}

export interface LeadershipSettings extends LeaseTimes {
  readonly client: ApiClient;
  readonly record: RecordOccurrence;
  readonly namespace: string;
  readonly name: string;
  /** Of this process alone: random, new at each start. */
  readonly identity: string;
}

/** A call that hangs leaves time for another before the renew deadline. */
const callsBeforeDeadline = 3;

export function createLeadership(settings: LeadershipSettings): Leadership {
  const { client, record, namespace, name, identity, leaseDurationMs, renewDeadlineMs, retryPeriodMs } = settings;
  const leases = createLeaseClient({ client, namespace, name, timeoutMs: renewDeadlineMs / callsBeforeDeadline });
  const lease = `${namespace}/${name}`;
  const elected = Promise.withResolvers<void>();
  const lost = new AbortController();
  /** Writes are not broken off: a lease that was taken without our knowing would keep everybody waiting. */
  const never = new AbortController().signal;
  let observed: Observed | undefined;
  let term: Term | undefined;
  let sentMs = 0;

  const note = (level: "info" | "warn" | "error", message: string, fields: object = {}, error?: unknown): void =>
    record({ type: "note", level, message, fields: { lease, identity, ...fields }, ...(error === undefined ? {} : { error }) });
  const warn = onceEach((error) => note("warn", "the lease cannot be read or written", {}, error));

  /** Takes or renews it. `conflict`: somebody else wrote it. Undefined: it is ours, but was answered too late to act on. */
  async function hold(before: Lease | undefined): Promise<Lease | "conflict" | undefined> {
    sentMs = performance.now();
    const written = await leases.write(before, heldBy(identity, before?.spec ?? {}, leaseDurationMs, new Date()), never);
    if (written === "conflict") return "conflict";
    warn.reset();
    term = termAfter(term, { sentMs, answeredMs: performance.now() }, renewDeadlineMs);
    return term && written;
  }

  /** The lease, or that there is none, once nobody else holds it. */
  async function untilFree(signal: AbortSignal): Promise<Lease | undefined> {
    let holder: string | null | undefined;
    for (;;) {
      const current = await leases.read(signal);
      const waitMs = look(current);
      if (!current || waitMs === 0) return current;
      if (holder !== current.spec.holderIdentity) note("info", "standing by", { holder: current.spec.holderIdentity });
      holder = current.spec.holderIdentity;
      const followed = await follow(waitMs, signal);
      if (followed.isFree) return followed.lease;
    }
  }
  function look(current: Lease | undefined): number {
    observed = observe(observed, current?.spec ?? {}, performance.now());
    return freeInMs(observed, identity, performance.now());
  }
  /** Watches the lease until it is free or has expired; one that has expired is read again before it is taken. */
  async function follow(waitMs: number, signal: AbortSignal): Promise<{ isFree: boolean; lease?: Lease }> {
    using expiry = deadline(signal, waitMs);
    try {
      for await (const changed of leases.follow(expiry.signal)) {
        const leftMs = look(changed);
        if (leftMs === 0) return { isFree: true, ...(changed && { lease: changed }) };
        expiry.restart(leftMs);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!expiry.expired) warn(error);
    }
    if (!expiry.expired) await sleep(retryPeriodMs, undefined, { signal });
    return { isFree: false };
  }

  async function acquire(signal: AbortSignal): Promise<Lease> {
    for (;;) {
      try {
        const taken = await hold(await untilFree(signal));
        if (taken !== "conflict" && taken) return taken;
      } catch (error) {
        signal.throwIfAborted();
        warn(error);
        await sleep(retryPeriodMs, undefined, { signal });
      }
    }
  }

  /** Returns the lease when told to leave; undefined when it is lost. */
  async function lead(taken: Lease, signal: AbortSignal): Promise<Lease | undefined> {
    let current: Lease | undefined = taken;
    for (;;) {
      const pauseMs = Math.max(0, sentMs + retryPeriodMs - performance.now());
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return current;
      if (!mayAct()) return undefined;
      try {
        let renewed = await hold(current);
        if (renewed === "conflict") {
          current = await leases.read(never);
          if (current && current.spec.holderIdentity !== identity) return undefined;
          renewed = await hold(current); // ours after all: the answer to an earlier renewal was lost, or somebody labelled it
        }
        if (!renewed) return undefined;
        if (renewed !== "conflict") current = renewed;
      } catch (error) {
        warn(error);
      }
    }
  }

  async function release(held: Lease): Promise<void> {
    term = undefined;
    try {
      if ((await leases.write(held, released(new Date()), never)) === "conflict") {
        const current = await leases.read(never);
        if (current?.spec.holderIdentity === identity) await leases.write(current, released(new Date()), never);
      }
      note("info", "released the lease");
    } catch (error) {
      note("warn", "the lease could not be released: a successor waits until it expires", {}, error);
    }
  }

  function mayAct(): boolean {
    return term !== undefined && performance.now() < term.untilMs;
  }
  return {
    mayAct,
    elected: elected.promise,
    lost: lost.signal,
    async run(signal) {
      let taken: Lease;
      try {
        taken = await acquire(signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      note("info", "leading");
      elected.resolve();
      const held = await lead(taken, signal);
      if (held) return release(held);
      term = undefined;
      note("error", "lost the lease: nothing more is sent, what is under way is recorded, and the process ends");
      lost.abort(new Error("the lease is lost"));
    },
  };
}

/** Tells what goes wrong when it begins to, and not each time that it goes on. */
function onceEach(tell: (error: unknown) => void): ((error: unknown) => void) & { reset(): void } {
  let told: string | undefined;
  const tellOnce = (error: unknown): void => {
    const text = Error.isError(error) ? error.message : String(error);
    if (text !== told) tell(error);
    told = text;
  };
  return Object.assign(tellOnce, {
    reset: () => {
      told = undefined;
    },
  });
}
