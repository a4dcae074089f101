/** Which settings of a controller do not go together. */
import type { ControllerSettings } from "../config.ts";
import { timesProblem } from "../kubernetes/lease-state.ts";

/** A sentence; undefined: they do. */
export function controllerProblem(settings: ControllerSettings): string | undefined {
  return electionProblem(settings) ?? serveProblem(settings);
}

/** What is wrong with the settings of serving together, as a sentence. */
function serveProblem(settings: ControllerSettings): string | undefined {
  const { serveProviderHttp: mode, providerHttpLease: lease, watchLabelSelector, slots, requireServiceAccount } = settings;
  if (mode === "off") return undefined;
  if (watchLabelSelector !== undefined || slots > 1)
    return `--serve-provider-http and ${slots > 1 ? "--slots above 1" : "--watch-label-selector"} do not go together: objects of the cluster are nobody's part`;
  if (requireServiceAccount)
    return "--serve-provider-http and --require-service-account do not go together: no served object names a ServiceAccount";
  if (mode === "all" && lease === undefined)
    return "--serve-provider-http all needs --provider-http-lease: NAMESPACE/NAME, or none where provider-http is gone";
  return undefined;
}

/** What is wrong with how processes share the work, as a sentence. */
function electionProblem({ leaderElect, slots, ...settings }: ControllerSettings): string | undefined {
  const { leaseDuration: leaseDurationMs, renewDeadline: renewDeadlineMs, retryPeriod: retryPeriodMs } = settings;
  if (slots > 1 && !leaderElect) return "--slots above 1 needs --leader-elect: each slot has a lease";
  return timesProblem({ leaseDurationMs, renewDeadlineMs, retryPeriodMs });
}
