/** A path that a jq expression reads, and what else is known of that read. */
import { jsonStep } from "../templating.ts";
import type { Node } from "./syntax.ts";

/** A key or index; `fromjson`: into what the text there says; `each`: into every element of it. */
export type Step = string | number | typeof fromjson | typeof each;
export const fromjson = Symbol("fromjson");
export const each = Symbol("each");

export interface ReadPath {
  /** From the document's top. */
  readonly steps: readonly Step[];
  /** Whether the expression says what is to be where nothing is: `//`, `?`, a comparison with null, a condition about it. */
  readonly mayBeAbsent: boolean;
  /** All that is asked of it here is whether it is true: null and what is not there are false alike. */
  readonly isTested?: true;
}

/** Undefined: what was read has been told of, and what came of it is not a part of the document. */
export type Value = ReadPath | undefined;

export const isNull = (node: Node): boolean => node.type === "literal" && node.value === null;
export const asAbsent = (value: Value): Value => value && { ...value, mayBeAbsent: true };

/** A part of what a value is. */
export function below(value: Value, step: Step): Value {
  return value && { ...value, steps: [...value.steps, step] };
}

/** Of one item or input, and of the parameters, a condition on one field may tell which others are there. */
const describedTogether = new Set<Step | undefined>(["item", "parameters", "metadata"]);
function describeTogether(a: ReadPath["steps"], b: ReadPath["steps"]): boolean {
  if (a[0] !== b[0]) return false;
  return describedTogether.has(a[0]) || (a[0] === "inputs" && a[1] !== undefined && a[1] === b[1]);
}
/** What a condition has asked of, on the way there, may not be there. */
export function guarded(value: ReadPath, asked: readonly ReadPath[]): ReadPath {
  const isGuarded = asked.some(({ steps }) => {
    const shared = Math.min(steps.length, value.steps.length);
    if (describeTogether(steps, value.steps)) return true;
    return steps.slice(0, shared).every((step, place) => step === value.steps[place]);
  });
  return isGuarded ? { ...value, mayBeAbsent: true } : value;
}
/** Each that differs from those before it. */
export function eachOnce(paths: readonly ReadPath[]): readonly ReadPath[] {
  const known = new Map(paths.map((one) => [`${one.mayBeAbsent} ${one.isTested ?? false} ${pathText(one.steps)}`, one]));
  return [...known.values()];
}
/** As jq writes it, but for what is parsed. */
export function pathText(steps: readonly Step[]): string {
  return steps.map((step) => (step === fromjson ? "|fromjson" : step === each ? "[]" : jsonStep(step))).join("");
}
export function isSamePath(a: ReadPath, b: ReadPath): boolean {
  return a.steps.length === b.steps.length && a.steps.every((step, place) => step === b.steps[place]);
}
