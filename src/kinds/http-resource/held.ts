/** An answer that shows the remote object, held against what is declared. */
import type { Steps } from "../../core/plan.ts";
import type { HTTPResourceSpec } from "../../api/http-resource.ts";
import type { BodyTemplate, Located } from "../../core/request-template.ts";
import { bodyTemplate } from "../request/body.ts";
import type { Scope } from "../../core/evaluation.ts";
import type { Response } from "../../core/outcome.ts";
import { evaluate, type EvaluationResult } from "../../core/plan.ts";
import type { Refusal } from "../../core/outcome.ts";
import { formerPlaces, needsExternalID, type Context } from "./context.ts";
import { idFrom } from "./external-id.ts";
import { givenID } from "./identity.ts";
import { publishedBy, valuesOf } from "./values.ts";
import { locate, unknown, type Absent, type Found, type Observation, type Unknown } from "./observation.ts";

interface ObjectIn {
  readonly type: "object";
  /** Absent: the body is. */
  readonly value?: unknown;
}

/** Where in an answer to observe the object is. */
export function* objectIn(context: Context, scope: Scope, response: Response): Steps<ObjectIn | Absent | Unknown | Refusal> {
  const { exists, observe } = context.spec;
  const expressions = [...locate("spec.exists", exists), ...locate("spec.observe.object", observe?.object)];
  if (expressions.length === 0) return { type: "object" };
  const result: EvaluationResult = yield* evaluate({ scope, response, expressions });
  if (result.type === "refusal") return unknown(result.reason, result.message, context);
  const [first] = result.values;
  if (exists !== undefined) {
    if (first === false) return { type: "absent", says: "observe" };
    if (first !== true) return unknown("NotBoolean", "spec.exists yields neither true nor false", context);
  }
  if (observe?.object === undefined) return { type: "object" };
  const value: unknown = result.values.at(-1);
  return value === null || value === undefined ? { type: "absent", says: "observe" } : { type: "object", value };
}

/** `mayTellID`: the answer may say by what id the object is known. */
export function* held(
  context: Context,
  scope: Scope,
  {
    response,
    externalID,
    mayTellID,
  }: { readonly response: Response; readonly externalID: string | undefined; readonly mayTellID: boolean },
): Steps<Observation> {
  const { spec } = context;
  const given = mayTellID ? givenID(spec) : undefined;
  const expressions = [
    ...locate("spec.mine", spec.mine),
    ...locate("spec.upToDate", spec.upToDate),
    ...locate("spec.externalID", given === undefined ? undefined : `try (${given}\n\n) catch null`),
  ];
  const isShown = scope.object !== undefined || hasContent(context, response);
  const compare = comparison(context, isShown);
  const published = publishedBy(context);
  const found: Found = {
    type: "found",
    response,
    ...(scope.object !== undefined && { object: scope.object }),
    differences: [],
    ...(externalID !== undefined && { externalID }),
  };
  if (expressions.length === 0 && !compare && !published) return found;
  const foretells = (compare?.type === "json" || compare?.type === "form") && !mayTellID ? givenID(spec) : undefined;
  const compared = compare && { compare, ...partOf(spec.update) };
  const result: EvaluationResult = yield* evaluate({
    scope,
    response,
    expressions,
    ...(published && { published }),
    ...compared,
    ...(compare && spec.ignore && { ignore: spec.ignore }),
    ...(compare && spec.replace && { digests: true }),
    ...(compare && spec.compare && { normalise: locateNormalise(spec.compare) }),
  });
  if (result.type === "refusal") return unknown(result.reason, result.message, context);
  const { differences = [], isPartial, places } = result;
  const isCompared = compare !== undefined && result.differences !== undefined;
  const left = result.values.values();
  const mine: unknown = spec.mine === undefined ? undefined : left.next().value;
  if (mine !== undefined && typeof mine !== "boolean")
    return unknown("NotBoolean", "spec.mine yields neither true nor false", context);
  const says: unknown = spec.upToDate === undefined ? undefined : left.next().value;
  if (spec.upToDate !== undefined && typeof says !== "boolean")
    return unknown("NotBoolean", "spec.upToDate yields neither true nor false", context);
  const told = given === undefined ? undefined : idFrom(response, left.next().value, { expression: given, spec });
  const isUntold =
    (spec.upToDate !== undefined || !isShown) &&
    !mayTellID &&
    !compare &&
    givenID(spec) !== undefined &&
    spec.update?.body !== undefined;
  const isAnother = told !== undefined && externalID !== undefined && told !== externalID && context.isAnother !== true;
  // What was delivered to the other one is not to be taken from this one.
  if (isAnother && formerPlaces(context).former)
    return yield* held({ ...context, isAnother }, scope, { response, externalID, mayTellID });
  const anew = told !== undefined && (differences.length > 0 || says === false) ? withToldID(context, scope, told) : undefined;
  if (anew) return yield* held(context, anew, { response, externalID, mayTellID });
  const id = told ?? externalID;
  const known: Found = {
    ...found,
    differences,
    ...(isPartial && { isPartial }),
    ...(places && { places }),
    ...(mine !== undefined && { mine }),
    ...(result.published && mine !== false && { values: valuesOf(context, result.published) }),
    ...(id !== undefined && { externalID: id }),
    ...(told !== undefined && externalID !== undefined && told !== externalID && { by: "observe" as const }),
    // Where spec.upToDate compares, nothing tells of the id beforehand.
    ...(isUntold && { renames: true as const }),
    ...(foretells !== undefined && { foretelling: { scope, response, ...compared, foretells } }),
  };
  if (isCompared && differences.length === 0 && says !== true)
    return { ...known, upToDate: says === undefined || compare.type === "mergePatch" };
  if (typeof says === "boolean") return { ...known, upToDate: says };
  return isCompared ? { ...known, upToDate: false } : known;
}

/** Whether what update would send gives the object another id. It is asked before one is sent, of the answer because of which it is. */
export function* willRename({ spec }: Context, { renames, foretelling, externalID }: Found): Steps<boolean | Refusal> {
  if (!foretelling) return renames === true;
  const { foretells, ...seen } = foretelling;
  const foretold = { field: "spec.externalID", text: `try (${foretells}\n\n) catch null` };
  const result: EvaluationResult = yield* evaluate({ ...seen, expressions: [], foretold });
  if (result.type === "refusal") return result;
  const willBe = idFrom(seen.response, result.foretold, { expression: foretells, spec });
  return willBe !== undefined && willBe !== externalID;
}

/**
 * What is declared with the id is held against the answer with the id that it has told first. Undefined: nothing is, or it was; an
 * expression that reads the id it yields is told once.
 */
function withToldID({ spec, externalID: known }: Context, scope: Scope, told: string): Scope | undefined {
  const { update, upToDate } = spec;
  const reads = needsExternalID(update?.body) || upToDate?.includes("externalID") === true;
  const isFirst = told !== scope.externalID && (scope.externalID ?? null) === (known ?? null);
  return reads && isFirst ? { ...scope, externalID: told } : undefined;
}

/** Whether an answer can show the object at all: that to HEAD, a 204 and a 205 have no content (RFC 9110, sections 9.3.2 and 15.3). */
function hasContent({ spec }: Context, { statusCode }: Response): boolean {
  return spec.observe?.method !== "HEAD" && statusCode !== 204 && statusCode !== 205;
}
/** What of the update's body the answer is held against; undefined: nothing is. */
function comparison(context: Context, isShown: boolean): BodyTemplate | undefined {
  const { update, upToDate } = context.spec;
  const { mergePatch, ...body } = update?.body ?? {};
  if (mergePatch !== undefined)
    return { type: "mergePatch", field: "spec.update.body.mergePatch", value: mergePatch, ...formerPlaces(context) };
  return Object.keys(body).length === 0 || upToDate !== undefined || !isShown
    ? undefined
    : bodyTemplate(body, "spec.update.body");
}
function partOf(update: HTTPResourceSpec["update"]): { readonly compared?: Located } {
  return update?.object === undefined ? {} : { compared: { field: "spec.update.object", text: update.object } };
}
/** How both sides are put through jq before they are compared. */
export function locateNormalise(
  compare: NonNullable<HTTPResourceSpec["compare"]>,
): { readonly path: string; readonly as: Located }[] {
  return compare.map(({ path, as }, index) => ({ path, as: { field: `spec.compare[${index}].as`, text: as } }));
}
