/** A policy against the finalizer of an HTTPResource: nothing is created that could not be deleted, and it is told. */
import { expect, test } from "@jest/globals";
import { policyManifest } from "../support/admission-policy.ts";
import { startController } from "../support/controller-process.ts";
import { until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { startUsersOrigin } from "../support/users-origin.ts";

interface Live {
  readonly metadata?: { readonly finalizers?: readonly string[] };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  };
}
const finalizers = ["holdfast.dev/release"];
const longMs = 120_000;

describeWithControlPlane("a finalizer", (plane) => {
  test("F16: that may not be put on, or taken off, is told of, nothing is made without it, and all goes on once it may", async () => {
    await using origin = await startUsersOrigin();
    const namespace = await plane.createNamespace("refused-finalizers");
    const collection = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httpresources`;
    const live = async (): Promise<Live> => (await plane.admin("GET", `${collection}/ada`)).body as Live;
    const rule = {
      apiGroups: ["holdfast.dev"],
      apiVersions: ["v1alpha1"],
      operations: ["UPDATE"],
      resources: ["httpresources"],
    } as const;
    /** The API server takes up a policy a moment later: until this change is refused. */
    async function forbid(name: string, expression: string, change: object): Promise<void> {
      await plane.apply(policyManifest(`${name}-${namespace}`, { namespace, rule, expression }));
      const refuses = async (): Promise<boolean> =>
        (await plane.adminPatch(`${collection}/ada?dryRun=All`, { metadata: change })).status === 422;
      await until("the policy holds", refuses, longMs);
    }
    const allow = (name: string): Promise<unknown> =>
      plane.kubectl("delete", "validatingadmissionpolicybinding", `${name}-${namespace}`);

    const user = `${origin.url}/users/\${ .externalID }`;
    const spec = {
      externalID: ".response.body.id",
      observe: { url: user },
      create: { url: `${origin.url}/users`, body: { json: { name: "ada" } } },
      delete: { url: user },
      suspend: true,
    };
    const object = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata: { name: "ada" }, spec };
    expect((await plane.admin("POST", collection, object)).status).toBe(201);
    await forbid("put", "!has(object.metadata.finalizers) || has(oldObject.metadata.finalizers)", { finalizers });
    await using _controller = await startController(["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace]);
    await plane.adminPatch(`${collection}/ada`, { spec: { suspend: false } });
    const ready = async (): Promise<string | undefined> => {
      const { status } = await live();
      return status?.conditions?.find(({ type }) => type === "Ready")?.reason;
    };
    await until("it is told", async () => (await ready()) === "FinalizerRefused", longMs);
    expect(origin.users.size).toBe(0);
    await allow("put");
    await until("it is created", async () => origin.users.size === 1 && (await ready()) === "Created", longMs);

    await forbid("take", "!has(oldObject.metadata.finalizers) || has(object.metadata.finalizers)", { finalizers: null });
    expect((await plane.admin("DELETE", `${collection}/ada`)).status).toBe(200);
    await until("the remote object is gone", () => origin.users.size === 0, longMs);
    await until(
      "it is told by an event",
      async () => {
        const { body } = await plane.admin("GET", `/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
        return (body as { readonly items: readonly { readonly reason: string }[] }).items.some(
          ({ reason }) => reason === "FinalizerRefused",
        );
      },
      longMs,
    );
    expect((await live()).metadata?.finalizers).toEqual(finalizers);
    await allow("take");
    await until("it is gone", async () => (await plane.admin("GET", `${collection}/ada`)).status === 404, longMs);
  }, 300_000);

  test("F16: of an endpoint, that may not be taken off, is told of beside what it says already", async () => {
    const namespace = await plane.createNamespace("refused-endpoints");
    const collection = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httpendpoints`;
    const object = {
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "HTTPEndpoint",
      metadata: { name: "api", finalizers: ["holdfast.dev/in-use"] },
      spec: { baseURL: "https://api.example" },
    };
    expect((await plane.admin("POST", collection, object)).status).toBe(201);
    const rule = {
      apiGroups: ["holdfast.dev"],
      apiVersions: ["v1alpha1"],
      operations: ["UPDATE"],
      resources: ["httpendpoints"],
    } as const;
    const expression = "!has(oldObject.metadata.finalizers) || has(object.metadata.finalizers)";
    await plane.apply(policyManifest(`let-${namespace}`, { namespace, rule, expression }));
    const change = { metadata: { finalizers: null } };
    const refuses = async (): Promise<boolean> => (await plane.adminPatch(`${collection}/api?dryRun=All`, change)).status === 422;
    await until("the policy holds", refuses, longMs);
    await using _controller = await startController(["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace]);
    const reasons = async (): Promise<string> => {
      const { status } = (await plane.admin("GET", `${collection}/api`)).body as Live;
      return (status?.conditions ?? []).map(({ reason }) => reason).join();
    };
    await until("it is told", async () => (await reasons()) === "Accepted,FinalizerRefused", longMs);
    expect((await plane.admin("DELETE", `${collection}/api`)).status).toBe(200);
    await plane.kubectl("delete", "validatingadmissionpolicybinding", `let-${namespace}`);
    await until("it is gone", async () => (await plane.admin("GET", `${collection}/api`)).status === 404, longMs);
  }, 300_000);
});
