/** What the log must never hold: each value of a Secret that is used, and no other. */
import type { ActingStore, ResourceStore } from "../core/ports.ts";
import { secretType } from "../core/resource.ts";
import type { SecretRegistry } from "../telemetry/secret-registry.ts";

/** The store, of whose Secrets each value is known to `secrets` as it is taken out. */
export function noteSecrets(store: ResourceStore, secrets: Pick<SecretRegistry, "add">): ResourceStore {
  const read = (from: ActingStore): ResourceStore["read"] => {
    return async (reference, signal) => {
      const result = await from.read(reference, signal);
      if (reference.type.kind !== secretType.kind || result.type !== "found") return result;
      const { resource } = result;
      return { ...result, resource: { ...resource, data: noteTaken(resource.data, reference.key.namespace, secrets) } };
    };
  };
  return {
    ...store,
    read: read(store),
    as(account) {
      const acting = store.as(account);
      return { ...acting, read: read(acting) };
    },
  };
}

type Data = Readonly<Record<string, Uint8Array>>;

/** A Secret may hold much that nobody refers to. */
function noteTaken(data: Data, namespace: string, secrets: Pick<SecretRegistry, "add">): Data {
  const noted = {};
  for (const [key, bytes] of Object.entries(data))
    Object.defineProperty(noted, key, {
      enumerable: true,
      get() {
        secrets.add(Buffer.from(bytes).toString(), namespace);
        return bytes;
      },
    });
  return noted;
}
