/**
 * The controller's rights as the chart has them, given to a user of the tests'.
 *
 * Invariant: no right of the controller's stands in the tests, so that they fail for whatever the chart lacks.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import type { ControlPlaneClient } from "./control-plane-client.ts";
import { until } from "./fault-world.ts";

const run = promisify(execFile);
const apiGroup = "rbac.authorization.k8s.io";

export interface PolicyRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}
interface Role {
  readonly kind: "ClusterRole" | "Role";
  readonly metadata: { readonly name: string };
  readonly rules: readonly PolicyRule[];
}
interface Binding {
  readonly kind: "ClusterRoleBinding" | "RoleBinding";
  readonly roleRef: { readonly name: string };
}

/** The path of Helm, which is built first where there is none. Throws, saying what is missing. */
export async function helmProgram(): Promise<string> {
  return (await run(join(import.meta.dirname, "../helm/ensure.sh"), { encoding: "utf8" })).stdout.trim();
}

const rendered = new Map<string, Promise<readonly (Role | Binding)[]>>();
function renderOnce(release: string, values: string): Promise<readonly (Role | Binding)[]> {
  const known = rendered.get(release) ?? render(release, values);
  rendered.set(release, known);
  return known;
}

/** With all that a release can bind at once; what it never does, namespaces' admins do: tests bind it in theirs. */
async function render(release: string, more: string): Promise<readonly (Role | Binding)[]> {
  const chart = join(import.meta.dirname, "../../charts/holdfast");
  const values = `rbac.secrets=cluster,rbac.outputs=cluster,metrics.secure.enabled=true,${more}`;
  const args = ["template", release, chart, "--show-only", "templates/rbac.yaml", "--set", values];
  const { stdout } = await run(await helmProgram(), args, { env: { ...process.env, KUBECONFIG: "/dev/null" } });
  return parseAllDocuments(stdout).flatMap((document) => (document.toJS() as Role | Binding | null) ?? []);
}

/**
 * Gives a user the rights of the chart's controller, in the whole cluster. `unbound`: names of roles that it does not get,
 * though they are there.
 */
export async function grantController(
  plane: ControlPlaneClient,
  user = "holdfast",
  unbound: readonly string[] = [],
): Promise<void> {
  await grant(plane, user, await renderOnce("holdfast", "controller.slots=2"), unbound);
}

/** Gives the user `server` the rights of one that serves provider-http's kinds. */
export async function grantServing(plane: ControlPlaneClient): Promise<void> {
  const values = "controller.serveProviderHttp=all,controller.providerHttpLease=default/of-the-provider";
  await grant(plane, "server", await renderOnce("serving", values), []);
}

/** Waits until the API server, which takes up roles a moment after they were written, lets the user do that, or no more. */
export async function untilMay(
  plane: ControlPlaneClient,
  user: string,
  resourceAttributes: Readonly<Record<string, string>>,
  may = true,
): Promise<void> {
  const apiVersion = "authorization.k8s.io/v1";
  const review = { apiVersion, kind: "SubjectAccessReview", spec: { user, resourceAttributes } };
  await until(`${user} may${may ? "" : " not"} ${JSON.stringify(resourceAttributes)}`, async () => {
    const { body } = await plane.admin("POST", `/apis/${apiVersion}/subjectaccessreviews`, review);
    return (body as { readonly status?: { readonly allowed?: boolean } }).status?.allowed === may;
  });
}

async function grant(
  plane: ControlPlaneClient,
  user: string,
  objects: readonly (Role | Binding)[],
  unbound: readonly string[],
): Promise<void> {
  const items = objects.flatMap((object) => {
    if ("rules" in object) return [clusterRole(object)];
    return unbound.includes(object.roleRef.name) ? [] : [clusterRoleBinding(object.roleRef.name, user)];
  });
  await plane.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items }));
}

/** That of the lease is a Role for one Lease, in one namespace; the leases of tests have names and places of their own. */
function clusterRole({ kind, metadata: { name }, rules }: Role): object {
  const isLease = ({ resources }: PolicyRule): boolean => kind === "Role" && resources?.includes("leases") === true;
  const unnamed = rules.map((rule) => (isLease(rule) ? { ...rule, resourceNames: undefined } : rule));
  return { apiVersion: `${apiGroup}/v1`, kind: "ClusterRole", metadata: { name }, rules: unnamed };
}

function clusterRoleBinding(role: string, user: string): object {
  return {
    apiVersion: `${apiGroup}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name: `${role}-${user}` },
    roleRef: { apiGroup, kind: "ClusterRole", name: role },
    subjects: [{ apiGroup, kind: "User", name: user }],
  };
}
