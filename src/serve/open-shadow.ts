/** What a shadow may use while it acts: the Secrets behind its names. Pure. */
import { lostKeys } from "../convert/outputs.ts";
import type { PeerConfig } from "../convert/peer-object.ts";
import type { Resource } from "../core/resource.ts";
import { apiVersionOf } from "./kinds.ts";
import { reachFrom, secretsOf } from "./reach.ts";
import type { SecretPlace } from "../convert/placeholders.ts";
import type { Injected, OpenShadow } from "./registry.ts";
import type { ServedObject } from "./served-object.ts";

export function openShadow(
  { type, resource, peer }: ServedObject,
  shadow: Resource,
  config: PeerConfig | undefined,
  mayEnd: boolean,
): OpenShadow {
  const { namespace, uid } = shadow.metadata;
  const reach = reachFrom(namespace);
  const all = secretsOf(peer, config, namespace);
  const reads = new Map<string, SecretPlace>(
    all.filter((one) => one.namespace !== namespace).map((one) => [reach.nameOf(one), one]),
  );
  const writes = new Map<string, Injected>();
  const owner = { apiVersion: apiVersionOf(type), kind: type.kind, name: resource.metadata.name, uid: resource.metadata.uid };
  const injections = peer.spec.forProvider.secretInjectionConfigs ?? [];
  const placeOf = ({ secretRef }: (typeof injections)[number]): SecretPlace => ({
    namespace: secretRef.namespace ?? namespace,
    name: secretRef.name,
  });
  for (const [alias, same] of Map.groupBy(injections, (one) => reach.nameOf(placeOf(one)))) {
    const last = same.at(-1); // it says whether the Secret is owned
    if (!last) continue;
    const { setOwnerReference = false } = last;
    const place = placeOf(last);
    const lost = lostKeys(same);
    // An object of a namespace owns nothing in another: what it seemed to own there would be deleted at once.
    const mayOwn = setOwnerReference && (type.scope === "Cluster" || place.namespace === resource.metadata.namespace);
    writes.set(alias, { ...place, keys: keysIn(shadow, alias), lost, ...(mayOwn && { owner }) });
  }
  return { uid, mayEnd, reads, writes };
}

function keysIn({ spec }: Resource, alias: string): readonly string[] {
  const { outputs = [] } = (spec ?? {}) as {
    readonly outputs?: readonly { readonly secret?: { readonly name: string }; readonly data: object }[];
  };
  return outputs.flatMap(({ secret, data }) => (secret?.name === alias ? Object.keys(data) : []));
}
