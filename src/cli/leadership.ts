/** Who leads, as the settings have it: the holder of a Lease, or this process in any case. */
import type { ControllerSettings } from "../config.ts";
import { digest } from "../core/tools/digest.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { createLeadership, type Leadership } from "../kubernetes/lease.ts";
import { followStoreVersion } from "../kubernetes/store-version.ts";
import { httpRequestType } from "../kinds/types.ts";

export interface LeadershipParts {
  readonly client: ApiClient;
  readonly emit: EmitTelemetry;
  readonly identity: string;
}

/**
 * Without `--leader-elect` one that leads from the start. A Lease is in the client's own namespace where no other is named, and
 * has a name for each label selector.
 */
export function leadershipFor(settings: ControllerSettings, parts: LeadershipParts): Leadership {
  if (!settings.leaderElect) return unconditional(settings, parts);
  return createLeadership(leaseSettings(settings, parts));
}

/** Of the one lease, or of another with `name`. */
export function leaseSettings(
  settings: ControllerSettings,
  parts: LeadershipParts,
  name: string = leaseNameFor(settings),
): Parameters<typeof createLeadership>[0] {
  return {
    ...parts,
    namespace: ownNamespace(settings, parts.client),
    name,
    leaseDurationMs: settings.leaseDuration,
    renewDeadlineMs: settings.renewDeadline,
    retryPeriodMs: settings.retryPeriod,
  };
}

/** Each shard has a leader of its own; and one that is tried from outside, as its kubeconfig says, does not stand by for an installation. */
export function leaseNameFor({ leaseName, watchLabelSelector: selector, kubeconfig }: ControllerSettings): string {
  const name = kubeconfig === undefined ? "holdfast" : "holdfast-try";
  return leaseName ?? (selector === undefined ? name : `${name}-${digest(selector).slice(0, 8)}`);
}

/**
 * What a lease would tell besides, that the API server has gone back, is asked for as often as one would be renewed. Then nothing more
 * begins, since the next process would begin it again.
 */
function unconditional(
  { namespace: [namespace], retryPeriod: pauseMs }: ControllerSettings,
  { client }: LeadershipParts,
): Leadership {
  let wentBack = false;
  return {
    term: () => (wentBack ? undefined : 1),
    ledSinceVersion: () => undefined,
    ledSinceMs: () => undefined,
    unbrokenSince: () => 1,
    async run({ ended }, elected) {
      elected();
      await followStoreVersion(client, { type: httpRequestType, namespace, pauseMs }, ended).catch((error: unknown) => {
        wentBack = true;
        throw error;
      });
    },
  };
}

/** Where what is Holdfast's own is kept. */
export function ownNamespace(
  { leaseNamespace }: Pick<ControllerSettings, "leaseNamespace">,
  client: Pick<LeadershipParts["client"], "namespace">,
): string {
  return leaseNamespace ?? client.namespace ?? "default";
}
