/** What `controller` and `run` share: what sends, and an engine over one store, put together. */
import type { SendSettings } from "../send-settings.ts";
import { createEgressPolicies } from "../kinds/egress/policies.ts";
import { createEngine, type Engine, type EngineParts } from "./engine.ts";
import { observe } from "./overview.ts";
import { createSending, type EgressSettings, type Sending, type SendingParts } from "./sending.ts";

export interface Runtime extends Engine, Pick<Sending, "clients" | "sockets" | "evaluator">, AsyncDisposable {}

type RuntimeParts = Omit<EngineParts, "policies" | "requester" | "watchesPolicies"> &
  Pick<SendingParts, "digestKey"> & { readonly egress: EgressSettings };

/** All that stands between a store and the network; disposing it ends all of it. */
export function createRuntime(settings: SendSettings, { egress, digestKey, ...given }: RuntimeParts): Runtime {
  const policies = createEgressPolicies(egress);
  const { store, emit, secrets } = given;
  const rulesFor = policies.rulesFor.bind(policies);
  const sending = createSending(settings, { store, emit, secrets, egress, digestKey, rulesFor });
  const { requester, clients, sockets, evaluator } = sending;
  const engine = createEngine(settings, { ...given, policies, requester, watchesPolicies: egress.watches });
  observe(given.metrics, sending, {
    engines: () => [engine],
    leads: () => new Map([["holdfast", engine.leads()]]),
    slots: () => new Map(),
  });
  return { ...engine, clients, sockets, evaluator, [Symbol.asyncDispose]: () => sending[Symbol.asyncDispose]() };
}
