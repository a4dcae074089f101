/** The endpoints that translated objects name: one for each config and server. */
import { apiVersion } from "../api/kind-definition.ts";
import { clusterHTTPEndpoint } from "../api/cluster-http-endpoint.ts";
import { httpEndpoint } from "../api/http-endpoint.ts";
import { validator } from "../api/validate.ts";
import { createFindings, type Finding, type Findings } from "./findings.ts";
import type { EndpointNeed, Translation } from "./translation.ts";

export interface MadeEndpoint {
  readonly manifest: {
    readonly apiVersion: string;
    readonly kind: "HTTPEndpoint" | "ClusterHTTPEndpoint";
    readonly metadata: { readonly name: string; readonly namespace?: string };
    readonly spec: Readonly<Record<string, unknown>>;
  };
  readonly need: EndpointNeed;
  /** Where its Secrets are to be; undefined: it has none. */
  readonly secretNamespace: string | undefined;
  readonly findings: readonly Finding[];
}

interface Joined {
  readonly endpoints: readonly MadeEndpoint[];
  /** In the same order, with the names of their endpoints. */
  readonly translations: readonly Translation[];
}

/** Makes what the translations need of endpoints. */
export function joinEndpoints(translations: readonly Translation[]): Joined {
  const needs = translations.flatMap(({ endpoint }) => endpoint ?? []);
  const configs = Map.groupBy(needs, configOf);
  const made = [...Map.groupBy(needs, (need) => `${configOf(need)} ${need.origin} ${placeOf(need, configs)}`).values()];
  const indexOf = new Map(made.flatMap((same, index) => same.map((need) => [need, index] as const)));
  const taken = new Set<string>();
  const endpoints = made.flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    // A config of a namespace and one of the cluster can have the same name.
    const free = (wanted: string): string => {
      const place = placeOf(first, configs);
      let name = wanted;
      for (let count = 2; taken.has(`${place}/${name}`); count += 1) name = `${wanted}-${count}`;
      taken.add(`${place}/${name}`);
      return name;
    };
    return [endpointOf(first, same, configs, free)];
  });
  return {
    endpoints,
    translations: translations.map((one) => {
      const { endpoint, manifest } = one;
      const found = endpoint && endpoints[indexOf.get(endpoint) ?? -1]?.manifest;
      if (!manifest || !found) return one;
      const { kind, metadata } = found;
      const endpointRef = { ...(kind === "ClusterHTTPEndpoint" && { kind }), name: metadata.name };
      return { ...one, manifest: { ...manifest, spec: { ...manifest.spec, endpointRef } } };
    }),
  };
}

function configOf({ config: { kind, metadata } }: EndpointNeed): string {
  return `${kind} ${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
}
type Configs = ReadonlyMap<string, readonly EndpointNeed[]>;
function needsOf(need: EndpointNeed, configs: Configs): readonly EndpointNeed[] {
  return configs.get(configOf(need)) ?? [];
}
/** The namespace of its endpoint; nothing where several use it. */
function placeOf(need: EndpointNeed, configs: Configs): string {
  const { clusterScoped } = need.config;
  const isShared = clusterScoped && new Set(needsOf(need, configs).map(({ namespace }) => namespace)).size > 1;
  return isShared ? "" : need.namespace;
}

function endpointOf(
  need: EndpointNeed,
  same: readonly EndpointNeed[],
  configs: Configs,
  free: (name: string) => string,
): MadeEndpoint {
  const { origin, credential, tls } = need;
  const findings = createFindings();
  const place = placeOf(need, configs);
  const origins = new Set(needsOf(need, configs).map((one) => one.origin));
  const configName = need.config.metadata.name ?? "default";
  const labels = new URL(origin).host.toLowerCase().split(".");
  const words = labels.map((label) =>
    label
      .split(/[^a-z0-9]+/)
      .filter(Boolean)
      .join("-"),
  );
  const host = words.filter(Boolean).join(".");
  const name = free(origins.size > 1 ? `${configName}-${host}` : configName);
  const auth = credential && {
    apiKey: { in: "Header", name: "Authorization", value: { secretKeyRef: { name: credential.name, key: credential.key } } },
  };
  const spec = { baseURL: origin, ...(auth && { auth }), ...(tls && { tls }) };
  const secretNamespace = place === "" ? need.secrets[0]?.namespace : place;
  const foreign = need.secrets.filter((secret) => secret.namespace !== secretNamespace);
  for (const secret of foreign)
    findings.add("STEP", "Secret", copyText(secret.namespace, secret.name, [secret.key], secretNamespace ?? ""));
  const made = { need, secretNamespace };
  if (place !== "") {
    const manifest = { apiVersion, kind: "HTTPEndpoint", metadata: { name, namespace: place }, spec } as const;
    return { ...made, manifest: checked(manifest, validators.HTTPEndpoint, findings), findings: findings.all() };
  }
  const headers = [...new Set(same.flatMap((one) => one.headers))];
  const names = [...new Set(same.map(({ namespace }) => namespace))];
  const shared = {
    ...spec,
    ...(headers.length > 0 && { allowedHeaders: headers }),
    allowedNamespaces: { from: "Names", names },
    ...(secretNamespace !== undefined && { secretNamespace }),
  };
  const manifest = { apiVersion, kind: "ClusterHTTPEndpoint", metadata: { name }, spec: shared } as const;
  return { ...made, manifest: checked(manifest, validators.ClusterHTTPEndpoint, findings), findings: findings.all() };
}

/** What somebody has to do about a Secret that is in another namespace. */
export function copyText(from: string, name: string, keys: readonly string[], to: string): string {
  return `copy Secret ${from}/${name} (${[...new Set(keys)].join(", ")}) to namespace ${to}`;
}

const validators = {
  HTTPEndpoint: validator(httpEndpoint.spec),
  ClusterHTTPEndpoint: validator(clusterHTTPEndpoint.spec),
};
function checked<M extends MadeEndpoint["manifest"]>(
  manifest: M,
  validate: (typeof validators)["HTTPEndpoint"],
  findings: Findings,
): M {
  for (const { path, message } of validate(manifest.spec, ["spec"]).problems)
    findings.add("HARD", path, `what it becomes would be refused: ${message}`);
  return manifest;
}
