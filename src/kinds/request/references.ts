/**
 * Names that a spec's expressions use and that it does not declare, found before anything is read or sent. Pure.
 *
 * What only an answer, another object or a Secret has is not known here.
 */
import type { Expectation, Inputs, RequestShape } from "../../api/request.ts";
import type { Poll } from "../../api/poll.ts";
import { areFew, mayRead, mostRead } from "../../core/expression-reads.ts";
import { distinct, firstAbsence, firstMissing, neededPaths, open, type Known } from "../../core/missing-reference.ts";
import type { ReadPath } from "../../core/jq/read-path.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Located, RequestTemplate } from "../../core/request-template.ts";
import { expressionsOfText, templatesOf } from "../../core/templating.ts";
import { bodyTemplate } from "./body.ts";
import { dependencyExpressions } from "./dependencies.ts";
import { pollExpressions } from "./poll-expressions.ts";
import { expectedThat, locatePairs } from "./request.ts";

type Names = Readonly<Record<string, Known>>;

/** Expressions, and what they see, beside what all see. */
export interface Reading {
  readonly expressions: readonly Located[];
  readonly sees?: Names;
}

const names = (what: string, known: Names): Known => ({ type: "names", what, names: known });
const each = (all: string): Names => Object.fromEntries(all.split(" ").map((name) => [name, open]));

export const answer: Known = names("part of an answer", each("statusCode headers trailers body text base64 cookies"));
export const triggerEvent: Known = names("part of a trigger", {
  ...each("when kind name namespace uid reason message statusCode"),
  attempt: names("part of a run", each("id startedAt finishedAt tries")),
});
const metadata: Known = names("such field", each("name namespace uid labels annotations"));

/** Why a spec cannot be meant: the first name that is not declared. `common`: what all of them see, beside inputs and metadata. */
export function undeclaredRefusal(
  spec: Parameters<typeof dependencyExpressions>[0],
  common: Names,
  readings: readonly Reading[],
): Refusal | undefined {
  const shared = { inputs: declaredInputs(spec.inputs ?? {}), metadata, now: open, attemptID: open, ...common };
  const ofOthers = dependencyExpressions(spec);
  const all = [...ofOthers, ...readings.flatMap(({ expressions }) => expressions)];
  if (!areFew(all.map(({ text }) => text))) return tooMuch;
  const problem =
    firstMissing(ofOthers, names("part of an object", each("metadata spec status"))) ??
    first(readings, ({ expressions, sees }) => firstMissing(expressions, names("such name", { ...shared, ...sees })));
  return problem === undefined ? undefined : refusal(problem);
}
const tooMuch = refusal(
  `spec: its expressions are together longer than ${mostRead} characters, where alike ones count once and a function counts for each of its calls`,
);
function refusal(message: string): Refusal {
  return { type: "refusal", reason: "InvalidExpression", message, heals: false };
}
function refusalOf(field: string, problem: string | undefined): Refusal | undefined {
  return problem === undefined ? undefined : refusal(`${field}: ${problem}`);
}

/** Paths times items that are looked at; each item is looked at once more before it is sent. */
const mostLooks = 100_000;
/** The same of the items of a list that the spec has, of which `readings` see one each. */
export function undeclaredInItems(readings: readonly Reading[], items: readonly unknown[]): Refusal | undefined {
  const asked = distinct(readings.flatMap(({ expressions }) => expressions)).map(({ field, text }) => ({
    field,
    paths: neededPaths(text).filter(({ steps: [top] }) => top === "item"),
  }));
  const paths = asked.reduce((sum, one) => sum + one.paths.length, 0);
  const looked = items.slice(0, Math.floor(mostLooks / Math.max(paths, 1)));
  const documents = looked.map((value) => names("such name", { item: { type: "value", value } }));
  const ofOne = first(documents, (document) => first(asked, (one) => refusalOf(one.field, firstAbsence(one.paths, document))));
  return ofOne ?? (looked.length === items.length ? first(asked, (one) => inNone(one, documents)) : undefined);
}
/** What is only asked of, whether it is true, some items may lack, and not all. */
function inNone({ field, paths }: { readonly field: string; readonly paths: readonly ReadPath[] }, items: readonly Known[]) {
  return first(paths, ({ isTested, ...path }) => {
    if (!isTested || items.length === 0) return undefined;
    const problems = items.map((item) => firstAbsence([path], item));
    return problems.every((problem) => problem !== undefined)
      ? refusalOf(field, `in none of the items: ${problems[0]}`)
      : undefined;
  });
}
function first<T, R>(all: readonly T[], find: (one: T) => R | undefined): R | undefined {
  for (const one of all) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

function declaredInputs(inputs: Inputs): Known {
  const known = Object.entries(inputs).map(([name, input]): [string, Known] => [
    name,
    "value" in input ? { type: "value", value: input.value } : open,
  ]);
  return names("input", Object.fromEntries(known));
}

interface Shape extends Omit<RequestShape, "method"> {
  readonly expect?: Expectation;
  readonly poll?: Poll;
  readonly body?: RequestShape["body"] & { readonly mergePatch?: unknown };
}
/** What a request is made of, and what is asked of its answer. `field`: where it is written. */
export function requestReadings(shape: Shape | undefined, field: string, sees: Names = {}): readonly Reading[] {
  if (!shape) return [];
  const { url, path, query = [], headers = [], body, expect = { status: [] }, poll } = shape;
  const { mergePatch, ...content } = body ?? {};
  const target = url === undefined ? { field: `${field}.path`, text: path ?? "" } : { field: `${field}.url`, text: url };
  const template: RequestTemplate = {
    method: "",
    url: { type: "absolute", ...target },
    query: locatePairs(query, `${field}.query`),
    headers: locatePairs(headers, `${field}.headers`),
    literalHeaders: [],
    ...(mergePatch !== undefined
      ? { body: { type: "mergePatch", field: `${field}.body.mergePatch`, value: mergePatch } }
      : body && { body: bodyTemplate(content, `${field}.body`) }),
  };
  const ofPolls = pollExpressions(poll, `${field}.poll`);
  // What such a part of a poll's URL yields is kept in the status, so that it sees no inputs.
  const isKept = (one: Located): boolean => one.field.endsWith(".poll.url") && readsAnswer(one.text);
  const ofPoll = locatePairs(poll?.headers ?? [], `${field}.poll.headers`);
  return [
    { expressions: expressionsIn(templatesOf(template)), sees },
    {
      expressions: [
        ...expectedThat(expect, `${field}.expect`),
        ...ofPolls.filter((one) => !isKept(one)),
        ...expressionsIn(ofPoll),
      ],
      sees: { ...sees, response: answer },
    },
    { expressions: ofPolls.filter(isKept), sees: { ...sees, response: answer, inputs: names("input beside the answer", {}) } },
  ];
}
function expressionsIn(templates: readonly Located[]): Located[] {
  return templates.flatMap(({ field, text }) => expressionsOfText(text).map((expression) => ({ field, text: expression })));
}

function readsAnswer(expression: string): boolean {
  return mayRead(expression, (path) => path.split(".", 1)[0] === "response");
}
