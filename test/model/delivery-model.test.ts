/**
 * The protocol of sending, explored exhaustively: two replicas that both believe that they lead, caches that lag, crashes,
 * lost replies, edits and network failures at every step, in every order. The plan is the real one; the model is what
 * stands around it: an API server with the preconditions of the store's port, an origin that counts, and caches.
 */
import { describe, expect, test } from "@jest/globals";
import type { Outcome } from "../../src/core/outcome.ts";
import { redact } from "../../src/core/redacted.ts";
import { createShown } from "../../src/core/shown.ts";
import { canonicalJSON } from "../../src/core/tools/json.ts";
import type { EvaluationResult, Intent, Step, Verdict } from "../../src/core/plan.ts";
import type { Precondition } from "../../src/core/ports.ts";
import { carriesAttempt, carriesSameAttempt } from "../../src/core/delivery.ts";
import { httpRequestKind } from "../../src/kinds/http-request/plan.ts";
import type { HTTPRequest } from "../../src/kinds/types.ts";

/** A reconcile under way: the plan is driven anew from its answers each time, so that a state is data. */
interface Run {
  readonly resource: HTTPRequest;
  readonly answers: readonly (Outcome | EvaluationResult)[];
  /** Hours that had passed when it began. */
  readonly hours: number;
  /** Recorded: what follows is written under a test of the attempt. */
  readonly intent?: Intent;
  /** The object has been read live, and was as the plan saw it. */
  readonly confirmed?: true;
  /** The term of leadership in which it began. */
  readonly term: number;
}
interface Replica {
  readonly epoch: number;
  readonly cache: HTTPRequest;
  /** The term in which the cache has last come from a live read or a write of its own. */
  readonly currentIn?: number | undefined;
  /** A reconcile of it broke off at a write: whether that landed is not known. */
  readonly doubted?: true | undefined;
  readonly run?: Run;
}
interface World {
  readonly object: HTTPRequest;
  readonly replicas: readonly [Replica, Replica];
  /** Attempt ids that arrived at the origin, sorted; where one may arrive often, each once. */
  readonly delivered: readonly string[];
  readonly repeatable: boolean;
  /** Who holds the lease, and so may send and write; `both`: nobody is fenced off, which must not matter to a POST without a key. */
  readonly leader: 0 | 1 | "both";
  /** Counts the moves of the lease: a process that comes to lead again does so in another term. */
  readonly term: number;
  /** The first term since which nobody else has led: a lease can also be lost and won again by the same process. */
  readonly unbrokenSince: number;
  /** What came of a request is forgotten when it cannot be written, as it should not be. */
  readonly forgetting?: true;
  /** A new leader takes its cache for current, or one whose write got no reply does, as none should. */
  readonly trusting?: "after take-over" | "after a lost reply";
  /** The body that arrived at the origin last. */
  readonly last?: object;
  /** What may still go wrong or be asked. */
  readonly left: Readonly<Record<"fault" | "refusal" | "lapse" | "edit" | "ask" | "hour", number>>;
  /** Hours that have passed: each brings a tick, where the schedule has them hourly. */
  readonly hours: number;
}
type Fault = keyof World["left"];

const now = new Date("2030-01-01T00:00:00Z"); // every back-off is over
const ok: Extract<Outcome, { type: "response" }> = {
  type: "response",
  response: {
    statusCode: 200,
    headers: {},
    body: redact(""),
    shown: createShown({ headers: {}, body: "" }),
    sizeBytes: 0,
    sha256: "",
    durationMs: 0,
  },
};
const accepted: Outcome = {
  type: "response",
  response: { ...ok.response, statusCode: 202, headers: { location: "/job" } },
};
const reset: Outcome = { type: "failure", reason: "ConnectionReset", message: "reset", sent: true };
const refused: Outcome = { type: "failure", reason: "ConnectionRefused", message: "refused", sent: false };

/** What the expressions of a poll yield: it has ended, and has not failed. */
const workHasEnded: EvaluationResult = { type: "values", values: [true, false] };

const nothing = {};

function object(spec: object): HTTPRequest {
  return {
    metadata: { name: "a", namespace: "n", uid: "u", generation: 1, resourceVersion: "0" },
    spec: {
      url: "http://a/",
      method: "POST",
      body: { text: "a" },
      expect: { status: ["2xx"] },
      retry: { limit: 5, backoff: { initial: "1s", max: "1s" } },
      onUnknown: "Stall",
      record: "None",
      suspend: false,
      historyLimit: 3,
      ...spec,
    },
  };
}

/** A name that equal values share, so that a world's key is short. Objects are never changed here: each is named once. */
const names = new WeakMap<object, string>();
const namesByText = new Map<string, string>();
function nameOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const known = names.get(value);
  if (known !== undefined) return known;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  const text = Array.isArray(value)
    ? `[${value.map(nameOf).join()}]`
    : `{${fields
        .map(([key, field]) => `${key}:${nameOf(field)}`)
        .toSorted()
        .join()}}`;
  const name = namesByText.get(text) ?? `#${namesByText.size}`;
  namesByText.set(text, name);
  names.set(value, name);
  return name;
}
function same(a: object, b: object): boolean {
  return a === b || nameOf(a) === nameOf(b);
}

const driven = new Map<string, IteratorResult<Step, Verdict>>();
function drive(run: Run, sender: string): IteratorResult<Step, Verdict> {
  const key = `${sender} ${run.hours} ${nameOf(run.resource)} ${nameOf(run.answers)}`;
  const known = driven.get(key) ?? driveAnew(run, sender);
  driven.set(key, known);
  return known;
}
function driveAnew({ resource, answers, hours }: Run, sender: string): IteratorResult<Step, Verdict> {
  const plan = httpRequestKind.plan({
    resource,
    references: [],
    now: new Date(now.getTime() + hours * 3_600_000),
    instanceId: sender,
  });
  let step = plan.next();
  for (const answer of answers) step = plan.next(answer);
  return step;
}
function holds({ object }: World, run: Run, precondition: Precondition): boolean {
  if (precondition.type === "unchanged") return same(object.status ?? nothing, run.resource.status ?? nothing);
  if (precondition.type === "sameAttempt") return carriesSameAttempt(object.status, run.resource.status);
  return carriesAttempt(object.status, precondition);
}

/** Here a resourceVersion is the term in which the object became so: all that matters of it is what is from before a take-over. */
function changed({ term }: World, object: HTTPRequest): HTTPRequest {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(term) } };
}
/** As the engine has it: there may be a version of the object, by an earlier leader or this process, that is not in the cache. */
function mayLag({ term, trusting }: World, { cache, currentIn, doubted }: Replica): boolean {
  if (doubted && trusting !== "after a lost reply") return true;
  return trusting !== "after take-over" && Number(cache.metadata.resourceVersion) < term && currentIn !== term;
}

/** Every world that can come next. */
function* successors(world: World): Generator<World> {
  for (const index of [0, 1] as const) yield* replicaSteps(world, index);
  const { object, left, leader } = world;
  const term = world.term + 1;
  if (left.fault > 0 && leader !== "both")
    yield spend({ ...world, leader: leader === 0 ? 1 : 0, term, unbrokenSince: term }, "fault");
  if (left.lapse > 0 && leader !== "both") yield spend({ ...world, term }, "lapse");
  if (left.edit > 0) {
    const { generation } = object.metadata;
    const metadata = { ...object.metadata, generation: generation + 1 };
    const edited = { ...object, metadata, spec: { ...object.spec, body: { text: `edit ${generation}` } } };
    yield spend({ ...world, object: changed(world, edited) }, "edit");
  }
  if (left.hour > 0) yield spend({ ...world, hours: world.hours + 1 }, "hour");
  if (left.ask > 0) {
    const metadata = { ...object.metadata, annotations: { "holdfast.dev/reconcile-at": "x" } };
    yield spend({ ...world, object: changed(world, { ...object, metadata }) }, "ask");
  }
}

function* replicaSteps(world: World, index: 0 | 1): Generator<World> {
  const replica = world.replicas[index];
  const { run, cache, epoch } = replica;
  const { run: _, ...idle } = replica;
  const sender = `${index}/${epoch}`;
  const become = (changed: Replica, more: Partial<World> = {}): World => ({
    ...world,
    ...more,
    replicas: index === 0 ? [changed, world.replicas[1]] : [world.replicas[0], changed],
  });
  const leads = world.leader === "both" || world.leader === index;
  const mayAct = leads && (!run || run.term === world.term);
  const brokenOff: Replica = { ...idle, doubted: true };
  const known = (live: HTTPRequest): Pick<Replica, "cache" | "currentIn" | "doubted"> => ({
    cache: live,
    currentIn: run?.term,
    doubted: undefined,
  });
  const crashed: Replica = { epoch: epoch + 1, cache: world.object };

  if (!same(cache, world.object)) yield become({ ...replica, cache: world.object });
  if (!run) {
    if (!mayAct) return;
    const begun: Run = { resource: cache, answers: [], hours: world.hours, term: world.term };
    const step = drive(begun, sender);
    if (!step.done || !same(step.value.status, cache.status ?? nothing)) yield become({ ...replica, run: begun });
    return;
  }
  if (world.left.fault > 0) yield spend(become(crashed), "fault");

  /** The write of an intent lands or is refused; or it lands and its reply is lost, which ends the reconcile. */
  function* writeIntent(status: object, next: (written: HTTPRequest) => Replica): Generator<World> {
    if (!mayAct || !holds(world, run as Run, { type: "unchanged" })) return yield become(idle);
    const written = changed(world, { ...world.object, status: longAgo(status) });
    yield become(next(written), { object: written });
    if (world.left.fault > 0) yield spend(become(brokenOff, { object: written }), "fault");
  }
  /**
   * What came of a request is kept until it is written, whatever else happens meanwhile, or until it is another's: it is refused
   * for as long as it takes, and when it lands and its reply is lost, the next try finds it there.
   */
  function* recordOutcome(status: object, { intent, term }: Run): Generator<World> {
    const precondition: Precondition = intent ? { type: "attempt", id: intent.attemptId, sender } : { type: "sameAttempt" };
    if (!intent && term < world.unbrokenSince) return yield become(idle);
    if (!intent && !leads) return; // it waits
    if (world.forgetting && world.left.refusal > 0) yield spend(become(brokenOff), "refusal");
    const landed = longAgo(status);
    if (same(world.object.status ?? nothing, landed)) return yield become({ ...idle, ...known(world.object) });
    if (!holds(world, run as Run, precondition)) return yield become(idle);
    const written = changed(world, { ...world.object, status: landed });
    yield become({ ...idle, ...known(written) }, { object: written });
    if (world.left.refusal > 0) yield spend(become(world.forgetting ? brokenOff : replica, { object: written }), "refusal");
  }

  const step = drive(run, sender);
  if (step.done) {
    if (run.answers.some(isSent)) return yield* recordOutcome(step.value.status, run);
    return yield* writeIntent(step.value.status, (written) => ({ ...idle, ...known(written) }));
  }
  const answered = (outcome: Outcome | EvaluationResult): Replica => ({
    ...replica,
    run: { ...run, answers: [...run.answers, outcome] },
  });
  if (step.value.type === "evaluate") return yield become(answered(workHasEnded));
  const asked = step.value as Extract<Step, { type: "exchange" }>;
  if (asked.exchange.request.location) {
    // A poll: it may come as often as it likes.
    if (!mayAct) return yield become(idle);
    yield become(answered(ok));
    if (world.left.fault > 0) yield spend(become(answered(reset)), "fault");
    return;
  }
  const intent = asked.beforeSend.type === "recordIntent" ? asked.beforeSend : undefined;
  if (asked.beforeSend.type === "nothing" && mayLag(world, replica) && !run.confirmed) {
    const { generation } = world.object.metadata;
    const asSeen =
      generation === run.resource.metadata.generation && same(world.object.status ?? nothing, run.resource.status ?? nothing);
    return yield become({ ...idle, ...known(world.object), ...(asSeen && { run: { ...run, confirmed: true } }) });
  }
  if (intent && !run.intent) {
    return yield* writeIntent(intent.status, (written) => ({
      ...idle,
      ...known(written),
      run: { ...run, intent },
    }));
  }
  if (!mayAct) return yield become(idle);
  const id = intent?.attemptId ?? keyOf(asked);
  const delivered = world.repeatable && world.delivered.includes(id) ? world.delivered : [...world.delivered, id].toSorted();
  const arrived = { delivered, last: asked.exchange.request.body ?? nothing };
  yield become(answered(world.object.spec.poll ? accepted : ok), arrived);
  if (world.left.fault > 0) yield spend(become(answered(reset), arrived), "fault");
  if (world.left.fault > 0) yield spend(become(answered(refused)), "fault");
  if (world.left.fault > 0) yield spend(become(crashed, arrived), "fault");
}
function isSent(answer: Outcome | EvaluationResult): boolean {
  return answer.type === "response" || answer.type === "failure";
}
/** The back-off of what is written is over at once. */
function longAgo(status: NonNullable<HTTPRequest["status"]>): NonNullable<HTTPRequest["status"]> {
  return status.attempt?.phase !== "Retrying" ? status : { ...status, nextRunAt: "2029-01-01T00:00:00.000Z" };
}
function keyOf({ exchange }: Extract<Step, { type: "exchange" }>): string {
  return exchange.request.literalHeaders[0]?.value ?? "";
}
function spend(world: World, fault: Fault): World {
  return { ...world, left: { ...world.left, [fault]: world.left[fault] - 1 } };
}

function begin(spec: object, left: Partial<World["left"]>): World {
  const fresh = object(spec);
  const none = { fault: 0, refusal: 0, lapse: 0, edit: 0, ask: 0, hour: 0 };
  const replica: Replica = { epoch: 0, cache: fresh };
  const repeatable = fresh.spec.method !== "POST" || fresh.spec.idempotencyKey !== undefined;
  return {
    object: fresh,
    replicas: [replica, replica],
    delivered: [],
    repeatable,
    leader: repeatable ? 0 : "both",
    term: 0,
    unbrokenSince: 0,
    left: { ...none, ...left },
    hours: 0,
  };
}

function keyOfWorld(world: World): string {
  const { object, replicas, delivered, left, leader, term, last = nothing, hours } = world;
  const parts = replicas.flatMap((replica) => {
    const { epoch, cache, doubted, run } = replica;
    const begun = run && [
      run.hours,
      nameOf(run.resource),
      run.intent?.attemptId,
      run.confirmed,
      run.term === term,
      run.term < world.unbrokenSince,
      nameOf(run.answers),
    ];
    return [epoch, nameOf(cache), mayLag(world, replica), doubted, ...(begun ?? [])];
  });
  const { fault, refusal, lapse, edit, ask, hour } = left;
  return [
    nameOf(object),
    ...parts,
    nameOf(delivered),
    fault,
    refusal,
    lapse,
    edit,
    ask,
    hour,
    leader,
    nameOf(last),
    hours,
  ].join();
}

/** Everything that can be reached, each world once. */
function explore(first: World, visit: (world: World) => void, goOn: (world: World) => boolean = () => true): number {
  const seen = new Set<string>();
  const pending = [first];
  for (let world = pending.pop(); world; world = pending.pop()) {
    const key = keyOfWorld(world);
    if (seen.has(key)) continue;
    seen.add(key);
    visit(world);
    if (seen.size > 400_000) throw new Error("more worlds than expected: is there a bound on what can happen?");
    if (goOn(world)) pending.push(...successors(world));
  }
  return seen.size;
}

/** From here on nothing fails, one replica is left, and its cache catches up: where does it end? Many worlds end alike. */
const ends = new Map<string, World>();
function settled(world: World): World {
  const last: Replica = { epoch: world.replicas[0].epoch + 1, cache: world.object };
  const start: World = { ...world, left: begin({}, {}).left, leader: 0, replicas: [last, last] };
  const key = `${keyOfWorld(start)} ${world.trusting}`;
  const end = ends.get(key) ?? settledAnew(start);
  ends.set(key, end);
  return end;
}
function settledAnew(start: World): World {
  let current = start;
  for (let steps = 0; steps < 20; steps += 1) {
    const [next] = replicaSteps(current, 0);
    if (!next) return current;
    current = next;
  }
  throw new Error(`does not settle: ${canonicalJSON(start)}`);
}
function countOf(delivered: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of delivered) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}
function readyReason({ object }: World): string | undefined {
  return object.status?.conditions?.find(({ type }) => type === "Ready")?.reason;
}
function isStalled({ object }: World): boolean {
  return object.status?.conditions?.some(({ type, status }) => type === "Stalled" && status === "True") === true;
}

/**
 * Faults are a crash, a lost reply of a write before a request, a reset, a refused connection, another leader; a refusal is a lost
 * reply of an outcome's write, since one that is refused is only late; a lapse is a lease that is lost and won again. Caches lag
 * anyway.
 */
const scenarios = [
  { fault: 2, edit: 0 },
  { fault: 1, edit: 1 },
  { fault: 1, edit: 0, refusal: 1, lapse: 1 },
  { fault: 0, edit: 1, refusal: 1, lapse: 1 },
];

describe.each(scenarios)("in every world that can be reached with %j", (everything) => {
  test("a POST without a key is delivered at most once for each attempt, and ends done, or stalled and saying so", () => {
    const states = explore(begin({}, everything), (world) => {
      for (const [id, count] of countOf(world.delivered))
        if (count > 1) throw new Error(`${id} was delivered ${count} times: ${canonicalJSON(world)}`);
      const end = settled(world);
      for (const [id, count] of countOf(end.delivered))
        if (count > 1) throw new Error(`${id} was delivered ${count} times in the end: ${canonicalJSON(world)}`);
      const phase = end.object.status?.attempt?.phase;
      if (phase !== "Done" && !(phase === "Unknown" && isStalled(end) && readyReason(end) === "OutcomeUnknown"))
        throw new Error(`stuck at ${phase}: ${canonicalJSON(world)}`);
    });
    expect(states).toBeGreaterThan(1_000);
  });

  test("a POST whose key is honoured always ends done, and all its deliveries carry one key for each thing declared", () => {
    const keyed = { idempotencyKey: { header: "Idempotency-Key" } };
    explore(begin(keyed, everything), (world) => {
      const end = settled(world);
      if (end.object.status?.attempt?.phase !== "Done") throw new Error(`stuck: ${canonicalJSON(world)}`);
      const declared = 1 + everything.edit - world.left.edit;
      if (countOf(end.delivered).size > declared) throw new Error(`${countOf(end.delivered).size} keys: ${canonicalJSON(world)}`);
    });
  });

  test("a PUT always ends done", () => {
    explore(begin({ method: "PUT" }, everything), (world) => {
      if (settled(world).object.status?.attempt?.phase !== "Done") throw new Error(`stuck: ${canonicalJSON(world)}`);
    });
  });
});

test("a POST whose key is honoured has one key for each thing declared, though leadership moves and replies are lost", () => {
  explore(begin({ idempotencyKey: { header: "Idempotency-Key" } }, { fault: 2, edit: 1 }), (world) => {
    const { size } = countOf(settled(world).delivered);
    if (size > 2 - world.left.edit) throw new Error(`${size} keys: ${canonicalJSON(world)}`);
  });
});

describe("a POST whose key is honoured, of which a write that landed is forgotten", () => {
  const first: World = {
    ...begin({ idempotencyKey: { header: "Idempotency-Key" } }, { refusal: 1, edit: 1 }),
    forgetting: true,
  };
  function mostKeys(from: World): number {
    let keys = 0;
    explore(from, (world) => {
      keys = Math.max(keys, countOf(settled(world).delivered).size);
    });
    return keys;
  }

  test("has one key for each thing declared all the same, since it is read live", () => {
    expect(mostKeys(first)).toBe(2);
  });

  test("would have two keys for one thing, if its cache were trusted", () => {
    expect(mostKeys({ ...first, trusting: "after a lost reply" })).toBe(3);
  });
});

describe("a PUT that is changed", () => {
  const first = begin({ method: "PUT" }, { fault: 2, edit: 1 });
  const isLast = ({ object, last }: World): boolean =>
    last !== undefined && "text" in last && last.text === object.spec.body?.text;

  test("ends with what was declared last at the origin, though caches lag and leadership comes back to one that lost it", () => {
    let moves = 0;
    explore(first, (world) => {
      moves = Math.max(moves, world.term);
      const end = settled(world);
      if (!isLast(end)) throw new Error(`${canonicalJSON(end.last)} arrived last: ${canonicalJSON(world)}`);
    });
    expect(moves).toBe(2);
  });

  test("would not, if a new leader trusted its cache", () => {
    let isWrong = false;
    const bounded = (): boolean => !isWrong;
    explore(
      { ...first, trusting: "after take-over" },
      (world) => {
        isWrong ||= !isLast(settled(world));
      },
      bounded,
    );
    expect(isWrong).toBe(true);
  });
});

describe("a PUT whose outcome cannot be written", () => {
  /** Counted each time that it arrives. Nothing else fails: edits and leases are other tests'. */
  const counted: World = { ...begin({ method: "PUT" }, { refusal: 2 }), repeatable: false };
  function mostDeliveries(first: World): number {
    let most = 0;
    explore(first, (world) => {
      most = Math.max(most, world.delivered.length);
    });
    return most;
  }

  test("is sent once, for as long as that lasts", () => {
    expect(mostDeliveries(counted)).toBe(1);
  });

  test("is sent once, though the lease is lost and won again meanwhile, or the reply to the write", () => {
    expect(mostDeliveries({ ...counted, left: { ...counted.left, lapse: 2 } })).toBe(1);
  });

  test("would be sent again each time, if it were forgotten", () => {
    expect(mostDeliveries({ ...counted, forgetting: true })).toBe(3);
  });
});

test("a person who asks gets it sent again, and nothing else sends it again", () => {
  explore(begin({}, { fault: 1, ask: 1 }), (world) => {
    const asked = 1 - world.left.ask;
    for (const [id, count] of countOf(settled(world).delivered))
      if (count > 1 + asked) throw new Error(`${id} was delivered ${count} times: ${canonicalJSON(world)}`);
  });
});

test("the model can fail: a PUT, which declares no intent, is delivered twice", () => {
  let twice = false;
  const bounded = ({ delivered }: World): boolean => delivered.length < 3;
  explore(
    { ...begin({ method: "PUT" }, {}), repeatable: false, leader: "both" },
    (world) => {
      twice ||= world.delivered.length > 1;
    },
    bounded,
  );
  expect(twice).toBe(true);
});

const hourly = { schedule: { every: "1h", missed: "RunOnce" } };
const polled = { poll: { interval: "1s", timeout: "9999h" } };

test("each tick is one run of a POST without a key, delivered once, with two leaders and whatever fails", () => {
  explore(begin(hourly, { fault: 1, hour: 1 }), (world) => {
    const end = settled(world);
    for (const [id, count] of countOf(end.delivered))
      if (count > 1) throw new Error(`${id} was delivered ${count} times: ${canonicalJSON(world)}`);
    if (end.delivered.length > 1 + world.hours) throw new Error(`more runs than ticks: ${canonicalJSON(world)}`);
    const phase = end.object.status?.attempt?.phase;
    const isOver = end.object.status?.attempt === undefined || phase === "Done";
    if (!isOver && !(phase === "Unknown" && isStalled(end))) throw new Error(`stuck at ${phase}: ${canonicalJSON(world)}`);
  });
});

test("each tick is one run of a POST whose key is honoured, under one key, whatever fails", () => {
  const keyed = { ...hourly, idempotencyKey: { header: "Idempotency-Key" } };
  explore(begin(keyed, { fault: 2, hour: 1 }), (world) => {
    const end = settled(world);
    if (countOf(end.delivered).size > 1 + world.hours) throw new Error(`more keys than ticks: ${canonicalJSON(world)}`);
    const { attempt } = end.object.status ?? {};
    if (attempt && attempt.phase !== "Done") throw new Error(`stuck at ${attempt.phase}: ${canonicalJSON(world)}`);
  });
});

test("wish 5: a POST whose work goes on is delivered once, whatever fails while it is asked after, and ends", () => {
  explore(begin(polled, { fault: 1, ask: 1 }), (world) => {
    const end = settled(world);
    const asked = 1 - world.left.ask;
    for (const [id, count] of countOf(end.delivered))
      if (count > 1 + asked) throw new Error(`${id} was delivered ${count} times: ${canonicalJSON(world)}`);
    const phase = end.object.status?.attempt?.phase;
    if (phase !== "Done" && !(phase === "Unknown" && isStalled(end)))
      throw new Error(`stuck at ${phase}: ${canonicalJSON(world)}`);
    if (phase === "Done" && end.object.status?.poll) throw new Error(`still has a URL: ${canonicalJSON(world)}`);
  });
});
