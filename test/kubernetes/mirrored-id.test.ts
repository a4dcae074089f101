/** `--mirror-external-id` on a real API server: an id outlives a status that is lost while no controller runs. */
import { expect, test } from "@jest/globals";
import { startInterposer } from "../support/api-interposer.ts";
import { startController } from "../support/controller-process.ts";
import { until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { startUsersOrigin } from "../support/users-origin.ts";

const annotation = "holdfast.dev/external-id";

interface Live {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly status?: { readonly externalID?: string; readonly conditions?: readonly { type: string; status: string }[] };
}

describeWithControlPlane("an id that is mirrored", (plane) => {
  test("is in the annotation, is written once, and is taken up again from there", async () => {
    await using origin = await startUsersOrigin();
    const namespace = await plane.createNamespace("mirrored");
    const collection = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httpresources`;
    const args = ["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace, "--mirror-external-id", "true"];
    const live = async (): Promise<Live> => (await plane.admin("GET", `${collection}/ada`)).body as Live;
    const annotated = async (): Promise<string | undefined> => (await live()).metadata.annotations?.[annotation];
    const spec = {
      externalID: ".response.body.id",
      observe: { url: `${origin.url}/users/\${ .externalID }` },
      create: { url: `${origin.url}/users`, body: { json: { name: "ada" } } },
      update: { url: `${origin.url}/users/\${ .externalID }`, body: { json: { name: "ada" } } },
      delete: { url: `${origin.url}/users/\${ .externalID }` },
      interval: "1s",
    };
    const object = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata: { name: "ada" }, spec };
    expect((await plane.admin("POST", collection, object)).status).toBe(201);
    const first = await startController(args);
    await until("the id is there", async () => (await annotated()) === "1001", 60_000);
    const looks = origin.sent("1001").length;
    await until("it is looked at", () => origin.sent("1001").length > looks + 2, 60_000);
    await first[Symbol.asyncDispose]();
    const patches = (await plane.auditEvents()).filter(
      (event) =>
        event.namespace === namespace && event.name === "ada" && event.verb === "patch" && event.subresource !== "status",
    );
    expect(patches).toHaveLength(2); // the finalizer, and the annotation
    await plane.adminPatch(`${collection}/ada/status`, { status: null });
    await using _second = await startController(args);
    await until("it is known again", async () => (await live()).status?.externalID === "1001", 60_000);
    expect([origin.users.size, origin.sent("ada").filter((one) => one.startsWith("POST")).length]).toEqual([1, 1]);
  });

  test("is not written over one that a person writes at that moment, which is taken over", async () => {
    await using origin = await startUsersOrigin();
    const namespace = await plane.createNamespace("mirrored");
    await using interposer = await startInterposer(plane);
    const path = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httpresources`;
    const body = (name: string) => ({ json: { name } });
    await fetch(`${origin.url}/users`, { method: "POST", body: JSON.stringify({ name: "theirs" }) });
    let writes = 0;
    interposer.hold = async ({ method, body: patch }, what) => {
      if (method !== "PATCH" || !patch.includes(annotation) || what !== "request") return;
      writes += 1;
      if (writes === 1) await plane.adminPatch(`${path}/ada`, { metadata: { annotations: { [annotation]: "1001" } } });
    };
    const user = `${origin.url}/users/\${ .externalID }`;
    const spec = {
      externalID: ".response.body.id",
      observe: { url: user },
      create: { url: `${origin.url}/users`, body: body("ada") },
      update: { url: user, body: body("ada") },
      interval: "1s",
    };
    const object = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata: { name: "ada" }, spec };
    expect((await plane.admin("POST", path, object)).status).toBe(201);
    const kubeconfig = await plane.kubeconfigVia("holdfast", interposer.url);
    const args = ["--kubeconfig", kubeconfig, "--namespace", namespace, "--mirror-external-id", "true"];
    await using _controller = await startController(args);
    const live = async (): Promise<Live> => (await plane.admin("GET", `${path}/ada`)).body as Live;
    await until("it is taken over", async () => (await live()).status?.externalID === "1001", 60_000);
    expect((await live()).metadata.annotations?.[annotation]).toBe("1001");
  });
});
