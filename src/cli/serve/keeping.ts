/**
 * The shadow of an object that is served: made, kept as it is to be, and let go.
 *
 * Invariant: a shadow may act only after the object's status says that it is served, so that whoever looks next knows that it may
 * have.
 */
import type { PeerConfig } from "../../convert/peer-object.ts";
import { findCondition } from "../../core/conditions.ts";
import type { Evaluator } from "../../core/ports.ts";
import {
  assumeDoneAnnotation,
  externalIdAnnotation,
  type Resource,
  type ResourceKey,
  type ResourceType,
} from "../../core/resource.ts";
import { shadowTypeOf } from "../../serve/kinds.ts";
import { openShadow } from "../../serve/open-shadow.ts";
import type { Registry } from "../../serve/registry.ts";
import { isScheduled, isUnderWay, phaseOf } from "../../serve/sent-once.ts";
import { conditionOf, peerFinalizer, type ServedObject } from "../../serve/served-object.ts";
import { markIn, servedCondition, statusMark, textOf, type ServedReason } from "../../serve/serving.ts";
import {
  isCurrent,
  isHalfMade,
  isSent,
  isSentOnce,
  madeOfAnnotation,
  makeShadow,
  servedAsAnnotation,
  shadowKey,
  standsForLabel,
  type Shadow,
  type ServeSettings,
} from "../../serve/shadow.ts";
import { servedId } from "./peer-caches.ts";
import { again, short, type Given, type Telling } from "./telling.ts";
import { ChangedError, type Writes } from "./writes.ts";

export interface KeepingDeps {
  readonly settings: ServeSettings;
  readonly evaluator: Evaluator;
  readonly registry: Pick<Registry, "open" | "close">;
  readonly writes: Writes;
  readonly telling: Telling;
  /** What a write answered. */
  readonly learn: (type: ResourceType, resource: Resource) => void;
  /** The shadow is to be looked at. */
  readonly look: (kind: string, key: ResourceKey) => void;
}
/** A shadow as it is known, if there is one, and the config that the object names. */
export interface Known {
  readonly shadow: Resource | undefined;
  readonly config: PeerConfig | undefined;
}
export interface Keeping {
  keep(object: ServedObject, known: Known, signal: AbortSignal): Promise<void>;
  /** The object is being deleted: its shadow goes first. */
  end(object: ServedObject, known: Known, signal: AbortSignal): Promise<void>;
  /** Nothing is sent for it; `message` says why. */
  refuse(given: Given, message: string, signal: AbortSignal): Promise<void>;
  /** The shadow goes, and its remote object stays. */
  readonly letGo: (kind: ResourceType, shadow: Resource, signal: AbortSignal) => Promise<void>;
}

export function createKeeping(deps: KeepingDeps): Keeping {
  const { settings, registry, writes, telling } = deps;

  function open(object: ServedObject, shadow: Resource, config: PeerConfig | undefined, mayEnd: boolean): void {
    const { kind } = shadowTypeOf(object.type);
    const isNew = registry.open(kind, shadow.metadata, openShadow(object, shadow, config, mayEnd));
    // One that is deleted hereafter is due by that.
    if (isNew && (!mayEnd || shadow.metadata.deletionTimestamp !== undefined)) deps.look(kind, shadow.metadata);
  }
  async function letGo(kind: ResourceType, shadow: Resource, signal: AbortSignal): Promise<void> {
    // Whoever serves next may act by now. It goes once it is seen to be let go: as it was before, its end would delete its remote object.
    registry.close(kind.kind, shadow.metadata);
    await writes.letGo(kind, shadow, signal);
  }
  async function refuse(given: Given, message: string, signal: AbortSignal): Promise<void> {
    registry.close(shadowTypeOf(given.type).kind, shadowKey(given, settings));
    await telling.refused(given, short(message), signal);
  }

  async function keep(given: ServedObject, { shadow: known, config }: Known, signal: AbortSignal): Promise<void> {
    const kind = shadowTypeOf(given.type);
    const key = shadowKey(given, settings);
    const isEnding = given.resource.metadata.deletionTimestamp !== undefined;
    if (known && !isOwn(given.resource, known)) {
      const isFormer = known.metadata.annotations?.[servedAsAnnotation] === servedId(given.type, given.resource.metadata);
      return isFormer ? letGo(kind, known, signal) : refuse(given, notOwn(kind, key), signal);
    }
    // Somebody has deleted it: it goes without a word to its server, and is made again.
    if (known?.metadata.deletionTimestamp !== undefined && !isEnding) return letGo(kind, known, signal);
    const served = conditionOf(given.resource.status, servedCondition);
    const isOurs = served?.status === "True" && markIn(served) === statusMark(given.resource.status ?? {});
    if (known && isOurs && isCurrent(given, config, settings, known)) {
      const reason: ServedReason = served.reason === "Otherwise" ? "Otherwise" : "Exactly";
      const told = await telling.shadow(given, known, { reason, message: textOf(served) ?? "" }, signal);
      return open(told, known, config, false);
    }
    if (!known && isHalfMade(given)) return refuse(given, halfMade, signal);
    const made = await makeShadow(given, config, settings, {
      evaluator: deps.evaluator,
      signal,
      shadow: known,
      isOurs,
    });
    if (made.type === "refused") return refuse(given, made.message, signal);
    const object = isEnding ? given : again(given, await adopt(given, signal));
    const placed = known
      ? await replace(object, { known, made, isOurs, writes, letGo }, signal)
      : await writes.create(kind, isEnding ? onlyLooking(made.manifest) : made.manifest, signal);
    if (!placed) return;
    deps.learn(kind, placed); // once it is open it is acted on at once: not as it was before
    const reason = made.findings.length === 0 ? "Exactly" : "Otherwise";
    const texts = made.findings.map(({ level, field, message }) => `${level} ${field}: ${message}`);
    const message = short([`by ${kind.kind} ${key.namespace}/${key.name}`, ...texts].join("; "));
    open(await telling.shadow(object, placed, { reason, message }, signal), placed, config, false);
  }
  async function adopt({ type, resource }: ServedObject, signal: AbortSignal): Promise<Resource> {
    const adopted = await writes.adopt(type, resource, signal);
    deps.learn(type, adopted);
    return adopted;
  }
  async function end(object: ServedObject, known: Known, signal: AbortSignal): Promise<void> {
    const { type, resource } = object;
    const { shadow, config } = known;
    const kind = shadowTypeOf(type);
    const key = shadowKey(object, settings);
    if (!(resource.metadata.finalizers ?? []).includes(peerFinalizer)) return;
    if (!shadow) {
      if (isToBeEnded(object)) return keep(object, known, signal);
      if (await writes.exists(kind, key, signal)) throw new ChangedError("its shadow is there, and not known yet");
      registry.close(kind.kind, key);
      return writes.release(type, resource, signal);
    }
    if (!isOwn(resource, shadow)) return refuse(object, notOwn(kind, key), signal);
    if (mayBeThere(object) && !mayGo(shadow)) {
      open(object, shadow, config, false);
      throw new ChangedError("its shadow has not been looked at yet: deleted now, it would go without a word to its server");
    }
    const message = `${kind.kind} ${key.namespace}/${key.name} goes first`;
    open(await telling.shadow(object, shadow, { reason: "Deleting", message }, signal), shadow, config, true);
    await writes.remove(kind, shadow, signal);
  }
  return { keep, end, refuse, letGo };
}

/** Whether it may have made something at its server: what is sent once leaves nothing behind that could be deleted. */
function mayBeThere({ peer }: ServedObject): boolean {
  return peer.type === "request" && (peer.status?.response?.statusCode ?? 0) !== 0;
}
/** Of one that is being deleted and has no shadow: whether what it stands for is still to be deleted, as where it was taken over so. */
export function isToBeEnded(object: ServedObject): boolean {
  return mayBeThere(object) && conditionOf(object.resource.status, servedCondition)?.reason !== "Deleting";
}

interface Replacing {
  readonly known: Resource;
  readonly made: Shadow;
  readonly isOurs: boolean;
  readonly writes: Writes;
  readonly letGo: Keeping["letGo"];
}
/** Undefined: it is made anew once the one that is there has gone. */
async function replace(
  object: ServedObject,
  { known, made: { manifest }, isOurs, writes, letGo }: Replacing,
  signal: AbortSignal,
): Promise<Resource | undefined> {
  const { type, peer } = object;
  const kind = shadowTypeOf(type);
  let named = known;
  const served = conditionOf(peer.status, servedCondition);
  if (!isOurs && served) {
    // Another has served it meanwhile: what it knows of it counts.
    const id = manifest.metadata.annotations?.[externalIdAnnotation];
    const own = ((known.status ?? {}) as { readonly externalID?: string }).externalID;
    if (id !== undefined && own !== id) named = await writes.annotate(kind, known, externalIdAnnotation, id, signal);
    const lacksIt = phaseOf(known) !== "Done" || (isSentOnce(object) && !isSent(object, known));
    // What another has tried, or given up, is as if it were taken over anew. While it is refused nobody but us has tried it.
    const isIdle = ["Retrying", undefined].includes(phaseOf(known));
    const isTried = served.reason !== "Refused" && isSentOnce(object) && isIdle && waits(manifest);
    if (peer.type === "disposable" && ((peer.status?.synced === true && lacksIt) || isTried)) {
      await letGo(kind, known, signal);
      return undefined;
    }
  }
  const isSame = known.metadata.annotations?.[madeOfAnnotation] === manifest.metadata.annotations?.[madeOfAnnotation];
  if (isSame || (isSentOnce(object) && isUnderWay(known))) return named;
  if (!isSent(object, known)) return writes.replace(kind, known, manifest, signal);
  return isScheduled(known) ? writes.replace(kind, known, asSent(manifest, known), signal) : named;
}

/** Whether it is not to be sent as it is taken over. */
function waits({ spec, metadata: { annotations = {} } }: Shadow["manifest"]): boolean {
  return spec["suspend"] === true || annotations[assumeDoneAnnotation] === "true";
}
/** What has been sent stays as it was, but that it is sent no more. */
function asSent<M extends Shadow["manifest"]>(manifest: M, { spec }: Resource): M {
  const { schedule: _, ...sent } = spec as M["spec"];
  return { ...manifest, spec: sent };
}
const halfMade =
  "its annotation crossplane.io/external-create-pending says that a creation was begun whose outcome nobody recorded: look whether the object is there, and take the annotation off";
function isOwn({ metadata: { uid } }: Resource, { metadata: { labels } }: Resource): boolean {
  return labels?.[standsForLabel] === uid;
}
/** What is made for its end alone creates and changes nothing of what is to be deleted. */
function onlyLooking<M extends Shadow["manifest"]>(manifest: M): M {
  const { create: _, update: __, replace: ___, ...spec } = manifest.spec;
  return spec["observe"] === undefined ? manifest : { ...manifest, spec };
}
/** Whether its end is worked on where it is deleted: its finalizer is there, or it leaves its remote object in any case. */
function mayGo({ metadata: { finalizers = [], deletionTimestamp }, spec, status }: Resource): boolean {
  // A look that found nothing of its own puts no finalizer on: there is nothing to be deleted.
  if (["ImportNotFound", "Absent", "NotMine"].includes(findCondition(status, "Ready")?.reason ?? "")) return true;
  const { delete: asked, deletionPolicy } = (spec ?? {}) as { readonly delete?: object; readonly deletionPolicy?: string };
  return asked === undefined || deletionPolicy === "Orphan" || finalizers.length > 0 || deletionTimestamp !== undefined;
}
function notOwn(kind: ResourceType, { namespace, name }: ResourceKey): string {
  return `there is ${kind.kind} ${namespace}/${name} already, which does not stand for it`;
}
