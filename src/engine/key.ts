/** The key by which a resource goes through queue and workers: `Kind/namespace/name`; without a namespace its place is empty. */
import type { ResourceKey } from "../core/resource.ts";

export function queueKey(kind: string, key: ResourceKey): string {
  return [kind, key.namespace, key.name].join("/"); // as `keyText` does
}

/** Its namespace. */
export function namespaceOf(id: string): string {
  const from = id.indexOf("/") + 1;
  return id.slice(from, id.indexOf("/", from));
}

export function keyParts(id: string): { readonly kind: string } & ResourceKey {
  const [kind = "", namespace = "", name = ""] = id.split("/");
  return { kind, namespace, name };
}
