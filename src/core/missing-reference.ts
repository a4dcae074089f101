/**
 * What an expression names and is not there: jq would yield null for it, and that would be sent.
 *
 * Where an expression says what is to be then (`//`, `?`, a comparison with null, a condition), nothing is missing. What it only asks
 * whether it is true may be missing as in jq, below a name that has to be declared.
 */
import { costOf, pathsReadBy } from "./jq/paths.ts";
import { each, fromjson, pathText, type ReadPath, type Step } from "./jq/read-path.ts";
import type { Located } from "./request-template.ts";
import { oncePerText } from "./tools/once-per.ts";

/** What is known of a part of the document before expressions are evaluated. */
export type Known =
  /** Nothing: whatever is named of it may be there. */
  | { readonly type: "open" }
  /** All names that it can have, but with `isOpen`. `what`: what one of them is called in a message. */
  | {
      readonly type: "names";
      readonly what: string;
      readonly names: Readonly<Record<string, Known>>;
      readonly isOpen?: true;
    }
  /** A JSON value. */
  | { readonly type: "value"; readonly value: unknown }
  /** Each of these, of which some may lack what others have. */
  | { readonly type: "elements"; readonly values: readonly unknown[] };

export const open: Known = { type: "open" };

/** Names that a message lists at most. */
const mostListed = 8;

/** For a message, with the field: what one of the expressions names, and is not there. Those that are alike are looked at once. */
export function firstMissing(expressions: readonly Located[], document: Known): string | undefined {
  for (const { field, text } of distinct(expressions)) {
    const problem = missingReference(text, document);
    if (problem !== undefined) return `${field}: ${problem}`;
  }
  return undefined;
}
/** The first of those that are alike. */
export function distinct(expressions: readonly Located[]): readonly Located[] {
  return [...Map.groupBy(expressions, ({ text }) => text).values()].flatMap(([one]) => one ?? []);
}

/** For a message, without the field: what of the document is named, and not there. */
export function missingReference(expression: string, document: Known): string | undefined {
  return firstAbsence(neededPaths(expression), document);
}

/** What an expression cannot do without, each path once: what many documents are held against is read once. */
export const neededPaths = oncePerText(
  (expression): readonly ReadPath[] => (pathsReadBy(expression) ?? []).filter(({ mayBeAbsent }) => !mayBeAbsent),
  { longest: Infinity, costOf: (_paths, expression) => costOf(expression) },
);

/** As `missingReference`. */
export function firstAbsence(paths: readonly ReadPath[], document: Known): string | undefined {
  for (const path of paths) {
    const problem = absenceOf(path, document);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function absenceOf({ steps, isTested }: ReadPath, document: Known): string | undefined {
  let known = document;
  for (const [place, step] of steps.entries()) {
    const next = below(known, step);
    if (next) {
      known = next;
      continue;
    }
    const path = pathText(steps.slice(0, place + 1));
    const isName = known.type === "names" || (place === 1 && steps[0] === "parameters");
    if (isTested && !isName) return undefined;
    if (known.type !== "names") return `${path} is not there, and would be null; where that is meant, write ${path}?`;
    const names = Object.keys(known.names);
    const listed = names.length === 0 ? "none is declared" : `there are ${names.slice(0, mostListed).join(", ")}`;
    return `${path}: there is no ${known.what} ${JSON.stringify(step)}; ${listed}${names.length > mostListed ? ", and others" : ""}`;
  }
  return undefined;
}

/** Undefined: it is not there. What jq itself refuses, such as an index of a text, is left to it. */
function below(known: Known, step: Step): Known | undefined {
  if (known.type === "open") return open;
  if (known.type === "names") {
    const { names, isOpen } = known;
    if (typeof step !== "string") return open;
    return Object.hasOwn(names, step) ? names[step] : isOpen && open;
  }
  return known.type === "elements" ? belowEach(known.values, step) : belowValue(known.value, step);
}

/** Elements of a list that are looked at: what many expressions name of a long one would be looked for in each of them. */
const mostElements = 100;
/** Of a list where they are few enough, and of an object's values. */
function elementsOf(value: unknown): Known {
  const values: readonly unknown[] = typeof value === "object" && value !== null ? Object.values(value) : [];
  return values.length === 0 || values.length > mostElements ? open : { type: "elements", values };
}
/** What one of them has is there. */
function belowEach(values: readonly unknown[], step: Step): Known | undefined {
  if (step === fromjson) return open;
  const below: unknown[] = [];
  let isThere = false;
  for (const value of values) {
    const one = belowValue(value, step);
    if (one?.type === "value") below.push(one.value);
    else if (one?.type === "elements") below.push(...one.values);
    else if (one) return open;
    if (below.length > mostElements) return open;
    isThere ||= one !== undefined;
  }
  return isThere ? { type: "elements", values: below } : undefined;
}

function belowValue(value: unknown, step: Step): Known | undefined {
  if (step === fromjson) return parseText(value);
  if (step === each) return elementsOf(value);
  if (value === null) return undefined;
  if (typeof value !== "object") return open;
  if (Array.isArray(value) !== (typeof step === "number")) return open;
  const key = typeof step === "number" && step < 0 ? (value as readonly unknown[]).length + step : step;
  return Object.hasOwn(value, key)
    ? { type: "value", value: (value as Readonly<Record<string | number, unknown>>)[key] }
    : undefined;
}

function parseText(value: unknown): Known {
  if (typeof value !== "string") return open;
  try {
    return { type: "value", value: JSON.parse(value) as unknown };
  } catch {
    return open; // jq says what is wrong with it
  }
}
