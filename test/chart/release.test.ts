/** What Helm does with the chart on a real API server: each object is taken, and a release comes and goes without its resources. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { requestObjects, type RequestObject, type RequestObjects } from "../support/request-objects.ts";
import { chart, createHelm, describeWithHelm, olderChart, pick, podOf, valuesFiles, type Helm, type PodSpec } from "./helm.ts";
import { chartTools } from "./tools.ts";
import { until } from "./until.ts";

const namespace = "holdfast-system";

/** What a Deployment, its Pods and what belongs to them can be given. */
const allThereIs = {
  namespaceOverride: namespace,
  deploymentAnnotations: { "example.com/owner": "platform" },
  revisionHistoryLimit: 3,
  strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
  runtimeClassName: "gvisor",
  schedulerName: "other",
  hostAliases: [{ ip: "10.0.0.1", hostnames: ["api.example.com"] }],
  hostUsers: false,
  dnsPolicy: "None",
  dnsConfig: { nameservers: ["10.0.0.10"], options: [{ name: "ndots", value: "1" }] },
  enableServiceLinks: true,
  initContainers: [{ name: "first", image: "a" }],
  extraContainers: [{ name: "beside", image: "a" }],
  extraVolumes: [{ name: "more", emptyDir: {} }],
  extraVolumeMounts: [{ name: "more", mountPath: "/more" }],
  tolerations: [{ key: "a", operator: "Exists", effect: "NoSchedule" }],
  affinity: { podAntiAffinity: {} },
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "ScheduleAnyway" }],
  openshift: true,
  imagePullSecrets: [{ name: "own" }],
  global: { imageRegistry: "registry.example.com", imagePullSecrets: [{ name: "all" }] },
  serviceAccount: { labels: { team: "a" } },
  crds: { annotations: { "example.com/a": "b" } },
  rbac: { crossplane: { create: true } },
  podDisruptionBudget: { enabled: true, minAvailable: "50%", unhealthyPodEvictionPolicy: "AlwaysAllow" },
  networkPolicy: { enabled: true, ingress: [{ from: [{ namespaceSelector: {} }] }] },
  metrics: { serviceMonitor: { enabled: true, namespace: "team-a", honorLabels: true }, podMonitor: { enabled: true } },
};

describeWithHelm("a release of the chart", () => {
  let plane: ControlPlane;
  let helm: Helm;
  let requests: RequestObjects;
  const started = new AsyncDisposableStack();

  beforeAll(async () => {
    // Else the API server itself would refuse a privileged Pod, whatever its namespace says.
    plane = started.use(await startControlPlane({ apiServerArgs: ["--allow-privileged=true"] }));
    helm = started.use(await createHelm(plane.kubeconfigs.admin));
    await plane.admin("POST", "/api/v1/namespaces", { metadata: { name: "team-a" } });
    await createNamespace({ name: namespace });
    requests = requestObjects(plane, "team-a");
    const { prometheusCRDs } = chartTools();
    const crds = ["podmonitors", "servicemonitors", "prometheusrules"].flatMap((name) => [
      "-f",
      `${prometheusCRDs}/monitoring.coreos.com_${name}.yaml`,
    ]);
    await kubectl("apply", "--server-side", ...crds);
  });
  afterAll(() => started.disposeAsync());

  /** With the ServiceAccount that a controller-manager would make there. */
  async function createNamespace(metadata: { readonly name: string; readonly labels?: object }): Promise<void> {
    await plane.admin("POST", "/api/v1/namespaces", { metadata });
    await createServiceAccount(metadata.name, "default");
  }
  async function createServiceAccount(where: string, name: string): Promise<void> {
    await plane.admin("POST", `/api/v1/namespaces/${where}/serviceaccounts`, { metadata: { name } });
  }
  /** Throws what kubectl says when it fails. */
  async function kubectl(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await plane.kubectl(...args);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }
  async function release(command: string, ...args: readonly string[]): Promise<string> {
    return helm.done([command, "holdfast", ...args, "--namespace", namespace]);
  }
  const served = (): Promise<void> =>
    until(
      async () => (await plane.admin("GET", "/apis/holdfast.dev/v1alpha1/httprequests")).status === 200,
      () => "the API server does not serve HTTPRequests",
    );
  const crds = (): Promise<string> => kubectl("get", "crds", "--output", "name", "--selector", "app.kubernetes.io/name=holdfast");

  test("consists of objects that the API server takes, with each of its values files", async () => {
    const everything = [
      "--set",
      "metrics.podMonitor.enabled=true,metrics.serviceMonitor.enabled=true,prometheusRule.enabled=true,dashboards.enabled=true,admissionPolicy.enabled=true,networkPolicy.enabled=true",
    ];
    const guarded = [
      "--set",
      "metrics.secure.enabled=true,metrics.secure.certificateSecret=a,metrics.serviceMonitor.enabled=true",
    ];
    const file = join(plane.address.folder, "all-there-is.json");
    await writeFile(file, JSON.stringify(allThereIs));
    const sets = [[], everything, ["--values", file], guarded, ...(await valuesFiles()).map((file) => ["--values", file])];
    for (const args of sets) {
      const manifests = await helm.render({}, ...args);
      const list = join(plane.address.folder, "rendered.json");
      await writeFile(list, JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests }));
      const { code, stdout, stderr } = await plane.kubectl("apply", "--server-side", "--dry-run=server", "-f", list);
      expect([args, code, stderr]).toEqual([args, 0, ""]);
      expect(stdout.trim().split("\n")).toHaveLength(manifests.length);
    }
  });

  test("names the namespaces that are not there, in one line, before anything is made", async () => {
    const values = {
      rbac: { scope: "namespaces" },
      controller: { namespace: ["team-a", "team-y", "team-z"] },
      crds: { install: false },
    };
    const { code, stderr } = await helm.run(["install", "scoped", chart, "--namespace", namespace], values);
    const lines = stderr
      .trim()
      .split("\n")
      .filter((line) => line.includes("team-"));
    expect([code, lines]).toEqual([
      1,
      [expect.stringContaining("controller.namespace: there is no namespace team-y, team-z: create it first")],
    ]);
    expect((await helm.done(["list", "--namespace", namespace])).includes("scoped")).toBe(false);
    await helm.done(["template", "scoped", chart], values); // where there is no cluster to ask
  });

  test("runs where Pods are restricted, and what is not restricted does not", async () => {
    await createNamespace({ name: "restricted", labels: { "pod-security.kubernetes.io/enforce": "restricted" } });
    const manifests = await helm.render();
    const { spec } = podOf(manifests);
    await createServiceAccount("restricted", spec.serviceAccountName);
    const create = (name: string, spec: unknown): ReturnType<ControlPlane["admin"]> =>
      plane.admin("POST", "/api/v1/namespaces/restricted/pods", { metadata: { name }, spec });
    expect(await create("controller", spec)).toMatchObject({ status: 201 });
    expect(await create("test", pick(manifests, "Pod").spec as PodSpec)).toMatchObject({ status: 201 });
    const privileged = spec.containers.map((container) => ({ ...container, securityContext: { privileged: true } }));
    const { status, body } = await create("privileged", { ...spec, containers: privileged });
    expect([status, (body as { message: string }).message]).toEqual([
      403,
      expect.stringContaining('violates PodSecurity "restricted'),
    ]);
  });

  test("is upgraded from an older chart without a change to what users declared", async () => {
    await release("install", olderChart);
    await served();
    const created = await requests.create("live");
    const before = await requests.patchStatus("live", { observedGeneration: 1, completedRuns: 3 });
    expect(before.metadata.uid).toBe(created.metadata.uid);
    await requests.patch("live", { spec: { timeout: "7s" } });
    expect((await requests.get("live")).spec).not.toHaveProperty("timeout"); // the older CRD has no such field

    await release("upgrade", chart);
    expect(state(await requests.get("live"))).toMatchObject(state(before)); // a new field may have a default
    const hasTimeout = async (): Promise<boolean> => {
      const { spec } = await requests.patch("live", { spec: { timeout: "7s" } });
      return (spec as { timeout?: string }).timeout === "7s";
    };
    await until(hasTimeout, () => "the newer CRD's field is not known");
    expect((await requests.get("live")).metadata.uid).toBe(before.metadata.uid);
  });

  test("is rolled back with its resources in place", async () => {
    const { metadata, status } = await requests.get("live");
    await release("rollback", "1");
    expect(await release("history")).toMatch(/3\s.*deployed.*Rollback to 1/);
    const after = await requests.get("live");
    expect([after.metadata.uid, after.status]).toEqual([metadata.uid, status]);
    await release("upgrade", chart);
  });

  test("is uninstalled but for the CRDs and every resource, and installed again over them", async () => {
    const before = await requests.get("live");
    const kept = await crds();
    expect(kept.trim().split("\n").length).toBeGreaterThan(1);
    await release("uninstall");
    expect(await crds()).toBe(kept);
    expect(await requests.get("live")).toEqual(before);
    const left = await kubectl(
      "get",
      "all,clusterroles,clusterrolebindings,roles,rolebindings,serviceaccounts",
      "--all-namespaces",
      "--output",
      "name",
      "--selector",
      "app.kubernetes.io/instance=holdfast",
    );
    expect(left).toBe("");
    await release("install", chart);
    expect(state(await requests.get("live"))).toEqual(state(before));
  });

  test("takes the CRDs along only where it is told to", async () => {
    await release("upgrade", chart, "--set", "crds.keep=false");
    await release("uninstall");
    await until(
      async () => (await crds()) === "",
      () => "the CRDs are still there",
    );
  });

  test("takes over CRDs that somebody applied before", async () => {
    await kubectl("apply", "-f", join(chart, "../../crds"));
    await expect(release("install", chart)).rejects.toThrow("ownership");
    await release("install", chart, "--take-ownership", "--force-conflicts");
    expect((await crds()).trim().split("\n").length).toBeGreaterThan(1);
    await release("uninstall");
  });

  test("tells how to begin, and how a namespace's admin lets it do what takes rights of theirs", async () => {
    await release("install", chart);
    await served();
    for (const values of ["/dev/null", join(chart, "ci/restricted-values.yaml")]) {
      const notes = await helm.done(["install", "another", chart, "--dry-run=client", "--values", values]);
      const manifests = [...notes.matchAll(/<<EOF\n([\s\S]*?)\n\s*EOF/g)].map(([, manifest = ""]) => manifest);
      expect([values, manifests.length]).toEqual([values, values === "/dev/null" ? 1 : 2]);
      for (const manifest of manifests) await plane.apply(manifest);
      for (const name of ["secret-reader", "output-writer", "impersonator", "token-requester"]) {
        const role = `another-holdfast-${name}`;
        const command = `kubectl create rolebinding --namespace=NAMESPACE ${role} --clusterrole=${role}`;
        expect(notes).toContain(`${command} --serviceaccount=default:another-holdfast\n`);
      }
    }
  });

  test("refuses credentials in plain text, and http, where its policy is asked for", async () => {
    const headers = [{ name: "Cookie", value: "session=abc" }];
    const older = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata: { name: "older", finalizers: ["a/b"] } };
    await plane.apply(
      JSON.stringify({
        ...older,
        metadata: { ...older.metadata, namespace: "team-a" },
        spec: { create: { url: "http://example.com/", headers } },
      }),
    );
    await release("upgrade", chart, "--set", "admissionPolicy.enabled=true,admissionPolicy.httpsOnly=true");
    const create = async (spec: object, kind = "HTTPRequest"): Promise<string> => {
      const collection = `/apis/holdfast.dev/v1alpha1/namespaces/team-a/${kind.toLowerCase()}s?dryRun=All`;
      const object = { apiVersion: "holdfast.dev/v1alpha1", kind, metadata: { name: "tried" }, spec };
      const { status, body } = await plane.admin("POST", collection, object);
      return status === 201 ? "taken" : (body as { message: string }).message;
    };
    const url = "https://example.com/";
    const withHeader = (value: string): Promise<string> => create({ url, headers: [{ name: "authorization", value }] });
    await until(
      async () => (await withHeader("Bearer abc")).includes("take it from a Secret"),
      () => "a credential in plain text is taken",
    );
    expect(await withHeader("Bearer ${ .inputs.token }")).toBe("taken");
    expect(await create({ url: "http://example.com/" })).toContain("only https");
    expect(await create({ url })).toBe("taken");
    expect(await create({ url: "${ .inputs.url }" })).toBe("taken");

    const poll = { url: "https://example.com/jobs", until: "true" };
    for (const verb of ["observe", "lookup", "create", "update", "beforeDelete", "delete"]) {
      const needed = { lookup: { match: "true" } }[verb];
      const others = { externalID: ".response.body.id", create: { url }, delete: { url } };
      const declare = (shape: object): Promise<string> =>
        create({ ...others, [verb]: { url, ...needed, ...shape } }, "HTTPResource");
      expect([verb, await declare({})]).toEqual([verb, "taken"]);
      expect([verb, await declare({ headers })]).toEqual([verb, expect.stringContaining("take it from a Secret")]);
      expect([verb, await declare({ url: "http://example.com/" })]).toEqual([verb, expect.stringContaining("only https")]);
      if (["observe", "lookup"].includes(verb)) continue;
      expect([verb, await declare({ poll })]).toEqual([verb, "taken"]);
      expect(await declare({ poll: { ...poll, headers } })).toContain("take it from a Secret");
    }
    expect(await create({ url, poll: { ...poll, url: "http://example.com/jobs" } })).toContain("poll.url: only https");
    expect(await create({ url, poll: { ...poll, url: "/jobs" } })).toBe("taken");
    const oauth2 = { clientID: { value: "me" }, clientSecret: { secretKeyRef: { name: "client", key: "secret" } } };
    expect(await create({ endpointRef: { name: "e" }, auth: "None", method: "GET" })).toBe("taken");
    const role = { roleARN: "arn:aws:iam::1:role/a", serviceAccountName: "a", allowHTTP: true };
    const send = [{ cookie: "*" }];
    const ways: readonly (readonly [string, (at: string) => object])[] = [
      ["oauth2.tokenURL", (tokenURL) => ({ oauth2: { ...oauth2, tokenURL, allowHTTP: true } })],
      ["registry.tokenURL", (tokenURL) => ({ registry: { tokenURL, allowHTTP: true } })],
      ["stsURL", (stsURL) => ({ awsSigV4: { region: "r", service: "s", webIdentity: { ...role, stsURL } } })],
      ["login", (at) => ({ login: { requests: [{ path: "/" }, { url: at }], send, allowHTTP: true } })],
      ["login", (at) => ({ login: { requests: [{ path: "/" }], logout: { url: at }, send, allowHTTP: true } })],
    ];
    for (const [field, authAt] of ways) {
      const endpoint = (at: string): Promise<string> => create({ baseURL: url, auth: authAt(at) }, "HTTPEndpoint");
      expect([field, await endpoint("https://example.com/token")]).toEqual([field, "taken"]);
      const refused = await endpoint("http://example.com/token");
      expect(refused).toContain(`spec.auth.`);
      expect([refused.includes(field), refused.includes("only")]).toEqual([true, true]);
    }
    const spelled = { login: { requests: [{ path: "/", headers }], send } };
    expect(await create({ baseURL: url, auth: spelled }, "HTTPEndpoint")).toContain("take it from a Secret");

    // What was there before is not held up: not when it is annotated, and not when the controller lets go of it.
    await kubectl("annotate", "hres/older", "--namespace=team-a", "holdfast.dev/orphan=true");
    await kubectl("delete", "hres/older", "--namespace=team-a", "--wait=false");
    await kubectl("patch", "hres/older", "--namespace=team-a", "--type=merge", '--patch={"metadata":{"finalizers":null}}');
  });
});

/** All of a resource that is a user's or the controller's. */
function state({ metadata, spec, status }: RequestObject): Readonly<Record<string, unknown>> {
  return { uid: metadata.uid, generation: metadata.generation, spec, status };
}
