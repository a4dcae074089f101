/** Secrets and tokens that are rotated while the controller runs: the next request has the new one, without a restart. */
import { writeFile } from "node:fs/promises";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { tokenOf } from "../support/control-plane-client.ts";
import { startController } from "../support/controller-process.ts";
import { isReady } from "../support/declared-requests.ts";
import { faultWorld } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

describeWithControlPlane("a credential that is rotated", (plane) => {
  test("F16: a Secret's new value is in the next request, and sends none by itself", async () => {
    await using world = await faultWorld(plane, "rotated");
    const { origin, requests, namespace } = world;
    const secrets = `/api/v1/namespaces/${namespace}/secrets`;
    await plane.admin("POST", secrets, { metadata: { name: "hook" }, stringData: { token: "first-value" } });
    await using controller = await world.start();
    await requests.create("hook", {
      url: `${origin.url}/hook`,
      method: "POST",
      headers: [{ name: "Authorization", value: "Bearer ${ .inputs.token }" }],
      inputs: { token: { secretKeyRef: { name: "hook", key: "token" } } },
    });
    await requests.until("it is Ready", (all) => isReady(all.get("hook")));
    await plane.adminPatch(`${secrets}/hook`, { stringData: { token: "second-value" } });
    await requests.create("another", { url: `${origin.url}/another`, method: "POST" });
    await requests.until("another is Ready", (all) => isReady(all.get("another")));
    expect(origin.count("/hook")).toBe(1);
    await requests.annotate("hook", { "holdfast.dev/reconcile-at": "now" });
    await requests.until(
      "it has been sent again",
      (all) => all.get("hook")?.status?.completedRuns === 2 && isReady(all.get("hook")),
    );
    const sent = origin.requests.filter(({ path }) => path === "/hook").map(({ headers }) => headers.authorization);
    expect(sent).toEqual(["Bearer first-value", "Bearer second-value"]);
    expect(JSON.stringify(controller.log)).not.toMatch(/first-value|second-value/);
  });

  test("F16: a token that the API server no longer takes is replaced by what its file has now", async () => {
    await using world = await faultWorld(plane, "rotated");
    const { origin, api, requests, namespace } = world;
    const folder = await mkdtemp(join(tmpdir(), "holdfast-token-"));
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => rm(folder, { recursive: true }));
    const [tokenFile, kubeconfig] = [join(folder, "token"), join(folder, "kubeconfig")];
    await writeFile(tokenFile, tokenOf("holdfast"));
    const cluster = { server: api.url, "certificate-authority-data": Buffer.from(plane.certificate.cert).toString("base64") };
    // The service account's of a Pod, as a kubeconfig: Kubernetes rotates that file.
    const config = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      clusters: [{ name: "test", cluster }],
      users: [{ name: "rotating", user: { "auth-provider": { name: "tokenFile", config: { tokenFile } } } }],
      contexts: [{ name: "test", context: { cluster: "test", user: "rotating", namespace: "default" } }],
    };
    await writeFile(kubeconfig, JSON.stringify(config));
    await using controller = await startController([
      "--kubeconfig",
      kubeconfig,
      "--namespace",
      namespace,
      "--leader-elect",
      "false",
    ]);
    await requests.create("before", { url: `${origin.url}/before`, method: "POST" });
    await requests.until("what came before is Ready", (all) => isReady(all.get("before")));
    // The old token is revoked, and every stream that it opened ends.
    let refused = 0;
    api.answer = ({ headers }) => {
      const isRevoked = headers.authorization === `Bearer ${tokenOf("holdfast")}`;
      refused += isRevoked ? 1 : 0;
      return isRevoked ? { status: 401 } : undefined;
    };
    await writeFile(tokenFile, tokenOf("admin"));
    api.reset();
    await requests.create("after", { url: `${origin.url}/after`, method: "POST" });
    await requests.until("what came after is Ready", (all) => isReady(all.get("after")), 90_000);
    expect(refused).toBeGreaterThan(0);
    expect([origin.count("/before"), origin.count("/after")]).toEqual([1, 1]);
    expect(JSON.stringify(controller.log)).not.toContain(tokenOf("admin"));
  });
});
