/** Holding a lease on a real API server whose answers are lost, refused or late, and which others write as well. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { TelemetryEvent } from "../../src/core/telemetry-event.ts";
import { createApiClient, type ApiClient } from "../../src/kubernetes/api-client.ts";
import { loadKubeConfig } from "../../src/kubernetes/credentials.ts";
import { createLeadership } from "../../src/kubernetes/lease.ts";
import { refusal, startInterposer, type ApiInterposer } from "../support/api-interposer.ts";
import { never, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

/** The deadline is what a machine that is busy with other things may take between two renewals. */
const times = { leaseDurationMs: 6_000, renewDeadlineMs: 4_500, retryPeriodMs: 300 };
/** Where nobody waits for a deadline. */
const patient = { leaseDurationMs: 60_000, renewDeadlineMs: 45_000, retryPeriodMs: 300 };

describeWithControlPlane("a lease", (plane) => {
  let namespace: string;
  const stack = new AsyncDisposableStack();

  beforeAll(async () => {
    namespace = await plane.createNamespace("lease");
  });
  afterAll(() => stack.disposeAsync());

  interface Candidate extends AsyncDisposable {
    readonly api: ApiInterposer;
    readonly client: ApiClient;
    readonly mayAct: () => boolean;
    readonly term: () => number | undefined;
    /** Resolves when it has come to lead for the first time. */
    readonly elected: Promise<void>;
    /** How often it has come to lead, and how often it has lost that. */
    readonly elections: () => number;
    readonly losses: () => number;
    readonly notes: readonly string[];
    /** Tells it to leave and waits until it has. */
    leave(): Promise<void>;
  }
  type Settings = Parameters<typeof createLeadership>[0];
  async function candidate(name: string, identity: string, own: Partial<Settings> = {}): Promise<Candidate> {
    await using cleanup = new AsyncDisposableStack();
    const api = cleanup.use(await startInterposer(plane));
    const kubeconfig = await plane.kubeconfigVia("holdfast", api.url);
    const notes: string[] = [];
    const emit = (occurrence: TelemetryEvent): void => void (occurrence.type === "note" && notes.push(occurrence.message));
    const client = cleanup.use(createApiClient({ loadKubeConfig: () => loadKubeConfig(kubeconfig), emit }));
    const leadership = createLeadership({ ...times, ...own, client, emit, namespace, name, identity });
    const leaving = new AbortController();
    const elected = Promise.withResolvers<void>();
    let elections = 0;
    const running = leadership.run({ stop: leaving.signal, ended: leaving.signal }, () => {
      elections += 1;
      elected.resolve();
    });
    const leave = async (): Promise<void> => {
      leaving.abort();
      await running;
    };
    cleanup.defer(leave);
    const kept = cleanup.move();
    return {
      api,
      client,
      mayAct: () => leadership.term() !== undefined,
      term: leadership.term,
      elected: elected.promise,
      elections: () => elections,
      losses: () => notes.filter((note) => note.startsWith("lost the lease")).length,
      notes,
      leave,
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    };
  }
  const path = (name: string): string => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`;
  async function specOf(name: string): Promise<Readonly<Record<string, unknown>>> {
    return ((await plane.admin("GET", path(name))).body as { spec: Readonly<Record<string, unknown>> }).spec;
  }
  /** It acts all the time for longer than it could without renewing. */
  async function staysLeader(one: Candidate, losses = 0): Promise<void> {
    for (const endMs = performance.now() + times.renewDeadlineMs + 300; performance.now() < endMs; await sleep(20))
      expect(one.mayAct()).toBe(true);
    expect(one.losses()).toBe(losses);
  }
  const lostReply = { status: 502, afterwards: true } as const;

  test("goes on when the reply to its taking, or to a renewal, was lost", async () => {
    await using one = await candidate("lost-reply", "one");
    one.api.answer = ({ method }) => (method === "POST" ? lostReply : undefined);
    await one.elected;
    let patches = 0;
    one.api.answer = ({ method }) => (method === "PATCH" && (patches += 1) % 3 === 1 ? lostReply : undefined);
    await staysLeader(one);
    expect(patches).toBeGreaterThan(4);
    expect(await specOf("lost-reply")).toMatchObject({ holderIdentity: "one", leaseTransitions: 0 });
  });

  test("goes on when the API server is away for less than the renew deadline, and when hot calls hang", async () => {
    await using one = await candidate("away", "one");
    await one.elected;
    one.api.hold = ({ path }) => (path.includes("/configmaps") ? never() : undefined);
    const ending = new AbortController();
    const hot = Array.from({ length: 20 }, () =>
      one.client.call({ method: "GET", path: `/api/v1/namespaces/${namespace}/configmaps/a` }, ending.signal).catch(() => {}),
    );
    await staysLeader(one);
    one.api.answer = () => "reset";
    await sleep(800);
    one.api.answer = () => undefined;
    await staysLeader(one);
    ending.abort();
    await Promise.all(hot);
    expect(one.notes.filter((note) => note === "the lease cannot be read or written")).toHaveLength(1);
  });

  test("stops acting at the renew deadline when no renewal is answered, before another may take it", async () => {
    await using one = await candidate("silent", "one");
    await one.elected;
    await using two = await candidate("silent", "two");
    await sleep(300);
    one.api.hold = () => never();
    while (one.mayAct()) {
      expect(two.mayAct()).toBe(false);
      await sleep(5);
    }
    await until("it says that it is lost", () => one.losses() === 1);
    await two.elected;
    expect(one.mayAct()).toBe(false);
    one.api.hold = () => undefined;
    one.api.reset();
    await sleep(times.renewDeadlineMs);
    expect([one.mayAct(), two.mayAct()]).toEqual([false, true]);
  });

  test("one that has lost it stands by, and leads again in another term when it is free", async () => {
    await using one = await candidate("again", "one");
    await one.elected;
    const first = one.term();
    one.api.answer = () => "reset"; // nobody takes it meanwhile: it is still its own
    await until("it is lost", () => one.losses() === 1);
    expect(one.mayAct()).toBe(false);
    one.api.answer = () => undefined;
    await until("it leads again", () => one.elections() === 2);
    const second = one.term();
    expect(second).not.toBe(first);
    await staysLeader(one, 1);
    // Whoever waited until this one's lease is over, rather than hear of its release, would not lead in time.
    await using two = await candidate("again", "two", { leaseDurationMs: 600_000 });
    one.api.answer = () => "reset";
    await two.elected;
    one.api.answer = () => undefined;
    await until("it stands by", () => one.notes.at(-1) === "standing by");
    await two.leave();
    await until("it leads a third time", () => one.elections() === 3);
    expect([first, second]).not.toContain(one.term());
    expect(await specOf("again")).toMatchObject({ holderIdentity: "one", leaseTransitions: 2 });
  });

  test("goes on when somebody labels the lease or deletes it, and is lost at once when somebody takes it", async () => {
    await using one = await candidate("meddled", "one");
    await one.elected;
    await plane.adminPatch(path("meddled"), { metadata: { labels: { team: "a" } } });
    await sleep(500);
    expect(((await plane.admin("GET", path("meddled"))).body as { metadata: object }).metadata).toMatchObject({
      labels: { team: "a" },
    });
    await plane.admin("DELETE", path("meddled"));
    await staysLeader(one);
    await using robbed = await candidate("taken", "robbed", patient);
    await robbed.elected;
    await plane.adminPatch(path("taken"), { spec: { holderIdentity: "thief" } });
    await until("it is lost", () => robbed.losses() === 1, patient.renewDeadlineMs / 2);
    expect(robbed.mayAct()).toBe(false);
    expect((await specOf("taken"))["holderIdentity"]).toBe("thief");
  });

  test("of two, no other leads beside the one that holds it when somebody deletes the lease", async () => {
    await using one = await candidate("deleted", "one");
    await one.elected;
    await using two = await candidate("deleted", "two");
    await until("it stands by", () => two.notes.includes("standing by"));
    one.api.hold = ({ method }) => (method === "PATCH" ? sleep(2 * times.retryPeriodMs) : undefined); // what it renews next comes later
    await plane.admin("DELETE", path("deleted"));
    for (const endMs = performance.now() + times.leaseDurationMs; performance.now() < endMs; await sleep(2))
      expect([one.mayAct(), two.mayAct()]).not.toEqual([true, true]);
    await until("one of them leads", () => one.mayAct() || two.mayAct());
    await one.leave();
    await two.elected;
  });

  test("a standby that may not watch, or whose watch goes silent, takes over as soon as it may", async () => {
    // Whoever waited until this one's lease is over would not lead before the test ends.
    await using one = await candidate("blind", "one", { leaseDurationMs: 600_000 });
    await one.elected;
    await using two = await candidate("blind", "two");
    two.api.answer = ({ path }) => (path.includes("watch=true") ? { status: 403 } : undefined);
    two.api.reset();
    await sleep(500);
    expect(two.mayAct()).toBe(false);
    await one.leave();
    expect(one.mayAct()).toBe(false);
    await two.elected;

    await using three = await candidate("blind", "three");
    await until("it stands by", () => three.notes.includes("standing by"));
    three.api.hold = ({ path }) => (path.includes("watch=true") ? never() : undefined);
    three.api.reset();
    await two.leave();
    await three.elected;
    expect(await specOf("blind")).toMatchObject({ holderIdentity: "three", leaseTransitions: 2 });
  });

  test("one that leaves releases it even when the reply to its last renewal was lost", async () => {
    await using one = await candidate("left", "one");
    await one.elected;
    let lost = 0;
    one.api.answer = ({ method }) => (method === "PATCH" && (lost += 1) === 1 ? lostReply : undefined);
    await until("the reply is lost", () => lost === 1);
    await one.leave();
    expect(await specOf("left")).not.toHaveProperty("holderIdentity");
    expect(one.notes.at(-1)).toBe("released the lease");
  });

  test("F33: is held though the replies to all renewals are lost: what is read afterwards says that they landed", async () => {
    await using one = await candidate("unheard", "one");
    one.api.answer = ({ method, path }) =>
      method !== "GET" && path.includes("/leases") ? { status: 504, afterwards: true } : undefined;
    await one.elected;
    await sleep(2 * times.leaseDurationMs);
    expect([one.mayAct(), one.elections(), one.losses()]).toEqual([true, 1, 0]);
  });

  test("of one that several hold by one name, each leads on while others renew it, though its own renewals all come too late", async () => {
    await using one = await candidate("together", "all", { isShared: true });
    await one.elected;
    await using two = await candidate("together", "all", { isShared: true });
    await two.elected;
    two.api.answer = ({ method, path }) =>
      method === "PATCH" && path.includes("/leases/") ? refusal(409, "Conflict", "somebody was faster") : undefined;
    await Promise.all([one, two].map((each) => staysLeader(each)));
    await one.leave();
    await until("nobody renews it any more", () => two.losses() === 1);
  });

  test("is taken without waiting for it anew where this process has seen it for as long as it lasts", async () => {
    const spec = { holderIdentity: "gone", leaseDurationSeconds: 3_600, renewTime: "2026-01-01T00:00:00.000000Z" };
    const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "watched", namespace }, spec };
    expect((await plane.admin("POST", `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`, lease)).status).toBe(201);
    const seen = { spec, sinceMs: performance.now() - 3_600_000 };
    await using other = await candidate("watched", "other", {
      seen: () => ({ ...seen, spec: { ...spec, leaseTransitions: 1 } }),
    });
    await using one = await candidate("watched", "one", { seen: () => seen });
    await one.elected;
    expect(one.api.requests.slice(0, 2).map((request) => request.split(" ")[0])).toEqual(["GET", "PATCH"]);
    expect([one.mayAct(), other.mayAct()]).toEqual([true, false]);
  });

  test("does not wait for others of the same process while the API server is slow to answer", async () => {
    await using api = await startInterposer(plane);
    const kubeconfig = await plane.kubeconfigVia("holdfast", api.url);
    const notes: string[] = [];
    const emit = (event: TelemetryEvent): void => void (event.type === "note" && notes.push(event.message));
    await using client = createApiClient({ loadKubeConfig: () => loadKubeConfig(kubeconfig), emit });
    const names = ["first", "second", "third"];
    const asked = new Set<string>();
    const all = Promise.withResolvers<void>();
    // None is answered before all have asked.
    api.hold = ({ path }) => {
      asked.add(path.split("/").at(-1) ?? "");
      if (names.every((name) => asked.has(name))) all.resolve();
      return all.promise;
    };
    const ending = new AbortController();
    const signals = { stop: ending.signal, ended: ending.signal };
    const elections = names.map(() => Promise.withResolvers<void>());
    const running = names.map((name, nth) =>
      createLeadership({ ...patient, client, emit, namespace, name, identity: "one" }).run(signals, () =>
        elections[nth]?.resolve(),
      ),
    );
    await Promise.all(elections.map(({ promise }) => promise));
    ending.abort();
    await Promise.all(running);
    expect(notes.toSorted()).toEqual([...names.map(() => "leading"), ...names.map(() => "released the lease")]);
  });

  test("F32: ends who holds it when the API server's versions go back, as they do when etcd is restored from an older copy", async () => {
    await using api = await startInterposer(plane);
    const kubeconfig = await plane.kubeconfigVia("holdfast", api.url);
    await using client = createApiClient({ loadKubeConfig: () => loadKubeConfig(kubeconfig), emit: () => {} });
    const leadership = createLeadership({ ...times, client, emit: () => {}, namespace, name: "restored", identity: "one" });
    const { signal } = new AbortController();
    const elected = Promise.withResolvers<void>();
    const running = leadership.run({ stop: signal, ended: signal }, () => elected.resolve());
    await elected.promise;
    const spec = { holderIdentity: "one", leaseDurationSeconds: 2, renewTime: new Date().toISOString().replace("Z", "000Z") };
    const older = { metadata: { name: "restored", namespace, uid: "u", resourceVersion: "1" }, spec };
    api.answer = ({ path }) => (path.includes("/leases") ? { status: 200, body: JSON.stringify(older) } : undefined);
    await expect(running).rejects.toThrow("the API server has gone back to an older state");
    expect(leadership.term()).toBeUndefined();
  });
});
