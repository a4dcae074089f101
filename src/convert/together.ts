/** What only shows when all that is translated is looked at together. */
import type { Finding } from "./findings.ts";
import { privateHosts } from "./private-hosts.ts";
import type { SecretKey } from "./placeholders.ts";
import type { Translation } from "./translation.ts";

/** Findings beside each one's own, in the same order. */
export function lookTogether(translations: readonly Translation[]): readonly (readonly Finding[])[] {
  const taken = new Set<string>();
  const writers = new Map<string, string>();
  for (const { manifest } of translations)
    if (manifest)
      for (const name of outputsIn(manifest.spec)) writers.set(`${manifest.metadata.namespace}/${name}`, nameOf(manifest));
  const told = new Set<string>();
  const sources = sourcesOf(translations);
  return translations.map((one): readonly Finding[] => {
    const { manifest, secrets, endpoint } = one;
    if (!manifest) return [];
    const own = nameOf(manifest);
    const isTaken = taken.has(own);
    taken.add(own);
    // One of another namespace is copied into this one, under the same name.
    const read = new Set(secrets.map(({ name }) => `${manifest.metadata.namespace}/${name}`));
    const owned = [...read].flatMap((secret): Finding[] => {
      const writer = writers.get(secret);
      if (writer === undefined || writer === own) return [];
      const message = `Secret ${secret} belongs to ${writer}, and goes when that is deleted: delete this one first, since it needs it until then`;
      return [{ level: "WARN", field: "Secret", message }];
    });
    const placed = placedSecrets(one);
    const mixed = new Set(
      placed.flatMap(({ name }) => ((sources.get(`${manifest.metadata.namespace}/${name}`)?.size ?? 0) > 1 ? [name] : [])),
    );
    for (const name of mixed)
      // Several objects may mean the same Secret, copied into each namespace; whether they do is not known.
      if (!one.findings.some(({ message }) => message === mixedText(name, manifest.metadata.namespace)))
        owned.push({
          level: "WARN",
          field: "Secret",
          message: `${mixedText(name, manifest.metadata.namespace)}, unless they hold the same`,
        });
    const closed = privateHosts({ manifest, ...(endpoint && { endpoint }) }).map(({ type, host }): Finding => {
      if (type === "short") {
        const message = `${host} is a Service of the namespace of whoever asks: write NAME.NAMESPACE.svc, which an EgressPolicy can open`;
        return { level: "WARN", field: "EgressPolicy", message };
      }
      const message = `${host} is private, and closed until an EgressPolicy opens it for namespace ${manifest.metadata.namespace}`;
      return { level: "STEP", field: "EgressPolicy", message };
    });
    owned.push(...closed.filter(({ message }) => !told.has(message)));
    for (const { message } of closed) told.add(message);
    return isTaken ? [{ level: "HARD", field: "metadata.name", message: `another object becomes ${own}, too` }, ...owned] : owned;
  });
}

/** What it reads in its own namespace. */
function placedSecrets({
  manifest,
  secrets,
  endpoint,
}: Pick<Translation, "manifest" | "secrets" | "endpoint">): readonly SecretKey[] {
  const { kind } = (manifest?.spec["endpointRef"] ?? {}) as { readonly kind?: string };
  return [...secrets, ...(endpoint && kind !== "ClusterHTTPEndpoint" ? endpoint.secrets : [])];
}
/** From which namespaces a Secret would come, by where it is read. */
function sourcesOf(translations: readonly Translation[]): ReadonlyMap<string, ReadonlySet<string>> {
  const places = translations.flatMap((one) => {
    const namespace = one.manifest?.metadata.namespace;
    return namespace === undefined ? [] : placedSecrets(one).map((secret) => ({ secret, place: `${namespace}/${secret.name}` }));
  });
  const grouped = Map.groupBy(places, ({ place }) => place);
  return new Map([...grouped].map(([place, same]) => [place, new Set(same.map(({ secret }) => secret.namespace))]));
}
export function mixedText(name: string, namespace: string): string {
  return `Secrets ${name} of several namespaces would be one in ${namespace}: give one another name, there and where it is named`;
}

function nameOf({ kind, metadata }: NonNullable<Translation["manifest"]>): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}
/** The Secrets that it writes. */
export function outputsIn({ outputs = [] }: Readonly<Record<string, unknown>>): readonly string[] {
  return (outputs as readonly { readonly secret: { readonly name: string } }[]).map(({ secret }) => secret.name);
}
