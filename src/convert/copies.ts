/** Secrets of other namespaces, copied to where they are read: only those that were given, and only the keys that are read. */
import { isRecord } from "../core/tools/json.ts";
import type { MadeEndpoint } from "./endpoints.ts";
import type { Finding } from "./findings.ts";
import type { SecretKey } from "./placeholders.ts";
import type { Translation } from "./translation.ts";

interface Copies {
  readonly manifests: readonly object[];
  /** The same findings; what is copied is not to be done any more. */
  readonly settle: (findings: readonly Finding[]) => readonly Finding[];
}

/** `given`: Secrets and whatever else was among what was read. */
export function copySecrets(
  translations: readonly Translation[],
  endpoints: readonly MadeEndpoint[],
  given: readonly object[],
): Copies {
  const read = [
    ...translations.flatMap(({ manifest, secrets }) => secrets.map((secret) => ({ secret, to: manifest?.metadata.namespace }))),
    ...endpoints.flatMap(({ need, manifest, secretNamespace }) =>
      need.secrets.map((secret) => ({ secret, to: manifest.metadata.namespace ?? secretNamespace })),
    ),
  ].flatMap(({ secret, to }) => (to === undefined ? [] : [{ secret, to }]));
  const wanted = read.filter(({ secret, to }) => to !== secret.namespace);
  const done = new Set<string>();
  const manifests = [
    ...Map.groupBy(wanted, ({ secret, to }) => JSON.stringify([secret.namespace, secret.name, to])).values(),
  ].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const { secret, to } = first;
    // Another's would be overwritten, or two would be one.
    const isTaken = given.some((one) => isSecret(one, { ...secret, namespace: to }));
    const isMixed = read.some(
      (one) => one.to === to && one.secret.name === secret.name && one.secret.namespace !== secret.namespace,
    );
    const found = isTaken || isMixed ? undefined : given.find((one) => isSecret(one, secret));
    const copy = found && copyOf(found, new Set(same.map((one) => one.secret.key)), to);
    if (copy) done.add(`${secret.namespace}/${secret.name} ${to}`);
    return copy ?? [];
  });
  const isDone = (message: string): boolean =>
    [...done].some((one) => {
      const [name = "", to = ""] = one.split(" ");
      return message.startsWith(`copy Secret ${name} (`) && message.endsWith(`) to namespace ${to}`);
    });
  return {
    manifests,
    settle: (findings) =>
      findings.map((one) =>
        one.level === "STEP" && isDone(one.message) ? { ...one, level: "INFO", message: `done here: ${one.message}` } : one,
      ),
  };
}

function isSecret(value: object, { namespace, name }: SecretKey): boolean {
  const { kind, metadata } = value as Readonly<Record<string, unknown>>;
  return (
    kind === "Secret" && isRecord(metadata) && metadata["name"] === name && (metadata["namespace"] ?? "default") === namespace
  );
}

/** Undefined: it has not all of them. */
function copyOf(secret: object, keys: ReadonlySet<string>, namespace: string): object | undefined {
  const { metadata, data, stringData } = secret as Readonly<Record<string, unknown>>;
  const only = (values: unknown): object =>
    Object.fromEntries(Object.entries(isRecord(values) ? values : {}).filter(([key]) => keys.has(key)));
  const kept = Object.entries({ data: only(data), stringData: only(stringData) }).filter(
    ([, values]) => Object.keys(values).length > 0,
  );
  const names = new Set(kept.flatMap(([, values]) => Object.keys(values)));
  if (names.size < keys.size || !isRecord(metadata)) return undefined;
  return { apiVersion: "v1", kind: "Secret", metadata: { name: metadata["name"], namespace }, ...Object.fromEntries(kept) };
}
