/** Small servers that behave as real ones do, with the manifests that a user writes for them, all looked after by one Holdfast. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { stringify } from "yaml";
import { ownMachine } from "../../src/cli/egress.ts";
import { kindNames, neededAtEnd } from "../../src/cli/engine.ts";
import { createRuntime } from "../../src/cli/runtime.ts";
import { runSettings, type RunSettings } from "../../src/config.ts";
import { httpRequestType, httpResourceType } from "../../src/kinds/types.ts";
import type { Condition } from "../../src/core/conditions.ts";
import type { Resource } from "../../src/core/resource.ts";
import { createStandaloneStore, type StandaloneStore } from "../../src/standalone/store.ts";
import { readState } from "../../src/standalone/state-reader.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createSecretRegistry } from "../../src/telemetry/secret-registry.ts";
import { mustLoad, temporaryFolder } from "./standalone-store.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** As JSON; undefined where it is none. */
  readonly body: Record<string, unknown>;
}
export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: unknown;
  /** The connection breaks: before the answer, or within its content. */
  readonly breaks?: "before" | "within";
}
/** `seconds`: how long a server has been there. Undefined is a 404. */
export type Serve = (request: Asked, seconds: number) => Answer | undefined;

/** A spec as it is written, with `$URL` in place of the server's. */
type Manifests = Readonly<Record<string, object>>;

export interface RemoteCase {
  readonly name: string;
  /** A new server each time. */
  readonly server: () => Serve;
  /** By `Kind/name`; a Secret's or ConfigMap's is its data. */
  readonly manifests: Manifests;
  /** What is declared after `firstMs`; absent: the same. */
  readonly after?: Manifests;
  /** What is declared at last; absent: the same still. */
  readonly end?: Manifests;
  /** Whether all has come about that is to come before it is declared anew, or at last; absent: whatever comes in the time for it. */
  readonly isDue?: (stage: 1 | 2, seen: Seen) => boolean;
  readonly check: (seen: Seen) => void;
}
export interface Seen {
  /** `METHOD path` of each request, and its answer's status. */
  readonly requests: readonly string[];
  /** Those of one method. */
  readonly sent: (method: string) => readonly string[];
  /** Bodies of those. */
  readonly bodies: (method: string) => readonly string[];
  readonly status: (name: string) => Record<string, unknown> & { readonly conditions?: readonly Condition[] };
  /** `Ready`'s status and reason, and what else is true. */
  readonly state: (name: string) => string;
  /** The same, before what is declared at last was. */
  readonly stateBefore: (name: string) => string;
  readonly message: (name: string) => string;
  readonly isThere: (name: string) => boolean;
  /** The bytes of an output's keys. */
  readonly output: (name: string) => Readonly<Record<string, Buffer>>;
}

export const firstMs = 8_000;
export const thenMs = 8_000;
/** For how much longer what is not yet as it should be is waited for. */
export const longestMoreMs = 30_000;

interface Running extends AsyncDisposable {
  readonly url: string;
  readonly log: { readonly line: string; readonly method: string; readonly body: string }[];
}

async function start(server: Serve): Promise<Running> {
  const log: Running["log"] = [];
  const startedMs = performance.now();
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const { method = "", url = "", headers } = request;
      const { pathname, searchParams } = new URL(url, "http://x");
      const asked = { method, path: pathname, query: searchParams, headers, text, body: json(text) };
      const {
        status = 200,
        headers: fields = {},
        body,
        breaks,
      } = server(asked, (performance.now() - startedMs) / 1000) ?? { status: 404 };
      log.push({ line: `${method} ${url} ${breaks ? "-" : status}`, method, body: text });
      if (breaks === "before") return void request.socket.destroy();
      const isBytes = Buffer.isBuffer(body) || typeof body === "string";
      const type = body === undefined || isBytes ? {} : { "content-type": "application/json" };
      response.writeHead(status, { ...type, ...fields });
      if (breaks === "within") return void response.write('{"id', () => request.socket.destroy());
      response.end(body === undefined ? undefined : isBytes ? body : JSON.stringify(body));
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    log,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
}
function json(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function settings(file: string): RunSettings {
  const command = new Command();
  for (const option of runSettings) command.addOption(option);
  return command.parse(["-f", file], { from: "user" }).opts<RunSettings>();
}

/** Each case in a namespace of its own. */
function manifestsText(cases: readonly RemoteCase[], stage: 0 | 1 | 2): string {
  const objects = cases.flatMap((one, index) =>
    Object.entries(declaredAt(one, stage)).map(([title, content]) => {
      const [kind = "", name = ""] = title.split("/");
      const metadata = { name, namespace: `case-${index}` };
      if (kind === "Secret") return { apiVersion: "v1", kind, metadata, stringData: content };
      if (kind === "ConfigMap") return { apiVersion: "v1", kind, metadata, data: content };
      const { metadata: own, ...spec } = content as { readonly metadata?: object };
      return { apiVersion: "holdfast.dev/v1alpha1", kind, metadata: { ...metadata, ...own }, spec };
    }),
  );
  return objects.map((object) => stringify(object, { version: "1.1" })).join("---\n");
}

function declaredAt({ manifests, after = manifests, end = after }: RemoteCase, stage: 0 | 1 | 2): Manifests {
  return [manifests, after, end][stage] ?? end;
}

/** Runs all of them side by side, changes what is declared, and says of each what its server and Holdfast have seen. */
export async function runCases(cases: readonly RemoteCase[]): Promise<ReadonlyMap<string, Seen>> {
  await using folder = await temporaryFolder();
  await using servers = new AsyncDisposableStack();
  const running: { readonly one: RemoteCase; readonly url: string; readonly log: Running["log"] }[] = [];
  for (const one of cases) {
    const server = servers.use(await start(one.server()));
    running.push({ one, url: server.url, log: server.log });
  }
  const declared = running.map(({ one, url }) => placed(one, url));
  const file = await folder.write("all.yaml", manifestsText(declared, 0));
  const stop = new AbortController();
  const metrics = createMetrics({ kinds: kindNames, concurrency: 20 });
  const seen = new Map<string, Resource>();
  await using resources = new AsyncDisposableStack();
  const dataFile = join(folder.path, "state");
  const store = resources.use(createStandaloneStore({ manifests: await mustLoad([file]), neededAtEnd, dataFile }));
  const runtime = resources.use(
    createRuntime(settings(file), {
      egress: ownMachine,
      store,
      digestKey: () => Promise.resolve(store.digestKey),
      emit: () => {},
      metrics,
      secrets: createSecretRegistry(),
    }),
  );
  const follows = [httpResourceType, httpRequestType].map((type) => follow(store, type, { seen, signal: stop.signal }));
  const run = runtime.controller.run(stop.signal, stop.signal);
  // A busy machine starts late: the time of the first part begins when everything has been looked at once.
  const declaredCount = declared
    .flatMap(({ manifests }) => Object.keys(manifests))
    .filter((title) => title.startsWith("HTTPRe")).length;
  const isBegun = (): boolean =>
    [...seen.values()].filter(({ status = {} }) => "attempt" in status || isLookedAt(status)).length >= declaredCount;
  for (const endMs = performance.now() + 60_000; !isBegun() && performance.now() < endMs;) await sleep(50);
  await sleep(firstMs);
  let before = seen;
  async function declare(stage: 1 | 2): Promise<void> {
    const isLate = ({ one, log }: (typeof running)[number], index: number): boolean =>
      one.isDue?.(stage, seenNow(log, `case-${index}`)) === false;
    for (const endMs = performance.now() + longestMoreMs; running.some(isLate) && performance.now() < endMs;) await sleep(250);
    before = new Map(seen);
    await folder.write("all.yaml", manifestsText(declared, stage));
    store.reload(await mustLoad([file]));
    await sleep(thenMs);
  }
  await declare(1);
  before = new Map(seen);
  if (cases.some(({ end }) => end)) await declare(2);
  /** As it is now, which does not change any more. */
  function seenNow(sent: Running["log"], namespace: string): Seen {
    const [log, now] = [[...sent], new Map(seen)];
    const { outputs } = readState(dataFile);
    return {
      ...seenBy(log, (name) => now.get(`${namespace}/${name}`)),
      stateBefore: seenBy(log, (name) => before.get(`${namespace}/${name}`)).state,
      output(name) {
        const { data = {} } = outputs.find((one) => one.namespace === namespace && one.name === name) ?? {};
        return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, "base64")]));
      },
    };
  }
  // On a busy machine some come later to where they should.
  const all = new Map<string, Seen>();
  const endMs = performance.now() + longestMoreMs;
  for (; running.some(({ one }) => !all.has(one.name)); await sleep(250))
    for (const [index, { one, log }] of running.entries()) {
      if (all.has(one.name)) continue;
      const now = seenNow(log, `case-${index}`);
      if (performance.now() > endMs || holds(one, now)) all.set(one.name, now);
    }
  stop.abort();
  await Promise.all([run, ...follows]);
  return all;
}

function holds({ check }: RemoteCase, seen: Seen): boolean {
  try {
    check(seen);
    return true;
  } catch {
    return false;
  }
}

/** What only waits for another is not. */
function isLookedAt(status: object): boolean {
  const { conditions = [] } = status as { readonly conditions?: readonly Condition[] };
  return conditions.some(({ type, reason }) => type === "Ready" && !/^Dependency|NotFound$/.test(reason));
}

/** With the server's own URL in it. */
function placed(one: RemoteCase, url: string): RemoteCase {
  const put = (manifests: Manifests): Manifests => JSON.parse(JSON.stringify(manifests).replaceAll("$URL", url)) as Manifests;
  const { manifests, after, end } = one;
  return { ...one, manifests: put(manifests), ...(after && { after: put(after) }), ...(end && { end: put(end) }) };
}

async function follow(
  store: StandaloneStore,
  type: typeof httpResourceType,
  { seen, signal }: { readonly seen: Map<string, Resource>; readonly signal: AbortSignal },
): Promise<void> {
  const keyOf = ({ metadata }: Resource): string => `${metadata.namespace}/${metadata.name}`;
  for await (const event of store.watch(type, signal)) {
    if (event.type === "listed") for (const resource of event.resources) seen.set(keyOf(resource), resource);
    else if (event.type === "applied") seen.set(keyOf(event.resource), event.resource);
    else seen.delete(keyOf(event.resource));
  }
}

function seenBy(log: Running["log"], find: (name: string) => Resource | undefined): Omit<Seen, "output" | "stateBefore"> {
  const status = (name: string): ReturnType<Seen["status"]> => (find(name)?.status ?? {}) as ReturnType<Seen["status"]>;
  const condition = (name: string, type: string): Condition | undefined =>
    status(name).conditions?.find((one) => one.type === type);
  return {
    requests: log.map(({ line }) => line),
    sent: (method) => log.flatMap((one) => (one.method === method ? [one.line] : [])),
    bodies: (method) => log.flatMap((one) => (one.method === method ? [one.body] : [])),
    status,
    state(name) {
      const ready = condition(name, "Ready");
      const more = ["Reconciling", "Stalled", "Contested"].filter((type) => condition(name, type)?.status === "True");
      return [`${ready?.status}/${ready?.reason}`, ...more].join(" ");
    },
    message: (name) => condition(name, "Ready")?.message ?? "",
    isThere: (name) => find(name) !== undefined,
  };
}
