/** Collects what the admin page shows, and serves it. Invariant: what it keeps is bounded, in time and in number. */
import type { ControllerSettings } from "../config.ts";
import type { Condition } from "../core/conditions.ts";
import type { TelemetryEvent, EmitTelemetry } from "../core/telemetry-event.ts";
import { createYieldIfLong } from "../core/tools/event-loop-yield.ts";
import { keyText } from "../core/resource.ts";
import { adminHeaders, adminPage, type AdminSample, type AdminView } from "../telemetry/admin-page.ts";
import { serve } from "../telemetry/server.ts";
import { readTcpStates } from "../telemetry/tcp-sockets.ts";
import type { ReconcileHistory } from "./reconcile-history.ts";
import type { Overview } from "./overview.ts";
import type { Replica } from "./replica.ts";
import { version } from "./version.ts";

const sampleMs = 2_000;
const keptSamples = 300;
const keptMs = sampleMs * keptSamples;
const keptObjects = 1_000;
const rows = 10;

interface Exchanged {
  readonly durationMs: number;
  readonly came: string;
  readonly atMs: number;
}
/** What took longest, of each object. */
interface Slowest {
  note(event: TelemetryEvent): void;
  top(): AdminView["slowest"];
}

/** Keeps, of at most 1,000 objects, the slowest exchange of each in the last ten minutes; `top` has the ten slowest. */
export function createSlowest(): Slowest {
  const objects = new Map<string, Exchanged>();
  const isOld = ({ atMs }: Exchanged): boolean => performance.now() - atMs > keptMs;
  return {
    note(event) {
      if (event.type !== "exchanged") return;
      const { namespace, name, method, durationMs, statusCode, reason = "" } = event;
      const object = keyText({ namespace, name });
      const known = objects.get(object);
      if (known && !isOld(known) && known.durationMs >= durationMs) return;
      objects.delete(object); // to the end: the first is the oldest
      objects.set(object, { durationMs, came: `${method} ${statusCode ?? reason}`, atMs: performance.now() });
      for (const [oldest, exchanged] of objects) {
        if (objects.size <= keptObjects && !isOld(exchanged)) break;
        objects.delete(oldest);
      }
    },
    top: () =>
      [...objects]
        .filter(([, exchanged]) => !isOld(exchanged))
        .toSorted(([, a], [, b]) => b.durationMs - a.durationMs)
        .slice(0, rows)
        .map(([object, { durationMs, came }]) => ({ object, durationMs, came })),
  };
}

interface AdminParts {
  readonly replica: Replica;
  readonly emit: EmitTelemetry;
  readonly slowest: Slowest;
  readonly history: Pick<ReconcileHistory, "latest">;
  readonly identity: string;
  /** Takes the values of Secrets out of a text. */
  readonly scrub: (text: string) => string;
}

/** Where the address is taken, that is told, and the controller does without. Undefined where it is off. */
export async function serveAdmin({ adminAddress }: ControllerSettings, parts: AdminParts): Promise<AsyncDisposable | undefined> {
  if (adminAddress === "") return undefined;
  await using resources = new AsyncDisposableStack();
  const samples: AdminSample[] = [];
  async function sample(): Promise<void> {
    samples.push(await takeSample(parts.replica));
    if (samples.length > keptSamples) samples.shift();
  }
  await sample();
  const timer = setInterval(() => void sample(), sampleMs).unref();
  resources.defer(() => clearInterval(timer));
  const page = async (object: string | undefined): Promise<string> => adminPage(await viewOf(parts, samples, object));
  const routes = {
    "/": async (query: URLSearchParams) => ({
      status: 200,
      contentType: "text/html; charset=utf-8",
      headers: adminHeaders,
      body: await page(query.get("object") ?? undefined),
    }),
  };
  try {
    const { port } = resources.use(await serve(adminAddress, routes, { flag: "--admin-address", isHost: isHost(adminAddress) }));
    parts.emit({ type: "note", level: "info", message: "serving the admin page", fields: { adminPort: port } });
  } catch (error) {
    parts.emit({ type: "note", level: "warn", message: "the admin page cannot be served", fields: { adminAddress }, error });
    return undefined;
  }
  return resources.move();
}

/** At a loopback address, the names of loopback only; elsewhere whatever it is known as. */
function isHost(adminAddress: string): (name: string) => boolean {
  const isLocal = (name: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(name);
  return isLocal(adminAddress.replace(/:\d+$/, "")) ? isLocal : () => true;
}

async function takeSample({ sockets, overview }: Replica): Promise<AdminSample> {
  const { depth, working } = overview.queue();
  const timeWait = (await readTcpStates()).get("time_wait") ?? 0;
  return { ...sockets.counts(), timeWait, due: depth, working: working.size };
}

async function viewOf(
  { replica, slowest, history, identity, scrub }: AdminParts,
  samples: readonly AdminSample[],
  object: string | undefined,
): Promise<AdminView> {
  const { clients, overview } = replica;
  const { depth, delayed, working } = overview.queue();
  const oldestMs = Math.max(0, ...[...working.values()].map((sinceMs) => performance.now() - sinceMs));
  const failing = await notReady(overview);
  return {
    version,
    identity,
    leads: replica.leads(),
    ...(replica.slots && { slots: replica.slots() }),
    uptimeSecs: process.uptime(),
    residentBytes: process.memoryUsage.rss(),
    samples,
    sampleSecs: sampleMs / 1000,
    queue: { due: depth, delayed, working: working.size, oldestSecs: oldestMs / 1000 },
    // A URL can come from a Secret as a whole.
    clients: clients.describe().map(({ origins, ...client }) => ({
      ...client,
      origins: origins.map((use) => ({ ...use, origin: scrub(use.origin) })),
    })),
    watches: replica.watches(),
    slowest: slowest.top(),
    reconciles: history.latest(object),
    ...(object !== undefined && { object }),
    failing: failing.slice(0, rows),
    more: Math.max(0, failing.length - rows),
  };
}

/** The newest first. With pauses. */
async function notReady(overview: Overview): Promise<AdminView["failing"]> {
  const found: AdminView["failing"][number][] = [];
  const breathe = createYieldIfLong();
  for (const { kind, resource } of overview.resources()) {
    await breathe();
    const { conditions = [] } = (resource.status ?? {}) as { conditions?: readonly Condition[] };
    const ready = conditions.find(({ type }) => type === "Ready");
    if (!ready || ready.status === "True") continue;
    const { reason, message, lastTransitionTime } = ready;
    const forSecs = Math.max(0, (Date.now() - Date.parse(lastTransitionTime)) / 1000);
    found.push({ object: `${kind} ${keyText(resource.metadata)}`, reason, message, forSecs });
  }
  return found.toSorted((a, b) => a.forSecs - b.forSecs);
}
