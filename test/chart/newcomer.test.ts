/** What the README, docs/try-it.md and docs/install.md tell a newcomer to type, typed as it is printed, but for what takes a registry or a kubelet. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";
import { followDeployment } from "./deployed.ts";
import { describeWithHelm } from "./helm.ts";
import { commandsUnder, createShell, type Shell } from "./shell.ts";
import { until } from "./until.ts";

const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
const [, readmeInstall = ""] = commandsUnder("README.md", "Try it");
const [withoutImage = "", takeAway = ""] = commandsUnder("docs/try-it.md", "On a cluster, without an image");
const [install = ""] = commandsUnder("docs/install.md", "Install");
const [grant = ""] = commandsUnder("docs/install.md", "What it may do");
const [shards = ""] = commandsUnder("docs/install.md", "Replicas and shards");
const [letPrometheus = "", letItAsk = ""] = commandsUnder("docs/install.md", "Prometheus");
const [, , helmUninstall = "", deleteCRDs = ""] = commandsUnder("docs/operations.md", "Uninstall");

const withoutDocker = (commands: string): string => commands.replace(/^docker .*\n/m, "");
const onOneLine = (command: string): string => command.replaceAll(/\s*\\?\n\s*/g, " ").trim();
/** A table of kubectl's, without its padding and times. */
const cells = (table: string): string =>
  table
    .trim()
    .replaceAll(/(?:\d+[hms])+/g, "Ns")
    .replaceAll(/ +/g, " ")
    .replaceAll(/ $/gm, "");

describeWithHelm("a newcomer", () => {
  let plane: ControlPlane;
  let shell: Shell;
  let origin: LoopbackServer;
  const started = new AsyncDisposableStack();

  beforeAll(async () => {
    plane = started.use(await startControlPlane());
    shell = started.use(await createShell(plane));
    origin = started.use(await loopbackServer((_, response) => response.writeHead(202).end('{"status":"sent"}')));
  });
  afterAll(() => started.disposeAsync());

  test("sees the examples run on an empty cluster, without an image", async () => {
    const elsewhere = {
      HOLDFAST_METRICS_ADDRESS: "127.0.0.1:0",
      HOLDFAST_HEALTH_ADDRESS: "127.0.0.1:0",
      HOLDFAST_ADMIN_ADDRESS: "off",
    };
    const isInstalled = { MAKEFLAGS: "--old-file=node_modules/.installed" };
    await using trying = await createShell(plane, { ...elsewhere, ...isInstalled });
    // `wait` ends only if what was started in the background does.
    const printed = await trying.run(`${withoutImage}${takeAway}wait || true`);
    const table = printed.slice(printed.search(/^NAME +READY/m)).split("\n");
    const rows = table.filter((row) => row.startsWith("http") && !/ deleted\b/.test(row));
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.filter((row) => row.split(/\s+/)[1] !== "True")).toEqual([]);
  });

  test("installs it by Helm, and waits until it runs", async () => {
    started.use(followDeployment(plane, "holdfast-system", ["--egress-unsafe-allow=127.0.0.0/8"]));
    expect(install.startsWith(readmeInstall)).toBe(true);
    expect(await shell.run(withoutDocker(install))).toContain('deployment "holdfast" successfully rolled out');
  });

  test("sends the request that the README begins with, once an admin has run the command in its condition", async () => {
    const [, manifest = ""] = /```yaml\n([\s\S]*?)```/.exec(readme) ?? [];
    await shell.run(`kubectl create namespace team-a
kubectl create secret generic hook --namespace=team-a --from-literal=token=open-sesame
kubectl create configmap release --namespace=team-a --from-literal=version=1.2.3
kubectl apply --filename - <<'EOF'\n${manifest.replace("https://hooks.example.com", origin.url)}\nEOF`);
    const message =
      "kubectl get hreq announce --namespace=team-a --output=jsonpath='{.status.conditions[?(@.type==\"Ready\")].message}'";
    let command = "";
    await until(
      async () => ((command = /kubectl create rolebinding .*$/.exec(await shell.run(message))?.[0] ?? ""), command !== ""),
      () => "no command is shown",
    );
    expect(command).toBe(onOneLine(grant));
    await shell.run(`${command}\nkubectl wait --for=condition=Ready hreq/announce --namespace=team-a --timeout=60s`);
    expect(origin.requests.map(({ url, headers, body }) => [url, headers.authorization, body])).toEqual([
      ["/v1/notify", "Bearer open-sesame", '{"text":"Deployed 1.2.3"}'],
    ]);
    const [, printed = ""] = /```\n\$ kubectl get hreq -n team-a\n([\s\S]*?)```/.exec(readme) ?? [];
    expect(cells(await shell.run("kubectl get hreq -n team-a"))).toBe(cells(printed));
  });

  const asPrometheus = "kubectl auth can-i get /metrics --as=system:serviceaccount:monitoring:prometheus 2> /dev/null";
  /** The API server takes up roles a moment after they were written. */
  async function answers(expected: "yes" | "no", question: string): Promise<void> {
    const isSo = async (): Promise<boolean> => (await shell.run(`${question} || true`)) === `${expected}\n`;
    await until(isSo, () => `${question} is not answered ${expected}`);
  }

  test("lets Prometheus read the metrics that are guarded", async () => {
    const upgrade =
      "helm upgrade holdfast charts/holdfast --namespace holdfast-system --reuse-values --set metrics.secure.enabled=true";
    expect(await shell.run(`${upgrade} > /dev/null; ${asPrometheus} || true`)).toBe("no\n");
    await shell.run(letPrometheus);
    await answers("yes", asPrometheus);
  });

  test("guards the metrics, too, where the chart may make nothing for the whole cluster", async () => {
    const values = "--set rbac.scope=namespaces,controller.namespace={team-a},crds.install=false,metrics.secure.enabled=true";
    const upgrade = `helm upgrade holdfast charts/holdfast --namespace holdfast-system ${values}`;
    await expect(shell.run(upgrade)).rejects.toThrow(onOneLine(letItAsk.split("kubectl create clusterrole ")[0] ?? ""));
    const mayAsk = "kubectl auth can-i create tokenreviews --as=system:serviceaccount:holdfast-system:holdfast 2> /dev/null";
    const byHand = `${upgrade} --set metrics.secure.createClusterRoles=false`;
    expect(await shell.run(`kubectl delete clusterrolebinding holdfast-metrics-reader; ${byHand}`)).toContain(
      "system:auth-delegator",
    );
    await answers("no", mayAsk);
    await shell.run(`${letItAsk}${letPrometheus}`);
    for (const question of [mayAsk, asPrometheus]) await answers("yes", question);
  });

  test("takes everything away again, and installs a release for each shard", async () => {
    await shell.run(`${helmUninstall}${deleteCRDs}`);
    const installed = await shell.run(`${shards}helm list --namespace holdfast-system --short`);
    expect(installed).toMatch(/\nholdfast-blue\nholdfast-green\n$/);
    const selectors = await shell.run(
      "kubectl get deployments --namespace holdfast-system --output=jsonpath='{.items[*].spec.template.spec.containers[*].args}'",
    );
    for (const shard of ["blue", "green"]) expect(selectors).toContain(`--watch-label-selector=shard=${shard}`);
  });
});
