/** Serving the peer's objects through crashes at each step, without their CRDs, and beside a provider that comes and goes. */
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { grantServing } from "../support/chart-rights.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { startInterposer, type ApiInterposer, type InterposedRequest } from "../support/api-interposer.ts";
import { never, until } from "../support/fault-world.ts";
import { installPeerCRDs } from "../support/peer-crds.ts";
import { loopbackServer } from "../support/loopback.ts";
import { peerOrigin, type PeerOrigin } from "../support/peer-origin.ts";
import {
  conditionText,
  getServed,
  makeLiveMember,
  memberRequest,
  plainConfig,
  servedGroup,
  servedPath,
  toldTo,
  untilSays,
  type Served,
} from "../support/serving.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const longMs = 120_000;
const all = ["--serve-provider-http", "all", "--provider-http-lease", "none"];

interface LeaseBody {
  readonly spec: { readonly holderIdentity?: string; readonly renewTime?: string };
}

describeWithControlPlane("serving through faults", (plane) => {
  let origin: PeerOrigin;
  let api: ApiInterposer;
  let kubeconfig: string;
  let namespace: string;
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());

  const get = (plural: string, name: string): Promise<Served | undefined> => getServed(plane, plural, namespace, name);
  const sent = (): readonly string[] => toldTo(origin);
  const looks = (of: string): number => origin.requests.filter(({ method, url }) => method === "GET" && url.endsWith(of)).length;
  const start = (...flags: readonly string[]): Promise<HoldfastProcess> =>
    startController(["--kubeconfig", kubeconfig, "--namespace", namespace, ...flags]);
  const says = (name: string, type: string, text: string): Promise<void> =>
    untilSays(plane, { plural: "requests", namespace, name }, { type, text, limitMs: longMs });
  const live = (name: string, annotations: object = {}): Promise<{ readonly id: string }> =>
    makeLiveMember(plane, { name, namespace, origin: origin.url }, { annotations });

  beforeAll(async () => {
    await installPeerCRDs(plane);
    await grantServing(plane);
  }, longMs);
  beforeEach(async () => {
    namespace = await plane.createNamespace("serve-fault");
    await plane.apply(plainConfig(namespace));
    origin = stack.use(await peerOrigin());
    api = stack.use(await startInterposer(plane));
    kubeconfig = await plane.kubeconfigVia("server", api.url);
  }, longMs);

  const is = (method: string, path: RegExp): ((request: InterposedRequest) => boolean) => {
    return (request) => request.method === method && path.test(request.path);
  };
  /** In the order in which they come. */
  const takingOver = [
    is("PATCH", /\/requests\/kept\?/),
    is("POST", /\/httpresources\?/),
    is("PATCH", /\/requests\/kept\/status/),
    is("PATCH", /\/httpresources\/kept\/status/),
  ];
  const deleting = [
    is("PATCH", /\/requests\/kept\/status/),
    is("DELETE", /\/httpresources\/kept/),
    is("PATCH", /\/httpresources\/kept\?/),
    is("PATCH", /\/requests\/kept\?/),
  ];

  /** A process that dies where the step is asked for, and one that dies when it was done and nobody was told. */
  async function dieAt(step: (request: InterposedRequest) => boolean): Promise<void> {
    for (const side of ["request", "reply"] as const) {
      await using process = await start(...all);
      let dying: Promise<unknown> | undefined;
      api.hold = (request, what) => {
        if (dying === undefined && (what !== side || !step(request))) return undefined;
        process.kill("SIGKILL");
        return (dying ??= process.exited.then(never)); // whoever has died is not answered
      };
      // A step that has been taken is not taken again.
      await Promise.race([
        process.exited,
        until("the step is taken, or there is nothing to do", () => process.log.length < 0, 8_000).catch(() => undefined),
      ]);
      api.hold = () => undefined;
      api.reset();
    }
  }

  test(
    "what another version has made is made anew, and is looked at from then on",
    async () => {
      const names = Array.from({ length: 12 }, (_, index) => `made-${index}`);
      const ids: string[] = [];
      for (const name of names) ids.push((await live(name, { "crossplane.io/poll-interval": "2s" })).id);
      await using before = await start(...all);
      for (const name of names) await says(name, "Ready", "True Available");
      before.kill("SIGKILL");
      await before.exited;
      for (const name of names)
        await plane.adminPatch(servedPath("httpresources", namespace, name), {
          metadata: { annotations: { "holdfast.dev/made-of": "by another version" } },
        });
      const writes = sent().length;
      await using _after = await start(...all);
      const madeOf = async (name: string): Promise<string | undefined> =>
        (await get("httpresources", name))?.metadata.annotations?.["holdfast.dev/made-of"];
      for (const name of names)
        await until(`${name} is made anew`, async () => /^[0-9a-f]{32}$/.test((await madeOf(name)) ?? ""), longMs);
      const seen = ids.map((id) => looks(`/${id}`));
      for (const [index, id] of ids.entries())
        await until(`${id} is looked at`, () => looks(`/${id}`) > (seen[index] ?? 0), longMs);
      expect(sent()).toHaveLength(writes);
    },
    3 * longMs,
  );

  test(
    "a live object is taken over and deleted by processes that die at each step, and nothing is sent but one DELETE",
    async () => {
      const { id } = await live("kept");
      const before = sent().length;
      for (const step of takingOver) await dieAt(step);
      expect(sent()).toHaveLength(before);
      {
        await using _ = await start(...all);
        await says("kept", "Ready", "True Available");
        expect(conditionText(await get("requests", "kept"), "Served")).toBe("True Exactly");
      }
      expect(sent()).toHaveLength(before);
      await plane.kubectl("delete", `requests.${servedGroup}`, "kept", "-n", namespace, "--wait=false");
      for (const step of deleting) await dieAt(step);
      {
        await using _ = await start(...all);
        await until("it is gone", async () => (await get("requests", "kept")) === undefined, longMs);
      }
      expect(new Set(sent().slice(before))).toEqual(new Set([`DELETE /api/members/${id}`]));
      expect(origin.objects.size).toBe(0);
      expect(await get("httpresources", "kept")).toBeUndefined();
    },
    6 * longMs,
  );

  test(
    "without their CRDs it says so, is ready for all else, and serves them when they appear",
    async () => {
      api.answer = ({ path }) =>
        path.startsWith("/apis/http.m.crossplane.io/") ? { status: 404, body: "404 page not found" } : undefined;
      await using process = await start(...all);
      const told = await process.logged(
        ({ message, ["resource"]: resource }) => message === "a kind cannot be served" && resource === `requests.${servedGroup}`,
        longMs,
      );
      expect(told["why"]).toContain("are the CRDs installed?");
      await until("it is ready", async () => (await process.probe("/readyz")).status === 200, longMs);
      await live("later");
      api.answer = () => undefined;
      await says("later", "Ready", "True Available");
      await process.logged(({ message }) => message === "a kind is served", longMs);
    },
    2 * longMs,
  );

  const lease = (spec: object): object => ({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "of-the-provider", namespace },
    spec,
  });
  const leasePath = (): string => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/of-the-provider`;
  const held = (): object => ({
    holderIdentity: "the-provider",
    leaseDurationSeconds: 8, // the test is to renew it in time, however busy the machine is
    renewTime: `${new Date().toISOString().slice(0, 23)}000Z`,
  });

  test(
    "nothing is sent while the provider holds its lease, and no more from the instant in which it takes it",
    async () => {
      await plane.admin("POST", leasePath().replace(/\/[^/]*$/, ""), lease(held()));
      const { id } = await live("shared", { "crossplane.io/poll-interval": "1s" });
      const before = sent().length;
      await using process = await start("--serve-provider-http", "all", "--provider-http-lease", `${namespace}/of-the-provider`);
      await process.logged(
        ({ message, ["lease"]: name }) => message === "standing by" && String(name).endsWith("of-the-provider"),
        longMs,
      );
      for (let renewals = 0; renewals < 4; renewals += 1) {
        await plane.adminPatch(leasePath(), { spec: held() });
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
      expect(looks(id)).toBe(0);
      expect(conditionText(await get("requests", "shared"), "Served")).toBe("none");
      // It renews no more.
      await says("shared", "Ready", "True Available");
      await until("it is looked at", () => looks(id) >= 2, longMs);

      await plane.adminPatch(leasePath(), { spec: { ...held(), leaseTransitions: 9 } });
      await process.logged(({ message }) => message.startsWith("lost the lease"), longMs);
      const count = looks(id);
      await plane.apply(JSON.stringify(observed()));
      await until("others are looked at", () => looks("/anything") >= 4, longMs);
      expect(looks(id)).toBeLessThanOrEqual(count + 1); // one that was on its way
      expect(sent()).toHaveLength(before);
    },
    2 * longMs,
  );
  /** One of ours, which stands for nothing. */
  function observed(): object {
    return {
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "HTTPResource",
      metadata: { name: "own", namespace },
      spec: { observe: { url: `${origin.url}/anything` }, interval: "1s" },
    };
  }

  test(
    "a process that is told to stop tells what came of its last request, and only then lets others serve, and lead",
    async () => {
      const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
      await using slow = await loopbackServer(({ method }, response) => {
        const reply = (): unknown =>
          response.writeHead(201, { "content-type": "application/json" }).end('{"id": "7", "nick": "last"}');
        if (method === "POST") void answered.then(reply);
        else reply();
      });
      await using process = await start("--serve-provider-http", "all", "--provider-http-lease", `${namespace}/of-the-provider`);
      await plane.apply(JSON.stringify(memberRequest({ name: "last", namespace, origin: slow.url })));
      const posts = (): number => slow.requests.filter(({ method }) => method === "POST").length;
      await until("it is being created", () => posts() === 1, longMs);
      const written: string[] = [];
      api.hold = ({ method, path }, what) => {
        if (method === "PATCH" && what === "reply") written.push(path.replace(/\?.*/, ""));
        return undefined;
      };
      process.kill("SIGTERM");
      answer();
      await process.exited;
      expect((await get("requests", "last"))?.status?.response?.body).toContain('"7"');
      const lastOf = (end: RegExp): number => written.findLastIndex((path) => end.test(path));
      const steps = [/\/requests\/last\/status$/, /\/leases\/of-the-provider$/, /\/leases\/holdfast-[^/]*$/].map(lastOf);
      expect([steps, steps.includes(-1)]).toEqual([steps.toSorted((a, b) => a - b), false]);
      expect(posts()).toBe(1);
    },
    2 * longMs,
  );

  test(
    "one that leads no more holds the provider off until what it has sent is answered",
    async () => {
      const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
      await using slow = await loopbackServer((_, response) => {
        void answered.then(() =>
          response.writeHead(201, { "content-type": "application/json" }).end('{"id": "8", "nick": "slow"}'),
        );
      });
      const flags = ["--serve-provider-http", "all", "--provider-http-lease", `${namespace}/of-the-provider`];
      const own = ["--lease-name", "own", "--lease-namespace", namespace, "--lease-duration", "5s"];
      await using process = await start(...flags, ...own, "--renew-deadline", "4s", "--retry-period", "500ms");
      await plane.apply(JSON.stringify(memberRequest({ name: "slow", namespace, origin: slow.url })));
      await until("it is being created", () => slow.requests.length === 1, longMs);
      const ownPath = leasePath().replace("of-the-provider", "own");
      await plane.adminPatch(ownPath, { spec: { ...held(), holderIdentity: "another", leaseDurationSeconds: 600 } });
      await process.logged(
        ({ message, ["lease"]: name }) => message.startsWith("lost the lease") && String(name).endsWith("own"),
        longMs,
      );
      const isHeld = async (): Promise<{ readonly holder: string; readonly renewTime: string }> => {
        const { body } = await plane.admin("GET", leasePath());
        const { holderIdentity = "", renewTime = "" } = (body as LeaseBody).spec;
        return { holder: holderIdentity, renewTime };
      };
      const { holder } = await isHeld();
      expect(holder).not.toBe("");
      const renewals = new Set<string>();
      await until(
        "it goes on renewing, or lets go",
        async () => {
          const now = await isHeld();
          renewals.add(now.renewTime);
          return renewals.size > 6 || now.holder !== holder;
        },
        longMs,
      );
      expect((await isHeld()).holder).toBe(holder);
      answer();
      await until("it lets go", async () => (await isHeld()).holder === "", longMs);
      expect(slow.requests).toHaveLength(1);
    },
    2 * longMs,
  );

  test(
    "a process that does not serve leaves shadows alone, and lets those go that are deleted",
    async () => {
      const { id } = await live("left", { "crossplane.io/poll-interval": "1s" });
      {
        await using _ = await start(...all);
        await says("left", "Ready", "True Available");
      }
      const before = sent().length;
      await using process = await start();
      const count = looks(id);
      await plane.apply(JSON.stringify(observed()));
      await until("others are looked at", () => looks("/anything") >= 4, longMs);
      expect(looks(id)).toBe(count);
      // As the provider ends it: the finalizer goes, and what it owns goes after it.
      await plane.kubectl("delete", "httpresource", "left", "-n", namespace, "--wait=false");
      await until("the shadow is gone", async () => (await get("httpresources", "left")) === undefined, longMs);
      expect(sent()).toHaveLength(before);
      expect(process.log.filter(({ level }) => level === "error")).toEqual([]);
      expect((await plane.admin("GET", servedPath("requests", namespace, "left"))).status).toBe(200);
    },
    2 * longMs,
  );
});
