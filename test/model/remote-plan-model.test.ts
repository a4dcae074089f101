/**
 * HTTPResource's own plan, explored: two replicas that take the lead from each other, each with a cache that may lag, crashes and
 * edits between any two of its steps, a server that answers late, wrong once or not at all, that hides a password, and whose work
 * goes on after its answer, and people who rotate the password, change the object by hand, remove it and delete what declares it.
 *
 * A step of a plan cannot be gone back to: each world has the answers that led to it, by which the plan is walked again.
 */
import { hash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { isReady, type Condition } from "../../src/core/conditions.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { redact } from "../../src/core/redacted.ts";
import { createShown } from "../../src/core/shown.ts";
import type { Step, Verdict } from "../../src/core/plan.ts";
import { httpResourceKind } from "../../src/kinds/http-resource/plan.ts";
import type { HTTPResource } from "../../src/kinds/types.ts";
import { answer as bare, failure, held, now, resource, user } from "../support/resource-plan.ts";

/** How the server and the manifest are. */
interface Config {
  /** Work goes on after the answers to create and update. */
  readonly poll?: true;
  /** Update is a POST, which may not be sent twice. */
  readonly posts?: true;
  readonly lookup?: true;
}
interface Thing {
  readonly id: string;
  readonly value: number;
  readonly password: number;
}
interface Server {
  readonly things: readonly Thing[];
  readonly count: number;
  /** What goes on after an answer. */
  readonly job?: (Thing & { readonly isUpdate: boolean; readonly isDone?: true }) | undefined;
}
type Status = NonNullable<HTTPResource["status"]>;
/** What declares it, as the API server has it. */
interface Kept {
  readonly version: number;
  readonly generation: number;
  readonly value: number;
  readonly status?: Status | undefined;
  readonly deleting: boolean;
  readonly finalizer: boolean;
}
/** A replica in a reconcile. */
interface Running {
  readonly sender: string;
  readonly read: Kept;
  /** Values are read once in a reconcile. */
  readonly password: number;
  readonly hour: number;
  readonly answers: readonly unknown[];
  /** The attempt whose intent it has recorded. */
  readonly attemptId?: string;
  /** Something else happened meanwhile. */
  readonly isDisturbed: boolean;
}
type Left = Readonly<Record<"edit" | "rotate" | "hand" | "fault" | "lag" | "remove", number>>;
interface World {
  readonly kept: Kept | null;
  readonly before: Kept | null;
  readonly server: Server;
  readonly password: number;
  readonly running: readonly [Running | null, Running | null];
  readonly leader: 0 | 1;
  readonly epoch: number;
  readonly hours: number;
  readonly left: Left;
  readonly creates: number;
  readonly updates: number;
  readonly allowed: { readonly creates: number; readonly updates: number };
  readonly wrong?: string;
}

const body = { name: "ada", password: "${ .inputs.password }", age: "${ .parameters.age }" };
function specOf(value: number, { poll, posts, lookup }: Config): object {
  const work = poll ? { poll: { interval: "5s", timeout: "1000h" } } : {};
  return {
    ...user,
    parameters: { name: "ada", age: value },
    inputs: { password: { secretKeyRef: { name: "s", key: "password" } } },
    create: { ...user.create, body: { json: body }, ...work },
    update: { ...user.update, ...(posts && { method: "POST" }), body: { json: body }, ...work },
    ...(lookup && { lookup: { url: user.create.url, match: ".item.name == .parameters.name" } }),
  };
}

const specs = new Map<string, HTTPResource>();
function resourceOf({ value, generation, status, deleting, finalizer }: Kept, config: Config): HTTPResource {
  const key = JSON.stringify([value, config]);
  const known = specs.get(key) ?? resource(specOf(value, config));
  specs.set(key, known);
  const { metadata, spec } = known;
  return {
    spec,
    metadata: {
      ...metadata,
      generation,
      ...(finalizer && { finalizers: held }),
      ...(deleting && { deletionTimestamp: now.toISOString() }),
    },
    ...(status && { status }),
  };
}

const walked = new WeakMap<readonly unknown[], Step | Verdict>();
/** The step at which a reconcile is, or what it came to. */
function stepOf(running: Running, config: Config): Step | Verdict {
  const known = walked.get(running.answers) ?? walk(running, config);
  walked.set(running.answers, known);
  return known;
}
function walk(running: Running, config: Config): Step | Verdict {
  const plan = httpResourceKind.plan({
    resource: resourceOf(running.read, config),
    references: httpResourceKind.references(resourceOf(running.read, config)).map(() => undefined),
    now: new Date(now.getTime() + running.hour * 7_200_000),
    instanceId: running.sender,
    referrers: () => [],
  });
  let step = plan.next();
  for (const given of running.answers) step = plan.next(given as never);
  return step.value;
}
const isVerdict = (step: Step | Verdict): step is Verdict => "result" in step;

function respond(status: number, data: object, headers: Record<string, string> = {}): Outcome {
  const text = JSON.stringify(data);
  const outcome = bare(status, headers);
  if (outcome.type !== "response") throw new Error("no response");
  return {
    type: "response",
    response: { ...outcome.response, body: redact(text), shown: createShown({ headers, body: text }) },
  };
}

/** What an evaluation yields, of the answer that it is about. */
function evaluated(step: Extract<Step, { type: "evaluate" }>, { password, read }: Running): unknown {
  const { evaluation } = step;
  if ("inputsOf" in evaluation) return { type: "values", values: [`k:${password}`] };
  if (!("response" in evaluation) || !("expressions" in evaluation)) throw new Error(`not foreseen: ${JSON.stringify(step)}`);
  const shown = JSON.parse(evaluation.response?.body.open() ?? "null") as
    { readonly id?: string; readonly age?: number } | object[];
  const values = evaluation.expressions.map(({ field }) => {
    if (field === "spec.lookup.match") return shown;
    if (field.endsWith(".poll.until")) return evaluation.response?.statusCode !== 202;
    if (field.endsWith(".poll.failedIf")) return false;
    return "id" in shown ? (shown.id ?? null) : null;
  });
  const isCompared = "compare" in evaluation && evaluation.compare !== undefined;
  const differs = isCompared && "age" in shown && shown.age !== read.value;
  return { type: "values", values, ...(isCompared && { differences: differs ? [{ path: ".age" }] : [], isPartial: true }) };
}

interface Served {
  readonly server: Server;
  readonly outcome: Outcome;
  readonly did?: "create" | "update" | "remove";
}
/** What the server makes of a request, and its answers; more than one where its work goes on. */
function* serve(server: Server, exchange: Exchange, { read, password }: Running, config: Config): Generator<Served> {
  const { method, url, location } = exchange.request;
  const id = typeof exchange.scope["externalID"] === "string" ? exchange.scope["externalID"] : undefined;
  const there = server.things.find((thing) => thing.id === id);
  const show = (thing: Thing): object => ({ id: thing.id, age: thing.value });
  if (location) {
    const { job } = server;
    if (!job) return yield { server, outcome: respond(404, {}) };
    const { isDone, ...thing } = job;
    if (isDone) return yield { server, outcome: respond(200, show(thing)) };
    yield { server, outcome: respond(202, {}) };
    const others = server.things.filter((one) => one.id !== thing.id);
    return yield {
      server: { ...server, things: [...others, thing], job: { ...thing, isDone: true } },
      outcome: respond(200, show(thing)),
    };
  }
  const isList = url.type === "absolute" && url.text === user.create.url;
  if (method === "GET" && isList)
    return yield {
      server,
      outcome: respond(
        200,
        server.things.slice(0, 2).map(({ id }) => id),
      ),
    };
  if (method === "GET") return yield { server, outcome: there ? respond(200, show(there)) : respond(404, {}) };
  if (method === "DELETE")
    return yield {
      server: { ...server, things: server.things.filter((thing) => thing !== there) },
      outcome: respond(there ? 204 : 404, {}),
      ...(there && { did: "remove" as const }),
    };
  if (!isList && !there) return yield { server, outcome: respond(404, {}) };
  const thing = { id: isList ? String(server.count + 1) : (id ?? ""), value: read.value, password };
  const count = server.count + (isList ? 1 : 0);
  const did = isList ? ("create" as const) : ("update" as const);
  if (config.poll)
    return yield {
      server: { ...server, count, job: { ...thing, isUpdate: !isList } },
      outcome: respond(202, isList ? { id: thing.id } : {}, { location: "/jobs/1" }),
      did,
    };
  const things = [...server.things.filter((one) => one !== there), thing];
  yield { server: { ...server, count, things }, outcome: respond(isList ? 201 : 200, show(thing)), did };
}

function put<T>(pair: readonly [T, T], index: 0 | 1, value: T): readonly [T, T] {
  return index === 0 ? [value, pair[1]] : [pair[0], value];
}
function spend(world: World, what: keyof Left): World {
  return { ...world, left: { ...world.left, [what]: world.left[what] - 1 } };
}
/** Something happened that a reconcile which goes on may not have seen. */
function disturbed(world: World): World {
  const [a, b] = world.running;
  return { ...world, running: [a && { ...a, isDisturbed: true }, b && { ...b, isDisturbed: true }] };
}
function allow(world: World, more: Partial<World["allowed"]>): World {
  const { creates, updates } = world.allowed;
  return { ...world, allowed: { creates: creates + (more.creates ?? 0), updates: updates + (more.updates ?? 0) } };
}

function* successors(world: World, config: Config): Generator<World> {
  const { left, kept, server } = world;
  if (!kept) return;
  const change = (next: Kept): World => disturbed({ ...world, before: kept, kept: { ...next, version: kept.version + 1 } });
  if (left.edit > 0 && !kept.deleting)
    yield allow(spend(change({ ...kept, value: kept.value + 1, generation: kept.generation + 1 }), "edit"), { updates: 1 });
  if (left.rotate > 0) yield allow(spend(disturbed({ ...world, password: world.password + 1 }), "rotate"), { updates: 1 });
  const [thing] = server.things;
  if (left.hand > 0 && thing) {
    const by = (things: readonly Thing[]): World => spend(disturbed({ ...world, server: { ...server, things } }), "hand");
    yield allow(by([{ ...thing, value: 99 }]), { updates: 1 });
    yield allow(by([]), { creates: 1, updates: 1 });
  }
  if (left.remove > 0) yield spend(change({ ...kept, deleting: true }), "remove");
  if (left.fault > 0) {
    const led: World = { ...world, leader: world.leader === 0 ? 1 : 0, epoch: world.epoch + 1 };
    // What may be sent twice is, where the one before has sent and not recorded it; and what a list shows of a create in doubt
    // says nothing of the password.
    yield spend(config.posts && !config.lookup ? led : allow(led, { updates: 1 }), "fault");
  }
  for (const index of [0, 1] as const) yield* steps(world, index, config);
}

function* steps(world: World, index: 0 | 1, config: Config): Generator<World> {
  const { [index]: running } = world.running;
  const { kept } = world;
  if (!kept) return;
  if (!running) {
    if (world.leader !== index) return;
    const begin = (read: Kept): World => ({
      ...world,
      hours: world.hours + 1,
      running: put(world.running, index, {
        sender: `${index}/${world.epoch}`,
        read,
        password: world.password,
        hour: world.hours + 1,
        answers: [],
        isDisturbed: false,
      }),
    });
    yield begin(kept);
    if (world.left.lag > 0 && world.before) yield spend(begin(world.before), "lag");
    return;
  }
  const idle: World = { ...world, running: put(world.running, index, null) };
  const step = stepOf(running, config);
  if (isVerdict(step)) return yield ended(idle, running, step);
  const go = (given: unknown, more: Partial<World> = {}, at: Running = running): World => ({
    ...world,
    ...more,
    running: put(more.running ?? world.running, index, { ...at, answers: [...at.answers, given] }),
  });
  switch (step.type) {
    case "evaluate":
      return yield go(evaluated(step, running));
    case "check":
      return yield go({ type: "usable" });
    case "checkOutputs":
    case "writeOutputs":
      return yield go({ type: "ready" });
    case "remove":
      throw new Error("an HTTPResource does not delete itself");
    case "find":
      throw new Error("an HTTPResource looks for no others");
    case "exchanges":
      throw new Error("an HTTPResource sends one at a time");
    case "exchange":
      return yield* exchanged(world, index, { step, running, idle, go }, config);
  }
}

interface At {
  readonly step: Extract<Step, { type: "exchange" }>;
  readonly running: Running;
  readonly idle: World;
  readonly go: (given: unknown, more?: Partial<World>, at?: Running) => World;
}
function* exchanged(world: World, index: 0 | 1, { step, running, idle, go }: At, config: Config): Generator<World> {
  const { kept, left } = world;
  if (!kept) return;
  const { beforeSend, exchange } = step;
  const isLook = exchange.request.method === "GET";
  const mayCrash = left.fault > 0;
  // An intent is recorded, and what has none is sent, only as long as the object is as it was read.
  const isRecorded = beforeSend.type === "recordIntent" && running.attemptId === beforeSend.attemptId;
  if (!isLook && (world.leader !== index || (!isRecorded && kept.version !== running.read.version))) return yield idle;
  const version = kept.version + (step.finalizer !== undefined && !kept.finalizer ? 1 : 0);
  const holding: Kept = { ...kept, version, finalizer: kept.finalizer || step.finalizer !== undefined };
  if (beforeSend.type === "recordIntent" && !isRecorded) {
    const status = beforeSend.status as Status;
    const set = { ...holding, version: holding.version + 1, status };
    const at = { ...running, attemptId: beforeSend.attemptId, read: running.read };
    return yield { ...world, before: kept, kept: set, running: put(world.running, index, at) };
  }
  // Its own finalizer is no change that it has not seen.
  const at: Running = {
    ...running,
    read: { ...running.read, version: isRecorded || isLook ? running.read.version : holding.version },
  };
  const sending: World = isLook ? world : { ...world, kept: holding };
  if (mayCrash) {
    yield spend({ ...idle, kept: sending.kept }, "fault");
    if (isLook) yield spend(go(respond(503, {}), sending, at), "fault");
    else yield spend(go(failure(false), sending, at), "fault");
  }
  for (const { server, outcome, did } of serve(world.server, exchange, running, config)) {
    const counted: Partial<World> = {
      ...sending,
      server,
      creates: world.creates + (did === "create" ? 1 : 0),
      updates: world.updates + (did === "update" ? 1 : 0),
      ...(did === "remove" && { allowed: { ...world.allowed, creates: world.allowed.creates + 1 } }),
    };
    yield go(outcome, counted, at);
    if (!mayCrash || isLook) continue;
    // It was done, and nobody has heard of it: what may be sent twice is.
    const lost = allow({ ...world, ...counted }, { updates: 1 });
    yield spend({ ...go(failure(true), lost, at) }, "fault");
    yield spend({ ...lost, running: put(world.running, index, null) }, "fault");
    if (config.posts || did !== "update") yield spend(go(respond(502, {}), lost, at), "fault");
  }
}

function ended(world: World, running: Running, verdict: Verdict): World {
  const { kept } = world;
  if (!kept) return world;
  const { status, finalizer } = verdict;
  const attempt = (kept.status as { readonly attempt?: { readonly id: string; readonly phase: string } } | undefined)?.attempt;
  const isOwn = running.attemptId !== undefined && attempt?.id === running.attemptId && attempt.phase === "InFlight";
  if (!isOwn && kept.version !== running.read.version) return world;
  if (finalizer?.present === false) return { ...world, before: kept, kept: null };
  const isSame = JSON.stringify(status) === JSON.stringify(kept.status);
  const after: World = isSame ? world : { ...world, before: kept, kept: { ...kept, version: kept.version + 1, status } };
  return running.isDisturbed ? after : { ...after, ...wrongOf(after, status) };
}

/** Of a verdict during which nothing else happened. */
function wrongOf(
  { server, kept, password }: World,
  status: { readonly conditions?: readonly Condition[] },
): Pick<World, "wrong"> {
  if (!kept || kept.deleting || !isReady(status.conditions)) return {};
  const [thing] = server.things;
  if (!thing) return { wrong: "Ready, and it is not there" };
  if (thing.value !== kept.value) return { wrong: "Ready, and it is not as declared" };
  return thing.password === password ? {} : { wrong: "Ready, and the password was not sent" };
}

function isBeingMade({ job }: Server): boolean {
  return job !== undefined && !job.isUpdate && job.isDone !== true;
}
function breach(world: World): string | undefined {
  if (world.wrong !== undefined) return world.wrong;
  if (world.creates > world.allowed.creates) return "more creates than absences";
  if (world.updates > world.allowed.updates) return "more updates than changes";
  if (!world.kept && (world.server.things.length > 0 || isBeingMade(world.server)))
    return "it is left behind, and nobody says so";
  return undefined;
}

/** Without what only says when. */
function keyOf(world: World): string {
  const versions = world.kept?.version ?? 0;
  const text = JSON.stringify(world, (name: string, value: unknown) => {
    if (name === "version") return versions - (value as number);
    return ["hour", "hours", "epoch", "completedRuns"].includes(name) ? undefined : value;
  });
  return hash("sha1", text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "then"), "base64");
}

function explore(
  config: Config,
  left: Left,
): { readonly worlds: number; readonly breaches: readonly string[]; readonly ends: number } {
  const first: World = {
    kept: { version: 1, generation: 1, value: 1, deleting: false, finalizer: false },
    before: null,
    server: { things: [], count: 0 },
    password: 1,
    running: [null, null],
    leader: 0,
    epoch: 0,
    hours: 0,
    left,
    creates: 0,
    updates: 0,
    allowed: { creates: 1, updates: 0 },
  };
  const seen = new Set<string>();
  const breaches = new Set<string>();
  const pending: World[] = [first];
  let ends = 0;
  // The nearest first, so that each world is met with as many reconciles left as can be.
  for (const world of pending) {
    if (world.hours > mostReconciles) continue;
    const key = keyOf(world);
    if (seen.has(key)) continue;
    seen.add(key);
    const found = breach(world);
    if (found !== undefined) {
      breaches.add(found);
      continue;
    }
    if (!world.kept) ends += 1;
    if (seen.size > 400_000) throw new Error("more worlds than expected: is there a bound on what can happen?");
    for (const after of successors(world, config)) pending.push(after);
  }
  return { worlds: seen.size, breaches: [...breaches], ends };
}

/** What is tried again for ever is left after so many. */
const mostReconciles = 9;
const none = { edit: 0, rotate: 0, hand: 0, fault: 0, lag: 0, remove: 0 };

describe("what is declared is sent once, is Ready only then, and is not left behind", () => {
  test.each<readonly [string, Config, Partial<Left>]>([
    ["edits and rotations, a cache that lags", {}, { edit: 1, rotate: 1, lag: 1, remove: 1 }],
    ["rotations and faults", {}, { rotate: 1, remove: 1, fault: 1 }],
    ["changes by hand, a cache that lags, and faults", {}, { hand: 1, fault: 1, lag: 1 }],
    ["work that goes on after an answer, edits and rotations", { poll: true }, { edit: 1, rotate: 1, remove: 1 }],
    ["work that goes on, and faults", { poll: true }, { rotate: 1, fault: 1 }],
    ["an update that may not be sent twice, rotations and faults", { posts: true }, { rotate: 1, fault: 1, remove: 1 }],
    ["the same, edits and a cache that lags", { posts: true }, { edit: 1, fault: 1, lag: 1 }],
    ["the same, with a list to look in", { posts: true, lookup: true }, { edit: 1, fault: 1 }],
  ])("%s", (_title, config, left) => {
    const { worlds, breaches, ends } = explore(config, { ...none, ...left });
    expect(breaches).toEqual([]);
    expect(worlds).toBeGreaterThan(1_000);
    if (left.remove) expect(ends).toBeGreaterThan(10);
  });
});
