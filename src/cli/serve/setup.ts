/** Serving the peer's kinds, as the settings have it: off by default. */
import type { ControllerSettings } from "../../config.ts";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";
import type { ResourceStore } from "../../core/ports.ts";
import type { ApiClient } from "../../kubernetes/api-client.ts";
import { grantOf } from "../../kubernetes/impersonation.ts";
import { createInjectionStore } from "../../kubernetes/injections.ts";
import type { KubernetesStore } from "../../kubernetes/store.ts";
import { createRegistry, type Registry } from "../../serve/registry.ts";
import { createShownAnswers } from "../../serve/shown-answers.ts";
import { createServedStore } from "../../serve/served-store.ts";
import { ownNamespace } from "../leadership.ts";
import { version } from "../version.ts";
import { exclusionFor } from "./exclusion.ts";
import { createStranded } from "./stranded.ts";
import { createWrites } from "./writes.ts";
import { createServing, type Serving, type ServingSignals, type Works } from "./serving.ts";

interface ServeParts {
  readonly client: ApiClient;
  readonly store: KubernetesStore;
  /** Of the kinds that are served: what is wrong with its watches holds up nobody else. */
  readonly peers: KubernetesStore;
  readonly emit: EmitTelemetry;
  readonly identity: string;
  /** Of Holdfast itself. */
  readonly leads: () => boolean;
}
export interface Serve {
  readonly turnOf: Registry["turnOf"];
  readonly placeOf?: Registry["placeOf"];
  readonly observe: Serving["observe"];
  readonly store: ResourceStore;
  /** A term of leadership has begun. */
  readonly queueAll: () => void;
  run(works: Works, signals: ServingSignals): Promise<void>;
}

/** Where it is off, what was served before stays as it is: shadows are inert. */
export function serveFor(settings: ControllerSettings, parts: ServeParts): Serve {
  const { serveProviderHttp: mode } = settings;
  const { client, store, peers, emit, leads } = parts;
  const exclusion = mode === "off" ? undefined : exclusionFor(settings, parts);
  const mayServe = (): boolean => exclusion !== undefined && leads() && exclusion.holds();
  const registry = createRegistry(mayServe);
  const isIdle = (): boolean => leads() && !mayServe();
  const stranded = createStranded(createWrites(client, isIdle), { isIdle, emit, servesLater: mode !== "off" });
  if (mode === "off" || !exclusion)
    return {
      turnOf: registry.turnOf,
      observe: stranded.observe,
      store,
      queueAll: () => {},
      run: (_, { stop }) => stranded.run(stop),
    };
  const serve = {
    mode,
    namespace: settings.serveNamespace ?? ownNamespace(settings, client),
    secretNamespaces: settings.serveSecretNamespace,
    version,
  };
  const denial = (namespace: string): ReturnType<typeof grantOf> => grantOf(namespace, settings.outputGrant);
  const injections = createInjectionStore({ client, random: Math.random, denial });
  const answers = createShownAnswers((servedAs) => serving.look(servedAs));
  const serving = createServing({ settings: { ...settings, serve }, client, store: peers, registry, answers, emit, mayServe });
  /** Whatever was made sure of, others may have changed since. */
  function lookAnew(): void {
    registry.closeAll();
    serving.queueAll();
  }
  return {
    turnOf: registry.turnOf,
    placeOf: registry.placeOf,
    observe(kind, key, after) {
      stranded.observe(kind, key, after);
      serving.observe(kind, key, after);
    },
    store: createServedStore(store, registry, { injections, answers }),
    queueAll: lookAnew,
    async run(works, signals) {
      const { stop } = signals;
      const { queue, unrecorded } = works.controller;
      // Nothing is begun by one that does not lead. What has been answered and cannot be recorded may take for ever, and is no
      // request under way.
      const isBusy = (): boolean => queue.working.size + queue.aside > unrecorded.failing().count;
      const ended = new AbortController();
      const working = serving.run(works, signals).finally(() => ended.abort());
      await Promise.all([working, stranded.run(stop), exclusion.run({ stop, ended: ended.signal }, lookAnew, isBusy)]);
    },
  };
}
