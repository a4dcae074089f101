/**
 * An output as an object of the API, and what has to change in one that is there. Pure.
 *
 * All data is the owner's. Labels and annotations are shared with others: those that were once declared are remembered in
 * an annotation, so that one that is declared no more goes.
 */
import { apiVersion, group } from "../api/kind-definition.ts";
import { isRecord, parseJSON } from "../core/tools/json.ts";
import { mergedData, type OutputData, type OutputObject, type Owner } from "../core/output.ts";
import { takeOverAnnotation } from "../core/resource.ts";
import { toDataResource, toMetadata } from "./objects.ts";

const declaredAnnotation = "holdfast.dev/declared-metadata";

type Fields = Readonly<Record<string, unknown>>;
type Texts = Readonly<Record<string, string>>;
type Changes = Readonly<Record<string, string | null>>;

/**
 * The object to create, with its owner as controller, so that it is deleted with it.
 * https://kubernetes.io/docs/concepts/architecture/garbage-collection/
 */
export function newOutput(owner: Owner, object: OutputObject, data: OutputData): object {
  const { namespace } = owner.metadata;
  return {
    apiVersion: "v1",
    kind: object.type.kind,
    metadata: {
      name: object.name,
      namespace,
      labels: object.labels,
      annotations: wantedAnnotations(object),
      ownerReferences: [referenceTo(owner)],
    },
    ...(object.secretType !== undefined && { type: object.secretType }),
    data: encodeData(object, mergedData(data, undefined)),
  };
}

function referenceTo({ type, metadata: { name, uid } }: Owner): object {
  return { apiVersion, kind: type.kind, name, uid, controller: true };
}

/** Of `newOutput` and of each patch: who has written it. */
export const fieldManager = "holdfast";

/**
 * Whose it is. `predecessor`: of an object of the same kind and name that was deleted, and declared anew before the garbage
 * collector came: it is the owner's by now, since no two objects have one name at a time. `restored`: the same, but this object
 * itself was made by another than Holdfast, from a backup say, and nobody has asked for it to be taken over.
 */
export function ownership(
  { type, metadata: { name, uid, annotations } }: Owner,
  present: Fields,
): "owner" | "predecessor" | "restored" | "somebodyElse" {
  const controller = ownersOf(present).find((owner) => owner["controller"] === true);
  if (controller?.["uid"] === uid) return "owner";
  const isNamesake =
    controller?.["kind"] === type.kind && controller["name"] === name && String(controller["apiVersion"]).startsWith(`${group}/`);
  if (!isNamesake) return "somebodyElse";
  return isOwnMaking(present) || annotations?.[takeOverAnnotation] === "true" ? "predecessor" : "restored";
}
/**
 * Whether Holdfast has written it since it was created: a copy is created later than what it was copied from was written, also where
 * the field managers were restored with it. Both times are whole seconds, and that of a write is taken before its admission.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
function isOwnMaking(present: Fields): boolean {
  const { managedFields, creationTimestamp } = metadataOf(present);
  return (Array.isArray(managedFields) ? managedFields : []).some(
    (entry: unknown) =>
      isRecord(entry) && entry["manager"] === fieldManager && timeOf(entry["time"]) + 1_000 >= timeOf(creationTimestamp),
  );
}
/** Milliseconds; no comparison with what is no time holds. */
function timeOf(text: unknown): number {
  return typeof text === "string" ? Date.parse(text) : Number.NaN;
}
function ownersOf(present: Fields): readonly Fields[] {
  const { ownerReferences } = metadataOf(present);
  return Array.isArray(ownerReferences) ? ownerReferences.filter(isRecord) : [];
}
function metadataOf({ metadata }: Fields): Fields {
  return isRecord(metadata) ? metadata : {};
}

/** A JSON merge patch (RFC 7396); undefined: nothing has to change. `data`: all that it is to have. */
export function outputPatch(
  owner: Owner,
  object: OutputObject,
  { data, present }: { readonly data: Readonly<Record<string, Uint8Array>>; readonly present: Fields },
): { readonly metadata: object; readonly data?: Changes; readonly binaryData?: null } | undefined {
  const { labels = {}, annotations = {} } = toMetadata(present);
  const once = readRemembered(annotations);
  const metadata = {
    ...nameChange("labels", changes(object.labels, labels, once.labels)),
    ...nameChange("annotations", changes(wantedAnnotations(object), annotations, [...once.annotations, declaredAnnotation])),
    ...(ownership(owner, present) === "predecessor" && {
      ownerReferences: [...ownersOf(present).filter((one) => one["controller"] !== true), referenceTo(owner)],
    }),
  };
  const live = toDataResource(object.type.kind, present).data;
  const isSame =
    Object.keys(live).length === Object.keys(data).length &&
    Object.entries(data).every(([key, bytes]) => Object.hasOwn(live, key) && Buffer.compare(live[key] ?? bytes, bytes) === 0);
  const binary = isRecord(present["binaryData"]);
  if (isSame && !binary && Object.keys(metadata).length === 0) return undefined;
  const texts = isRecord(present["data"]) ? (present["data"] as Texts) : {};
  return {
    metadata,
    ...nameChange("data", changes(encodeData(object, data), texts, Object.keys(texts))),
    ...(binary && { binaryData: null }),
  };
}

function nameChange<N extends string>(name: N, change: Changes): { readonly [K in N]?: Changes } {
  return (Object.keys(change).length === 0 ? {} : { [name]: change }) as { readonly [K in N]?: Changes };
}

/** What makes `wanted` of `present`; of the rest only `ours` goes. */
function changes(wanted: Texts, present: Texts, ours: readonly string[]): Changes {
  const gone = ours.filter((key) => Object.hasOwn(present, key) && !Object.hasOwn(wanted, key));
  const different = Object.entries(wanted).filter(([key, value]) => !Object.hasOwn(present, key) || present[key] !== value);
  return Object.fromEntries([...gone.map((key) => [key, null] as const), ...different]);
}

function wantedAnnotations({ labels, annotations }: OutputObject): Texts {
  const declared = { labels: Object.keys(labels).toSorted(), annotations: Object.keys(annotations).toSorted() };
  if (declared.labels.length + declared.annotations.length === 0) return {};
  return { ...annotations, [declaredAnnotation]: JSON.stringify(declared) };
}

function readRemembered({ [declaredAnnotation]: text }: Texts): {
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
} {
  const none = { labels: [], annotations: [] };
  try {
    const value = text === undefined ? none : parseJSON(text);
    const list = (of: unknown): readonly string[] => (Array.isArray(of) ? of.filter((key) => typeof key === "string") : []);
    return isRecord(value) ? { labels: list(value["labels"]), annotations: list(value["annotations"]) } : none;
  } catch {
    return none; // somebody else's text
  }
}

function encodeData({ type }: OutputObject, data: Readonly<Record<string, Uint8Array>>): Texts {
  const encoding = type.kind === "Secret" ? "base64" : "utf8";
  return Object.fromEntries(Object.entries(data).map(([key, bytes]) => [key, Buffer.from(bytes).toString(encoding)]));
}
