/** Names that can only be looked for once what a request refers to has been read. */
import type { Scope } from "../../core/evaluation.ts";
import { firstMissing, neededPaths, type Known } from "../../core/missing-reference.ts";
import { parseJSON } from "../../core/tools/json.ts";
import type { Located } from "../../core/request-template.ts";
import type { Inputs } from "../resolve/inputs.ts";
import { refuse } from "../refusal.ts";

/** Throws `RefusedError` where something is named that is not there, and would be sent as null. */
export function checkReferences(expressions: readonly Located[], scope: Scope, inputs: Inputs): void {
  if (!expressions.some(({ text }) => neededPaths(text).some(({ steps: [top] }) => declared.has(top)))) return;
  const { metadata, parameters, item } = scope;
  const { labels = {}, annotations = {}, ...identity } = metadata;
  const readsItem = item && expressions.some(({ text }) => text.includes("item"));
  const document: Known = {
    type: "names",
    isOpen: true,
    what: "such name",
    names: {
      inputs: known(Object.fromEntries([...inputs].map(([name, { value }]) => [name, value]))),
      metadata: known({ ...identity, labels, annotations }),
      ...(parameters !== undefined && { parameters: known(parameters) }),
      ...(readsItem && { item: known(parseJSON(item.json.open())) }),
    },
  };
  const problem = firstMissing(expressions, document);
  if (problem !== undefined) refuse("ExpressionFailed", problem);
}

/** What of the document is known beforehand: of all else nothing can be missing. */
const declared: ReadonlySet<unknown> = new Set(["inputs", "metadata", "parameters", "item"]);

function known(value: unknown): Known {
  return { type: "value", value };
}
