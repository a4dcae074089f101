/** The end of a controller with requests under way: they finish or stay recorded as in flight, and a successor begins. */
import { expect, test } from "@jest/globals";
import { declaredRequests, isReady, stateOf, type DeclaredRequests } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { never, until } from "../support/fault-world.ts";
import { at, leading, replicas, type Replicas } from "../support/replicas.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

/** So that as many requests are under way as there are: one namespace has three quarters of the workers, places and sockets. */
const wide = ["--concurrency", "280", "--connections-per-origin", "280", "--max-in-flight-per-origin", "280"];

describeWithControlPlane("shutting down", (plane) => {
  interface World extends AsyncDisposable {
    readonly origin: FaultOrigin;
    readonly requests: DeclaredRequests;
    readonly controllers: Replicas;
    /** Declares that many POSTs without a key, and waits until the origin has them all. */
    underWay(count: number): Promise<void>;
  }
  async function world(): Promise<World> {
    const namespace = await plane.createNamespace("shutdown");
    const requests = declaredRequests(plane, namespace);
    await using cleanup = new AsyncDisposableStack();
    const origin = cleanup.use(await startFaultOrigin());
    const controllers = cleanup.use(replicas(plane, namespace));
    const kept = cleanup.move();
    return {
      origin,
      requests,
      controllers,
      async underWay(count) {
        const names = Array.from({ length: count }, (_, n) => `post-${n}`);
        const spec = { method: "POST", timeout: "60s" };
        await Promise.all(names.map((name) => requests.create(name, { url: `${origin.url}/${name}`, ...spec })));
        await until("the origin has them all", () => origin.requests.length === count);
      },
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    };
  }

  test("F9: 200 requests under way finish and are recorded, each sent once, before a successor begins within 3 s of the end", async () => {
    await using here = await world();
    const { origin, requests, controllers } = here;
    const leaving = await controllers.startLeader(wide);
    const successor = await controllers.start();
    const slow = Promise.withResolvers<void>();
    origin.reply = async () => {
      await slow.promise;
      return { type: "answer" };
    };
    await here.underWay(200);
    const toldMs = Date.now();
    leaving.kill("SIGTERM");
    await until("the lease is renewed while what is under way ends", async () => {
      const { renewTime } = await controllers.lease();
      return Date.parse(String(renewTime)) > toldMs;
    });
    slow.resolve();
    expect(await leaving.exited).toBe(0);
    const all = await requests.all();
    expect([...all.values()].filter(isReady)).toHaveLength(200);
    const released = leaving.log.find(({ message }) => message === "released the lease") ?? {};
    expect(at(leaving.log.findLast(({ message }) => message === "reconciled") ?? {})).toBeLessThanOrEqual(at(released));
    expect(await leading(successor)).toBeGreaterThanOrEqual(at(released));
    expect(origin.requests).toHaveLength(200);
  });

  test("F9: what does not end in time stays recorded as in flight, and the successor says that its outcome is not known", async () => {
    await using here = await world();
    const { origin, requests, controllers } = here;
    const leaving = await controllers.startLeader([...wide, "--shutdown-timeout", "1s"]);
    const successor = await controllers.start();
    origin.reply = ({ path }) => (path === "/new" ? { type: "answer" } : never());
    await here.underWay(50);
    leaving.kill("SIGTERM");
    await requests.create("new", { url: `${origin.url}/new` });
    expect(await leaving.exited).toBe(0);
    await leading(successor);
    await requests.until("each is said to be unknown", (all) =>
      [...all].every(([name, one]) => stateOf(one) === (name === "new" ? "Ready/Succeeded" : "Stalled/OutcomeUnknown")),
    );
    expect(origin.requests.filter(({ method }) => method === "POST")).toHaveLength(50);
  });

  test("a second signal ends it at once; a standby has nothing to wait for", async () => {
    await using here = await world();
    const { origin, controllers } = here;
    const leaving = await controllers.startLeader();
    const standby = await controllers.start();
    origin.reply = never;
    await here.underWay(1);
    standby.kill("SIGTERM");
    expect(await standby.exited).toBe(0);
    // Two that come before the process has seen the first are one.
    const telling = setInterval(() => leaving.kill("SIGTERM"), 200);
    expect(await leaving.exited).toBe(130);
    clearInterval(telling);
  });
});
