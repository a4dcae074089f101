/** An engine over a store: it watches, decides and has sent what is sent for the store's objects, or for those of one slot. */
import { randomUUID } from "node:crypto";
import type { SendSettings } from "../send-settings.ts";
import type { Reference, Resource, ResourceType } from "../core/resource.ts";
import type { Kind } from "../core/plan.ts";
import { createController, type Controller, type ControllerOptions } from "../engine/controller.ts";
import { createLiveness, type Liveness } from "../engine/liveness.ts";
import type { HTTPRequester } from "../http/requester.ts";
import type { SecretRegistry } from "../telemetry/secret-registry.ts";
import type { EgressPolicies } from "../kinds/egress/policies.ts";
import { egressPolicyKind } from "../kinds/egress/policy.ts";
import { clusterHTTPEndpointKind, httpEndpointKind } from "../kinds/http-endpoint.ts";
import { httpRequestKind } from "../kinds/http-request/plan.ts";
import { httpResourceKind } from "../kinds/http-resource/plan.ts";
import { namespaceKind } from "../kinds/namespace.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { noteSecrets } from "./note-secrets.ts";
import { createSecondLeaderAlarm } from "./second-leader.ts";

/** A plan is only ever given resources of its own kind. */
const ownKinds = [httpRequestKind, httpResourceKind, httpEndpointKind, clusterHTTPEndpointKind] as unknown as readonly Kind[];
const endpointKinds: readonly string[] = [httpEndpointKind, clusterHTTPEndpointKind].map(({ type }) => type.kind);
const clusterKinds = [egressPolicyKind] as unknown as readonly Kind[];
export const kindNames: readonly string[] = [...ownKinds, ...clusterKinds].map(({ type }) => type.kind);

/** What the end of an object of ours needs of Secrets and ConfigMaps. */
export function neededAtEnd(
  { kind }: ResourceType,
  object: Resource,
  find: (reference: Reference) => Resource | undefined,
): readonly Reference[] {
  const own = ownKinds.find(({ type }) => type.kind === kind);
  return own?.neededAtEnd?.(object, own.references(object).map(find)) ?? [];
}

export interface Engine {
  readonly controller: Controller;
  readonly liveness: Liveness;
  readonly leads: () => boolean;
}
export interface EngineParts extends Pick<
  ControllerOptions,
  | "store"
  | "emit"
  | "term"
  | "ledSinceVersion"
  | "unbrokenSince"
  | "announce"
  | "requireServiceAccount"
  | "resumes"
  | "owns"
  | "slots"
  | "isPartial"
  | "seesOnly"
  | "mirrorsIDs"
  | "runInContext"
  | "journal"
  | "turnOf"
  | "placeOf"
> {
  /** Told of each change of an object, too. */
  readonly observe?: ControllerOptions["observe"] | undefined;
  readonly metrics: Metrics;
  /** Since when this process leads, Unix milliseconds; undefined, or not given: it does not, or nobody else can. */
  readonly ledSinceMs?: () => number | undefined;
  /** Takes each value of a Secret that is used. */
  readonly secrets: SecretRegistry;
  /** Whether policies and Namespaces are watched. */
  readonly watchesPolicies: boolean;
  /** Is told of what is watched of them. */
  readonly policies: EgressPolicies;
  readonly requester: HTTPRequester;
}

/** Beyond the limit on a reconcile, before its worker counts as stuck. */
const graceMs = 60_000;

/** Neither watches nor works before its controller is run. */
export function createEngine(settings: SendSettings, { metrics, secrets, policies, requester, ...given }: EngineParts): Engine {
  const { store, emit, term = () => 1 } = given;
  const leads = (): boolean => term() !== undefined;
  const instanceId = randomUUID();
  const noteSender = createSecondLeaderAlarm({ instanceId, ledSinceMs: given.ledSinceMs ?? (() => undefined), emit });
  const controller = createController({
    ...given,
    kinds: [...ownKinds, ...(given.watchesPolicies ? [...clusterKinds, namespaceKind] : [])],
    store: noteSecrets(store, secrets),
    requester,
    concurrency: settings.concurrency,
    reconcileTimeoutMs: settings.reconcileTimeout,
    instanceId,
    observe: (kind, key, after) => {
      noteSender(kind, key, after);
      policies.observe(kind, key.name, after);
      given.observe?.(kind, key, after);
      if (!after && endpointKinds.includes(kind)) requester.forgetEndpoint(key);
    },
    queueObserver: {
      onAdd: () => metrics.queueAdds.inc({ name: "holdfast" }),
      onTake: (waitedSecs) => {
        liveness.took();
        metrics.queueWait.observe({ name: "holdfast" }, waitedSecs);
      },
    },
  });
  const liveness = createLiveness({
    queue: controller.queue,
    isWorking: () => leads() && controller.waitingFor().length === 0,
    limitMs: settings.reconcileTimeout + graceMs,
  });
  return { controller, liveness, leads };
}
