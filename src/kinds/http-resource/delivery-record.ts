/**
 * What of update has been delivered, and what it would deliver now.
 *
 * Invariant: it holds no value, and no digest of one that somebody could check a guess against.
 */
import type { HTTPResourceSpec, HTTPResourceStatus } from "../../api/http-resource.ts";
import { isReady } from "../../core/conditions.ts";
import type { Refusal } from "../../core/outcome.ts";
import { evaluate, type EvaluationResult, type Steps } from "../../core/plan.ts";
import { bytesInBody } from "../../core/templating.ts";
import { secretType } from "../../core/resource.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import { bodyTemplate } from "../request/body.ts";
import { dataReferences } from "../request/data-references.ts";
import { scopeOf } from "../request/request.ts";
import { deliveredTo, nobodyCompares, verbDigest, type Context, type VerbAttempt } from "./context.ts";
import { inputsReadBy } from "./inputs-read.ts";
import type { Found } from "./observation.ts";

export type DeliveredNow = NonNullable<HTTPResourceStatus["delivered"]>;

const undelivered = "none";
/** There is no key: that they were delivered is all that is known. */
const unkeyed = "unkeyed:";

/** Undefined: there is no update, and so nothing for it to deliver. */
export function* deliveredNow(context: Context): Steps<DeliveredNow | Refusal | undefined> {
  const { spec, resource, now, known } = context;
  const { update } = spec;
  if (!update) return undefined;
  const written = verbDigest(context, "Update");
  const { inputs, bytes, isElsewhere } = readByUpdate(spec);
  if (!isElsewhere) return { spec: written };
  const scope = scopeOf({ shared: { inputs }, metadata: resource.metadata, now: now.toISOString(), ...(known && { known }) });
  const result: EvaluationResult = yield* evaluate({ inputsOf: scope, bytes });
  if (result.type === "refusal") return result;
  const [digest] = result.values;
  return { spec: written, inputs: typeof digest === "string" ? digest : unkeyed };
}

/** Inputs and bytes of what update sends, and whether any of them is kept elsewhere. */
const readByUpdate = oncePer(({ update, inputs: all = {} }: Pick<HTTPResourceSpec, "inputs" | "update">) => {
  const inputs = inputsReadBy(update ?? {}, all);
  const { mergePatch: _, ...body } = update?.body ?? {};
  const bytes = Object.keys(body).length > 0 ? bytesInBody(bodyTemplate(body, "spec.update.body")) : [];
  const isElsewhere =
    Object.values(inputs).some(({ value }) => value === undefined) || bytes.some(({ type }) => type !== "base64");
  return { inputs, bytes, isElsewhere };
});

/** Of a create: what only update reads has not been delivered by it. */
export function deliveredByCreate({ spec }: Pick<Context, "spec">, now: DeliveredNow): DeliveredNow {
  const { inputs = {}, update, create } = spec;
  const own = Object.keys(inputsReadBy(update ?? {}, inputs));
  const given = inputsReadBy(create ?? {}, inputs);
  const isWhole = own.every((name) => Object.hasOwn(given, name)) && !readsBytes(update?.body);
  return isWhole || now.inputs === undefined ? now : { ...now, inputs: undelivered };
}
function readsBytes(body: { readonly secretKeyRef?: unknown; readonly configMapKeyRef?: unknown } | undefined): boolean {
  return body?.secretKeyRef !== undefined || body?.configMapKeyRef !== undefined;
}

/** Whether what is declared has been delivered. Under another key nobody can tell: what was delivered stands. */
export function isDelivered(context: Context, seen: Found, now: DeliveredNow): boolean {
  const { spec, attempt } = context;
  const delivered = deliveredTo(context);
  const isInDoubt = attempt?.verb === "Update" && (attempt.phase === "InFlight" || attempt.phase === "Unknown");
  // What differed when it was sent differs no more, and all of it could be compared: it has arrived.
  if (isInDoubt && attempt.differs !== undefined && attempt.digest === now.spec && seen.upToDate === true && !seen.isPartial)
    return true;
  if (delivered) {
    if (delivered.spec !== now.spec || isAskedFor(context)) return false;
    if (delivered.inputs === undefined || now.inputs === undefined) return true;
    if (delivered.inputs === undelivered) return false;
    const canTell = now.inputs !== unkeyed && keyOf(delivered.inputs) === keyOf(now.inputs);
    return canTell ? delivered.inputs === now.inputs : context.asked === undefined;
  }
  if (!context.isAnother && isOlder(context)) return !nobodyCompares(context) || wasSentLast(context);
  if (spec.upToDate !== undefined && spec.update?.body?.mergePatch === undefined) return now.inputs === undefined;
  return seen.upToDate !== undefined && seen.isPartial !== true;
}
/** Without the key what is known of the inputs' values cannot be told anew, and is kept. */
export function isBlind({ delivering, ...context }: Pick<Context, "delivering" | "status" | "isAnother">): boolean {
  const delivered = deliveredTo(context);
  return delivering?.inputs === unkeyed && delivered?.inputs !== undefined && delivered.spec === delivering.spec;
}
/** What is recorded of an update that a person asked for and that has not succeeded: that it is still to be sent. */
export function owedBy(context: Context, { verb, succeeded }: VerbAttempt): Pick<HTTPResourceStatus, "delivered"> {
  const known = deliveredTo(context) ?? context.delivering;
  if (verb !== "Update" || succeeded === true || !known || !isAskedFor(context)) return {};
  return { delivered: { ...known, inputs: undelivered } };
}
/** Which value of a Secret the server has nobody can see: whoever asks has it sent again. */
export function isAskedFor({ asked, spec, resource }: Context): boolean {
  const { update, inputs = {} } = spec;
  if (asked === undefined || !update || spec.drift === "Report") return false;
  const data = dataReferences({ inputs: inputsReadBy(update, inputs) }, [update], resource.metadata.namespace);
  return data.some(({ type }) => type === secretType);
}
/** Whether two digests are of other values; false where nobody can tell. */
export function areOthers(was: string | undefined, is: string | undefined): boolean {
  return was !== undefined && is !== undefined && is !== unkeyed && was !== is && keyOf(was) === keyOf(is);
}
function keyOf(digest: string): string {
  return digest.slice(0, digest.indexOf(":"));
}
/** What an earlier Holdfast recorded counts as delivered. */
function isOlder({ status, resource }: Context): boolean {
  const { attempt, adoptedUpdate, seen, observedGeneration, conditions } = status;
  if (seen !== undefined) return false;
  const isMade = attempt?.succeeded === true && attempt.phase === "Done" && attempt.verb !== "Delete";
  return isMade || adoptedUpdate !== undefined || (isReady(conditions) && observedGeneration === resource.metadata.generation);
}

/** As an earlier Holdfast recorded it where nothing can be compared. */
function wasSentLast(context: Context): boolean {
  const { attempt, spec, status } = context;
  const update = verbDigest(context, "Update");
  if (!attempt) return spec.observe !== undefined && (status.adoptedUpdate ?? update) === update;
  if (attempt.phase !== "Done" || attempt.succeeded !== true) return false;
  if (attempt.verb === "Update") return attempt.digest === update;
  // What it created does not say what update would have sent.
  return attempt.update === undefined ? attempt.digest === verbDigest(context, "Create") : attempt.update === update;
}
