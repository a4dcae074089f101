/** What tests of serving share: objects of the peer on an API server, and what their status says. */
import { grantServing } from "./chart-rights.ts";
import type { ControlPlaneClient } from "./control-plane-client.ts";
import { startController, type HoldfastProcess } from "./controller-process.ts";
import { until } from "./fault-world.ts";
import type { LoopbackServer } from "./loopback.ts";
import { installPeerCRDs } from "./peer-crds.ts";

export const servedGroup = "http.m.crossplane.io";

export interface ServedCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message?: string;
  readonly lastTransitionTime: string;
}
export interface ServedStatus {
  readonly conditions?: readonly ServedCondition[];
  readonly response?: {
    readonly statusCode?: number;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, readonly string[]>>;
  };
  readonly cache?: { readonly lastUpdated?: string; readonly response?: ServedStatus["response"] };
  readonly requestDetails?: { readonly method?: string; readonly url: string; readonly body?: string; readonly headers?: object };
  readonly failed?: number;
  readonly error?: string;
  readonly synced?: boolean;
  readonly lastReconcileTime?: string;
}
export interface Served {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly uid: string;
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion: string;
    readonly generation: number;
    readonly finalizers?: readonly string[];
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: ServedStatus;
}

/** `True Available`; `none` where there is no such condition. */
export function conditionText(object: Served | undefined, type: string): string {
  const found = object?.status?.conditions?.find((one) => one.type === type);
  return found ? `${found.status} ${found.reason}` : "none";
}

/** The path of an object, or of all of its kind. Our own kinds are known by their plural. */
export function servedPath(plural: string, namespace: string | undefined, name?: string): string {
  const root = plural.startsWith("http")
    ? "holdfast.dev/v1alpha1"
    : plural === "secrets"
      ? undefined
      : `${namespace === undefined ? "http.crossplane.io" : servedGroup}/v1alpha2`;
  const within = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `${root === undefined ? "/api/v1" : `/apis/${root}`}${within}/${plural}${name === undefined ? "" : `/${name}`}`;
}
export async function getServed(
  plane: ControlPlaneClient,
  plural: string,
  namespace: string | undefined,
  name: string,
): Promise<Served | undefined> {
  const { status, body } = await plane.admin("GET", servedPath(plural, namespace, name));
  return status === 200 ? (body as Served) : undefined;
}
export async function listServed(
  plane: ControlPlaneClient,
  plural: string,
  namespace: string | undefined,
): Promise<readonly Served[]> {
  const { body } = await plane.admin("GET", servedPath(plural, namespace));
  return (body as { readonly items?: readonly Served[] }).items ?? [];
}

/** Until the condition of `type` is `text`. */
export function untilSays(
  plane: ControlPlaneClient,
  { plural, namespace, name }: { readonly plural: string; readonly namespace: string; readonly name: string },
  { type, text, limitMs }: { readonly type: string; readonly text: string; readonly limitMs: number },
): Promise<void> {
  const says = async (): Promise<string> => conditionText(await getServed(plane, plural, namespace, name), type);
  return until(`${name} is ${type} ${text}`, async () => (await says()) === text, limitMs);
}
/** What a server was told, and not only asked: `PUT /api/members/1`. */
export function toldTo({ requests }: Pick<LoopbackServer, "requests">): readonly string[] {
  return requests.filter(({ method }) => method !== "GET").map(({ method, url }) => `${method} ${url}`);
}

/** A ProviderConfig of a namespace that has no credential and no TLS. */
export function plainConfig(namespace: string): string {
  return JSON.stringify({
    apiVersion: `${servedGroup}/v1alpha2`,
    kind: "ProviderConfig",
    metadata: { name: "plain", namespace },
    spec: { credentials: { source: "None" } },
  });
}

/** A Request for a member of `origin`, by its id. */
export function memberRequest(
  { name, namespace, origin }: { readonly name: string; readonly namespace: string; readonly origin: string },
  {
    forProvider = {},
    annotations = {},
    spec = {},
  }: { readonly forProvider?: object; readonly annotations?: object; readonly spec?: object } = {},
): { readonly metadata: object } & Readonly<Record<string, unknown>> {
  const url = '.payload.baseUrl + "/" + (.response.body.id | tostring)';
  const sent = "{nick: .payload.body.nick}";
  return {
    apiVersion: `${servedGroup}/v1alpha2`,
    kind: "Request",
    metadata: { name, namespace, annotations },
    spec: {
      providerConfigRef: { name: "plain", kind: "ProviderConfig" },
      ...spec,
      forProvider: {
        payload: { baseUrl: `${origin}/api/members`, body: JSON.stringify({ nick: name }) },
        mappings: [
          { action: "CREATE", url: ".payload.baseUrl", body: sent, headers: { "Content-Type": ["application/json"] } },
          { action: "OBSERVE", url },
          { action: "UPDATE", url, body: sent },
          { action: "REMOVE", url },
        ],
        ...forProvider,
      },
    },
  };
}

/** What the provider leaves behind: the finalizer, the name and the status of an object that it has made. It is served when it is whole. */
export async function makeLive(
  plane: ControlPlaneClient,
  manifest: { readonly metadata: object } & Readonly<Record<string, unknown>>,
  status: object,
): Promise<Served> {
  const { name, namespace } = manifest.metadata as { readonly name: string; readonly namespace: string };
  const own = (manifest.metadata as { readonly annotations?: object }).annotations;
  const annotations = { "crossplane.io/external-name": name, ...own, "holdfast.dev/serve": "false" };
  const metadata = { ...manifest.metadata, annotations, finalizers: ["finalizer.managedresource.crossplane.io"] };
  const plural = `${String(manifest["kind"]).toLowerCase()}s`;
  await plane.admin("POST", servedPath(plural, namespace), { ...manifest, metadata });
  const path = servedPath(plural, namespace, name);
  const { body } = await plane.adminPatch(`${path}/status`, { status });
  await plane.adminPatch(path, { metadata: { annotations: { "holdfast.dev/serve": null } } });
  return body as Served;
}

/** A member of `origin`, and the Request for it as the provider leaves it. */
export async function makeLiveMember(
  plane: ControlPlaneClient,
  place: Parameters<typeof memberRequest>[0],
  more: Parameters<typeof memberRequest>[1] = {},
): Promise<{ readonly object: Served; readonly id: string }> {
  const members = `${place.origin}/api/members`;
  const answer = await fetch(members, { method: "POST", body: JSON.stringify({ nick: place.name }) });
  const body = await answer.text();
  const { id } = JSON.parse(body) as { readonly id: string };
  const object = await makeLive(plane, memberRequest(place, more), {
    response: { statusCode: 200, body, headers: { "Content-Type": ["application/json"], Date: ["today"] } },
    requestDetails: { method: "GET", url: `${members}/${id}` },
  });
  return { object, id };
}

/** A controller that serves what is in the namespace, where the peer's kinds and a config are, and no provider is asked after. */
export async function startServing(
  plane: ControlPlaneClient,
  namespace: string,
  more: readonly string[] = [],
): Promise<HoldfastProcess> {
  await installPeerCRDs(plane);
  await grantServing(plane);
  await plane.apply(plainConfig(namespace));
  const flags = ["--serve-provider-http", "all", "--provider-http-lease", "none", ...more];
  return startController(["--kubeconfig", plane.kubeconfigs.server, "--namespace", namespace, ...flags]);
}
