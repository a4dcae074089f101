/**
 * Objects of every kind, round after round, each lived through to its end: declared, changed, held against what the origin saw
 * of it and what docs/delivery.md says, and deleted.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlaneClient } from "./control-plane-client.ts";
import { stateOf, type DeclaredRequest } from "./declared-requests.ts";
import type { FaultOrigin, OriginRequest, Reply } from "./fault-origin.ts";

export interface MixedLoad {
  /** How the origin answers while nothing is wrong with it. It has acted by then. */
  readonly reply: (request: OriginRequest) => Reply;
  /** Declares one of each kind, changes those of the round before, and sees the oldest to their ends. */
  round(): Promise<void>;
  /** Sees all to their ends. */
  finish(): Promise<void>;
  /** What was not as it is to be. */
  readonly wrong: readonly string[];
  /** How many objects ended how, by kind and state. */
  readonly ends: ReadonlyMap<string, number>;
}
interface MixedLoadOptions {
  readonly plane: ControlPlaneClient;
  readonly namespace: string;
  readonly origin: FaultOrigin;
  /** How many rounds live at the same time. */
  readonly rounds?: number;
  /** Within which each object is to come to its end, milliseconds. */
  readonly limitMs?: number;
}

const tickMs = 2_000;
const retry = { backoff: { initial: "500ms", max: "2s" } };
const now = { json: { now: "${ .now }" } };

/** HTTPRequests, by the kind of the load: the spec, for the URL that is the object's own. */
const requestKinds: Readonly<Record<string, (url: string) => object>> = {
  post: (url) => ({ url, method: "POST", body: { json: { a: 1 } } }),
  keyed: (url) => ({ url, method: "POST", body: now, idempotencyKey: {} }),
  get: (url) => ({ url }),
  put: (url) => ({ url, method: "PUT", body: now }),
  delete: (url) => ({ url, method: "DELETE" }),
  once: (url) => ({ url, method: "POST", body: now, schedule: { at: new Date(Date.now() + 5_000).toISOString() } }),
  ticks: (url) => ({ url, method: "POST", body: now, schedule: { every: `${tickMs}ms` } }),
  keyedticks: (url) => ({ url, method: "POST", body: now, idempotencyKey: {}, schedule: { every: `${tickMs}ms` } }),
  job: (url) => ({ url, method: "POST", poll: { interval: "1s" } }),
  each: (url) => ({
    url: `${url}.\${ .item }`,
    method: "POST",
    body: { json: { item: "${ .item }" } },
    idempotencyKey: {},
    forEach: { items: ["a", "b", "c"] },
  }),
  out: (url) => ({ url, method: "POST", idempotencyKey: {} }),
};
/** HTTPResources: what their create says beside its URL, and the rest of the spec. */
const resourceKinds: Readonly<
  Record<string, (url: string, name: string) => { readonly create?: object; readonly more?: object }>
> = {
  found: (url, name) => ({ more: { lookup: { url: `${url}/of/${name}`, items: ".response.body.items", match: "true" } } }),
  keyedthing: () => ({ more: { idempotencyKey: {} } }),
  thing: () => ({}),
};

interface Round {
  readonly number: number;
  readonly atMs: number;
}
type Declared = DeclaredRequest & { readonly status?: { readonly completedRuns?: number; readonly nextRunAt?: string } };

function nameOf(kind: string, round: number): string {
  return `${kind}.${round}`;
}
function kindOf(name: string): string {
  return name.split(".")[0] ?? "";
}

/** An HTTPResource that nobody can tell the outcome of, and that says when it is looked up next, has not come to its end. */
function isEnd(object: Declared): boolean {
  const [how = ""] = stateOf(object).split("/");
  const isLookedAt = kindOf(object.metadata.name) in resourceKinds && object.status?.nextRunAt !== undefined;
  return how === "Ready" || (how === "Stalled" && !isLookedAt);
}

export function createMixedLoad({ plane, namespace, origin, rounds = 4, limitMs = 180_000 }: MixedLoadOptions): MixedLoad {
  const wrong: string[] = [];
  const ends = new Map<string, number>();
  const living: Round[] = [];
  const things = thingsServer();
  const stamps = new Map<string, Set<string>>();
  const base = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}`;
  let made = 0;

  function pathOf(name: string): string {
    return `${base}/${kindOf(name) in requestKinds ? "httprequests" : "httpresources"}/${name}`;
  }
  async function must(what: string, call: () => Promise<{ status: number; body: unknown }>): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const { status, body } = await call();
      if (status <= 299) return;
      if ((status !== 429 && status !== 409) || tries > 100)
        throw new Error(`${what} was answered ${status}: ${JSON.stringify(body).slice(0, 300)}`);
      await sleep(100);
    }
  }
  async function create(kind: string, name: string, spec: object): Promise<void> {
    const object = { apiVersion: "holdfast.dev/v1alpha1", kind, metadata: { name }, spec: { retry, timeout: "4s", ...spec } };
    const { collection } = { collection: pathOf(name).slice(0, -name.length - 1) };
    await must(`creating ${name}`, () => plane.admin("POST", collection, object));
  }
  function requestSpec(kind: string, name: string): object {
    const outputs = [{ secret: { name }, data: { value: ".response.body.value" } }];
    return { ...requestKinds[kind]?.(`${origin.url}/${name}`), ...(kind === "out" && { outputs }) };
  }
  function resourceSpec(kind: string, name: string): object {
    const { create: createMore, more } = resourceKinds[kind]?.(`${origin.url}/things`, name) ?? {};
    const url = `${origin.url}/things/\${ .externalID }`;
    const body = { json: "${ .parameters }" };
    return {
      parameters: { name, size: 1 },
      externalID: ".response.body.id",
      observe: { url },
      create: { url: `${origin.url}/make/${name}`, body, ...createMore },
      update: { url, body },
      delete: { url },
      interval: "2s",
      ...more,
    };
  }
  const names = (round: number): readonly string[] =>
    [...Object.keys(requestKinds), ...Object.keys(resourceKinds)].map((kind) => nameOf(kind, round));

  async function declare(round: number): Promise<void> {
    await Promise.all(
      names(round).map((name) => {
        const kind = kindOf(name);
        return kind in requestKinds
          ? create("HTTPRequest", name, requestSpec(kind, name))
          : create("HTTPResource", name, resourceSpec(kind, name));
      }),
    );
  }
  async function change(round: number): Promise<void> {
    for (const kind of Object.keys(resourceKinds)) {
      const name = nameOf(kind, round);
      const spec = { parameters: { name, size: 2 } };
      await must(`changing ${name}`, () => plane.adminPatch(pathOf(name), { spec }));
    }
    const kept = pathOf(nameOf("post", round));
    await must("annotating", () => plane.adminPatch(kept, { metadata: { annotations: { touched: "yes" } } }));
  }
  /** The object as it is when it has come to an end; undefined: there is none in time. */
  async function settled(name: string): Promise<Declared | undefined> {
    const giveUpMs = performance.now() + limitMs;
    let state = "";
    let last: unknown;
    while (performance.now() < giveUpMs) {
      const { status, body } = await plane.admin("GET", pathOf(name));
      if (status === 200) {
        last = body;
        state = stateOf(body as Declared);
        if (isEnd(body as Declared)) return body as Declared;
      }
      await sleep(250);
    }
    wrong.push(`${name}: ${state || "no state"} for ${limitMs / 1000} s: ${JSON.stringify(last)}`);
    return undefined;
  }
  async function judge({ atMs }: Round, name: string): Promise<string> {
    const effectsBefore = origin.effects(`/${name}`);
    const object = await settled(name);
    if (!object) return "none";
    const state = stateOf(object);
    const problem =
      problemOf({ name, state, object, effectsBefore, ageMs: performance.now() - atMs }) ?? (await outputProblem(name, object));
    if (problem !== undefined) wrong.push(`${name}, ${state}: ${problem}`);
    return state;
  }
  function problemOf(seen: {
    readonly name: string;
    readonly state: string;
    readonly object: Declared;
    readonly effectsBefore: number;
    readonly ageMs: number;
  }): string | undefined {
    const { name, state, object, effectsBefore, ageMs } = seen;
    const [sent, effects] = [origin.count(`/${name}`), origin.effects(`/${name}`)];
    const isReady = state.startsWith("Ready/");
    const { completedRuns = 0 } = object.status ?? {};
    const ticks = ageMs / tickMs + 2;
    switch (kindOf(name)) {
      case "post":
      case "job":
        if (sent > 1 || (isReady && sent !== 1)) return `sent ${sent} times`;
        return isReady || state === "Stalled/OutcomeUnknown" || sent === 1 ? undefined : "never sent";
      case "once":
        return sent <= 1 ? undefined : `sent ${sent} times`;
      case "ticks":
        return sent <= ticks ? undefined : `sent ${sent} times for ${ticks} ticks`;
      case "keyedticks":
        if (effectsBefore > completedRuns + 1) return `${effectsBefore} keys for ${completedRuns} runs`;
        return isReady && effects <= ticks ? undefined : `${effects} keys for ${ticks} ticks`;
      case "keyed":
      case "out":
        return isReady && effects === 1 ? undefined : `${effects} effects`;
      case "each": {
        const each = ["a", "b", "c"].map((item) => origin.effects(`/${name}.${item}`));
        return isReady && each.every((one) => one === 1) ? undefined : `${each.join()} effects`;
      }
      case "get":
      case "put":
      case "delete":
        return isReady && sent >= 1 ? undefined : `sent ${sent} times`;
      default:
        return resourceProblem(name, isReady, state);
    }
  }
  function resourceProblem(name: string, isReady: boolean, state: string): string | undefined {
    const there = things.named(name);
    if (there.length > 1) return `${there.length} things`;
    if (kindOf(name) === "thing" && !isReady) return /OutcomeUnknown|UnexpectedStatus/.test(state) ? undefined : "not ready";
    const [{ size } = { size: undefined }] = there;
    return isReady && size === 2 ? undefined : `has the size ${String(size)}`;
  }
  async function outputProblem(name: string, { metadata: { uid } }: Declared): Promise<string | undefined> {
    if (kindOf(name) !== "out") return undefined;
    const { body } = await plane.admin("GET", `/api/v1/namespaces/${namespace}/secrets/${name}`);
    const { data, metadata } = body as { data?: { value?: string }; metadata?: { ownerReferences?: readonly { uid: string }[] } };
    const value = Buffer.from(data?.value ?? "", "base64").toString();
    const isRight = value === `value of /${name}` && metadata?.ownerReferences?.[0]?.uid === uid;
    return isRight ? undefined : `its Secret has ${JSON.stringify(value)}`;
  }
  async function see(round: Round, name: string): Promise<void> {
    const state = await judge(round, name);
    const end = `${kindOf(name)} ${state}`;
    ends.set(end, (ends.get(end) ?? 0) + 1);
    await must(`deleting ${name}`, () => plane.admin("DELETE", pathOf(name)));
    const isUnknown = kindOf(name) === "thing" && !state.startsWith("Ready/");
    // Nobody knows its id: a person has looked, and lets it go.
    if (isUnknown) await plane.adminPatch(pathOf(name), { metadata: { finalizers: null } });
    const giveUpMs = performance.now() + limitMs;
    for (;;) {
      const { status, body } = await plane.admin("GET", pathOf(name));
      if (status === 404) break;
      if (performance.now() > giveUpMs)
        return void wrong.push(`${name}: not gone ${limitMs / 1000} s after its deletion: ${JSON.stringify(body)}`);
      await sleep(250);
    }
    const left = things.named(name).length;
    if (left > 0 && !isUnknown) wrong.push(`${name}: its thing is still there`);
    things.forget(name);
    stamps.delete(`/${name}`);
  }
  async function end(round: Round): Promise<void> {
    await Promise.all(names(round.number).map((name) => see(round, name)));
  }

  return {
    wrong,
    ends,
    reply(request) {
      const { path, method, body, nth } = request;
      if (path.startsWith("/ticks.") || path.startsWith("/once.")) {
        const known = stamps.get(path) ?? new Set();
        if (known.has(body)) wrong.push(`${path}: the run of ${body} was sent twice`);
        stamps.set(path, known.add(body));
      }
      if (path.startsWith("/job.")) {
        if (method === "POST") return { type: "answer", status: 202, headers: { location: `${path}/work` } };
        return { type: "answer", status: nth > 2 ? 200 : 202 };
      }
      if (path.startsWith("/out.")) return { type: "answer", body: { value: `value of ${path}` } };
      return things.reply(request) ?? { type: "answer" };
    },
    async round() {
      made += 1;
      const last = living.at(-1);
      living.push({ number: made, atMs: performance.now() });
      await declare(made);
      if (last) await change(last.number);
      const oldest = living.length > rounds ? living.shift() : undefined;
      if (oldest) await end(oldest);
    },
    async finish() {
      const last = living.at(-1);
      if (last) await change(last.number);
      await Promise.all(living.splice(0).map(end));
    },
  };
}

interface Thing {
  readonly id: string;
  readonly name: string;
  readonly size: number;
}
/** POST /make/NAME, GET /things/of/NAME, and GET, PUT and DELETE of /things/ID; a key that it has seen makes nothing new. */
function thingsServer() {
  const things = new Map<string, Thing>();
  const byKey = new Map<string, string>();
  let count = 0;
  const named = (name: string): readonly Thing[] => [...things.values()].filter((one) => one.name === name);
  function make({ body, headers }: OriginRequest): Reply {
    const key = String(headers["idempotency-key"] ?? `none-${count}`);
    const id = byKey.get(key) ?? `t-${(count += 1)}`;
    byKey.set(key, id);
    if (!things.has(id)) things.set(id, { ...(JSON.parse(body) as Omit<Thing, "id">), id });
    return { type: "answer", status: 201, body: things.get(id) };
  }
  return {
    named,
    forget(name: string): void {
      for (const { id } of named(name)) things.delete(id);
    },
    reply(request: OriginRequest): Reply | undefined {
      const [, first, id = "", name = ""] = request.path.split("/");
      if (first === "make") return make(request);
      if (first !== "things") return undefined;
      if (id === "of") return { type: "answer", body: { items: named(name) } };
      const thing = things.get(id);
      if (!thing) return { type: "answer", status: 404, body: {} };
      if (request.method === "DELETE") things.delete(id);
      if (request.method === "PUT") things.set(id, { ...(JSON.parse(request.body) as Thing), id });
      return { type: "answer", body: things.get(id) ?? {} };
    },
  };
}
