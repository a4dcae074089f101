/**
 * Secrets that are made of answers for an object of another tool: as that tool writes them, into what is there.
 *
 * Invariant: only declared keys, labels and annotations change, and only on condition of the resourceVersion that was looked at; a
 * Secret goes with an object only where that object can own it.
 */
import { isRecord } from "../core/tools/json.ts";
import { refuseDeleted, refuseForbidden, refuseValue, type OutputData, type OutputObject } from "../core/output.ts";
import type { Refusal } from "../core/outcome.ts";
import type { Redacted } from "../core/redacted.ts";
import { secretType, type ResourceKey, type RightDenial } from "../core/resource.ts";
import { isAllowed } from "./access.ts";
import type { ApiRequest } from "./api-client.ts";
import { ApiError, isNotFound } from "./api-error.ts";
import { toDataResource, toMetadata } from "./objects.ts";
import { collectionPath, objectPath } from "./paths.ts";
import { persistently, type StatusWriter } from "./status-write.ts";

/** Where it is, which keys it has, and what it goes with. */
interface Injected extends ResourceKey {
  readonly keys: readonly string[];
  readonly owner?: { readonly apiVersion: string; readonly kind: string; readonly name: string; readonly uid: string };
}
type Written = { readonly type: "written" | "unchanged" | "conflict" } | Refusal;
type Fields = Readonly<Record<string, unknown>>;

const maxTries = 5;
/** An API server that has just started denies everything until it has read its roles. */
const deniedTries = 3;
const query = { fieldManager: "holdfast" };

interface InjectionSettings extends StatusWriter {
  /** What an admin of the namespace can do where it may not be written. */
  readonly denial: (namespace: string) => RightDenial;
}

export function createInjectionStore({ denial, ...writer }: InjectionSettings) {
  const { client } = writer;
  async function read(key: ResourceKey, signal: AbortSignal): Promise<Fields | undefined> {
    try {
      const { body } = await client.call({ method: "GET", path: objectPath(secretType, key) }, signal);
      return isRecord(body) ? body : {};
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
  async function send(change: ApiRequest, signal: AbortSignal): Promise<Written | undefined> {
    try {
      await client.call(change, signal);
      return { type: "written" };
    } catch (error) {
      if (error instanceof ApiError && (error.status === 409 || (isNotFound(error) && change.method === "PATCH")))
        return undefined;
      throw error;
    }
  }
  return {
    async check(object: OutputObject, { namespace }: Injected, signal: AbortSignal): Promise<Refusal | undefined> {
      for (const verb of ["get", "create", "patch"] as const)
        if (!(await isAllowed(client, { namespace, verb, resource: "secrets" }, signal)))
          return refuseForbidden(object, verb, denial(namespace));
      return undefined;
    },
    async write(
      object: OutputObject,
      injected: Injected,
      data: Redacted<OutputData>,
      signal: AbortSignal,
      mayWrite: () => boolean,
    ): Promise<Written> {
      let tries = 0;
      try {
        return await persistently(
          writer,
          deniedTries,
          async (): Promise<Written | undefined> => {
            const present = await read(injected, signal);
            if (!mayWrite()) return { type: "conflict" };
            if (present && toMetadata(present)["deletionTimestamp"] !== undefined) return refuseDeleted(object);
            const change = changeOf(object, injected, data.open(), present);
            if (!change) return { type: "unchanged" };
            tries += 1;
            const written = await send(change, signal);
            return written ?? (tries < maxTries ? undefined : refuseValue(object, "somebody else keeps changing it"));
          },
          signal,
        );
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return error.status === 403
          ? refuseForbidden(object, "write", denial(injected.namespace))
          : refuseValue(object, error.message);
      }
    },
  };
}

/** Undefined: nothing has to change. */
function changeOf(
  { labels, annotations }: OutputObject,
  { owner, keys, ...key }: Injected,
  data: OutputData,
  present: Fields | undefined,
): ApiRequest | undefined {
  const values = Object.fromEntries(
    Object.entries(data).flatMap(([name, value]) => (value === null ? [] : [[name, Buffer.from(value).toString("base64")]])),
  );
  if (!present) {
    const metadata = {
      name: key.name,
      namespace: key.namespace,
      labels,
      annotations,
      ...(owner && { ownerReferences: [owner] }),
    };
    const body = { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque", data: values };
    return { method: "POST", path: collectionPath(secretType, key.namespace), query, body };
  }
  const { resourceVersion, ...metadata } = toMetadata(present);
  const live = toDataResource("Secret", present).data;
  const gone = keys.filter((name) => Object.hasOwn(live, name) && !Object.hasOwn(data, name));
  const others = Object.entries(values).filter(([name, text]) => encoded(live[name]) !== text);
  const change = {
    labels: differing(labels, metadata.labels),
    annotations: differing(annotations, metadata.annotations),
    ownerReferences: owner && !isOwnedBy(owner, present) ? [...ownersOf(present), owner] : undefined,
  };
  const dataChange = Object.fromEntries([...gone.map((name) => [name, null] as const), ...others]);
  const isSame = Object.values(change).every((one) => one === undefined) && Object.keys(dataChange).length === 0;
  if (isSame) return undefined;
  const body = { metadata: { ...change, resourceVersion, uid: metadata.uid }, data: dataChange };
  return { method: "PATCH", path: objectPath(secretType, key), query, body, contentType: "application/merge-patch+json" };
}

function encoded(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString("base64");
}
function differing(
  wanted: Readonly<Record<string, string>>,
  present: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> | undefined {
  const other = Object.entries(wanted).filter(([name, value]) => present[name] !== value);
  return other.length === 0 ? undefined : Object.fromEntries(other);
}
function ownersOf({ metadata }: Fields): readonly unknown[] {
  return isRecord(metadata) && Array.isArray(metadata["ownerReferences"]) ? metadata["ownerReferences"] : [];
}
/** As one of those that it goes with: none of them is its controller. */
function isOwnedBy({ uid }: { readonly uid: string }, present: Fields): boolean {
  return ownersOf(present).some((owner) => isRecord(owner) && owner["uid"] === uid);
}
