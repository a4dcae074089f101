/** Statuses that the API server refuses, or is not there to take, for longer than a reconcile may last: on a control plane of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { policyManifest } from "../support/admission-policy.ts";
import type { HoldfastProcess } from "../support/controller-process.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { isReady, stateOf, type AllDeclared } from "../support/declared-requests.ts";
import { faultWorld, inSoak, until, type FaultWorld } from "../support/fault-world.ts";
import { grantController, untilMay } from "../support/chart-rights.ts";
import { installCRDs } from "../support/install.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

/** A reconcile would have to give up, and begin again, several times within the outage. */
const reconcileLimit = ["--reconcile-timeout", "4s"];
const outageMs = inSoak(20_000, 120_000);
const unbounded = 120_000 + outageMs;

const specs = {
  get: {},
  put: { method: "PUT", body: { json: 1 } },
  "put-no-retry": { method: "PUT", retry: { limit: 0 } },
  delete: { method: "DELETE" },
  post: { method: "POST", body: { json: 1 } },
  keyed: { method: "POST", body: { json: 1 }, idempotencyKey: {} },
  hourly: { method: "PUT", schedule: { every: "1h" } },
  failing: { method: "PUT", retry: { limit: 0 } },
} as const;
const names = Object.keys(specs) as (keyof typeof specs)[];

describeWithControlPlane("statuses that are refused", () => {
  let plane: ControlPlane;
  const started = new AsyncDisposableStack();
  beforeAll(async () => {
    plane = started.use(await startControlPlane());
    await installCRDs(plane);
    await grantController(plane);
  });
  afterAll(async () => {
    await started.disposeAsync();
  });

  async function declareAll({ origin, requests }: FaultWorld): Promise<void> {
    origin.reply = ({ path }) => ({ type: "answer", status: path === "/failing" ? 500 : 200 });
    for (const name of names) await requests.create(name, { url: `${origin.url}/${name}`, ...specs[name] });
    await until("all have been sent", () => names.every((name) => origin.count(`/${name}`) > 0));
  }
  /** The API server takes up a policy a moment later. */
  async function untilPolicyHolds({ origin, requests }: FaultWorld): Promise<void> {
    await requests.create("probe", { url: origin.url, suspend: true });
    const path = `${requests.collection}/probe/status?dryRun=All`;
    const refuses = async (): Promise<boolean> => (await plane.adminPatch(path, { status: { completedRuns: 1 } })).status === 422;
    await until("the policy holds", refuses);
    await requests.remove("probe");
  }
  function isOver(all: AllDeclared): boolean {
    return names.every((name) => (name === "failing" ? stateOf(all.get(name)).startsWith("Stalled/") : isReady(all.get(name))));
  }
  /** Each was sent once, and its status says so. */
  async function expectSentOnce({ origin, requests }: FaultWorld): Promise<void> {
    const all = await requests.until("all are recorded", isOver, 90_000);
    const sent = names.map((name) => [name, origin.count(`/${name}`), all.get(name)?.status?.attempt?.tries]);
    expect(sent).toEqual(names.map((name) => [name, 1, 1]));
  }
  async function expectUnready(controller: HoldfastProcess): Promise<void> {
    await until("it is not ready", async () => (await controller.probe("/readyz")).status === 503);
    expect((await controller.probe("/readyz")).text).toMatch(
      /statuses, of which 8 tell what came of requests, cannot be written, for \d+ s:/,
    );
    expect((await controller.probe("/healthz")).status).toBe(200);
    expect(await controller.metric("holdfast_unrecorded_outcomes")).toBe(names.length);
    await until("no worker waits", async () => (await controller.metric("controller_runtime_active_workers")) === 0);
  }
  /** It hears that the last is recorded a moment after others can see that. */
  async function expectHealed(controller: HoldfastProcess): Promise<void> {
    await until("all are recorded", async () => (await controller.metric("holdfast_unrecorded_outcomes")) === 0);
    await until("it is ready", async () => (await controller.probe("/readyz")).status === 200);
  }

  test(
    `F10: by an admission policy for ${outageMs / 1000} s: nothing is sent again, readiness says so, and they heal`,
    async () => {
      await using world = await faultWorld(plane, "admission");
      const policy = `refuse-${world.namespace}`;
      await plane.apply(policyManifest(policy, { namespace: world.namespace, ...ofOutcomes }));
      await untilPolicyHolds(world);
      await using controller = await world.start([...reconcileLimit, "--concurrency", "2"]);
      await declareAll(world);
      await sleep(outageMs);
      for (const name of names) expect([name, world.origin.count(`/${name}`)]).toEqual([name, 1]);
      await expectUnready(controller);
      await plane.kubectl("delete", "validatingadmissionpolicybinding", policy);
      await expectSentOnce(world);
      await expectHealed(controller);
    },
    unbounded,
  );

  test(
    `F10: since the right to write them is taken away for ${outageMs / 1000} s: the same`,
    async () => {
      await using world = await faultWorld(plane, "rights");
      await using controller = await world.start([...reconcileLimit, "--concurrency", "2"]);
      const gate = Promise.withResolvers<void>();
      world.origin.reply = async () => (await gate.promise, { type: "answer" });
      for (const name of names) await world.requests.create(name, { url: `${world.origin.url}/${name}`, ...specs[name] });
      await until("two are on their way", () => names.filter((name) => world.origin.count(`/${name}`) > 0).length === 2);
      const giveBack = await takeStatusRight(plane);
      await untilMay(plane, "holdfast", { ...statusWrite, namespace: world.namespace }, false);
      gate.resolve();
      await sleep(outageMs);
      const sent = names.filter((name) => world.origin.count(`/${name}`) > 0);
      for (const name of sent) expect([name, world.origin.count(`/${name}`)]).toEqual([name, 1]);
      await until("it is not ready", async () => (await controller.probe("/readyz")).status === 503);
      expect((await controller.probe("/readyz")).text).toContain("was answered 403");
      await giveBack();
      const all = await world.requests.until("all are Ready", (seen) => names.every((name) => isReady(seen.get(name))), 90_000);
      const counted = names.map((name) => [name, world.origin.count(`/${name}`), all.get(name)?.status?.attempt?.tries]);
      expect(counted).toEqual(names.map((name) => [name, 1, 1]));
      await expectHealed(controller);
    },
    unbounded,
  );

  test.each<[string, ReturnType<FaultWorld["api"]["answer"]>]>([
    ["the API server is away", "reset"],
    ["a gateway answers 404 with a page of its own for it", { status: 404, body: "<html>no such page</html>" }],
  ])(
    `F10: while %s for ${outageMs / 1000} s, longer than a reconcile and a lease: the same`,
    async (_, answer) => {
      await using world = await faultWorld(plane, "away");
      const lease = ["--lease-duration", "6s", "--renew-deadline", "4s", "--retry-period", "1s"];
      await using controller = await world.start(["--reconcile-timeout", "8s", "--connections-per-origin", "10", ...lease]);
      const gate = Promise.withResolvers<void>();
      world.origin.reply = async ({ path }) => (await gate.promise, { type: "answer", status: path === "/failing" ? 500 : 200 });
      for (const name of names)
        await world.requests.create(name, { url: `${world.origin.url}/${name}`, timeout: "30s", ...specs[name] });
      await until("all are on their way", () => names.every((name) => world.origin.count(`/${name}`) === 1));
      world.api.answer = () => answer;
      world.api.reset();
      gate.resolve();
      await sleep(outageMs);
      world.api.answer = () => undefined;
      await expectSentOnce(world);
      expect(controller.log.filter(({ message }) => message.startsWith("lost the lease"))).not.toEqual([]);
    },
    unbounded,
  );

  test("F10: until the process is told to end: each is said in the log, with the command that records it", async () => {
    await using world = await faultWorld(plane, "told");
    const { api, origin, requests } = world;
    const controller = await world.start([...reconcileLimit, "--shutdown-timeout", "1s"]);
    const refused = new Set<string>();
    api.answer = ({ method, path, body }) =>
      method === "PATCH" && path.includes("/status") && !body.includes('"phase":"InFlight"')
        ? (refused.add(path), { status: 403, body: "{}" })
        : undefined;
    await requests.create("put", { url: `${origin.url}/put`, ...specs.put });
    await requests.create("post", { url: `${origin.url}/post`, ...specs.post, headers: [{ name: "x-a", value: "it's" }] });
    await until("what came of both is refused", () => refused.size === 2);
    expect(origin.count("/put") + origin.count("/post")).toBe(2);
    controller.kill("SIGTERM");
    expect(await controller.exited).toBe(0);
    const lost = controller.log.filter(({ message }) => message.startsWith("what came of a request could not be recorded"));
    expect(
      lost.map(({ kind, name, outcome, tries }) => [kind, name, outcome, tries].join(" ")).toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(["HTTPRequest post Succeeded 1", "HTTPRequest put Succeeded 1"]);
    api.answer = () => undefined;
    for (const { command } of lost) await runCommand(plane, String(command));
    const all = await requests.until("both are recorded", (seen) => [...seen.values()].every(isReady));
    expect(all.get("post")?.status?.attempt?.phase).toBe("Done");
    await using _next = await world.start();
    await sleep(3_000);
    expect([origin.count("/put"), origin.count("/post")]).toEqual([1, 1]);
  });

  test("F10: until the process is killed: with a journal the next one records what came of a POST, without one nobody knows", async () => {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-journal-"));
    for (const [name, journal] of [
      ["journaled", ["--journal", folder]],
      ["forgotten", []],
    ] as const) {
      await using world = await faultWorld(plane, name);
      const { api, origin, requests } = world;
      const lease = [
        "--lease-name",
        name,
        "--lease-namespace",
        world.namespace,
        "--lease-duration",
        "3s",
        "--renew-deadline",
        "2s",
      ];
      const args = [...journal, ...lease, "--retry-period", "1s"];
      const env = { NODE_OPTIONS: `--allow-fs-write=${folder}/` }; // as the chart has it
      let isRefused = false;
      api.answer = ({ method, path, body }) =>
        method === "PATCH" && path.includes("/status") && body.includes('"phase":"Done"')
          ? ((isRefused = true), { status: 403, body: "{}" })
          : undefined;
      const controller = await world.start(args, { env });
      await requests.create("post", { url: `${origin.url}/post`, method: "POST" });
      await until("what came of it is refused", () => isRefused);
      if (name === "journaled") await until("it is in the journal", () => countJournal(folder) === 1);
      controller.kill("SIGKILL");
      await controller.exited;
      api.answer = () => undefined;
      await using _next = await world.start(args, { env });
      const all = await requests.until("the next process has looked", (seen) =>
        /^(Ready|Stalled)/.test(stateOf(seen.get("post"))),
      );
      expect(stateOf(all.get("post"))).toBe(name === "journaled" ? "Ready/Succeeded" : "Stalled/OutcomeUnknown");
      expect(origin.count("/post")).toBe(1);
    }
    await rm(folder, { recursive: true });
  });

  test("F10: for their size: what can be left out is, with an event; and what has no room at all is found before it is sent", async () => {
    await using world = await faultWorld(plane, "large");
    const { api, origin, requests, namespace } = world;
    await using _controller = await world.start(reconcileLimit);
    api.answer = ({ method, path, body }) =>
      method === "PATCH" && path.includes("/httprequests/put/status") && body.includes('"response"') ? etcdTooLarge : undefined;
    await requests.create("put", { url: `${origin.url}/put`, ...specs.put, record: "Summary" });
    const all = await requests.until("it is recorded", (seen) => isReady(seen.get("put")));
    expect(all.get("put")?.status).not.toHaveProperty("response");
    expect(origin.count("/put")).toBe(1);
    const reasons = ["-o", "custom-columns=R:.reason"];
    await until("an event says so", async () =>
      (await plane.kubectl("-n", namespace, "get", "events", ...reasons)).stdout.includes("StatusTooLarge"),
    );
    await requests.create("huge", { url: `${origin.url}/huge`, method: "PUT", body: { json: { a: "x".repeat(1_450_000) } } });
    const seen = await requests.until("it is refused", (each) => stateOf(each.get("huge")).endsWith("/ObjectTooLarge"));
    expect(stateOf(seen.get("huge"))).toBe("NotReady/ObjectTooLarge");
    expect(origin.count("/huge")).toBe(0);
  });
});

const statusWrite = { group: "holdfast.dev", resource: "httprequests", subresource: "status", verb: "patch" };

/** How many outcomes the journal in a folder holds. */
function countJournal(folder: string): number {
  using journal = new DatabaseSync(join(folder, "outcomes.sqlite"), { readOnly: true, timeout: 5_000 });
  return Number(journal.prepare("SELECT count(*) AS count FROM outcomes").get()?.["count"]);
}

/** As kube-apiserver 1.36 passes on what etcd says. */
const etcdTooLarge = {
  status: 500,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ kind: "Status", status: "Failure", message: "etcdserver: request is too large", code: 500 }),
};

/** Intents pass; what comes of a request does not. */
const ofOutcomes = {
  rule: { apiGroups: ["holdfast.dev"], apiVersions: ["*"], operations: ["UPDATE"], resources: ["*/status"] },
  expression: "has(object.status.attempt) && object.status.attempt.phase == 'InFlight'",
} as const;

interface Role {
  readonly metadata: { readonly name: string };
  readonly rules: readonly { readonly resources?: readonly string[] }[] | null;
}
/** From every ClusterRole. Returns what gives it back. */
async function takeStatusRight(plane: ControlPlane): Promise<() => Promise<void>> {
  const path = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
  const { items } = (await plane.admin("GET", path)).body as { items: readonly Role[] };
  const isStatus = (resource: string): boolean => /^http.*\/status$/.test(resource);
  const having = items.filter(({ rules }) => rules?.some(({ resources = [] }) => resources.some(isStatus)));
  if (having.length === 0) throw new Error("no role has the right");
  const change = async ({ metadata: { name } }: Role, rules: Role["rules"]): Promise<void> => {
    const { status } = await plane.adminPatch(`${path}/${name}`, { rules });
    if (status !== 200) throw new Error(`changing a role was answered ${status}`);
  };
  for (const role of having)
    await change(
      role,
      (role.rules ?? []).map((rule) =>
        rule.resources ? { ...rule, resources: rule.resources.filter((one) => !isStatus(one)).concat("nothings") } : rule,
      ),
    );
  return async () => {
    for (const role of having) await change(role, role.rules);
  };
}

/** The words of a command as a shell would split it: what is between single quotes is one. */
async function runCommand(plane: ControlPlane, command: string): Promise<void> {
  const words = [...command.matchAll(/(?:'[^']*'|\\'|[^\s'])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|\\'/g, (_, inner: string | undefined) => inner ?? "'"),
  );
  const { code, stderr } = await plane.kubectl(...words.slice(1));
  expect([stderr, code]).toEqual(["", 0]);
}
