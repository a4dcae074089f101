/** `holdfast run`: does the main job without a cluster, with manifests from files and state in SQLite. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RunSettings } from "../config.ts";
import { doublingMs } from "../core/backoff.ts";
import type { TelemetryEvent, EmitTelemetry } from "../core/telemetry-event.ts";
import type { Controller } from "../engine/controller.ts";
import type { ResourceType } from "../core/resource.ts";
import { httpRequestType, httpResourceType } from "../kinds/types.ts";
import { areFollowable } from "../standalone/files.ts";
import { loadManifests, watchManifests, type LoadedManifests, type Manifests } from "../standalone/manifests.ts";
import { withEnds } from "../standalone/once.ts";
import { StateFileError } from "../standalone/state-database.ts";
import { createStandaloneStore, type StandaloneStore } from "../standalone/store.ts";
import { metricsRoutes, serve } from "../telemetry/server.ts";
import { ownMachine } from "./egress.ts";
import { createProgress, summaryText, type Progress, type Shown } from "./progress.ts";
import { neededAtEnd } from "./engine.ts";
import { createRuntime } from "./runtime.ts";
import { createShutdown } from "./shutdown.ts";
import { startTelemetry } from "./telemetry.ts";

/** Resolves with the exit code: 1 where the manifests are invalid or, with `--once`, something did not end as declared. */
export async function runStandalone(settings: RunSettings): Promise<number> {
  const startedMs = performance.now();
  const loaded = await loadManifests(settings.file);
  if (loaded.type === "invalid") {
    process.stderr.write(`${loaded.errors.join("\n")}\n`);
    return 1;
  }
  const manifests = settings.once ? withEnds(loaded.manifests) : loaded.manifests;
  const progress = createProgress(process.stdout);
  const around = process.stderr.isTTY ? progress.writeAbove : undefined;
  const { secrets, metrics, emit: tell, runInContext } = startTelemetry(settings, around);
  const counted = { requests: 0, sockets: 0 };
  const emit = (event: TelemetryEvent): void => {
    if (event.type === "exchanged") counted.requests += 1;
    if (event.type === "socketOpened") counted.sockets += 1;
    tell(event);
  };
  for (const ignored of manifests.ignored) emit({ type: "note", level: "warn", message: "ignored", fields: { at: ignored } });

  using shutdown = createShutdown(settings.shutdownTimeout);
  process.stdout.once("error", () => shutdown.begin()); // whoever looked on has gone
  await using resources = new AsyncDisposableStack();
  const store = resources.use(
    createStandaloneStore({ manifests, neededAtEnd, ...(settings.data !== undefined && { dataFile: settings.data }) }),
  );
  const { controller, clients } = resources.use(
    createRuntime(settings, {
      egress: ownMachine,
      store,
      digestKey: () => Promise.resolve(store.digestKey),
      emit,
      metrics,
      secrets,
      runInContext,
    }),
  );
  if (settings.metricsAddress !== undefined)
    resources.use(await serve(settings.metricsAddress, metricsRoutes(metrics.registry), { flag: "--metrics-address" }));

  const settled = (): void => {
    void whenQuiet(controller, shutdown.stop).then(() => progress.isSettled() && shutdown.begin());
  };
  const shown = show(store, progress, { signal: shutdown.stop, ...(settings.once && { settled }) });
  const followed = settings.once ? undefined : follow(settings.file, { store, emit, signal: shutdown.stop });
  await Promise.all([controller.run(shutdown.stop, shutdown.drain), shown, followed]);

  const failed = progress.failed();
  process.stdout.write(
    summaryText({
      ...counted,
      resources: progress.size,
      failed,
      clients: clients.size,
      durationMs: performance.now() - startedMs,
    }),
  );
  return settings.once && failed > 0 ? 1 : 0;
}

/**
 * Takes up changed files; while something in them is wrong, what was declared before stands. So it does, or a part of it, while the
 * state cannot be written: then it is tried again with the files as they are by then. A pipe, read again, would declare nothing.
 */
async function follow(
  paths: readonly string[],
  { store, emit, signal }: { store: StandaloneStore; emit: EmitTelemetry; signal: AbortSignal },
): Promise<void> {
  if (!(await areFollowable(paths)))
    return emit({ type: "note", level: "warn", message: "what is no file is read once: changes are not followed" });
  const pause = (failures: number): Promise<undefined> =>
    sleep(doublingMs(takeUpPauseMs, failures - 1), undefined, { signal }).catch(() => undefined); // aborted
  const looks = watchManifests(paths, signal);
  let look = looks.next();
  let untaken: Manifests | undefined;
  for (let failures = 0; !signal.aborted; failures += 1) {
    const change = await (untaken ? Promise.race([look, pause(failures)]) : look);
    if (change?.done) return;
    if (change) {
      look = looks.next();
      [untaken, failures] = [declaredBy(change.value, emit), 0];
    }
    if (untaken && takeUp(untaken, { store, emit })) untaken = undefined;
  }
}

function declaredBy(loaded: LoadedManifests, emit: EmitTelemetry): Manifests | undefined {
  if (loaded.type === "loaded") return loaded.manifests;
  const message = "a manifest is wrong; what was declared before stands";
  for (const error of loaded.errors) emit({ type: "note", level: "error", message, fields: { at: error } });
  return undefined;
}

/** Whether the state could be written. */
function takeUp(manifests: Manifests, { store, emit }: { store: StandaloneStore; emit: EmitTelemetry }): boolean {
  try {
    store.reload(manifests);
    return true;
  } catch (error) {
    if (!(error instanceof StateFileError)) throw error;
    emit({ type: "note", level: "error", message: "changed manifests are taken up once the state can be written", error });
    return false;
  }
}
const takeUpPauseMs = { initialMs: 1_000, maxMs: 30_000 };

/** Resolves when nothing is due: all has been looked at, and what waited for a request that has just ended has had its turn. */
async function whenQuiet(controller: Controller, signal: AbortSignal): Promise<void> {
  const { queue } = controller;
  const isBusy = (): boolean => controller.waitingFor().length > 0 || queue.depth + queue.working.size + queue.aside > 0;
  while (!signal.aborted && isBusy()) await sleep(5);
}

/** Follows the store as the controller does; `settled`, where somebody waits for it, is called when every request has come to its end. */
async function show(
  store: StandaloneStore,
  progress: Progress,
  { signal, settled }: { signal: AbortSignal; settled?: () => void },
): Promise<void> {
  const follow = async (type: ResourceType): Promise<void> => {
    for await (const event of store.watch(type, signal)) {
      switch (event.type) {
        case "listed":
          for (const resource of event.resources) progress.update(resource as Shown);
          break;
        case "applied":
          progress.update(event.resource as Shown);
          break;
        case "deleted":
          progress.remove(event.resource as Shown);
          break;
      }
      if (settled && progress.isSettled()) settled();
    }
  };
  await Promise.all([httpRequestType, httpResourceType].map(follow));
}
