/** A tenant's ServiceAccount on a real API server: references are read and outputs written by its rights, and never by Holdfast's. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startController } from "../support/controller-process.ts";
import { declaredRequests, stateOf, type DeclaredRequests } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const grant = "holdfast-impersonator --clusterrole=holdfast-impersonator --user=holdfast";

describeWithControlPlane("a ServiceAccount's name on a request", (plane) => {
  let namespace: string;
  let origin: FaultOrigin;
  let requests: DeclaredRequests;
  const started = new AsyncDisposableStack();

  const create = async (path: string, body: object): Promise<void> => {
    const { status } = await plane.admin("POST", path, body);
    expect([201, 409]).toContain(status);
  };
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  async function bind(role: string, rules: readonly object[], subject: object): Promise<void> {
    await create(`${rbac}/namespaces/${namespace}/roles`, { metadata: { name: role }, rules });
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role };
    await create(`${rbac}/namespaces/${namespace}/rolebindings`, { metadata: { name: role }, roleRef, subjects: [subject] });
  }

  beforeAll(async () => {
    namespace = await plane.createNamespace("accounts");
    origin = started.use(await startFaultOrigin());
    const core = `/api/v1/namespaces/${namespace}`;
    await create(`${core}/serviceaccounts`, { metadata: { name: "deployer" } });
    await create(`${core}/secrets`, { metadata: { name: "hook" }, stringData: { token: "canary-of-the-deployer" } });
    // This controller's user may read every Secret of the cluster, which must help nobody here.
    const args = ["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace];
    started.use(await startController([...args, "--require-service-account", "true", "--impersonation-grant", grant]));
    requests = declaredRequests(plane, namespace);
  });
  afterAll(() => started.disposeAsync());

  const inputs = { token: { secretKeyRef: { name: "hook", key: "token" } } };
  const state = async (name: string, wanted: string): Promise<string> => {
    const all = await requests.until(`${name} is ${wanted}`, (seen) => stateOf(seen.get(name)).endsWith(wanted));
    return all.get(name)?.status?.conditions?.find(({ type }) => type === "Ready")?.message ?? "";
  };

  test("attack 8: where one is required, a request without one is not sent, and says so", async () => {
    await requests.create("none", { url: `${origin.url}/none` });
    expect(await state("none", "Stalled/ServiceAccountRequired")).toContain("spec.serviceAccountName");
    expect(origin.requests).toHaveLength(0);
    await expect(requests.create("empty", { url: origin.url, serviceAccountName: "" })).rejects.toThrow(
      "spec.serviceAccountName",
    );
  });

  test("nothing is read until the namespace lets Holdfast act as the account, and the account read; then it heals", async () => {
    const spec = { url: `${origin.url}/as`, method: "POST", inputs, serviceAccountName: "deployer" };
    const headers = [{ name: "x-token", value: "${ .inputs.token }" }];
    const outputs = [{ configMap: { name: "answer" }, data: { code: ".response.statusCode" } }];
    await requests.create("as", { ...spec, headers, outputs });
    expect(await state("as", "OutputForbidden")).toContain(`kubectl create rolebinding --namespace=${namespace} ${grant}`);

    await plane.kubectl("create", "rolebinding", `--namespace=${namespace}`, ...grant.split(" "));
    const lacks = 'ServiceAccount "deployer" lacks the right';
    while (!(await state("as", "OutputForbidden")).includes(lacks)) await sleep(100);

    const account = { kind: "ServiceAccount", name: "deployer", namespace };
    await bind("writer", [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "create", "patch"] }], account);
    const message = 'ServiceAccount "deployer" is not allowed to read Secret "hook"';
    expect(await state("as", "ReferenceForbidden")).toContain(message);
    expect(origin.requests).toHaveLength(0);
    await bind("reader", [{ apiGroups: [""], resources: ["secrets"], resourceNames: ["hook"], verbs: ["get"] }], account);
    await state("as", "Succeeded");
    expect(origin.requests.map(({ headers: sent }) => sent["x-token"])).toEqual(["canary-of-the-deployer"]);
    expect((await plane.admin("GET", `/api/v1/namespaces/${namespace}/configmaps/answer`)).body).toMatchObject({
      data: { code: "200" },
    });
  });

  test("an endpoint's credential goes nowhere by Holdfast's own rights, not even to ask for a token", async () => {
    const group = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}`;
    const clientSecret = { secretKeyRef: { name: "hook", key: "token" } };
    const oauth2 = { tokenURL: `${origin.url}/token`, clientID: { value: "me" }, clientSecret };
    const endpoint = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPEndpoint", metadata: { name: "mine" } };
    const before = origin.requests.length;
    await create(`${group}/httpendpoints`, { ...endpoint, spec: { baseURL: origin.url, auth: { oauth2 } } });
    await requests.create("unnamed", { endpointRef: { name: "mine" }, path: "/x" });
    expect(await state("unnamed", "Stalled/ServiceAccountRequired")).toContain("spec.serviceAccountName");
    const isReady = async (): Promise<boolean> =>
      JSON.stringify((await plane.admin("GET", `${group}/httpendpoints/mine`)).body).includes('"reason":"Accepted"');
    while (!(await isReady())) await sleep(100);
    expect(origin.requests).toHaveLength(before);
  });

  test("every read and write of a reference was asked in the account's name", async () => {
    const events = (await plane.auditEvents()).filter(
      (event) => event.namespace === namespace && ["secrets", "configmaps"].includes(event.resource) && event.user === "holdfast",
    );
    expect(events.length).toBeGreaterThan(0);
    // One that may not be asked in somebody's name is refused as the asker's own.
    // A watch of metadata, which has no content, is Holdfast's own.
    const answered = events.filter(({ code, verb }) => code !== 403 && !["list", "watch"].includes(verb));
    expect(answered.map(({ verb }) => verb)).toEqual(expect.arrayContaining(["get", "create"]));
    const others = answered.filter(({ impersonated }) => impersonated !== `system:serviceaccount:${namespace}:deployer`);
    expect(others).toEqual([]);
  });
});
