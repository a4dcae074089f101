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
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { ApiClient } from "./api-client.ts";
import { createLeaseClient, type Lease } from "./lease-client.ts";
import { createStandby } from "./lease-standby.ts";
import type { LeaseTimes, Observed } from "./lease-state.ts";
import { createLeaseTerm, type LeaseTerm } from "./lease-term.ts";
import { StoreWentBackError } from "./store-version.ts";

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
  readonly ledSinceVersion: () => string | undefined;
  /** When this process came to lead, in this term, Unix milliseconds; undefined: it does not lead, or has no term to count from. */
  readonly ledSinceMs: () => number | undefined;
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
  /** Of this process alone: random, new at each start; or, of several that hold it together, their common name. */
  readonly identity: string;
  /** Others hold it by the same name: each renews what it finds, and none releases it. */
  readonly isShared?: boolean;
  /** One that is not there may have been deleted, and its holder not know yet: it counts as held for as long as one lasts. */
  readonly absentIsHeld?: boolean;
  /** As of standing by. */
  readonly seen?: () => Observed | undefined;
}

/** A call that hangs leaves time for another before the renew deadline. */
const callsBeforeDeadline = 3;

/** Stands by, and calls nobody, until `run`. The settings must be ones of which `timesProblem` finds nothing wrong. */
export function createLeadership(settings: LeadershipSettings): Leadership {
  const { client, namespace, name, identity, renewDeadlineMs, retryPeriodMs, isShared = false } = settings;
  const leases = createLeaseClient({ client, namespace, name, timeoutMs: renewDeadlineMs / callsBeforeDeadline });
  const note = createNote(settings);
  const warn = onceEach((error) => note("warn", "the lease cannot be read or written", {}, error));
  const term = createLeaseTerm({ ...settings, leases });
  const standby = createStandby({
    ...settings,
    leases,
    term,
    ...(settings.absentIsHeld && { absentForMs: settings.leaseDurationMs }),
    onHolder: (holder) => note("info", "standing by", { holder }),
    onError: warn,
  });

  const pauseIfAgain = pauseBetweenConflicts(retryPeriodMs, warn);
  const isOthers = (lease: Lease | undefined): boolean => lease !== undefined && lease.spec.holderIdentity !== identity;
  async function hold(before: Lease | undefined): Promise<Lease | "conflict" | undefined> {
    const held = await term.hold(before);
    if (held !== "conflict") warn.reset();
    return held;
  }
  async function acquire(signal: AbortSignal): Promise<Lease> {
    for (;;) {
      try {
        const free = await standby.untilFree(signal);
        const taken = await hold(free);
        if (taken === "conflict") await pauseIfAgain(free, signal);
        else if (taken) return taken;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof StoreWentBackError) throw error;
        warn(error);
        await sleep(retryPeriodMs, undefined, { signal });
      }
    }
  }
  /** Returns the lease when told to leave; undefined when it is lost. */
  async function lead(current: Lease | undefined, signal: AbortSignal): Promise<Lease | undefined> {
    for (;;) {
      const pauseMs = Math.max(0, term.triedMs() + retryPeriodMs - performance.now());
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return current;
      if (term.current() === undefined) return undefined;
      try {
        const renewed = await renew(current, { term, isShared, isOthers, hold });
        if (!renewed) return undefined;
        current = renewed.lease;
      } catch (error) {
        if (error instanceof StoreWentBackError) throw error;
        warn(error);
      }
    }
  }

  return {
    term: term.current,
    ledSinceVersion: term.ledSinceVersion,
    ledSinceMs: term.ledSinceMs,
    unbrokenSince: standby.unbrokenSince,
    async run({ stop, ended }, elected) {
      for (;;) {
        const taken = await acquire(stop).catch((error: unknown) => {
          if (stop.aborted) return undefined;
          throw error;
        });
        if (!taken) return;
        note("info", "leading");
        elected();
        const held = await lead(taken, ended).catch((error: unknown) => {
          term.lose();
          throw error;
        });
        if (held) return isShared ? term.lose() : release(term, held, note);
        term.lose();
        note("warn", "lost the lease: nothing more is sent until it is won again, and what is under way is recorded");
      }
    },
  };
}

type Note = (level: "info" | "warn", message: string, fields?: object, error?: unknown) => void;

function createNote({ emit, namespace, name, identity }: LeadershipSettings): Note {
  return (level, message, more = {}, error) => {
    const fields = { lease: `${namespace}/${name}`, identity, ...more };
    emit({ type: "note", level, message, fields, ...(error === undefined ? {} : { error }) });
  };
}

interface Renewing {
  readonly term: Pick<LeaseTerm, "read" | "readShared" | "checkVersion">;
  readonly isShared: boolean;
  readonly isOthers: (lease: Lease | undefined) => boolean;
  readonly hold: (before: Lease | undefined) => Promise<Lease | "conflict" | undefined>;
}
/** The lease as it is then; undefined: it is lost. Throws what the calls throw. */
async function renew(
  before: Lease | undefined,
  { term, isShared, isOthers, hold }: Renewing,
): Promise<{ readonly lease: Lease | undefined } | undefined> {
  let lease = before;
  if (isShared) {
    const shared = await term.readShared();
    if (shared.renewed === "late") return undefined;
    if (shared.renewed === "yes") return shared;
    ({ lease } = shared);
  }
  let renewed = isOthers(lease) ? "conflict" : await hold(lease);
  if (renewed === "conflict") {
    lease = term.checkVersion(await term.read());
    if (isOthers(lease)) return undefined;
    renewed = await hold(lease); // ours after all: the answer to an earlier renewal was lost, or somebody labelled it
  }
  return renewed && { lease: renewed === "conflict" ? lease : renewed };
}

async function release(term: LeaseTerm, held: Lease, note: Note): Promise<void> {
  try {
    await term.release(held);
    note("info", "released the lease");
  } catch (error) {
    note("warn", "the lease could not be released: a successor waits until it expires", {}, error);
  }
}

/** Who was slower than another finds it changed, and looks again at once; of one that is as it was, a webhook can answer so for ever. */
function pauseBetweenConflicts(periodMs: number, warn: (error: unknown) => void) {
  let latest: { readonly version: string | undefined } | undefined;
  return async (free: Lease | undefined, signal: AbortSignal): Promise<void> => {
    const version = free?.metadata.resourceVersion;
    if (latest && latest.version === version) {
      warn(new Error("it is free, and each write of it is answered as a conflict"));
      await sleep(periodMs, undefined, { signal });
    }
    latest = { version };
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
