/** Guarded metrics: a real API server says whose a token is, and what its bearer may. Its audit log says how often it was asked. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { request } from "node:https";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createAuthority, type Authority } from "../support/certificates.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { tokenOf } from "../support/control-plane-client.ts";
import { until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const apiGroup = "rbac.authorization.k8s.io";

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
  /** The subject of the certificate that was shown. */
  readonly shown: string;
}

describeWithControlPlane("guarded metrics", (plane) => {
  let authority: Authority;
  let folder: string;
  let own: HoldfastProcess;
  let given: HoldfastProcess;
  const started = new AsyncDisposableStack();

  beforeAll(async () => {
    authority = started.use(createAuthority("an authority"));
    folder = await mkdtemp(join(tmpdir(), "holdfast-metrics-"));
    started.defer(() => rm(folder, { recursive: true }));
    await bindReader("visitor");
    await issue("127.0.0.1");
    const namespace = await plane.createNamespace("metrics");
    const args = ["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace, "--metrics-secure", "true"];
    const files = ["--metrics-cert-file", join(folder, "tls.crt"), "--metrics-key-file", join(folder, "tls.key")];
    own = started.use(await startController(args));
    given = started.use(await startController([...args, ...files]));
  });
  afterAll(() => started.disposeAsync(), 30_000);

  /** The chart's role for Prometheus. */
  async function bindReader(user: string): Promise<void> {
    const binding = {
      apiVersion: `${apiGroup}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: `metrics-reader-${user}` },
      roleRef: { apiGroup, kind: "ClusterRole", name: "holdfast-metrics-reader" },
      subjects: [{ apiGroup, kind: "User", name: user }],
    };
    await plane.apply(JSON.stringify(binding));
  }
  async function issue(address: string): Promise<void> {
    const { cert, key } = authority.issue(`IP:${address},DNS:${address}.example`);
    await writeFile(join(folder, "tls.key"), key);
    await writeFile(join(folder, "tls.crt"), cert);
  }
  /** `ca`: whom to trust; whoever it is, where not given. */
  async function scrape(controller: HoldfastProcess, headers: Record<string, string>, ca?: string): Promise<Reply> {
    const metricsPort = controller.log.find(({ message }) => message === "serving")?.["metricsPort"];
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const options = { host: "127.0.0.1", port: Number(metricsPort), path: "/metrics", headers, agent: false } as const;
    request({ ...options, ...(ca === undefined ? { rejectUnauthorized: false } : { ca }) }, (response) => {
      const shown = (response.socket as TLSSocket).getPeerCertificate().subjectaltname ?? "";
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), headers: response.headers, shown }),
      );
    })
      .on("error", reject)
      .end();
    return promise;
  }
  const bearer = (user: Parameters<typeof tokenOf>[0]): Record<string, string> => ({ authorization: `Bearer ${tokenOf(user)}` });

  test("are shown to whoever the API server says may get them", async () => {
    const { status, body, shown } = await scrape(own, bearer("visitor"));
    expect([status, shown]).toEqual([200, "DNS:holdfast, DNS:localhost"]);
    expect(body).toContain("holdfast_http_clients 0\n");
  });

  test.each<[string, Record<string, string>, number]>([
    ["nobody", {}, 401],
    ["a token that is nobody's", { authorization: "Bearer made-up" }, 401],
    ["what is no token", { authorization: "Basic dmlzaXRvcjp4" }, 401],
    ["a user who may not", bearer("newcomer"), 403],
  ])("are not shown to %s", async (_, headers, status) => {
    const reply = await scrape(own, headers);
    expect([reply.status, reply.body.includes("holdfast")]).toEqual([status, false]);
    expect(reply.headers["www-authenticate"]).toBe(status === 401 ? "Bearer" : undefined);
  });

  test("cost the API server two questions, and then none for a while", async () => {
    const reviews = async (): Promise<number> =>
      (await plane.auditEvents()).filter(({ resource }) => /^(tokenreviews|subjectaccessreviews)$/.test(resource)).length;
    const before = await reviews();
    for (let times = 0; times < 5; times += 1) expect((await scrape(own, bearer("admin"))).status).toBe(200);
    expect(await reviews()).toBe(before + 2);
  });

  test("have the certificate that was given, and a newer one without a restart", async () => {
    expect((await scrape(given, bearer("visitor"), authority.ca)).status).toBe(200);
    await writeFile(join(folder, "tls.crt"), "half written");
    await given.logged(({ message }) => message.startsWith("a new certificate cannot be used"));
    expect((await scrape(given, bearer("visitor"), authority.ca)).status).toBe(200);
    await issue("127.0.0.1,DNS:renewed");
    const shown = async (): Promise<string> => (await scrape(given, bearer("visitor"), authority.ca)).shown;
    await until("the new one is shown", async () => (await shown()).includes("DNS:renewed"));
  });

  test("are not served with half a certificate", async () => {
    const args = ["--kubeconfig", plane.kubeconfigs.holdfast, "--metrics-secure", "true", "--metrics-cert-file", "/tmp/tls.crt"];
    await expect(startController(args)).rejects.toThrow("--metrics-key-file go together");
  });
});
