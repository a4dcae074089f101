/**
 * kill -9 at each numbered step of a send, many times: the step is reached because the API server's side or the origin
 * holds there, so no kill misses. The oracle is the origin's count and what the API server has recorded.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { InterposedRequest } from "../support/api-interposer.ts";
import { stateOf, type AllDeclared } from "../support/declared-requests.ts";
import { faultWorld, inSoak, never, until, type FaultWorld } from "../support/fault-world.ts";
import type { HoldfastProcess } from "../support/controller-process.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const kills = Number(process.env["HOLDFAST_KILLS"] ?? inSoak(102, 1_020));
/** Namespaces, each with a controller that is killed again and again, at the same time: a kill is mostly waiting. */
const lanes = 3;
/** A namespace serves for so many kills, then a fresh one. */
const killsPerNamespace = 34;
/** Each successor has to wait for the lease of the one that was killed. */
const shortLease = ["--lease-name", "short", "--lease-duration", "3s", "--renew-deadline", "2500ms", "--retry-period", "400ms"];

/** What a request can be, as far as sending it again goes. */
const variants = {
  post: { method: "POST", body: { json: { a: 1 } } },
  /** A key, and the same bytes each time: it needs no intent. */
  keyed: { method: "POST", body: { json: { a: 1 } }, idempotencyKey: {} },
  /** A key, and a rendering that could differ: it has an intent. */
  keyedNow: { method: "POST", body: { json: "${ .now }" }, idempotencyKey: {} },
  get: { method: "GET" },
  put: { method: "PUT", body: { json: { a: 1 } } },
  delete: { method: "DELETE" },
} as const;
type Variant = keyof typeof variants;

interface Step {
  readonly name: string;
  /** What is declared for one kill. The API server's side can hold four: the client has four connections. */
  readonly batch: readonly Variant[];
  /** Has everything be held at this step; `hold` is to be called with the object's name. */
  arm(world: FaultWorld, hold: (name: string) => Promise<never>): void;
  /** What must be recorded and have been sent then of a POST without a key: without this, the step was not hit. */
  readonly phase: "InFlight" | "Done" | undefined;
  readonly sent: 0 | 1;
}

/** Those that have an intent. */
const cautious: readonly Variant[] = ["post", "post", "keyedNow", "keyedNow"];
const all: readonly Variant[] = ["post", "keyed", "keyedNow", "get", "put", "delete"];

const steps: readonly Step[] = [
  { name: "before the intent", batch: cautious, arm: holdingAPI(isIntent, "request"), phase: undefined, sent: 0 },
  { name: "after the intent", batch: cautious, arm: holdingAPI(isIntent, "reply"), phase: "InFlight", sent: 0 },
  {
    name: "after the bytes left",
    batch: [...all, ...all],
    arm: ({ origin }, hold) => {
      origin.reply = ({ path }) => hold(path.slice(1));
    },
    phase: "InFlight",
    sent: 1,
  },
  {
    name: "in the middle of the response",
    batch: [...all, ...all],
    arm: ({ origin }, hold) => {
      origin.reply = ({ path }) => (void hold(path.slice(1)), { type: "half" });
    },
    phase: "InFlight",
    sent: 1,
  },
  {
    name: "before the status",
    batch: ["post", "get", "keyed", "put"],
    arm: holdingAPI(isOutcome, "request"),
    phase: "InFlight",
    sent: 1,
  },
  {
    name: "after the status",
    batch: ["post", "delete", "keyedNow", "keyed"],
    arm: holdingAPI(isOutcome, "reply"),
    phase: "Done",
    sent: 1,
  },
];

function holdingAPI(matches: (request: InterposedRequest) => boolean, when: "request" | "reply"): Step["arm"] {
  return ({ api }, hold) => {
    api.hold = (request, what) => (what === when && matches(request) ? hold(nameIn(request)) : undefined);
  };
}
function isIntent({ method, body }: InterposedRequest): boolean {
  return method === "PATCH" && body.includes('"phase":"InFlight"');
}
function isOutcome({ method, body }: InterposedRequest): boolean {
  return method === "PATCH" && body.includes('"phase":"Done"');
}
function nameIn({ path }: InterposedRequest): string {
  return /\/httprequests\/([^/?]+)/.exec(path)?.[1] ?? "";
}
function isSettled(declared: AllDeclared, name: string): boolean {
  return /^(Ready|Stalled)\//.test(stateOf(declared.get(name)));
}

async function allAre(held: ReadonlySet<string>, count: number): Promise<true> {
  await until("all are held", () => held.size === count, 90_000);
  return true;
}

interface End {
  /** What was recorded of it when the process was killed, and how often it had been sent. */
  readonly phase: string | undefined;
  readonly sent: number;
  /** What became of it. */
  readonly state: string;
  readonly requests: number;
  readonly effects: number;
}
/** Whether it ended as docs/delivery.md says. */
function isRight(name: string, { phase, sent, state, requests, effects }: End): boolean {
  if (name.startsWith("post.") && phase === "InFlight") return state === "Stalled/OutcomeUnknown" && requests === sent;
  if (state !== "Ready/Succeeded") return false;
  if (name.startsWith("post.")) return requests === 1;
  return name.startsWith("keyed") ? effects === 1 : requests >= 1;
}

/** One controller at a time, as a Deployment would keep it: one that loses the lease, on a slow machine, is killed without having hit its step. */
interface Lane extends AsyncDisposable {
  readonly wrong: string[];
  hits: number;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Resolves when it stops working by itself. */
  ended(): Promise<false>;
}
function createLane(world: FaultWorld): Lane {
  const args = [
    ...shortLease,
    "--lease-namespace",
    world.namespace,
    "--connections-per-origin",
    "100",
    "--max-in-flight-per-origin",
    "100",
  ];
  let controller: HoldfastProcess | undefined;
  let stopping = new AbortController();
  let running = Promise.resolve();
  async function keepOne(isUp: () => void): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      controller = await world.start(args);
      if (signal.aborted) controller.kill("SIGKILL");
      isUp();
      await controller.exited;
    }
  }
  async function kill(): Promise<void> {
    stopping.abort();
    controller?.kill("SIGKILL");
    await running;
  }
  return {
    wrong: [],
    hits: 0,
    async start() {
      stopping = new AbortController();
      const { promise, resolve } = Promise.withResolvers<void>();
      running = keepOne(resolve);
      await Promise.race([promise, running]);
    },
    kill,
    async ended() {
      await controller?.logged(({ message }) => message.startsWith("lost the lease"), 120_000).catch(() => undefined);
      return false;
    },
    [Symbol.asyncDispose]: kill,
  };
}

describeWithControlPlane("a controller that is killed", (plane) => {
  /** One batch, held at the step; then the kill, and a successor that settles it. Adds what was wrong, and returns the names. */
  async function killAt(
    step: Step,
    kill: number,
    { world, lane }: { world: FaultWorld; lane: Lane },
  ): Promise<readonly string[]> {
    const { origin, api, requests } = world;
    // Starting jq costs a process as much as all the rest: every third round has expressions.
    const hasExpressions = Math.floor(kill / steps.length) % 3 === 0;
    const instead = step.batch === cautious ? "post" : "keyed";
    const batch = step.batch.map((variant) => (variant === "keyedNow" && !hasExpressions ? instead : variant));
    const names = batch.map((variant, index) => `${variant.toLowerCase()}.${kill}.${index}`);
    const held = new Set<string>();
    step.arm(world, (name) => (held.add(name), never()));
    await Promise.all(
      names.map((name, index) =>
        requests.create(name, { url: `${origin.url}/${name}`, ...variants[batch[index] as Variant], timeout: "60s" }),
      ),
    );
    const isHit = await Promise.race([allAre(held, names.length), lane.ended()]);
    lane.hits += isHit ? 1 : 0;
    await lane.kill();
    const atKill = await requests.all();
    const sentAtKill = new Map(names.map((name) => [name, origin.count(`/${name}`)]));
    api.hold = () => undefined;
    origin.reply = () => ({ type: "answer" });
    await lane.start();
    const settled = await requests.until(
      `${step.name}, kill ${kill}: all have settled`,
      (seen) => names.every((name) => isSettled(seen, name)),
      120_000,
    );
    for (const name of names) {
      const phase = atKill.get(name)?.status?.attempt?.phase;
      const sent = sentAtKill.get(name) ?? 0;
      const end = { state: stateOf(settled.get(name)), requests: origin.count(`/${name}`), effects: origin.effects(`/${name}`) };
      const about = `${step.name}, kill ${kill}, ${name}: ${JSON.stringify({ phase, sent, ...end })}`;
      if (isHit && name.startsWith("post.") && (phase !== step.phase || sent !== step.sent)) lane.wrong.push(`not hit ${about}`);
      if (!isRight(name, { phase, sent, ...end })) lane.wrong.push(about);
    }
    return names;
  }

  /** Kills until it has hit its step so often, and returns what was wrong. */
  async function killAndRestart(first: number, count: number): Promise<readonly string[]> {
    await using world = await faultWorld(plane, "kill");
    await using lane = createLane(world);
    await lane.start();
    const batches: (readonly string[])[] = [];
    for (let kill = first; lane.hits < count; kill += 1) {
      batches.push(await killAt(steps[kill % steps.length] as Step, kill, { world, lane }));
      // Each batch lives through two more restarts, in which nothing of it may be sent.
      if (batches.length > 3) await Promise.all((batches.shift() ?? []).map((name) => world.requests.remove(name)));
    }
    await sleep(1_000);
    for (const { path } of world.origin.requests) {
      if (path.startsWith("/post.") && world.origin.count(path) > 1) lane.wrong.push(`${path}: sent twice`);
    }
    return lane.wrong;
  }

  test(
    `F7: sends no POST twice, has one effect for each key, and leaves nothing unsaid, in ${kills} kills`,
    async () => {
      const next = { kill: 0 };
      async function lane(): Promise<readonly string[]> {
        const wrong: string[] = [];
        while (next.kill < kills) {
          const first = next.kill;
          next.kill += killsPerNamespace;
          wrong.push(...(await killAndRestart(first, Math.min(killsPerNamespace, kills - first))));
        }
        return wrong;
      }
      expect((await Promise.all(Array.from({ length: lanes }, lane))).flat()).toEqual([]);
    },
    120_000 + kills * 8_000,
  );
});
