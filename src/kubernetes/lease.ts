/**
 * Leadership by a Lease: the network, the clock and the log around the decisions of `lease-state.ts`.
 *
 *     standing by ──taken──► leading ──told to leave──► released
 *        ▲ ▲  │                 │
 *        │ └──┘ another's, or the API server does not answer
 *        └──not renewed, or another's
 *
 * Invariant: there is a term only while nobody else can hold the lease, whatever the wall clock does, however late an
 * answer comes, and for however long this process was suspended. No two terms have the same number.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { deadline } from "../core/tools/deadline.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { ApiClient } from "./api-client.ts";
import { createLeaseClient, type Lease } from "./lease-client.ts";
import {
  freeInMs,
  heldBy,
  observe,
  releaseSpec,
  termAfter,
  type LeaseSpec,
  type LeaseTimes,
  type Observed,
  type Term,
} from "./lease-state.ts";

export interface Leadership {
  /**
   * The number of the term in which this process may send and decide, at this instant; undefined: in none. What began in
   * one term is not to be gone on with in another, since others may have led in between.
   */
  readonly term: () => number | undefined;
  /**
   * The resourceVersion of the write by which this process came to lead, in this term or its latest one. Earlier leaders
   * had stopped before it; undefined: there were none.
   */
  readonly since: () => string | undefined;
  /**
   * The first term since which nobody else has led: what was sent in it, or later, nobody else can have sent again. A term that
   * is yet to come where somebody else may lead now.
   */
  readonly unbrokenSince: () => number;
  /**
   * Competes for the lease until `stop` aborts, each time that it was lost anew, and calls `elected` when it has come to
   * lead. Renews what it holds until `ended` aborts; then releases it, so that a successor need not wait. To be called once.
   * Rejects with StoreWentBackError; then this process leads no more.
   */
  run(signals: LeadershipSignals, elected: () => void): Promise<void>;
}
interface LeadershipSignals {
  readonly stop: AbortSignal;
  /** What was under way has ended. Aborts after `stop`. */
  readonly ended: AbortSignal;
}

interface LeadershipSettings extends LeaseTimes {
  readonly client: ApiClient;
  readonly emit: EmitTelemetry;
  readonly namespace: string;
  readonly name: string;
  /** Of this process alone: random, new at each start. */
  readonly identity: string;
}

/**
 * The API server's resourceVersions have gone back: etcd was restored from an older copy. What is cached is of a future that is not
 * to be, and no watch will tell of what is there: whoever reads this has to begin anew.
 */
export class StoreWentBackError extends Error {
  override readonly name = "StoreWentBackError";
  constructor() {
    super("the API server has gone back to an older state (etcd was restored): the process ends, to begin anew");
  }
}

/** A call that hangs leaves time for another before the renew deadline. */
const callsBeforeDeadline = 3;

/** Stands by, and calls nobody, until `run`. The settings must be ones of which `timesProblem` finds nothing wrong. */
export function createLeadership(settings: LeadershipSettings): Leadership {
  const { client, emit, namespace, name, identity, leaseDurationMs, renewDeadlineMs, retryPeriodMs } = settings;
  const leases = createLeaseClient({ client, namespace, name, timeoutMs: renewDeadlineMs / callsBeforeDeadline });
  const lease = `${namespace}/${name}`;
  /** Writes are not broken off: a lease that was taken without our knowing would keep everybody waiting. */
  const never = new AbortController().signal;
  let observed: Observed | undefined;
  let term: Term | undefined;
  let termNumber = 1;
  let unbrokenSince = 1;
  let since: string | undefined;
  let sentMs = 0;
  let latestVersion = 0n;

  const note = (level: "info" | "warn" | "error", message: string, fields: object = {}, error?: unknown): void =>
    emit({ type: "note", level, message, fields: { lease, identity, ...fields }, ...(error === undefined ? {} : { error }) });
  const warn = onceEach((error) => note("warn", "the lease cannot be read or written", {}, error));

  /** Takes or renews it. `conflict`: somebody else wrote it. Undefined: it is ours, but was answered too late to act on. */
  async function hold(before: Lease | undefined): Promise<Lease | "conflict" | undefined> {
    sentMs = performance.now();
    const spec = heldBy(identity, before?.spec ?? {}, leaseDurationMs, new Date());
    const written = await leases.write(before, spec, never).catch((error: unknown) => findWritten(spec, error));
    if (written === "conflict") return "conflict";
    checkVersion(written);
    warn.reset();
    const renewed = termAfter(term, { sentMs, answeredMs: performance.now() }, renewDeadlineMs);
    if (!term) since = written.metadata.resourceVersion;
    term = renewed;
    return term && written;
  }

  /** Throws StoreWentBackError for what the API server cannot have said after what it has said. */
  function checkVersion<L extends Lease | undefined>(lease: L): L {
    if (!lease) return lease;
    const version = BigInt(lease.metadata.resourceVersion);
    if (version < latestVersion) throw new StoreWentBackError();
    latestVersion = version;
    return lease;
  }
  /** What is answered when the term is over says nothing any more: the read ends with it. */
  function readInTerm(): Promise<Lease | undefined> {
    return leases.read(term ? AbortSignal.timeout(Math.max(1, Math.floor(term.untilMs - performance.now()))) : never);
  }
  /** A write whose reply was lost may have landed: then it counts from when it was sent, like any other. Else throws `error`. */
  async function findWritten({ holderIdentity, renewTime }: LeaseSpec, error: unknown): Promise<Lease> {
    const current = await readInTerm();
    const isOurs = current?.spec.holderIdentity === holderIdentity && current?.spec.renewTime === renewTime;
    if (current && isOurs) return current;
    throw error;
  }

  /** The lease, or that there is none, once nobody else holds it. */
  async function untilFree(signal: AbortSignal): Promise<Lease | undefined> {
    let holder: string | null | undefined;
    for (;;) {
      const current = checkVersion(await leases.read(signal));
      const waitMs = look(current);
      if (waitMs === 0) return current;
      const { holderIdentity } = current?.spec ?? { holderIdentity: holder };
      if (holder !== holderIdentity) note("info", "standing by", { holder: holderIdentity });
      holder = holderIdentity;
      const followed = await follow(waitMs, signal);
      if (followed.isFree) return followed.lease;
    }
  }
  /** Who holds a lease that somebody deletes may not know it yet, and makes it anew: until it would have expired, it counts as held. */
  function look(current: Lease | undefined): number {
    if (current?.spec.holderIdentity !== identity) unbrokenSince = termNumber; // whoever wrote last is not us
    if (current || !observed) observed = observe(observed, current?.spec ?? {}, performance.now());
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
        if (error instanceof StoreWentBackError) throw error;
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
      if (currentTerm() === undefined) return undefined;
      try {
        let renewed = await hold(current);
        if (renewed === "conflict") {
          current = await readInTerm();
          if (current && current.spec.holderIdentity !== identity) return undefined;
          renewed = await hold(current); // ours after all: the answer to an earlier renewal was lost, or somebody labelled it
        }
        if (!renewed) return undefined;
        if (renewed !== "conflict") current = renewed;
      } catch (error) {
        if (error instanceof StoreWentBackError) throw error;
        warn(error);
      }
    }
  }

  async function release(held: Lease): Promise<void> {
    term = undefined;
    try {
      if ((await leases.write(held, releaseSpec(new Date()), never)) === "conflict") {
        const current = await leases.read(never);
        if (current?.spec.holderIdentity === identity) await leases.write(current, releaseSpec(new Date()), never);
      }
      note("info", "released the lease");
    } catch (error) {
      note("warn", "the lease could not be released: a successor waits until it expires", {}, error);
    }
  }

  function currentTerm(): number | undefined {
    return term !== undefined && performance.now() < term.untilMs ? termNumber : undefined;
  }
  return {
    term: currentTerm,
    since: () => since,
    unbrokenSince: () => unbrokenSince,
    async run({ stop, ended }, elected) {
      for (;;) {
        let taken: Lease;
        try {
          taken = await acquire(stop);
        } catch (error) {
          if (stop.aborted) return;
          throw error;
        }
        note("info", "leading");
        elected();
        const held = await lead(taken, ended).catch((error: unknown) => {
          term = undefined;
          throw error;
        });
        if (held) return release(held);
        term = undefined;
        termNumber += 1;
        note("warn", "lost the lease: nothing more is sent until it is won again, and what is under way is recorded");
      }
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
