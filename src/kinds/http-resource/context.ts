/** What an HTTPResource's plan knows of its object: at first what is read from it, and what is found out since. Pure. */
import type { HTTPResourceSpec, HTTPResourceStatus } from "../../api/http-resource.ts";
import type { Attempt } from "../../core/delivery.ts";
import type { Difference } from "../../core/difference.ts";
import { digest } from "../../core/tools/digest.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import type { RemoteObject } from "../../core/remote-object.ts";
import { mayRead } from "../../core/expression-reads.ts";
import { nextTryOf } from "../../core/next-look.ts";
import { expressionsOfText, stringsIn } from "../../core/templating.ts";
import { externalIdAnnotation } from "../../core/resource.ts";
import type { RetryPolicy } from "../../core/retry.ts";
import type { EndpointRef } from "../request/endpoint.ts";
import { releaseFinalizer } from "../request/referrers.ts";
import type { HTTPResource, UsedEndpoint } from "../types.ts";

export const finalizer = releaseFinalizer;

export const importHint = `set the annotation ${externalIdAnnotation} to the object's id`;

export type Verb = "Create" | "Update" | "BeforeDelete" | "Delete";
export interface VerbAttempt extends Attempt {
  readonly verb: Verb;
  readonly succeeded?: boolean;
  /** RFC 3339. Of a create that may have arrived: when a look first did not show it. */
  readonly absentAt?: string;
  /** Of an update: SHA-256 over the places for which it was sent, and how often in a row it had not held before. */
  readonly differs?: string;
  readonly repeats?: number;
  /** Of a create by an earlier Holdfast: the digest of what update would have sent then. */
  readonly update?: string;
}

export interface Context {
  readonly resource: HTTPResource;
  readonly spec: HTTPResourceSpec;
  readonly status: HTTPResourceStatus;
  readonly attempt?: VerbAttempt;
  /** Those that are there, by `endpointKey`. */
  readonly endpoints: ReadonlyMap<string, UsedEndpoint>;
  /** Inputs that come from other objects. */
  readonly known?: ReadonlyMap<string, unknown>;
  readonly now: Date;
  readonly instanceId: string;
  /** Imported, or taken before. */
  readonly externalID?: string;
  /** What is recorded of the remote object, and what has been found out since. */
  readonly remote: RemoteObject;
  /** What `spec.externalID` yields where it reads no answer. */
  readonly declaredID?: string;
  /** It is another object than the one that was known: found under another id, or named by a person. What was delivered was not to it. */
  readonly isAnother?: boolean;
  /** A digest of where an object without an id is; absent: it is not known anew. */
  readonly address?: string;
  /** Where it differed as soon as it was made, by its server's doing. */
  readonly asMade?: NonNullable<HTTPResourceStatus["asMade"]>;
  /** The annotation's value, where it has not been taken over yet. */
  readonly imported?: string;
  /** The annotation's value, where it has not been acted on yet. */
  readonly asked?: string;
  readonly isOrphan: boolean;
  readonly retry: RetryPolicy & { readonly limit: number };
  readonly intervalMs: number;
  /** The finalizer, where one has to be put on before anything is there to be deleted. */
  readonly missingFinalizer?: string;
  /** Others look after a part of the cluster's objects. */
  readonly isPartial?: boolean;
  /** The work is divided into slots. */
  readonly isDivided?: boolean;
  /** As `Situation.seesOnly`. */
  readonly seesOnly?: string | undefined;
  /** Ids are kept in the annotation, too. */
  readonly mirrorsIDs?: boolean;
  readonly hasFinalizer: boolean;
  readonly mayBeMended?: boolean;
  /** What inputs took of other objects, to be kept. */
  readonly taken?: Readonly<Record<string, unknown>>;
  /** What update would deliver now. */
  readonly delivering?: NonNullable<HTTPResourceStatus["delivered"]>;
  /** What `spec.values` yielded in this reconcile. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** Where what was observed in this reconcile is not as declared. */
  readonly drift?: readonly Difference[];
}

/** As the annotation has it; undefined: it has none. */
export function idWritten(text: string | undefined): string | undefined {
  return text?.trim().slice(0, 1024).toWellFormed();
}
/** What the annotation is to say, where it is known for certain, and can be read back as it is. */
export function mirroredID({ mirrorsIDs, remote: { id, seen, former } }: Context): string | undefined {
  return mirrorsIDs === true && seen && former === undefined && id === idWritten(id) ? id : undefined;
}

/** The same, knowing more of the remote object. */
export function withRemote(context: Context, remote: RemoteObject): Context {
  const { externalID: _, ...rest } = context;
  return { ...rest, remote, ...(remote.id !== undefined && { externalID: remote.id }) };
}

/** `former`: what the id was before one that has turned out to be none; undefined: nothing has turned out. */
export function withoutCandidate(context: Context, former: string | undefined): Context {
  if (former === undefined) return context;
  const { former: _, ...remote } = context.remote;
  return withRemote(context, { ...remote, id: former, seen: true });
}

/** Nothing has changed since it was looked at, and nothing is under way. */
export function hasBeenSeen({ resource, status, asked, imported }: Context): boolean {
  return status.observedGeneration === resource.metadata.generation && asked === undefined && imported === undefined;
}
/** A pause is never longer than this; where more of it seems to be left, the clock has been set back. */
const longestPauseMs = 3_601_000;
/** Milliseconds until what was put off is due; 0: now, since it is, or something has changed since. */
export function untilRetryMs(context: Context): number {
  const { status, now } = context;
  const nextTryAt = nextTryOf(status);
  if (nextTryAt === undefined || !hasBeenSeen(context)) return 0;
  const leftMs = Date.parse(nextTryAt) - now.getTime();
  return leftMs > Math.max(longestPauseMs, context.retry.maxMs) ? 0 : leftMs;
}

/** Whether a request cannot be written without the id. What else has that name, such as a field of a body, does not count. */
export function needsExternalID(shape: object | undefined): boolean {
  return readsAny(shape, ["externalID"]);
}
/** Whether an expression of a request's own text, but for what is expected of its answer, reads one of these names; true where it cannot be told. */
export function readsAny(shape: object | undefined, names: readonly string[]): boolean {
  const reads = (expression: string): boolean =>
    names.some((name) => expression.includes(name)) && mayRead(expression, (path) => names.includes(path.split(".", 1)[0] ?? ""));
  return shape !== undefined && expressionsIn(shape).some(reads);
}
const expressionsIn = oncePer((shape: object): readonly string[] => {
  const { expect: _, ...written }: { readonly expect?: unknown } = shape;
  return stringsIn(written, "").flatMap(({ text }) => expressionsOfText(text));
});

/** What makes a new run of a verb: what is sent, as it is written. */
export function verbDigest({ spec }: Pick<Context, "spec">, verb: Verb): string {
  const known = digestsOf(spec);
  const made = known.get(verb) ?? makeDigest(spec, verb);
  known.set(verb, made);
  return made;
}
const digestsOf = oncePer((_spec: HTTPResourceSpec) => new Map<Verb, string>());
function makeDigest(spec: HTTPResourceSpec, verb: Verb): string {
  const shape:
    | {
        readonly expect?: unknown;
        readonly poll?: unknown;
        readonly idempotent?: unknown;
        readonly object?: unknown;
        readonly endpointRef?: EndpointRef;
      }
    | undefined = {
    Create: spec.create,
    Update: spec.update,
    BeforeDelete: spec.beforeDelete,
    Delete: spec.delete,
  }[verb];
  const { expect: _, poll: __, idempotent: ___, object: ____, ...sent } = shape ?? {};
  return digest({
    verb,
    ...sent,
    endpointRef: sent.endpointRef ?? spec.endpointRef,
    parameters: spec.parameters,
    inputs: spec.inputs,
  });
}

/** Whether what was sent last is all that says whether there is something new for update to send. */
export function nobodyCompares({ spec: { observe, update, upToDate } }: Pick<Context, "spec">): boolean {
  const { json, mergePatch } = update?.body ?? {};
  return update !== undefined && (!observe || (upToDate === undefined && json === undefined && mergePatch === undefined));
}

/** What has been delivered to the object, as far as that is known. */
export function deliveredTo({ status, isAnother }: Pick<Context, "status" | "isAnother">): HTTPResourceStatus["delivered"] {
  return isAnother ? undefined : status.delivered;
}
/** Where a merge patch has said something. */
export function formerPlaces(context: Pick<Context, "status" | "isAnother">): { readonly former?: readonly string[] } {
  const delivered = deliveredTo(context);
  return delivered?.fields ? { former: delivered.fields } : {};
}
