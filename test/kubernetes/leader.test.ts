/** Two controllers at once: who acts, how fast that moves, and that a deposed one sends nothing. The origin counts. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { startInterposer } from "../support/api-interposer.ts";
import { declaredRequests, isReady, stateOf, type DeclaredRequests } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { never, until } from "../support/fault-world.ts";
import { holdfast } from "../support/holdfast.ts";
import { at, leaseMs, leading, replicas, shortLease, type Replicas } from "../support/replicas.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

describeWithControlPlane("leader election", (plane) => {
  interface World extends AsyncDisposable {
    readonly origin: FaultOrigin;
    readonly requests: DeclaredRequests;
    readonly controllers: Replicas;
    post(name: string, spec?: object): Promise<void>;
  }
  async function world(): Promise<World> {
    const namespace = await plane.createNamespace("leader");
    const requests = declaredRequests(plane, namespace);
    await using cleanup = new AsyncDisposableStack();
    const origin = cleanup.use(await startFaultOrigin());
    const controllers = cleanup.use(replicas(plane, namespace, shortLease));
    const kept = cleanup.move();
    return {
      origin,
      requests,
      controllers,
      post: (name, spec = {}) => requests.create(name, { url: `${origin.url}/${name}`, method: "POST", ...spec }),
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    };
  }

  test("F9: one of two works, both are ready; a successor takes over within 3 s of a graceful exit, and lease + 2 s of a kill", async () => {
    await using here = await world();
    const { origin, requests, controllers } = here;
    const first = await controllers.startLeader();
    const second = await controllers.start();
    await second.logged(({ message }) => message === "standing by");
    await here.post("one");
    await requests.until("one is ready", (all) => isReady(all.get("one")));
    const status = 'leader_election_master_status{name="holdfast"}';
    expect([await first.metric(status), await second.metric(status)]).toEqual([1, 0]);
    expect(second.log.filter(({ message }) => message === "reconciled")).toEqual([]);
    const { holderIdentity } = await controllers.lease();
    expect(first.log.find(({ message }) => message === "leading")).toMatchObject({ identity: holderIdentity });

    first.kill("SIGTERM");
    await here.post("two");
    await leading(second);
    expect(await first.exited).toBe(0);
    expect(first.log.some(({ message }) => message === "released the lease")).toBe(true);
    await requests.until("two is ready", (all) => isReady(all.get("two")));
    expect(await controllers.lease()).toMatchObject({ leaseTransitions: 1, leaseDurationSeconds: leaseMs.duration / 1_000 });

    const third = await controllers.start();
    await third.logged(({ message }) => message === "standing by");
    const { renewTime } = await controllers.lease();
    second.kill("SIGKILL");
    await here.post("three");
    // Not before the lease was over; two clocks may differ by a little.
    expect(await leading(third)).toBeGreaterThan(Date.parse(String(renewTime)) + leaseMs.duration - 100);
    await requests.until("all are ready", (all) => [...all.values()].every(isReady));
    expect(origin.requests.map(({ path }) => path)).toEqual(["/one", "/two", "/three"]);
  });

  test("F8: a leader that was suspended sends nothing more, records what it sent, and stands by", async () => {
    await using here = await world();
    const { origin, requests, controllers } = here;
    const deposed = await controllers.startLeader(["--connections-per-origin", "1", "--max-in-flight-per-origin", "50"]);
    const successor = await controllers.start();
    await successor.logged(({ message }) => message === "standing by");
    // The first request is on its way; all others are declared and prepared, and wait for its connection.
    const held = Promise.withResolvers<void>();
    origin.reply = async ({ nth }) => {
      if (origin.requests.length === 1 && nth === 1) await held.promise;
      return { type: "answer" };
    };
    const retry = { limit: 5, backoff: { initial: "40s", max: "40s" } };
    await here.post("sent", { retry });
    await until("the first has been sent", () => origin.requests.length === 1);
    for (const number of [1, 2, 3, 4]) {
      await here.post(`waiting-${number}`, { retry });
      await here.post(`keyed-${number}`, { retry, idempotencyKey: { header: "Idempotency-Key" } });
      await requests.create(`get-${number}`, { url: `${origin.url}/get-${number}`, retry });
    }
    await requests.until("the POSTs are declared", (all) =>
      [...all.values()].every(({ metadata, status }) => !/waiting/.test(metadata.name) || status?.attempt?.phase === "InFlight"),
    );
    await sleep(200); // the others have come as far
    const stoppedMs = performance.now();
    deposed.kill("SIGSTOP");
    await leading(successor);
    await requests.until("the successor has dealt with all", (all) =>
      [...all.values()].every((one) => isReady(one) || stateOf(one) === "Stalled/OutcomeUnknown"),
    );
    held.resolve();
    await sleep(300);
    const before = origin.requests.length;
    expect(origin.requests.filter(({ path }) => path.startsWith("/waiting"))).toEqual([]);

    deposed.kill("SIGCONT");
    const lost = await deposed.logged(({ message }) => message.startsWith("lost the lease"));
    expect(lost).toMatchObject({ level: "warn" });
    await deposed.logged(({ message }) => message === "standing by");
    expect(await deposed.metric('leader_election_master_status{name="holdfast"}')).toBe(0);
    for (const probe of ["/healthz", "/readyz"] as const) expect((await deposed.probe(probe)).status).toBe(200);
    // Until then whatever arrives is the deposed one's: the successor tries again after 40 s, less a quarter at most.
    await sleep(Math.max(0, stoppedMs + 25_000 - performance.now()));
    expect(origin.requests.slice(before).map(({ method, path }) => `${method} ${path}`)).toEqual([]);

    // What the deposed one knew for certain, that it was answered or never sent, has come to be known.
    await requests.until("all are ready", (all) => [...all.values()].every(isReady));
    for (const { path } of origin.requests) expect([path, origin.effects(path)]).toEqual([path, 1]);
    const posts = origin.requests.filter(({ headers }) => headers["idempotency-key"] === undefined);
    for (const { method, path } of posts) if (method === "POST") expect([path, origin.count(path)]).toEqual([path, 1]);
  });

  test("F8: a leader that is cut off from the API server stops before another begins, and leads again when that one leaves", async () => {
    await using here = await world();
    const { origin, requests, controllers } = here;
    await using proxy = await startTcpProxy(plane.url);
    const kubeconfig = await plane.kubeconfigVia("holdfast", `https://127.0.0.1:${proxy.port}`);
    const cutOff = await controllers.startLeader([], kubeconfig);
    const successor = await controllers.start();
    await successor.logged(({ message }) => message === "standing by");
    origin.reply = ({ path }) => (path === "/long" ? never() : { type: "answer" });
    await here.post("long", { timeout: "8s" });
    await until("it is on its way", () => origin.count("/long") === 1);
    proxy.newConnections = "blackHole";
    proxy.blackHole();
    await here.post("later");
    const tookOverMs = await leading(successor);
    const lost = await cutOff.logged(({ message }) => message.startsWith("lost the lease"));
    expect(at(lost)).toBeLessThan(tookOverMs);
    await requests.until(
      "the other is ready, and of this one nobody knows",
      (all) => isReady(all.get("later")) && stateOf(all.get("long")) === "Stalled/OutcomeUnknown",
    );

    proxy.newConnections = "pass";
    proxy.reset();
    await cutOff.logged(({ message }) => message === "standing by");
    successor.kill("SIGTERM");
    expect(successor.log.filter(({ message }) => message.startsWith("another Holdfast leads"))).toEqual([]);
    await until("it leads again", () => cutOff.log.filter(({ message }) => message === "leading").length === 2);
    await here.post("again");
    const end = await requests.until("what came since is ready", (seen) => isReady(seen.get("again")));
    expect(stateOf(end.get("long"))).toBe("Stalled/OutcomeUnknown");
    expect(origin.requests.map(({ path }) => path).toSorted()).toEqual(["/again", "/later", "/long"]);
  });

  test("one that has not listed everything yet leaves the lease to one that has, and stands by when it has", async () => {
    await using here = await world();
    const { origin, requests, controllers } = here;
    await using api = await startInterposer(plane);
    const listing = Promise.withResolvers<void>();
    const isListing = (path: string): boolean => path.includes("/httpresources?");
    api.hold = ({ path }, what) => (isListing(path) && what === "request" ? listing.promise : undefined);
    const kubeconfig = await plane.kubeconfigVia("holdfast", api.url);
    const cold = controllers.start([], kubeconfig); // returns when it is ready
    await until("it lists", () => api.requests.some(isListing));
    const warm = await controllers.startLeader();
    await here.post("one");
    await requests.until("one is ready", (all) => isReady(all.get("one")));
    listing.resolve();
    const late = await cold;
    await late.logged(({ message }) => message === "standing by");
    warm.kill("SIGTERM");
    await leading(late);
    await here.post("two");
    await requests.until("two is ready", (all) => isReady(all.get("two")));
    expect(origin.requests.map(({ path }) => path)).toEqual(["/one", "/two"]);
  });

  test("has client-go's times by default, refuses some that leave no margin, and can be switched off", async () => {
    const { stdout } = await holdfast(["controller", "--help"]);
    const help = stdout.replaceAll(/\s+/g, " ");
    for (const [flag, value] of [
      ["--lease-duration", "15s"],
      ["--renew-deadline", "10s"],
      ["--retry-period", "2s"],
      ["--leader-elect", "true"],
    ]) {
      expect(help).toMatch(new RegExp(`${flag} <[^>]+> [^(]*\\(default: ${value},`));
    }
    const { code, stderr } = await holdfast(["controller", "--lease-duration", "10s"]);
    expect([code, stderr]).toEqual([2, "error: --lease-duration must be longer than --renew-deadline\n"]);

    await using here = await world();
    const alone = await here.controllers.start(["--leader-elect", "false"]);
    await here.post("alone");
    await here.requests.until("it is ready", (all) => isReady(all.get("alone")));
    expect(alone.log.filter(({ message }) => message === "leading")).toEqual([]);
  });
});
