/** What is shown of a request's expressions: no value here was made of a secret. */
import type { Exchange } from "../../core/exchange.ts";
import type { Evaluator } from "../../core/ports.ts";
import type { Batch } from "./batch.ts";
import { documentText } from "./document.ts";
import { maskInputs, maskedScope, type Inputs } from "../resolve/inputs.ts";
import { expressionsOf } from "../render/render.ts";

/** The values as they are when secrets are asterisks; an expression that cannot do with those is asterisks itself. */
export async function maskValues(
  evaluator: Evaluator,
  { request, scope }: Exchange,
  inputs: Inputs,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const document = documentText(maskedScope(scope, inputs), maskInputs(inputs));
  return maskedValuesOf(evaluator, { document, expressions: expressionsOf(request), group: scope.metadata.namespace }, signal);
}

/** The same over a document that is masked already. */
export async function maskedValuesOf(
  evaluator: Evaluator,
  { document, expressions, group }: Pick<Batch, "document" | "expressions" | "group">,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const values = new Map(expressions.map(({ text }) => [text, '"***"']));
  const left = [...values.keys()];
  while (left.length > 0) {
    const evaluated = await evaluator.evaluate(document, left, signal, group);
    if (evaluated.type !== "values") left.splice(evaluated.index ?? 0, evaluated.index === undefined ? left.length : 1);
    else for (const [index, text] of left.splice(0).entries()) values.set(text, evaluated.json[index] ?? "null");
  }
  return values;
}
