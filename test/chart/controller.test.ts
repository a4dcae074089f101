/**
 * The controller as the chart says: the container that was rendered, with a token of the chart's ServiceAccount, so that
 * its rights are really enough, and no more than it takes.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createAuthority } from "../support/certificates.ts";
import { untilMay } from "../support/chart-rights.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { freePorts } from "../support/free-ports.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";
import {
  chart,
  createHelm,
  describeWithHelm,
  pick,
  podOf,
  type Container,
  type Helm,
  type Manifest,
  type PodSpec,
} from "./helm.ts";
import { canIsolate, runContainer, type PodProcess, type ServiceAccount } from "./pod-process.ts";
import { until } from "./until.ts";

const namespace = "holdfast-system";

describeWithHelm("the chart's controller", () => {
  let plane: ControlPlane;
  let helm: Helm;
  let origin: LoopbackServer;
  let authority: ReturnType<typeof createAuthority>;
  const started = new AsyncDisposableStack();

  beforeAll(async () => {
    plane = started.use(await startControlPlane());
    helm = started.use(await createHelm(plane.kubeconfigs.admin));
    origin = started.use(await loopbackServer((_, response) => response.end("{}")));
    authority = started.use(createAuthority("a company's authority"));
    for (const name of ["team-a", "team-b"]) await plane.admin("POST", "/api/v1/namespaces", { metadata: { name } });
  });
  afterAll(() => started.disposeAsync());

  describe.each([
    { release: "holdfast", scope: "cluster", flag: "clusterrole", watched: [] },
    { release: "namespaced", scope: "namespaces", flag: "role", watched: ["team-a"] },
  ])("with rights in the $scope", ({ release, scope, flag, watched }) => {
    const fullname = release === "holdfast" ? "holdfast" : `${release}-holdfast`;
    const user = `system:serviceaccount:${namespace}:${fullname}`;
    let manifests: readonly Manifest[];
    let spec: PodSpec;
    let container: Container;
    let account: ServiceAccount;
    let controller: PodProcess;
    const processes = new AsyncDisposableStack();

    beforeAll(async () => {
      const [metricsPort = 0, healthPort = 0] = await freePorts(2);
      const values = {
        controller: {
          metricsAddress: `127.0.0.1:${metricsPort}`,
          healthAddress: `127.0.0.1:${healthPort}`,
          namespace: watched,
          egressDefault: "allow-public",
        },
        rbac: { scope },
        crds: { install: release === "holdfast" },
        caBundle: { configMap: "our-ca" },
      };
      await helm.done(["install", release, chart, "--namespace", namespace, "--create-namespace"], values);
      manifests = await helm.installed(release, namespace);
      ({ spec, container } = podOf(manifests));
      account = {
        server: new URL(plane.url),
        ca: plane.certificate.cert,
        token: await tokenFor(spec.serviceAccountName),
        namespace,
      };
      // No value of the chart opens loopback, where the origins of tests are.
      const opened = { ...container, args: [...container.args, "--egress-unsafe-allow=127.0.0.0/8"] };
      controller = processes.use(await runContainer(spec, opened, account, { "/etc/holdfast/ca/ca.crt": authority.ca }));
    });
    afterAll(async () => {
      await processes.disposeAsync();
      await kubectl("delete", "httprequests", "--all"); // the next release looks at the same namespace
    });

    async function tokenFor(name: string): Promise<string> {
      const { body } = await plane.admin("POST", `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
        spec: { expirationSeconds: 3600 },
      });
      return (body as { status: { token: string } }).status.token;
    }
    async function probe({ httpGet }: Container["readinessProbe"], { ports } = container): Promise<number> {
      const port = ports.find(({ name }) => name === httpGet.port)?.containerPort;
      return fetch(`http://127.0.0.1:${port}${httpGet.path}`)
        .then(({ status }) => status)
        .catch(() => 0);
    }
    const controllerDid = (what: string, check: () => Promise<boolean>): Promise<void> =>
      until(check, () => `not ${what}; the controller's last lines:\n${controller.log.slice(-5).join("\n")}`);
    function kubectl(...args: readonly string[]): ReturnType<ControlPlane["kubectl"]> {
      return plane.kubectl("--namespace", "team-a", ...args);
    }
    async function ready(name: string): Promise<string> {
      const { stdout } = await kubectl("get", "hreq", name, "--output", 'jsonpath={.status.conditions[?(@.type=="Ready")]}');
      return stdout;
    }
    async function request(name: string, inputs: object, more: object = {}): Promise<void> {
      const object = {
        apiVersion: "holdfast.dev/v1alpha1",
        kind: "HTTPRequest",
        metadata: { name: `${release}-${name}`, namespace: "team-a" },
        spec: { url: `${origin.url}/${release}/${name}`, method: "POST", body: { text: "${ .inputs.word }" }, inputs, ...more },
      };
      await plane.apply(JSON.stringify(object));
    }
    const leaseHolder = (): ReturnType<ControlPlane["kubectl"]> =>
      plane.kubectl("get", "lease", fullname, "--namespace", namespace, "--output", "jsonpath={.spec.holderIdentity}");
    const received = (name: string): readonly string[] =>
      origin.requests.filter(({ url }) => url === `/${release}/${name}`).map(({ body }) => body);

    test("gets ready by the probes of its Pod", async () => {
      await controllerDid("ready", async () => (await probe(container.readinessProbe)) === 200);
      expect(await probe(container.livenessProbe)).toBe(200);
    });

    test("is nobody, may nothing, and cannot write to its root", async () => {
      if (!canIsolate) return;
      const status = await readFile(`/proc/${controller.pid}/status`, "utf8");
      expect(status).toMatch(/^Uid:\s+65532\s+65532\s+65532\s+65532$/m);
      expect(status).toMatch(/^Groups:\s*$/m);
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
      expect(status).toMatch(/^CapBnd:\s+0+$/m);
      const mounts = (await readFile(`/proc/${controller.pid}/mounts`, "utf8")).split("\n");
      expect(mounts.find((line) => line.split(" ")[1] === "/")?.split(" ")[3]).toMatch(/^ro,/);
      expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
    });

    test("may do what the golden file says, and no more", async () => {
      const lists = ["team-a", "team-b", namespace].map(async (where) => {
        const { stdout } = await plane.kubectl("auth", "can-i", "--list", `--as=${user}`, `--namespace=${where}`);
        const rows = stdout.split("\n").map((row) => row.replaceAll(/ {2,}/g, "  ").trim());
        // What everybody may, which is Kubernetes' to say: paths that are no resources, and asking who one is.
        const own = rows.filter((row) => row !== "" && !/^(\[|selfsubject|Resources )/.test(row));
        return [`# in ${where}`, ...own.toSorted()].join("\n");
      });
      const golden = await readFile(join(import.meta.dirname, `can-i-${scope}.txt`), "utf8");
      expect(`${(await Promise.all(lists)).join("\n\n")}\n`).toBe(golden);
    });

    test("sends what is declared, once, tells so in the status and an event, and leads", async () => {
      await kubectl("create", "configmap", `${release}-words`, "--from-literal=word=hello");
      await request("plain", { word: { configMapKeyRef: { name: `${release}-words`, key: "word" } } });
      await controllerDid("sent", async () => (await ready(`${release}-plain`)).includes('"True"'));
      expect(received("plain")).toEqual(["hello"]);
      expect((await leaseHolder()).stdout).not.toBe("");
    });

    test("trusts the servers that its bundle of CAs vouches for", async () => {
      await using secure = await loopbackServer((_, response) => response.end("{}"), authority.issue("IP:127.0.0.1"));
      await request("secure", {}, { url: secure.url, body: { text: "hello" } });
      await controllerDid("sent", async () => (await ready(`${release}-secure`)).includes('"True"'));
      expect(secure.requests.map(({ body }) => body)).toEqual(["hello"]);
    });

    test("has a second replica stand by, ready, so that an upgrade does not hang", async () => {
      const [metricsPort = 0, healthPort = 0] = await freePorts(2);
      const addresses = [`--metrics-address=127.0.0.1:${metricsPort}`, `--health-address=127.0.0.1:${healthPort}`];
      const ports = [{ name: "health", containerPort: healthPort }];
      const second = { ...container, args: [...container.args, ...addresses], ports };
      await using standby = await runContainer(spec, second, account);
      await controllerDid("stood by", async () => (await probe(container.readinessProbe, second)) === 200);
      const { stdout } = await leaseHolder();
      await request("led", { word: { value: "by the first" } });
      await controllerDid("sent", async () => (await ready(`${release}-led`)).includes('"True"'));
      expect([(await leaseHolder()).stdout, received("led")]).toEqual([stdout, ["by the first"]]);
      standby.kill("SIGTERM");
      expect(await standby.exited).toBe(0);
    });

    test("reads no Secret of a namespace until its admin binds the role that the condition names", async () => {
      await kubectl("create", "secret", "generic", `${release}-words`, "--from-literal=word=open-sesame");
      await request("secret", { word: { secretKeyRef: { name: `${release}-words`, key: "word" } } });
      await controllerDid("refused", async () => (await ready(`${release}-secret`)).includes("ReferenceForbidden"));
      const { message } = JSON.parse(await ready(`${release}-secret`)) as { message: string };
      const command = /kubectl (create rolebinding .*)$/.exec(message)?.[1] ?? "";
      expect(command).toBe(
        `create rolebinding --namespace=team-a ${fullname}-secret-reader --${flag}=${fullname}-secret-reader --serviceaccount=${namespace}:${fullname}`,
      );
      expect(received("secret")).toEqual([]);

      await plane.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: adminOf("team-a") }));
      const binding = { namespace: "team-a", group: "rbac.authorization.k8s.io", resource: "rolebindings", verb: "create" };
      await untilMay(plane, "team-a-admin", binding);
      const { code, stderr } = await plane.kubectl("--as=team-a-admin", ...command.split(" "));
      expect([code, stderr]).toEqual([0, ""]);
      await controllerDid("allowed", async () => (await ready(`${release}-secret`)).includes('"True"'));
      expect(received("secret")).toEqual(["open-sesame"]);
    });

    test("sends no request whose output it may not write, until an admin binds the role that the condition names", async () => {
      const outputs = [{ configMap: { name: `${release}-kept` }, data: { code: ".response.statusCode" } }];
      await request("kept", { word: { value: "sent" } }, { outputs });
      await controllerDid("refused", async () => (await ready(`${release}-kept`)).includes("OutputForbidden"));
      const { message } = JSON.parse(await ready(`${release}-kept`)) as { message: string };
      const command = /kubectl (create rolebinding .*)$/.exec(message)?.[1] ?? "";
      expect(command).toBe(
        `create rolebinding --namespace=team-a ${fullname}-output-writer --${flag}=${fullname}-output-writer --serviceaccount=${namespace}:${fullname}`,
      );
      expect(received("kept")).toEqual([]);
      const { code, stderr } = await plane.kubectl("--as=team-a-admin", ...command.split(" "));
      expect([code, stderr]).toEqual([0, ""]);
      await controllerDid("allowed", async () => (await ready(`${release}-kept`)).includes('"True"'));
      expect(received("kept")).toEqual(["sent"]);
      expect((await kubectl("get", "configmap", `${release}-kept`, "--output", "jsonpath={.data}")).stdout).toBe(
        '{"code":"200"}',
      );
    });

    test("asks the API server nothing that it may not, but for that Secret, and once to watch its namespace's", async () => {
      await controllerDid("announced", async () =>
        (await kubectl("get", "events.events.k8s.io")).stdout.includes(`${release}-secret`),
      );
      const own = (await plane.auditEvents()).filter((event) => event.user === user);
      expect(own.length).toBeGreaterThan(10);
      const refused = own
        .filter(({ code }) => code === 401 || code === 403)
        .map(({ verb, resource, name }) => `${verb} ${resource} ${name}`);
      expect([...new Set(refused)].toSorted()).toEqual([`get secrets ${release}-words`, "watch secrets "]);
      expect(refused.filter((asked) => asked === "watch secrets ")).toHaveLength(1);
    });

    test("serves the metrics that helm test looks for", async () => {
      const hook = pick(manifests, "Pod");
      expect(hook.metadata.annotations).toMatchObject({ "helm.sh/hook": "test" });
      const pod = hook.spec as PodSpec;
      const [inHook] = pod.containers;
      const metrics = container.ports.find(({ name }) => name === "metrics")?.containerPort ?? 0;
      const ask = async (port: number): Promise<number | string> => {
        const env = [{ name: "METRICS_URL", value: `http://127.0.0.1:${port}/metrics` }]; // there is no DNS
        await using asked = await runContainer(pod, { ...(inHook as Container), env });
        return await asked.exited;
      };
      expect(await ask(metrics)).toBe(0);
      expect(await ask(origin.port)).toBe(1);
    });

    test("ends well, and long before it would be killed", async () => {
      const beganMs = performance.now();
      controller.kill("SIGTERM");
      expect(await controller.exited).toBe(0);
      expect(performance.now() - beganMs).toBeLessThan(spec.terminationGracePeriodSeconds * 1000);
    });
  });
});

/** An admin of one namespace, who can read its Secrets and may bind roles there. */
function adminOf(where: string): readonly object[] {
  const metadata = { name: "admin-of-secrets", namespace: where };
  const apiGroup = "rbac.authorization.k8s.io";
  const rules = [
    { apiGroups: [""], resources: ["secrets", "configmaps"], verbs: ["get", "list", "watch", "create", "patch"] },
    { apiGroups: [apiGroup], resources: ["rolebindings"], verbs: ["create"] },
  ];
  return [
    { apiVersion: `${apiGroup}/v1`, kind: "Role", metadata, rules },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup, kind: "Role", name: metadata.name },
      subjects: [{ apiGroup, kind: "User", name: `${where}-admin` }],
    },
  ];
}
