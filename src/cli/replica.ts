/** A process of the controller as one of its replicas: it works for the whole, or for slots of it. */
import type { ControllerSettings } from "../config.ts";
import { endpointOfSlot, slotOf } from "../core/slots.ts";
import { createEgressPolicies } from "../kinds/egress/policies.ts";
import { createKubernetesStore, type KubernetesStore, type KubernetesStoreSettings } from "../kubernetes/store.ts";
import { createEngine, type Engine, type EngineParts } from "./engine.ts";
import { leadershipFor, type LeadershipParts } from "./leadership.ts";
import { observe, overviewOf, slotSource, type Overview } from "./overview.ts";
import type { AdminView } from "../telemetry/admin-page.ts";
import type { SlotSource } from "../telemetry/engine-metrics.ts";
import { createRuntime } from "./runtime.ts";
import { createSending, type EgressSettings, type Sending, type SendingParts } from "./sending.ts";
import type { Shutdown } from "./shutdown.ts";
import { serveFor } from "./serve/setup.ts";
import { createSlotPolicies } from "./slot-policies.ts";
import { createSlots } from "./slots.ts";
import { work } from "./work.ts";

export interface Replica extends Pick<Sending, "clients" | "sockets">, AsyncDisposable {
  /** Until it is told to stop. Rejects with StoreWentBackError, and for mistakes of ours. */
  run(shutdown: Shutdown): Promise<void>;
  /** What keeps it from its work, as sentences. */
  readonly notReady: () => readonly string[];
  /** What is wrong with it, as sentences. */
  readonly notLive: () => readonly string[];
  readonly watches: KubernetesStore["readiness"];
  readonly leads: () => boolean;
  readonly overview: Overview;
  /** Absent: the work is not divided. */
  readonly slots?: () => NonNullable<AdminView["slots"]>;
}
interface ReplicaParts extends LeadershipParts {
  readonly storeSettings: KubernetesStoreSettings;
  readonly given: Omit<EngineParts, "store" | "policies" | "requester" | "watchesPolicies"> &
    Pick<SendingParts, "digestKey"> & { readonly egress: EgressSettings };
}

export function wholeReplica(settings: ControllerSettings, { storeSettings, given, ...parts }: ReplicaParts): Replica {
  const leadership = leadershipFor(settings, parts);
  const store = createKubernetesStore(storeSettings);
  const { term, ledSinceVersion, ledSinceMs, unbrokenSince } = leadership;
  const leads = (): boolean => term() !== undefined;
  const peers = createKubernetesStore({ ...storeSettings, optionalKinds: ["ClusterProviderConfig"] });
  const serve = serveFor(settings, { ...parts, store, peers, leads });
  const { turnOf, placeOf, observe: observeShadow } = serve;
  const terms = { term, ledSinceVersion, ledSinceMs, unbrokenSince };
  const runtime = createRuntime(settings, { ...given, ...terms, store: serve.store, turnOf, placeOf, observe: observeShadow });
  const { controller } = runtime;
  const served = {
    warm: controller.warm,
    queueAll() {
      serve.queueAll(); // first, since nothing of it may act before it has been looked at
      controller.queueAll();
    },
  };
  return {
    async run(shutdown) {
      const acted = new AbortController();
      const serving = serve.run(runtime, { ...shutdown, acted: acted.signal });
      /** What came of what was under way is told to those that it was done for before another may lead. */
      async function runBoth(stop: AbortSignal, drain: AbortSignal): Promise<void> {
        await controller.run(stop, drain).finally(() => acted.abort());
        await serving;
      }
      await Promise.all([work({ ...served, run: runBoth }, leadership, { ...shutdown, fail: () => shutdown.begin() }), serving]);
    },
    notReady: () => findNotReady(runtime, store),
    notLive: runtime.liveness.failing,
    watches: () => [...store.readiness(), ...peers.readiness()],
    leads,
    overview: overviewOf(() => [runtime]),
    clients: runtime.clients,
    sockets: runtime.sockets,
    [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
  };
}

/** Its slots share what sends, with all that is limited there; each has its own watches, and what it knows of policies by them. */
export function slottedReplica(settings: ControllerSettings, { storeSettings, given, ...parts }: ReplicaParts): Replica {
  const { egress, digestKey, emit, metrics, secrets } = given;
  const count = settings.slots;
  const slotIndexes = Array.from({ length: count }, (_, index) => index);
  const nameOf = (index: number): string => `slot-${index}-of-${count}`;
  const leads = (engine: Engine | undefined): boolean => engine?.leads() ?? false;
  const policies = createSlotPolicies(
    (namespace) => slotOf(namespace, count),
    (index) => slots.engines.get(index)?.controller.waitingFor().length === 0,
  );
  const store = createKubernetesStore(storeSettings);
  // Nothing is served in slots, and what was served before is let be.
  const serve = serveFor(
    { ...settings, serveProviderHttp: "off" },
    { ...parts, store, peers: store, leads: () => engines().some(leads) },
  );
  const sending = createSending(settings, {
    store,
    emit,
    secrets,
    egress,
    digestKey,
    limitsFor: (endpoint, namespace) => endpointOfSlot(endpoint, { index: slotOf(namespace, count), count }),
    rulesFor: policies.rulesFor,
  });
  const slots = createSlots(settings, {
    ...parts,
    engineFor(slot, terms) {
      const own = createEgressPolicies(egress);
      policies.begin(slot.index, own);
      const store = createKubernetesStore({ ...storeSettings, slot });
      const owns = (namespace: string): boolean => slotOf(namespace, count) === slot.index;
      const { requester } = sending;
      const engine = createEngine(settings, {
        ...given,
        ...terms,
        store,
        policies: own,
        requester,
        watchesPolicies: egress.watches,
        owns,
        slots: count,
        turnOf: serve.turnOf,
        observe: serve.observe,
      });
      return { ...engine, store };
    },
  });
  const engines = (): readonly (Engine & { store: Pick<KubernetesStore, "readiness"> })[] => [...slots.engines.values()];
  observe(metrics, sending, {
    engines,
    leads: () => new Map(slots.areAtWork() ? slotIndexes.map((index) => [nameOf(index), leads(slots.engines.get(index))]) : []),
    slots: () => sources(slots.engines),
    slotOf: (namespace) => slotOf(namespace, count),
  });
  return {
    async run(shutdown) {
      await Promise.all([
        slots.run(shutdown),
        serve.run({ ...sending, controller: nobody }, { ...shutdown, acted: shutdown.stop }),
      ]);
    },
    notReady: () => [
      ...[slots.problem()].filter((problem) => problem !== undefined),
      ...[...slots.engines].flatMap(([index, { store, ...engine }]) =>
        findNotReady(engine, store).map((text) => `slot ${index}: ${text}`),
      ),
    ],
    notLive: () => engines().flatMap(({ liveness }) => liveness.failing()),
    watches: () => engines().flatMap(({ store }) => store.readiness()),
    leads: () => engines().some(leads),
    overview: overviewOf(engines),
    slots: () =>
      [...slots.engines]
        .toSorted(([a], [b]) => a - b)
        .map(([index, engine]) => ({ name: nameOf(index), leads: engine.leads(), ...slotSource(engine) })),
    clients: sending.clients,
    sockets: sending.sockets,
    [Symbol.asyncDispose]: () => sending[Symbol.asyncDispose](),
  };
}

/** Of a process that serves nothing. */
const nobody = {
  warm: Promise.resolve(),
  look: (): void => {},
  learn: (): void => {},
  queue: { working: new Map<string, number>(), aside: 0 },
  unrecorded: { failing: () => ({ count: 0, oldestSecs: 0 }) },
};

function sources(engines: ReadonlyMap<number, Engine>): ReadonlyMap<number, SlotSource> {
  return new Map([...engines].filter(([, { leads }]) => leads()).map(([index, engine]) => [index, slotSource(engine)]));
}

function findNotReady({ controller }: Pick<Engine, "controller">, store: Pick<KubernetesStore, "readiness">): readonly string[] {
  const watches = store.readiness().filter(({ ready }) => !ready);
  const unwritable = controller.unrecorded.problem();
  return [
    ...watches.map(({ text }) => text),
    ...(watches.length > 0 ? [] : controller.waitingFor().map((kind) => `${kind} has not been listed yet`)),
    ...(unwritable === undefined ? [] : [unwritable]),
  ];
}
