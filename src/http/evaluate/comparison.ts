/**
 * What update would send, rendered, and held against what an answer shows.
 *
 * Invariant: a value that comes of a secret is not compared, since servers hide, mask and hash those; and what cannot be held
 * against such an answer is said, so that nobody takes it for equal.
 */
import type { ScopeEvaluation } from "../../core/evaluation.ts";
import { differences, isComparedWhole } from "../../core/difference.ts";
import { placesOf } from "../../core/former-places.ts";
import type { Response } from "../../core/outcome.ts";
import type { EvaluationResult } from "../../core/plan.ts";
import { redact } from "../../core/redacted.ts";
import type { Located } from "../../core/request-template.ts";
import { after, type Eventual } from "../../core/tools/eventual.ts";
import { parseJSON } from "../../core/tools/json.ts";
import { mapAt, parsePlace, valuesAt, type Place } from "../../core/tools/json-place.ts";
import { templatesOf } from "../../core/templating.ts";
import { partOfTemplate } from "../render/compare.ts";
import { asTexts, observedSide, wantedSide, type Bytes, type Side } from "./sides.ts";
import { expressionsIn } from "../render/render.ts";
import { meterValues, type ValueOf } from "../render/values.ts";

type Compared = Pick<Extract<EvaluationResult, { type: "values" }>, "differences" | "foretold" | "isPartial" | "places">;
type ComparedScope = Pick<ScopeEvaluation, "scope" | "response">;
interface Asking {
  /** The values of expressions as JSON text, by their own text. Throws `RefusedError`. */
  readonly ask: (expressions: readonly Located[], seen: ComparedScope) => Eventual<ReadonlyMap<string, string>>;
  /** The same where each secret is asterisks; absent: nothing is secret. */
  readonly askMasked?: (expressions: readonly Located[], seen: ComparedScope) => Promise<ReadonlyMap<string, string>>;
  /** jq over a JSON text. Throws `RefusedError`. */
  readonly over: (document: string, expressions: readonly Located[]) => Promise<readonly unknown[]>;
  readonly bytes: Bytes;
}

/** Throws `RefusedError`. */
export async function compareBody(
  evaluation: ScopeEvaluation & { readonly response: Response },
  asking: Asking,
): Promise<Compared> {
  const { scope, response, compare, compared, foretold, ignore = [], digests = false } = evaluation;
  if (!compare) return {};
  const { ask, askMasked, bytes } = asking;

  const templates = templatesOf({ ...noRequest, body: compare });
  const expressions = expressionsIn(templates);
  const lookup = (values: ReadonlyMap<string, string>): ValueOf =>
    meterValues((expression) => values.get(expression) ?? "null", templates);
  const seen = { scope, response };
  const observed = observedSide(compare, scope, response);
  const sideOf = (values: ReadonlyMap<string, string>): Eventual<Side> => {
    const side = wantedSide(compare, { valueOf: lookup(values), bytes, ...(!compared && { observed }) });
    if (!compared || side.type !== "value") return side;
    return after(ask([compared], { scope: { ...scope, body: side.value }, response }), (part) => {
      const value = parseJSON(part.get(compared.text) ?? "null");
      const isOfTexts = compare.type === "form" && observed.type === "value";
      return {
        type: "value",
        value: isOfTexts ? asTexts(value, observed.value) : value,
        template: partOfTemplate(side.template, compared.text),
      };
    });
  };
  const wanting = after(ask(expressions, seen), sideOf);
  const wanted = wanting instanceof Promise ? await wanting : wanting;
  if (wanted.type === "opaque" || observed.type === "opaque") return { isPartial: true };
  const masked = askMasked ? await sideOf(await askMasked(expressions, seen)) : undefined;
  const maskedValue = masked?.type === "value" ? masked.value : null;
  const sides = [wanted.value, observed.value, ...(masked ? [maskedValue] : [])];
  const [a, b, c] = evaluation.normalise ? await normalise(sides, evaluation.normalise, asking) : sides;
  const exempt = { ignore: ignore.map(parsePlace), digests, masked: masked ? c : a };
  const told = differences(a, b, wanted.template, exempt);
  const places = compare.type === "mergePatch" ? placesInTheOpen(wanted, masked) : undefined;
  const isWhole = isComparedWhole(wanted.value, masked ? { masked: maskedValue } : {}) && ignore.length === 0;
  const id =
    foretold &&
    (await ask([foretold], { scope: { ...scope, object: wanted.value }, response: answerOf(response, wanted.value) }));
  return {
    differences: told,
    ...(!isWhole && { isPartial: true }),
    ...(places && { places }),
    ...(id && { foretold: parseJSON(id.get(foretold.text) ?? "null") }),
  };
}
/** Of a merge patch, where its names are no secrets. */
function placesInTheOpen(wanted: Side, masked: Side | undefined): readonly string[] | undefined {
  if (wanted.type !== "value") return undefined;
  const places = placesOf(wanted.declared);
  if (masked?.type !== "value" || !places) return places;
  const open = new Set(placesOf(masked.declared));
  return places.filter((place) => open.has(place));
}
const noRequest = {
  method: "",
  url: { type: "absolute", field: "", text: "" },
  query: [],
  headers: [],
  literalHeaders: [],
} as const;

/**
 * Each side with its values at certain places put through jq; what that fails on stays as it is, and nothing is null. Those that are
 * apart from each other go in together.
 */
async function normalise(
  sides: readonly unknown[],
  places: NonNullable<ScopeEvaluation["normalise"]>,
  { over }: Pick<Asking, "over">,
): Promise<readonly unknown[]> {
  let all = sides;
  for (const batch of apart(places.map(({ path, as }) => ({ place: parsePlace(path), as })))) {
    const document = batch.map(({ place }) => all.flatMap((side) => valuesAt(side, place)));
    const expressions = batch.map(({ as: { field, text } }, index) => ({
      field,
      text: `.[${index}] | map(. as $value | [try first((${text}\n\n)) catch $value] | first)`,
    }));
    const results = await over(JSON.stringify(document), expressions);
    for (const [index, { place }] of batch.entries()) {
      const left = (results[index] as unknown[]).values();
      all = all.map((side) => mapAt(side, place, () => left.next().value));
    }
  }
  return all;
}
interface At {
  readonly place: Place;
  readonly as: Located;
}
/** In their order, as few batches as it takes: no place is in one with another that is within it. */
function apart(all: readonly At[]): readonly (readonly At[])[] {
  const batches: At[][] = [];
  for (const one of all) {
    const last = batches.at(-1);
    if (last && last.every(({ place }) => !overlap(place, one.place))) last.push(one);
    else batches.push([one]);
  }
  return batches;
}
function overlap(a: Place, b: Place): boolean {
  const steps = Math.min(a.length, b.length);
  return a.slice(0, steps).every(({ key, isEach }, index) => {
    const other = b[index];
    const isIndex = (step: Place[number] | undefined): boolean => step?.isEach === true || typeof step?.key === "number";
    return isEach === true || other?.isEach === true ? isIndex(a[index]) && isIndex(other) : key === other?.key;
  });
}

/** As if the server had answered this. */
function answerOf(response: Response, body: unknown): Response {
  const headers = { ...response.headers, "content-type": "application/json" };
  return { ...response, sha256: response.sha256, headers, body: redact(JSON.stringify(body)) };
}
