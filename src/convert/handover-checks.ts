/** The step of the hand-over that asks whether all will go well: the kinds, Holdfast's rights, and which addresses are private. */
import { group } from "../api/kind-definition.ts";
import { digest } from "../core/tools/digest.ts";
import type { MadeEndpoint } from "./endpoints.ts";
import type { HandoverParts } from "./handover-parts.ts";
import { egressPolicy, privateHosts, uniqueHosts } from "./private-hosts.ts";
import type { Manifest } from "./translation.ts";

/** For a shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Lines of a shell function. */
export function checks(parts: HandoverParts): readonly string[] {
  const ofObjects = parts.handed.flatMap(({ manifest: { metadata, spec } }) => {
    const where = `-n ${quote(metadata.namespace)}`;
    const reads = spec["inputs"] === undefined && spec["tls"] === undefined ? [] : [`may get secrets ${where}`];
    return spec["outputs"] === undefined
      ? reads
      : [...reads, ...["create", "patch"].map((verb) => `may ${verb} secrets ${where}`)];
  });
  const ofEndpoints = parts.endpoints.flatMap(({ secretNamespace, need }) =>
    secretNamespace !== undefined && need.secrets.length > 0 ? [`may get secrets -n ${quote(secretNamespace)}`] : [],
  );
  return [
    "missing=0",
    `kubectl get crd httpresources.${group} httprequests.${group} >/dev/null`,
    ...new Set([...ofObjects, ...ofEndpoints]),
    ...opens(parts),
    '[ "$missing" = 0 ] || { echo "docs/install.md says how these rights are given" >&2; exit 1; }',
  ];
}

/** What is closed as long as no policy opens it is told: whoever knows of one goes on. */
function opens({ handed, endpoints, textOf }: HandoverParts): readonly string[] {
  const byNamespace = Map.groupBy(handed, ({ manifest }) => manifest.metadata.namespace);
  const policies = [...byNamespace].flatMap(([namespace, here]) => {
    const hosts = here
      .flatMap(({ manifest }) => privateHosts({ manifest: withBase(manifest, endpoints) }))
      .filter(({ type }) => type !== "short");
    const unique = uniqueHosts(hosts);
    return unique.length === 0 ? [] : [textOf(egressPolicy(namespace, unique))];
  });
  if (policies.length === 0) return [];
  const text = policies.join("---\n");
  const marker = `END_${digest(text)}`;
  return [
    'echo "These reach private addresses, which are closed unless an EgressPolicy opens them (EgressDenied). This would:" >&2',
    `cat >&2 <<'${marker}'\n${text}${marker}`,
  ];
}
/** With its endpoint's base URL, where it has one. */
function withBase(manifest: Manifest, endpoints: readonly MadeEndpoint[]): Manifest {
  const { endpointRef } = manifest.spec as { readonly endpointRef?: { readonly kind?: string; readonly name: string } };
  const { kind = "HTTPEndpoint", name } = endpointRef ?? {};
  const found = endpoints.find(
    ({ manifest: { kind: made, metadata } }) =>
      made === kind &&
      metadata.name === name &&
      (metadata.namespace ?? manifest.metadata.namespace) === manifest.metadata.namespace,
  );
  return found ? { ...manifest, spec: { ...manifest.spec, url: found.need.origin } } : manifest;
}
