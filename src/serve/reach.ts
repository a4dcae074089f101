/**
 * Secrets of other namespaces, which the peer's objects name freely and ours cannot.
 *
 * Each has a name of its own where the shadow is, which says nothing of it; the store of a shadow knows whose it is. Only names
 * are here, and only namespaces that an admin has opened can be named at all.
 */
import type { PeerConfig, PeerDisposable, PeerRequest } from "../convert/peer-object.ts";
import { placeholdersIn, textsOf, type Reach, type SecretPlace } from "../convert/placeholders.ts";
import { digest } from "../core/tools/digest.ts";

/** `namespace`: where the shadow is. */
export function reachFrom(namespace: string): Reach {
  return {
    namespace,
    nameOf: (secret) =>
      secret.namespace === namespace ? secret.name : `served-${digest([secret.namespace, secret.name]).slice(0, 32)}`,
  };
}

/** All Secrets that the object speaks of, each once: those that it reads, and those that it writes. */
export function secretsOf(
  { spec: { forProvider }, metadata }: PeerRequest | PeerDisposable,
  config: PeerConfig | undefined,
  place: string,
): readonly SecretPlace[] {
  const own = metadata.namespace ?? place;
  const { credentials, tls } = config?.spec ?? {};
  const referenced = [forProvider.tlsConfig, tls].flatMap((one) =>
    Object.values(one ?? {}).flatMap((value) =>
      typeof value === "object" ? [{ name: value.name, namespace: value.namespace ?? place }] : [],
    ),
  );
  const credential = credentials?.secretRef;
  const all = [
    ...placeholdersIn(textsOf(forProvider)),
    ...referenced,
    ...(credential ? [{ name: credential.name, namespace: credential.namespace ?? config?.metadata.namespace ?? own }] : []),
    ...(forProvider.secretInjectionConfigs ?? []).map(({ secretRef }) => ({
      ...secretRef,
      namespace: secretRef.namespace ?? place,
    })),
  ];
  return [...new Map(all.map(({ namespace, name }) => [`${namespace}/${name}`, { namespace, name }])).values()];
}
