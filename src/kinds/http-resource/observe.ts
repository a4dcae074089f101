/**
 * Whether the remote object is there, and as declared.
 *
 * Invariant: `absent` is only said where its server says so, or where nothing was ever created. Whatever else goes wrong is
 * `unknown`, because of which nothing is done.
 */
import type { Exchange } from "../../core/exchange.ts";
import type { Response } from "../../core/outcome.ts";
import { evaluate, sendExchange, type EvaluationResult, type Steps } from "../../core/plan.ts";
import { exchangeOf, idFrom, importHint, isUnresolvedCreate, needsExternalID, type Context } from "./context.ts";
import { isReady } from "../../core/conditions.ts";
import { judged, saysGone } from "./judge.ts";
import { lookUp } from "./lookup.ts";
import { located, unknown, type Found, type Observation } from "./observation.ts";

/** Looks by id, else in the list. Where nothing can be asked, what was created is there and what was not is absent. */
export function* observe(context: Context): Steps<Observation> {
  const { spec, externalID, attempt } = context;
  const mayObserve = spec.observe && (externalID !== undefined || !needsExternalID(spec.observe));
  // Where a create may have arrived, the id that is known can be that of what was there before.
  const mayLookUp = externalID === undefined || isUnresolvedCreate(context);
  if (mayObserve) {
    const seen = yield* look(context);
    if (seen.type !== "absent" || !mayLookUp || !spec.lookup) return seen;
  }
  if (mayLookUp && spec.lookup) {
    const found = yield* lookUp(context, spec.lookup);
    if (found.type !== "found" || !spec.observe) return found;
    const seen = yield* look({ ...context, ...(found.externalID !== undefined && { externalID: found.externalID }) });
    if (seen.type === "absent") return unknown("Inconsistent", "spec.observe: what spec.lookup has found is not there", context);
    return seen.type === "found" ? { ...found, ...seen } : seen;
  }
  const wasCreated = attempt?.verb === "Update" || (attempt?.verb === "Create" && attempt.succeeded === true);
  const isKnown = externalID !== undefined || (wasCreated && !spec.observe);
  if (isKnown && !isUnresolvedCreate(context)) return { type: "found", differences: [] };
  if (wasThere(context)) {
    const message = `spec.observe: needs the id of the object, which is there and whose id is not known: ${importHint}`;
    return unknown("ExternalIDUnknown", message, context);
  }
  return { type: "absent", says: "nobody" };
}

/** Whether it was there when it was last heard of; only the spec that said how to ask for it has changed since. */
function wasThere({ spec, attempt, status }: Context): boolean {
  if (!spec.observe) return false;
  if (attempt) return attempt.phase === "Done" && attempt.succeeded === true && attempt.verb !== "Delete";
  const { conditions } = status;
  return isReady(conditions) || conditions?.some(({ reason }) => reason === "ExternalIDUnknown") === true;
}

function* look(context: Context): Steps<Observation> {
  const { spec, externalID } = context;
  if (!spec.observe) return { type: "absent", says: "nobody" };
  const field = "spec.observe";
  const asked = { field, shape: spec.observe };
  const compile = [...located("spec.exists", spec.exists), ...located("spec.upToDate", spec.upToDate)];
  const exchange = exchangeOf(context, { ...asked, compile });
  if ("type" in exchange) return exchange;
  const outcome = yield* sendExchange(exchange, { type: "none" });
  if (outcome.type === "refusal") return outcome;
  const judgement = yield* judged(asked, exchange, outcome);
  const { response } = judgement;
  if (saysGone(response) && judgement.reason === "UnexpectedStatus") return { type: "absent", says: "observe" };
  if (!judgement.succeeded || !response) return unknown(judgement.reason, judgement.message, context, response);

  if (spec.exists !== undefined) {
    const there = yield* evaluate({ scope: exchange.scope, response, expressions: located("spec.exists", spec.exists) });
    if (there.type === "refusal") return unknown(there.reason, there.message, context);
    if (there.values[0] === false) return { type: "absent", says: "observe" };
    if (there.values[0] !== true) return unknown("NotBoolean", "spec.exists yields neither true nor false", context);
  }
  return yield* held(context, exchange, { response, externalID });
}

/** The answer held against what is wanted. */
function* held(
  context: Context,
  exchange: Exchange,
  { response, externalID }: { response: Response; externalID: string | undefined },
): Steps<Observation> {
  const { spec } = context;
  const takesID = externalID === undefined && spec.externalID !== undefined;
  const expressions = [
    ...located("spec.upToDate", spec.upToDate),
    ...(takesID ? located("spec.externalID", `try (${spec.externalID}\n\n) catch null`) : []),
  ];
  const compare = comparison(context);
  const found: Found = { type: "found", response, differences: [], ...(externalID !== undefined && { externalID }) };
  if (expressions.length === 0 && !compare) return found;
  const result: EvaluationResult = yield* evaluate({
    scope: exchange.scope,
    response,
    expressions,
    ...(compare && { compare }),
  });
  if (result.type === "refusal") return unknown(result.reason, result.message, context);
  const { values, differences = [] } = result;
  const id = takesID ? idFrom(response, values.at(-1)) : externalID;
  const says = spec.upToDate === undefined ? undefined : values[0];
  if (spec.upToDate !== undefined && typeof says !== "boolean")
    return unknown("NotBoolean", "spec.upToDate yields neither true nor false", context);
  const known = { ...found, differences, ...(id !== undefined && { externalID: id }) };
  if (compare && differences.length === 0 && says !== true)
    return { ...known, upToDate: says === undefined || compare.type === "mergePatch" };
  if (typeof says === "boolean") return { ...known, upToDate: says };
  return compare ? { ...known, upToDate: false } : known;
}

/** What of the update's body the answer is held against. */
function comparison({ spec: { update, upToDate } }: Context) {
  const { mergePatch, json } = update?.body ?? {};
  if (mergePatch !== undefined) return { type: "mergePatch", field: "spec.update.body.mergePatch", value: mergePatch } as const;
  if (json === undefined || upToDate !== undefined) return undefined;
  return { type: "json", field: "spec.update.body.json", value: json } as const;
}
