/**
 * The shadow of an object of the peer: the HTTPResource or HTTPRequest that does what it declares.
 *
 * Invariant: it is made by the translator of `holdfast convert`, exactly, or not at all; and its name, place and owner follow from
 * the object alone, so that whoever serves it next finds it.
 */
import type { Finding } from "../convert/findings.ts";
import { endsWithSuccess } from "../convert/disposable.ts";
import type { PeerConfig } from "../convert/peer-object.ts";
import { pollAnnotation, translate } from "../convert/translate.ts";
import type { Manifest, TranslateOptions } from "../convert/translation.ts";
import {
  arrivedAnnotation,
  externalIdAnnotation,
  orphanAnnotation,
  reconcileAtAnnotation,
  type Resource,
  type ResourceKey,
  type ResourceType,
} from "../core/resource.ts";
import { canonicalJSON } from "../core/tools/json.ts";
import { digest } from "../core/tools/digest.ts";
import { group } from "../api/kind-definition.ts";
import { apiVersionOf } from "./kinds.ts";
import { reachFrom, secretsOf } from "./reach.ts";
import {
  hasFailedForGood,
  hasSucceeded,
  isScheduled,
  isTakenForDone,
  isUnderWay,
  phaseOf,
  triedMark,
  triesBefore,
  triesInAll,
} from "./sent-once.ts";
import { pausedAnnotation, type ServedObject } from "./served-object.ts";

/** On a shadow: the UID of the object that it stands for. One that has it is acted on only while that is served. */
export const standsForLabel = "holdfast.dev/stands-for";
/** On a shadow: the object that it stands for, as `plural.group/namespace/name`. */
export const servedAsAnnotation = "holdfast.dev/served-as";
/** On a shadow: a digest of all that it was made of. */
export const madeOfAnnotation = "holdfast.dev/made-of";

export interface ServeSettings {
  /** Where shadows of objects of the cluster are. */
  readonly namespace: string;
  /** Whose Secrets objects of other namespaces may use; `*`: all. */
  readonly secretNamespaces: readonly string[];
  /** Of this program: another may translate otherwise. */
  readonly version: string;
}

/**
 * Annotations that the shadow is to have since people have written them on the object that they see, as messages tell them to. Each
 * is handed on once: what Holdfast writes of it afterwards stands.
 */
export function newlyAsked({ type, resource }: ServedObject, shadow: Resource): Readonly<Record<string, string>> {
  const { annotations = {} } = resource.metadata;
  const before = shadow.metadata.annotations ?? {};
  const hasPoke = pokeOf({ type, resource }) !== undefined;
  const asked = askable.filter((name) => Object.hasOwn(annotations, name) && !(hasPoke && name === reconcileAtAnnotation));
  const values = Object.fromEntries(asked.map((name) => [name, annotations[name] ?? ""]));
  const mark = asked.length === 0 ? "" : `${digest(values).slice(0, 16)}${values[orphanAnnotation] === "true" ? letsGo : ""}`;
  if ((before[askedAnnotation] ?? "") === mark) return {};
  // What somebody has written on the shadow itself is theirs to take back.
  const isAsked = before[askedAnnotation]?.endsWith(letsGo) === true && before[orphanAnnotation] === "true";
  const kept = isAsked && shadow.metadata.deletionTimestamp === undefined;
  // The mark comes last: until it is there all of them are written again.
  return { ...(kept && { [orphanAnnotation]: "false" }), ...values, [askedAnnotation]: mark };
}
/** On a shadow: a digest of what it was asked for by annotations of its object, and whether that was to leave its remote object. */
const askedAnnotation = "holdfast.dev/asked";
const letsGo = ".orphan";
const askable = [reconcileAtAnnotation, externalIdAnnotation, orphanAnnotation, arrivedAnnotation];

/** Where it is. */
export function shadowKey(
  { type, ...of }: { readonly type: ResourceType } & ({ readonly resource: Resource } | { readonly key: ResourceKey }),
  { namespace: ofCluster }: Pick<ServeSettings, "namespace">,
): ResourceKey {
  const { namespace, name } = "key" in of ? of.key : of.resource.metadata;
  return type.scope === "Cluster" ? { namespace: ofCluster, name: `${name}.cluster` } : { namespace, name };
}

/** Everything that decides what the shadow is, but what its status says. */
export function madeOf(object: ServedObject, config: PeerConfig | undefined, settings: ServeSettings): string {
  const { type, resource } = object;
  const { annotations = {} } = resource.metadata;
  const { namespace, version } = settings;
  const all = [
    type.group,
    type.kind,
    resource.spec,
    annotations[pollAnnotation] ?? null,
    pokeOf(object) ?? null,
    config?.spec ?? null,
    namespace,
    version,
  ];
  return digest(JSON.parse(canonicalJSON(all))).slice(0, 32);
}
/** Of a Request: another value has it looked at now. */
const pokeAnnotation = "crossplane.io/reconcile-requested-at";
function pokeOf({ type, resource }: Pick<ServedObject, "type" | "resource">): string | undefined {
  return type.kind === "Request" ? resource.metadata.annotations?.[pokeAnnotation] : undefined;
}

export interface Shadow {
  readonly manifest: Manifest & { readonly metadata: { readonly ownerReferences: readonly object[] } };
  /** What is otherwise than it was. */
  readonly findings: readonly Finding[];
}
export type MadeShadow = ({ readonly type: "shadow" } & Shadow) | Refused;
/** Why it is not served: nothing is sent. */
export interface Refused {
  readonly type: "refused";
  readonly message: string;
}

/** Why Secrets that the object speaks of are not to be used; undefined: nothing is against it. */
export function secretsRefused(
  { peer, type, resource }: ServedObject,
  config: PeerConfig | undefined,
  settings: ServeSettings,
): string | undefined {
  const { namespace } = shadowKey({ type, resource }, settings);
  const { secretNamespaces } = settings;
  const foreign = secretsOf(peer, config, namespace).filter((secret) => secret.namespace !== namespace);
  const closed = secretNamespaces.includes("*") ? [] : foreign.filter((secret) => !secretNamespaces.includes(secret.namespace));
  const [first] = closed;
  return (
    first &&
    `Secret "${first.name}" is in namespace ${first.namespace}, which objects of other namespaces may not use: --serve-secret-namespace ${first.namespace} lets them`
  );
}

/** The shadow as it is, where there is one. */
interface Before {
  readonly shadow?: Resource | undefined;
  readonly isOurs?: boolean;
}
/** Throws StarvedError where jq had no time. `isOurs`: nobody else has served it since. */
export async function makeShadow(
  object: ServedObject,
  config: PeerConfig | undefined,
  settings: ServeSettings,
  { shadow, isOurs = false, ...given }: Pick<TranslateOptions, "evaluator" | "signal"> & Before,
): Promise<MadeShadow> {
  const { peer, resource, type } = object;
  const acting = isOurs ? shadow : undefined;
  const closed = secretsRefused(object, config, settings);
  if (closed !== undefined) return { type: "refused", message: closed };
  const key = shadowKey(object, settings);
  // Whether it acts at all is not said in its spec.
  const { [pausedAnnotation]: _, ...annotations } = peer.metadata.annotations ?? {};
  const made = { ...peer, metadata: { ...peer.metadata, annotations } };
  const { status: __, ...unsent } = made;
  const { manifest, findings: found } = await translate(
    unsent.type === "disposable" && acting && isDecided(acting) ? unsent : made,
    {
      ...given,
      form: "exact",
      namespace: key.namespace,
      reach: reachFrom(key.namespace),
      ...(config && { config }),
    },
  );
  const isInDoubt = manifest?.spec["suspend"] !== true && isSentOnce(object) && shadow && phaseOf(shadow) === "Unknown";
  const findings = isInDoubt ? [...found, doubt] : found;
  const hard = findings.filter(({ level }) => level === "HARD");
  if (!manifest || hard.length > 0)
    return { type: "refused", message: hard.map(({ field, message }) => `${field}: ${message}`).join("; ") };
  const { uid, name, namespace } = resource.metadata;
  const isResource = manifest.kind === "HTTPResource";
  const poke = pokeOf(object);
  const more = acting && triesToGoOn(object, acting);
  return {
    type: "shadow",
    findings: findings.filter(({ level, field }) => !["INFO", "CHOOSE", "FIX"].includes(level) && field !== "metadata.namespace"),
    manifest: {
      ...manifest,
      metadata: {
        ...key,
        // Others' labels and annotations can make a tool take the shadow for its own.
        labels: { [standsForLabel]: uid },
        annotations: {
          ...ours(manifest.metadata.annotations, { shadow, isOurs }),
          ...(poke !== undefined && { [reconcileAtAnnotation]: poke }),
          ...(acting &&
            more !== undefined && { [reconcileAtAnnotation]: madeOf(object, config, settings), ...triedMark(acting, more) }),
          [servedAsAnnotation]: `${type.plural}.${type.group}/${namespace}/${name}`,
          [madeOfAnnotation]: madeOf(object, config, settings),
        },
        ownerReferences: [{ apiVersion: apiVersionOf(type), kind: type.kind, name, uid, controller: true }],
      },
      spec: {
        ...manifest.spec,
        ...retriesLeft(object, manifest.spec, more ?? (shadow ? triesBefore(shadow) : 0)),
        record: "Body",
        ...(isResource && { values: observedCode }),
        ...(isInDoubt && { suspend: true }),
      },
    },
  };
}
const doubt: Finding = {
  level: "WARN",
  field: "status",
  message: "it may have arrived as it was written before: it is suspended: to have it sent, delete the object and make it anew",
};
/** Whether it is known what came of all that it has sent: then its own record says what is to be sent, and not the object's status. */
function isDecided(shadow: Resource): boolean {
  const phase = phaseOf(shadow) ?? "";
  // What is as well sent twice needs nobody to look at it.
  return ["Retrying", "Done"].includes(phase) || (phase === "InFlight" && !isUnderWay(shadow));
}
/** Of one that had failed as often as it might, here or there, and may do so more often by now: how often it has; else undefined. */
function triesToGoOn({ peer }: ServedObject, shadow: Resource): number | undefined {
  if (peer.type !== "disposable" || !isSentOnce({ peer })) return undefined;
  const { rollbackRetriesLimit: limit } = peer.spec.forProvider;
  const { synced, failed = 0 } = peer.status ?? {};
  const hasFailed = isTakenForDone(shadow) ? synced !== true : hasFailedForGood(shadow);
  // What is told may be older than what the shadow knows.
  const tries = Math.max(failed, triesInAll(shadow));
  return hasFailed && (limit === undefined || tries < limit) ? tries : undefined;
}
/** Its limit is one of all its tries, as there. */
function retriesLeft({ peer }: ServedObject, { retry }: Manifest["spec"], before: number): { readonly retry?: object } {
  const limit = peer.type === "disposable" ? peer.spec.forProvider.rollbackRetriesLimit : undefined;
  if (before === 0 || limit === undefined || !isSentOnce({ peer })) return {};
  const { limit: most, ...rest } = retry as { readonly limit: number };
  return { retry: { ...rest, limit: Math.min(most, Math.max(limit - before - 1, 0)) } };
}

/** Tells that it has been observed, and how that was answered, however the content is. */
const observedCode = { statusCode: ".response.statusCode" };
/** Which of the object's and the translation's annotations it has: one that is there was told before what is asked for by them. */
function ours(annotations: Readonly<Record<string, string>> = {}, { shadow, isOurs }: Before): Readonly<Record<string, string>> {
  // Where another has served it, what it is known by is to be learned from that.
  const told = shadow ? askable.filter((name) => isOurs || name !== externalIdAnnotation) : [];
  const own = Object.entries(annotations).filter(([name]) => name.startsWith(`${group}/`) && !told.includes(name));
  return Object.fromEntries(own);
}

export function isSentOnce({ peer }: Pick<ServedObject, "peer">): boolean {
  return peer.type === "disposable" && endsWithSuccess(peer.spec.forProvider);
}
/** Whether the shadow has sent what is sent once, or has taken it for sent as the object's status says: that may not tell of it yet. */
export function isSent(object: ServedObject, shadow: Resource): boolean {
  const isTold = object.peer.type === "disposable" && object.peer.status?.synced === true;
  return isSentOnce(object) && (hasSucceeded(shadow) || (isTold && isTakenForDone(shadow)));
}
/**
 * Whether a shadow that is there does what the object says. Of a DisposableRequest that has been sent, and is not sent again, it does
 * whatever else is written: what has been sent is not taken back. Of one that is being sent it is first seen what comes of it.
 */
export function isCurrent(
  object: ServedObject,
  config: PeerConfig | undefined,
  settings: ServeSettings,
  shadow: Resource,
): boolean {
  const { peer } = object;
  const isTold = peer.type === "disposable" && peer.status?.synced === true;
  // One that was sent at each tick until now is to have that taken off.
  const isOver = (isTold || hasSucceeded(shadow)) && !isScheduled(shadow);
  if (isSentOnce(object) && (isOver || isUnderWay(shadow))) return true;
  return shadow.metadata.annotations?.[madeOfAnnotation] === madeOf(object, config, settings);
}

/** Crossplane's own marks of a creation whose outcome its provider has not recorded: whether there is an object is not known. */
export function isHalfMade({ resource: { metadata }, peer }: ServedObject): boolean {
  const { annotations = {} } = metadata;
  const [pending = 0, succeeded = 0, failed = 0] = ["pending", "succeeded", "failed"].map((end) => {
    const time = Date.parse(annotations[`crossplane.io/external-create-${end}`] ?? "");
    return Number.isNaN(time) ? 0 : time;
  });
  return peer.type === "request" && pending > Math.max(succeeded, failed);
}
