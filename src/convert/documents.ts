/** What a set of files holds for a translation: the peer's objects with the configs that they name, and what passes through. */
import { isFields } from "../api/json-type.ts";
import type { Path } from "../api/problem.ts";
import { readPeerObject, type PeerConfig, type PeerDisposable, type PeerObject, type PeerRequest } from "./peer-object.ts";

/** A document, or one of a List. */
export interface Placed {
  readonly value: unknown;
  /** Where it stands in its document. */
  readonly at: Path;
}

export type ReadDocument =
  | { readonly type: "managed"; readonly object: PeerRequest | PeerDisposable }
  | { readonly type: "config"; readonly object: PeerConfig }
  | { readonly type: "composition"; readonly value: Readonly<Record<string, unknown>> }
  /** Nothing is to be changed about it. */
  | { readonly type: "passed"; readonly value: Readonly<Record<string, unknown>> }
  | { readonly type: "ignored"; readonly what: string }
  | { readonly type: "invalid"; readonly messages: readonly string[] };

/** A `List` is read as the objects in it. */
export function listPlaced(value: unknown, at: Path = []): readonly Placed[] {
  if (!isFields(value) || typeof value["kind"] !== "string" || !value["kind"].endsWith("List") || !Array.isArray(value["items"]))
    return [{ value, at }];
  const { kind } = value;
  // A list of one kind, as an API server answers it, names the kind only once.
  const named = kind === "List" ? {} : { apiVersion: value["apiVersion"], kind: kind.slice(0, -"List".length) };
  return value["items"].flatMap((item, index) =>
    listPlaced(isFields(item) ? { ...named, ...item } : item, [...at, "items", index]),
  );
}

export function readDocument({ value }: Placed): ReadDocument {
  if (!isFields(value)) return { type: "invalid", messages: ["it is no object with apiVersion and kind"] };
  const { apiVersion, kind } = value;
  const read = readPeerObject(value);
  if (read.type === "other" && isOfPeer(value))
    return { type: "invalid", messages: [`${String(apiVersion)} ${String(kind)} is not known: it is left as it is`] };
  switch (read.type) {
    case "invalid":
      return { type: "invalid", messages: read.problems.map(({ message }) => message) };
    case "object":
      return ofPeer(read.object);
    case "other":
      if (apiVersion === "v1" && (kind === "Secret" || kind === "ConfigMap")) return { type: "passed", value };
      if (kind === "Composition" && String(apiVersion).startsWith("apiextensions.crossplane.io/"))
        return { type: "composition", value };
      return { type: "ignored", what: `${String(apiVersion)} ${String(kind)}` };
  }
}
/** Of another version, say; what a provider notes for itself is nobody's object. */
function isOfPeer({ apiVersion, kind }: Readonly<Record<string, unknown>>): boolean {
  return /^http(\.async)?(\.m)?\.crossplane\.io\//.test(String(apiVersion)) && !String(kind).endsWith("Usage");
}
function ofPeer(object: PeerObject): ReadDocument {
  return object.type === "config" ? { type: "config", object } : { type: "managed", object };
}

/** The config that an object names, of those that are there. */
export function configOf(
  { spec, metadata, clusterScoped }: PeerRequest | PeerDisposable,
  configs: readonly PeerConfig[],
): PeerConfig | undefined {
  const { name = "default", kind } = spec.providerConfigRef ?? {};
  const named = configs.filter((one) => one.metadata.name === name);
  if (clusterScoped) return named.find((one) => one.clusterScoped && one.kind === "ProviderConfig");
  const own = named.find((one) => !one.clusterScoped && (one.metadata.namespace ?? metadata.namespace) === metadata.namespace);
  const shared = named.find((one) => one.kind === "ClusterProviderConfig");
  return kind === "ProviderConfig" ? own : kind === "ClusterProviderConfig" ? shared : (own ?? shared);
}
