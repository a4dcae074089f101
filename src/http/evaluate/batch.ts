/** Expressions in one batch, and what went wrong with them as refusals that name the field. */
import type { JSONDocument } from "../../core/json-document.ts";
import type { Located } from "../../core/request-template.ts";
import type { Evaluated, Evaluator } from "../../core/ports.ts";
import { parseTemplate, wholeExpression } from "../../core/templating.ts";
import { after, type Eventual } from "../../core/tools/eventual.ts";
import { shapeOfError } from "./jq-errors.ts";
import { excerpt, refuse, refuseForNow } from "../refusal.ts";

export interface Batch {
  readonly document: JSONDocument;
  readonly expressions: readonly Located[];
  /** Whether jq's error may be shown as it is: the document holds neither a secret nor a response. */
  readonly open: boolean;
  /** Whose turn it takes: a namespace. */
  readonly group: string;
}

/** JSON texts in the order of the expressions. Throws `RefusedError`, or rejects with one. */
export function evaluateAll(evaluator: Evaluator, batch: Batch, signal: AbortSignal): Eventual<readonly string[]> {
  const texts = batch.expressions.map(({ text }) => text);
  return after(evaluator.evaluate(batch.document, texts, signal, batch.group), (evaluated) =>
    evaluated.type === "values" ? evaluated.json : refuseEvaluated(evaluated, batch),
  );
}

/** Finds expressions that do not compile. Throws `RefusedError`, or rejects with one; where the time was not enough, one that heals. */
export function compileAll(
  evaluator: Evaluator,
  { expressions, group }: Pick<Batch, "expressions" | "group">,
  signal: AbortSignal,
): Eventual<void> {
  const texts = expressions.map(({ text }) => text);
  return after(evaluator.compile(texts, signal, group), (refused) => {
    if (refused?.type === "timeout" || refused?.type === "starved") {
      const field = expressions[refused.index ?? -1]?.field ?? "an expression";
      refuseForNow("ExpressionTimeout", `${field}: not compiled in time, since the machine is busy; it is tried again`);
    }
    if (refused) refuseEvaluated(refused, { expressions, open: false });
  });
}

/** What is jq as a whole, written as an expression within a text is. */
function isTemplate(text: string): boolean {
  const template = parseTemplate(text.trim());
  return template.type === "template" && wholeExpression(template.parts) !== undefined;
}

type Failed = Exclude<Evaluated, { type: "values" }>;

function refuseEvaluated(failed: Failed, { expressions, open }: Pick<Batch, "expressions" | "open">): never {
  const at = expressions[failed.index ?? -1] ?? (expressions.length === 1 ? expressions[0] : undefined);
  const field = at?.field ?? [...new Set(expressions.map(({ field }) => field))].slice(0, 5).join(", ");
  const quoted = at ? `, in ${excerpt(at.text)}` : "";
  switch (failed.type) {
    case "invalid":
      if (at && isTemplate(at.text))
        refuse("InvalidExpression", `${field}: this field is jq itself: write it without \${ }${quoted}`);
      refuse("InvalidExpression", `${field}: not valid jq: ${failed.message}${quoted}`);
    case "failed":
      refuse("ExpressionFailed", `${field}: ${open ? failed.message : shapeOfError(failed.message)}${quoted}`);
    case "timeout":
      refuse("ExpressionTimeout", `${field}: the expression does not end in time${quoted}`);
    case "starved":
      refuseForNow("ExpressionTimeout", `${field}: not evaluated, since the machine is too busy; it is tried again`);
    case "outOfMemory":
      refuse("ExpressionOutOfMemory", `${field}: the expression needs too much memory${quoted}`);
  }
}
