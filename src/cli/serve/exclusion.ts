/**
 * That nobody else serves: by holding provider-http's own lease, for which it stands by then.
 *
 * Invariant: it is competed for by the process that leads Holdfast and by no other, and let go when that leads no more; but not
 * while a request of it may be under way, which whoever serves next knows nothing of. None is for longer than a reconcile may take,
 * whatever still counts as work.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ControllerSettings } from "../../config.ts";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";
import type { ApiClient } from "../../kubernetes/api-client.ts";
import { createLeadership, type Leadership } from "../../kubernetes/lease.ts";

export interface Exclusion {
  /** At this instant. */
  readonly holds: () => boolean;
  /**
   * Until `stop` aborts; what is held is let go when `ended` does. `began` is called each time that it has come to hold. `isBusy`:
   * whether something that was begun is still under way.
   */
  run(
    signals: { readonly stop: AbortSignal; readonly ended: AbortSignal },
    began: () => void,
    isBusy: () => boolean,
  ): Promise<void>;
}
interface ExclusionParts {
  readonly client: ApiClient;
  readonly emit: EmitTelemetry;
  readonly identity: string;
  readonly leads: () => boolean;
}

/** Where objects are chosen one by one their pause keeps the provider from them; and where there is none, an admin has said so. */
export function exclusionFor(settings: ControllerSettings, parts: ExclusionParts): Exclusion {
  const { serveProviderHttp: mode, providerHttpLease: lease = "none" } = settings;
  if (mode === "annotated" || lease === "none")
    return {
      holds: () => true,
      async run(_, began) {
        began();
      },
    };
  const [namespace = "", name = ""] = lease.split("/");
  const {
    leaseDuration: leaseDurationMs,
    renewDeadline: renewDeadlineMs,
    retryPeriod: retryPeriodMs,
    reconcileTimeout,
  } = settings;
  const { client, emit, identity, leads } = parts;
  let current: Leadership | undefined;

  /** For as long as this process leads. */
  async function hold(
    { stop, ended }: { readonly stop: AbortSignal; readonly ended: AbortSignal },
    began: () => void,
    isBusy: () => boolean,
  ): Promise<void> {
    const leaving = new AbortController();
    const leadership = createLeadership({
      client,
      emit,
      identity,
      namespace,
      name,
      leaseDurationMs,
      renewDeadlineMs,
      retryPeriodMs,
    });
    current = leadership;
    const signals = { stop: AbortSignal.any([stop, leaving.signal]), ended: AbortSignal.any([ended, leaving.signal]) };
    const holding = leadership.run(signals, began).finally(() => leaving.abort());
    // Since it is known: what was begun a moment before may take as long as any.
    let leftMs: number | undefined;
    function isNeeded(): boolean {
      if (leads()) leftMs = undefined;
      else leftMs ??= performance.now();
      return leftMs === undefined || (isBusy() && performance.now() - leftMs < reconcileTimeout);
    }
    while (!stop.aborted && !leaving.signal.aborted && isNeeded())
      await pause(retryPeriodMs, AbortSignal.any([stop, leaving.signal]));
    if (!stop.aborted) leaving.abort();
    await holding;
    current = undefined;
  }
  return {
    holds: () => current?.term() !== undefined,
    async run(signals, began, isBusy) {
      while (!signals.stop.aborted) {
        if (leads()) await hold(signals, began, isBusy);
        else await pause(retryPeriodMs, signals.stop);
      }
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined); // told to stop: the loop sees it
}
