/** docs/operations.md, walked with its own commands: Holdfast is uninstalled in order, and what is restored is sent to nobody again. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { startUsersOrigin, type UsersOrigin } from "../support/users-origin.ts";
import { followDeployment, type Deployed } from "./deployed.ts";
import { describeWithHelm } from "./helm.ts";
import { commandsUnder, createShell, type Shell } from "./shell.ts";
import { until } from "./until.ts";

const document = "docs/operations.md";
const namespace = "holdfast-system";
const install = `helm install holdfast charts/holdfast --namespace ${namespace} --create-namespace`;
const [stop = "", goOn = ""] = commandsUnder(document, "Restore with another tool");
const noPod = stop.split("\n")[1] ?? "";
const [deleteRemote = "", orphanAll = "", helmUninstall = "", deleteCRDs = ""] = commandsUnder(document, "Uninstall");

interface Cluster {
  readonly plane: ControlPlane;
  readonly shell: Shell;
  readonly deployed: Deployed;
}

describeWithHelm("the page on operations", () => {
  let origin: UsersOrigin;
  let before: Cluster;
  let after: Cluster;
  const started = new AsyncDisposableStack();

  beforeAll(async () => {
    origin = started.use(await startUsersOrigin());
    [before, after] = await Promise.all([cluster(), cluster()]);
    await before.shell.run(install);
    await before.shell.run(`${apply(declared())}\n${isReady}`);
  });
  afterAll(() => started.disposeAsync());

  async function cluster(): Promise<Cluster> {
    const plane = started.use(await startControlPlane());
    await plane.admin("POST", "/api/v1/namespaces", { metadata: { name: "team-a" } });
    const shell = started.use(await createShell(plane));
    const deployed = started.use(followDeployment(plane, namespace, ["--egress-unsafe-allow=127.0.0.0/8"]));
    return { plane, shell, deployed };
  }
  const isReady = "kubectl wait --for=condition=Ready --namespace team-a hreq,hres --all --timeout=60s";
  const apply = (manifest: string): string =>
    `kubectl wait --for=condition=Established crd --all && kubectl apply --filename - <<'EOF'\n${manifest}\nEOF`;
  /** A POST without a key; a remote object that has an id and no lookup, and is deleted with its resource. */
  function declared(): string {
    const users = `${origin.url}/users`;
    const one = `${users}/\${ .externalID }`;
    const object = (kind: string, name: string, spec: object): object => ({
      apiVersion: "holdfast.dev/v1alpha1",
      kind,
      metadata: { name, namespace: "team-a" },
      spec,
    });
    const resource = {
      parameters: { name: "ada" },
      externalID: ".response.body.id",
      observe: { url: one },
      create: { url: users, body: { json: "${ .parameters }" } },
      delete: { url: one },
    };
    const items = [
      object("HTTPRequest", "announce", { url: `${users}?announced`, method: "POST", body: { json: { name: "once" } } }),
      object("HTTPResource", "ada", resource),
    ];
    return JSON.stringify({ apiVersion: "v1", kind: "List", items });
  }
  const methodsSince = (count: number): ReadonlySet<string> => new Set(origin.requests.slice(count).map(({ method }) => method));
  const posts = (): readonly string[] => origin.requests.filter(({ method }) => method === "POST").map(({ path }) => path);
  const remote = (): readonly string[] => [...origin.users.values()].map(({ name }) => String(name)).toSorted();
  const reasons = ({ shell }: Cluster): Promise<string> =>
    shell.run(
      `kubectl get hreq,hres --namespace team-a --output=jsonpath='{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].reason} {end}'`,
    );
  const nothingLeft = async ({ plane }: Cluster): Promise<boolean> =>
    (await plane.admin("GET", "/apis/holdfast.dev/v1alpha1/httpresources")).status === 404;

  test("restores a backup on an empty cluster: nothing is sent or created again, and what was created is adopted", async () => {
    const [backup = ""] = commandsUnder(document, "Backup and restore");
    const [restore = ""] = commandsUnder(document, "Restore with kubectl");
    expect([posts().toSorted(), remote()]).toEqual([
      ["/users", "/users?announced"],
      ["ada", "once"],
    ]);
    await before.shell.run(backup);
    await before.shell.run(`kubectl --namespace ${namespace} scale deployment/holdfast --replicas=0\n${noPod}`); // it is lost
    await writeFile(
      join(after.shell.folder, "holdfast-backup.json"),
      await readFile(join(before.shell.folder, "holdfast-backup.json")),
    );

    const observed = origin.requests.length;
    await after.shell.run(`${install}\nkubectl wait --for=condition=Established crd --all\n${restore}\n${isReady}`);
    expect(await reasons(after)).toBe("announce=AssumedDone ada=Adopted ");
    expect(methodsSince(observed)).toEqual(new Set(["GET"]));
    expect(remote()).toEqual(["ada", "once"]);
  });

  test("restores objects that come without annotations while Holdfast is away", async () => {
    const id = await after.shell.run("kubectl get hres ada --namespace team-a --output=jsonpath={.status.externalID}");
    await after.shell.run(stop);
    await after.shell.run(`holdfast orphan --all && kubectl delete hreq,hres --all --namespace team-a`); // they are lost
    await after.shell.run(apply(declared()));
    await after.shell.run(`kubectl annotate hres ada --namespace team-a holdfast.dev/external-id=${id}`);
    const observed = origin.requests.length;
    await after.shell.run(`${goOn}\n${isReady}`);
    expect(await reasons(after)).toBe("announce=AssumedDone ada=Adopted ");
    expect(methodsSince(observed)).toEqual(new Set(["GET"]));
  });

  test("sends a restored request when it is changed", async () => {
    const change = { spec: { body: { json: { name: "twice" } } } };
    await after.shell.run(`kubectl patch hreq announce --namespace team-a --type=merge --patch='${JSON.stringify(change)}'`);
    await after.shell.run(isReady);
    expect(posts()).toHaveLength(3);
    expect(remote()).toEqual(["ada", "once", "twice"]);
  });

  test("uninstalls it so that no finalizer outlives the controller, and every remote object stays", async () => {
    const kept = await after.shell.run("kubectl get hreq,hres --namespace team-a --output=name");
    expect(await after.shell.run(orphanAll)).toContain("let go of 1 HTTPResources");
    await after.shell.run(helmUninstall);
    expect(await after.shell.run("kubectl get hreq,hres --namespace team-a --output=name")).toBe(kept);
    await after.shell.run(deleteCRDs);
    await until(
      () => nothingLeft(after),
      () => "the kinds are still served",
    );
    expect(remote()).toEqual(["ada", "once", "twice"]);
  });

  test("uninstalls it so that the remote objects that are looked after go along", async () => {
    await before.shell.run(`kubectl --namespace ${namespace} scale deployment/holdfast --replicas=1`); // found again
    await before.shell.run(deleteRemote);
    expect(remote()).toEqual(["once", "twice"]);
    await before.shell.run(helmUninstall);
    await before.shell.run(deleteCRDs);
    await until(
      () => nothingLeft(before),
      () => "the kinds are still served",
    );
  });
});
