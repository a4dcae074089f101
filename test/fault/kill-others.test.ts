/**
 * kill -9 at each step of what is sent for an HTTPResource, and for a request whose work goes on after the answer: once each,
 * since they are sent by the same protocol as the requests of `kill.test.ts`. The oracle is the origin's count.
 */
import { expect, test } from "@jest/globals";
import type { InterposedRequest } from "../support/api-interposer.ts";
import { stateOf, type DeclaredRequest } from "../support/declared-requests.ts";
import { faultWorld, never, until, type FaultWorld } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

type Hold = (name: string) => Promise<never>;
interface Step {
  readonly name: string;
  arm(world: FaultWorld, hold: Hold): void;
  /** How often each had been sent then. */
  readonly sent: 0 | 1;
  /** Whether nobody can say then what came of a POST without a key. */
  readonly isUnknown: boolean;
}
const steps: readonly Step[] = [
  { name: "before the intent", arm: holdingAPI(isPrecaution, "request"), sent: 0, isUnknown: false },
  { name: "after the intent", arm: holdingAPI(isPrecaution, "reply"), sent: 0, isUnknown: true },
  {
    name: "after the bytes left",
    arm: ({ origin }, hold) => {
      origin.reply = ({ path }) => hold(path.slice(1));
    },
    sent: 1,
    isUnknown: true,
  },
  { name: "before the status", arm: holdingAPI(isOutcome, "request"), sent: 1, isUnknown: true },
  { name: "after the status", arm: holdingAPI(isOutcome, "reply"), sent: 1, isUnknown: false },
];

function holdingAPI(matches: (request: InterposedRequest) => boolean, when: "request" | "reply"): Step["arm"] {
  return ({ api }, hold) => {
    api.hold = (request, what) => (what === when && matches(request) ? hold(nameIn(request)) : undefined);
  };
}
/** The intent, or the live read that stands for it. */
function isPrecaution(request: InterposedRequest): boolean {
  const isLiveRead = request.method === "GET" && nameIn(request) !== "";
  return isLiveRead || (request.method === "PATCH" && request.body.includes('"phase":"InFlight"'));
}
function isOutcome({ method, body }: InterposedRequest): boolean {
  return method === "PATCH" && /"phase":"(Done|Polling)"/.test(body);
}
function nameIn({ path }: InterposedRequest): string {
  return /\/http(?:requests|resources)\/([^/?]+)/.exec(path)?.[1] ?? "";
}

describeWithControlPlane("a controller that is killed", (plane) => {
  test.each(steps)(
    "F7: $name creates no object twice, and begins no work twice",
    async (step) => {
      await using world = await faultWorld(plane, "kill");
      const { namespace, origin, api, requests } = world;
      const resources = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httpresources`;
      const answer: typeof origin.reply = ({ path, method }) =>
        path === "/job" && method === "POST"
          ? { type: "answer", status: 202, headers: { location: "/job/1" } }
          : { type: "answer", status: 200 };
      origin.reply = answer;
      const create = async (name: string, spec: object): Promise<void> => {
        const shape = { url: `${origin.url}/${name}`, method: "POST", body: { json: 1 } };
        const object = { metadata: { name }, spec: { create: shape, ...spec } };
        const type = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource" };
        expect((await plane.admin("POST", resources, { ...type, ...object })).status).toBe(201);
      };
      const states = async (): Promise<Readonly<Record<string, string>>> => {
        const [job, plain, keyed] = await Promise.all(
          [`${requests.collection}/job`, `${resources}/plain`, `${resources}/keyed`].map(
            async (path) => (await plane.admin("GET", path)).body as DeclaredRequest,
          ),
        );
        return { job: stateOf(job), plain: stateOf(plain), keyed: stateOf(keyed) };
      };

      const held = new Set<string>();
      step.arm(world, (name) => (held.add(name), never()));
      {
        await using first = await world.start(["--leader-elect", "false"]);
        await requests.create("job", { url: `${origin.url}/job`, method: "POST", poll: { interval: "1s" } });
        await create("plain", {});
        await create("keyed", { idempotencyKey: {} });
        await until("all are held", () => held.size === 3);
        first.kill("SIGKILL");
        await first.exited;
      }
      for (const name of ["job", "plain", "keyed"]) expect([name, origin.count(`/${name}`)]).toEqual([name, step.sent]);
      api.hold = () => undefined;
      origin.reply = answer;
      await using _second = await world.start(["--leader-elect", "false"]);
      const ends = step.isUnknown ? /^Stalled\/OutcomeUnknown$/ : /^Ready\//;
      let seen = await states();
      await until("all have settled", async () => {
        seen = await states();
        return ends.test(seen["job"] ?? "") && ends.test(seen["plain"] ?? "") && seen["keyed"]?.startsWith("Ready/") === true;
      }).catch((cause: unknown) => {
        throw new Error(JSON.stringify(seen), { cause });
      });
      const times = step.isUnknown ? step.sent : 1;
      expect([origin.count("/job"), origin.count("/plain"), origin.effects("/keyed")]).toEqual([times, times, 1]);
    },
    180_000,
  );
});
