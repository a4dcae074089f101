/**
 * Whether the remote object is there, and as declared.
 *
 * Invariant: `absent` is only said where its server says so, or where nothing was ever created. Whatever else goes wrong is
 * `unknown`, because of which nothing is done.
 */
import { sinceMs } from "../../core/attempt-times.ts";
import type { Steps } from "../../core/plan.ts";
import type { Scope } from "../../core/evaluation.ts";
import { isSettledBy, settledID } from "../../core/remote-object.ts";
import { sendExchange } from "../../core/plan.ts";
import { isReady } from "../../core/conditions.ts";
import { reconcileAtAnnotation } from "../../core/resource.ts";
import { isRepeatable } from "./delivered.ts";
import { importHint, needsExternalID, type Context } from "./context.ts";
import { exchangeOf, type Asked } from "./exchange.ts";
import { givenID, isOfAnother, isUnresolvedCreate, sightOf } from "./identity.ts";
import { isPage, judgeAnswer, rejectsID, saysGone } from "./judge.ts";
import { lookUp } from "./lookup.ts";
import { isObserved, locate, unknown, type Absent, type Found, type Observation } from "./observation.ts";
import { held, objectIn } from "./held.ts";
import { valueExpressions } from "./values.ts";

/** Looks by id, else in the list. Where nothing can be asked, what was created is there and what was not is absent. */
export function* observe(context: Context): Steps<Observation> {
  const { spec, externalID, attempt } = context;
  const mayObserve = spec.observe && (externalID !== undefined || !needsExternalID(spec.observe));
  let absent: Absent | undefined;
  let others: Found | undefined;
  if (mayObserve) {
    const seen = yield* lookAtBoth(context);
    if (seen.type !== "absent" && (seen.type !== "found" || seen.mine !== false)) return seen;
    // What a person says is not looked for under another id.
    if (!spec.lookup || context.imported !== undefined) return seen;
    if (seen.type === "absent") absent = seen;
    else others = seen;
  }
  if (spec.lookup) {
    const found = yield* lookUp(others ? withoutID(context) : context, spec.lookup);
    if (found.type === "absent") return others ?? (absent?.former === undefined ? found : { ...found, former: absent.former });
    if (found.type !== "found" || !spec.observe) return found;
    return yield* confirm(context, found);
  }
  const wasCreated = attempt?.verb === "Update" || (attempt?.verb === "Create" && attempt.succeeded === true);
  const isKnown = (externalID !== undefined && context.remote.made !== "never") || (wasCreated && !spec.observe);
  if (isKnown && !isUnresolvedCreate(context)) return { type: "found", differences: [] };
  if (wasThere(context)) {
    const message = `spec.observe: needs the id of the object, which is there and whose id is not known: ${importHint}`;
    return unknown("ExternalIDUnknown", message, context);
  }
  return { type: "absent", says: "nobody" };
}

/** What has the known id is another's: it is not to be found by that. */
function withoutID(context: Context): Context {
  const { externalID: _, ...rest } = context;
  return rest;
}

const inconsistent =
  "spec.observe: what spec.lookup has found is not there. One of them asks at a wrong place, or the list has what is over: spec.lookup.items can leave that out";
/** What a list has shown, looked at by its id. */
function* confirm(context: Context, { externalID }: Found): Steps<Observation> {
  const isAnother = context.isAnother === true || (externalID !== undefined && isOfAnother(context, externalID));
  const seen = yield* look({ ...context, isAnother, ...(externalID !== undefined && { externalID }) });
  if (seen.type === "absent") return unknown("Inconsistent", inconsistent, context);
  if (seen.type !== "found") return seen;
  const by = externalID !== undefined && externalID !== context.externalID ? "lookup" : undefined;
  return { ...seen, ...(externalID !== undefined && { externalID }), ...(by && { by }) };
}

/** Where update gave another id, either of the two can be the object's. */
function* lookAtBoth(context: Context): Steps<Observation> {
  const { former } = context.remote;
  const seen = yield* look(context);
  const isRejected = seen.type === "unknown" && seen.isRejected === true;
  if (former === undefined || (!isObserved(seen) && !isRejected)) return seen;
  const candidate = seen.type === "found" ? sightOf(seen) : null;
  if (isSettledBy(candidate)) return seen;
  const before = yield* look({ ...context, externalID: former });
  // An id that its server will have nothing of, such as a job's, is none where the old one still shows the object; else nobody knows.
  if (!isObserved(seen)) return before.type === "found" && before.mine !== false ? { ...before, externalID: former } : seen;
  if (before.type !== "found" && before.type !== "absent") return before;
  if (settledID(candidate, before.type === "found" ? sightOf(before) : null) === "candidate") return seen;
  return before.type === "found" ? { ...before, externalID: former } : { ...before, former };
}

/** Whether it was there when it was last heard of; only the spec that said how to ask for it has changed since. */
function wasThere({ spec, attempt, status }: Context): boolean {
  if (!spec.observe) return false;
  if (attempt) return attempt.phase === "Done" && attempt.succeeded === true && attempt.verb !== "Delete";
  const { conditions } = status;
  const isKnown = conditions?.some(({ type, reason }) => type === "Drifted" || reason === "ExternalIDUnknown") === true;
  return isReady(conditions) || isKnown;
}

const anyPage = `it came as a page (text/html), as a gateway sends it, which does not say that the object is gone. If its server does so, say 404 in spec.observe.expect.status, and have spec.observe.object yield null then; or change the annotation ${reconcileAtAnnotation} to have the object created anew`;
/** From the first on a deletion takes pages for a gateway's for so long; then its server answers so itself, milliseconds. */
const pageDoubtMs = 5 * 60_000;
/** Whether there is something to lose by taking a gateway's page for the word of the server behind it. */
function doubtsPages(context: Context): boolean {
  const { spec, remote, asked, status, now } = context;
  const fields = [spec.create, spec.update, spec.observe].flatMap((shape) => shape?.headers ?? []);
  if (fields.some(({ name, value }) => /^(accept|content-type)$/i.test(name) && value.includes("text/html"))) return false;
  if (isBeingDeleted(context)) return status.pageSeenAt === undefined || sinceMs(status.pageSeenAt, now) < pageDoubtMs;
  return remote.made === "made" && asked === undefined && couldMakeAnother(context);
}
/** Also to be made anew: what was believed gone would be left behind. */
function isBeingDeleted({ resource, remote }: Context): boolean {
  return resource.metadata.deletionTimestamp !== undefined || remote.replacing;
}
/** No method but POST makes another object at each request to the URL at which this one is looked at (RFC 9110, section 9.3.3). */
function couldMakeAnother(context: Context): boolean {
  const { create, observe } = context.spec;
  if (!create || isRepeatable(context, create)) return false;
  return create.method === "POST" || !observe || placeOf(create) !== placeOf(observe);
}
function placeOf({ url, path, query, endpointRef }: Asked["shape"]): string {
  return JSON.stringify([url, path, query, endpointRef]);
}

/** One look by the id that is known. */
export function* look(context: Context): Steps<Observation> {
  const { spec, externalID } = context;
  if (!spec.observe) return { type: "absent", says: "nobody" };
  const field = "spec.observe";
  const asked = { field, shape: spec.observe };
  const expressionsToValidate = [
    ...locate("spec.exists", spec.exists),
    ...locate("spec.observe.object", spec.observe.object),
    ...locate("spec.mine", spec.mine),
    ...locate("spec.upToDate", spec.upToDate),
    ...locate("spec.externalID", givenID(spec)),
    ...valueExpressions(context),
  ];
  const exchange = exchangeOf(context, { ...asked, expressionsToValidate });
  if ("type" in exchange) return exchange;
  const outcome = yield* sendExchange(exchange, { type: "nothing" });
  if (outcome.type === "refusal") return outcome;
  const judgement = yield* judgeAnswer(context, asked, exchange, outcome);
  const { response } = judgement;
  if (response && saysGone(response) && judgement.reason === "UnexpectedStatus") {
    if (!isPage(response) || !doubtsPages(context)) return { type: "absent", says: "observe" };
    const why = unknown(judgement.reason, `${judgement.message}: ${anyPage}`, context);
    const pageSeenAt = context.status.pageSeenAt ?? context.now.toISOString();
    return { ...why, isRejected: true, ...(isBeingDeleted(context) && { pageSeenAt }) };
  }
  if (!judgement.succeeded || !response) {
    const why = unknown(judgement.reason, judgement.message, context, response);
    return rejectsID(judgement) ? { ...why, isRejected: true } : why;
  }

  const object = yield* objectIn(context, exchange.scope, response);
  if (object.type !== "object") return object;
  const scope: Scope = object.value === undefined ? exchange.scope : { ...exchange.scope, object: object.value };
  // An id that is needed to ask is none that the answer could change.
  const mayTellID = externalID === undefined || !needsExternalID(spec.observe);
  return yield* held(context, scope, { response, externalID, mayTellID });
}
