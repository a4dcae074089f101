/** `helm install --wait` over requests: it waits for what is on its way, ends well with what has ended well, and fails with what has failed. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { startController } from "../support/controller-process.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { ask } from "../support/gitops.ts";
import { installCRDs } from "../support/install.ts";
import { createHelm, describeWithGitOps, type Helm, type HelmResult } from "./helm.ts";
import { chartTools } from "./tools.ts";

const slowMs = 4_000;
const collection = "/apis/holdfast.dev/v1alpha1/namespaces/default/httprequests";

describeWithGitOps("helm install --wait", () => {
  let plane: ControlPlane;
  let helm: Helm;
  let origin: FaultOrigin;
  let folder: string;
  const started = new AsyncDisposableStack();

  beforeAll(async () => {
    plane = started.use(await startControlPlane());
    await installCRDs(plane);
    helm = started.use(await createHelm(plane.kubeconfigs.admin));
    origin = started.use(await startFaultOrigin());
    folder = await mkdtemp(join(tmpdir(), "holdfast-wait-"));
    started.defer(() => rm(folder, { recursive: true }));
    origin.reply = async ({ path }) => {
      if (path === "/slow") await new Promise((resolve) => setTimeout(resolve, slowMs));
      return { type: "answer", status: path === "/failing" ? 404 : 200 };
    };
    started.use(await startController(["--kubeconfig", plane.kubeconfigs.admin, "--namespace", "default"]));
  });
  afterAll(() => started.disposeAsync());

  /** A release of one request. */
  async function install(name: string, args: readonly string[]): Promise<HelmResult & { readonly tookMs: number }> {
    const chart = join(folder, name);
    await mkdir(join(chart, "templates"), { recursive: true });
    await writeFile(join(chart, "Chart.yaml"), `{apiVersion: v2, name: ${name}, version: 0.1.0}`);
    const object = `{apiVersion: holdfast.dev/v1alpha1, kind: HTTPRequest, metadata: {name: ${name}}, spec: {url: "${origin.url}/${name}"}}`;
    await writeFile(join(chart, "templates/request.yaml"), object);
    const fromMs = performance.now();
    const result = await helm.run(["install", name, chart, "--namespace", "default", ...args]);
    return { ...result, tookMs: performance.now() - fromMs };
  }
  async function kstatusOf(name: string): Promise<unknown> {
    const { body } = await plane.admin("GET", `${collection}/${name}`);
    const [answer] = await ask(join(chartTools().gitops ?? "", "gitops"), [{ object: body as object }]);
    return answer?.["status"];
  }

  test("ends well with a request that does", async () => {
    expect(await install("good", ["--wait", "--timeout", "60s"])).toMatchObject({ code: 0 });
    expect([await kstatusOf("good"), origin.count("/good")]).toEqual(["Current", 1]);
  });

  test("waits for one that takes its time", async () => {
    const { code, tookMs } = await install("slow", ["--wait", "--timeout", "60s"]);
    expect([code, await kstatusOf("slow")]).toEqual([0, "Current"]);
    expect(tookMs).toBeGreaterThanOrEqual(slowMs);
  });

  test("fails with one that fails", async () => {
    const { code, stderr } = await install("failing", ["--wait", "--timeout", "15s"]);
    expect([code === 0, await kstatusOf("failing")]).toEqual([false, "Failed"]);
    expect(stderr).toContain("failing");
  });

  test("and of one that no controller has looked at kstatus says that it is in progress", async () => {
    const object = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPRequest", metadata: { name: "unseen" } };
    await plane.admin("POST", "/api/v1/namespaces", { metadata: { name: "elsewhere" } });
    const spec = { url: `${origin.url}/unseen` };
    const { body } = await plane.admin("POST", collection.replace("default", "elsewhere"), { ...object, spec });
    const [answer] = await ask(join(chartTools().gitops ?? "", "gitops"), [{ object: body as object }]);
    expect(answer?.["status"]).toBe("InProgress");
  });
});
