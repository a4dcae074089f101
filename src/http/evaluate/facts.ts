/**
 * Facts of an answer that a status is to show.
 *
 * Invariant: what leaves this file holds no secret that the object sends, with whichever of its requests, and none that outputs keep.
 */
import { longestFact, type ScopeEvaluation } from "../../core/evaluation.ts";
import { createMask } from "../../core/mask-secrets.ts";
import type { Fact } from "../../core/plan.ts";
import type { Located } from "../../core/request-template.ts";
import { isRecord, parseJSON } from "../../core/tools/json.ts";
import { stringsIn } from "../../core/templating.ts";

/** Texts that outputs keep secret: where there are more, what holds one cannot be told. */
const mostWithheld = 512;

type Asking = Pick<ScopeEvaluation, "published" | "response">;

/** As they are evaluated: a fact that fails is no reason to know nothing else. Each yields a list of one value, none, or false. */
export function factExpressions({ published }: Asking): Located[] {
  const { facts = [], withheld = [] } = published ?? {};
  return [...facts, ...withheld].map(({ field, text }) => ({ field, text: `try [first((${text}\n\n))] catch false` }));
}

/** `json`: what `factExpressions` yielded, in their order. `readsSecret`: whether an expression reads one, or may. */
export function factsOf(
  { published, response }: Asking,
  json: readonly string[],
  readsSecret: (expression: string) => boolean,
): { readonly published?: readonly Fact[] } {
  if (!published) return {};
  const { facts } = published;
  const kept = json.slice(facts.length).flatMap((text) => textsOf(text === "false" ? null : parseJSON(text)));
  const outputs = createMask(() => ({ kept, derived: [] }));
  const isOpen = (text: string): boolean =>
    kept.length <= mostWithheld && (response?.shown.isOpen(text) ?? true) && outputs.isOpen(text);
  const factOf = (expression: string, text: string): Fact => {
    if (text === "false") return { type: "failed" };
    if (readsSecret(expression)) return { type: "secret" };
    if (Buffer.byteLength(text) - "[]".length > longestFact) return { type: "tooLong" };
    const [value = null] = parseJSON(text) as readonly unknown[];
    if (value === null) return { type: "value", value }; // it says nothing
    if (isOpen([...new Set([toText(value), ...textsOf(value)])].join("\n"))) return { type: "value", value: settle(value) };
    return { type: response?.shown.isUncertain === true ? "uncertain" : "secret" };
  };
  return { published: facts.map(({ text }, index) => factOf(text, json[index] ?? "false")) };
}

/** All that stands in it as text, and itself where it is a number. */
function textsOf(value: unknown): string[] {
  const own =
    isRecord(value) || Array.isArray(value) || value === null ? [] : [typeof value === "string" ? value : toText(value)];
  return [...own, ...stringsIn(value, "").map(({ text }) => text)];
}
function toText(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

/** As whoever keeps it will read it again, so that the same is no change: an exact integer is its digits. */
function settle(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(settle);
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key.toWellFormed(), settle(one)]));
  return typeof value === "object" && value !== null ? toText(value) : value;
}
