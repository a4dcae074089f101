/**
 * Expressions without jq, where that is certain.
 *
 * Invariant: what is answered here is what jq answers, to the byte; jq is asked for all else, and words each error. An evaluation
 * costs the event loop a bounded time, whatever expression and document are.
 */
import type { JSONDocument, JSONText } from "../../core/json-document.ts";
import { oncePer, oncePerText } from "../../core/tools/once-per.ts";
import { compile } from "./compile.ts";
import type { Filter } from "./filter.ts";
import { parse } from "./parser.ts";
import { UnsupportedError } from "./syntax.ts";
import { FailedError, GiveUpError, isFields, longestDocument, Meter, parseDocument, toJSON, type Value } from "./values.ts";

const longestExpression = 2_000;
/** For all expressions of one document. A step is some 50 ns, and 300 at most. */
const mostSteps = 50_000;

export interface NativeExpressions {
  /** Whether it is in the part of jq's language that is known here; jq would compile it, too. */
  knows(expression: string): boolean;
  /** As `Evaluator` has them. `undefined`: jq is to be asked. */
  evaluate(document: JSONDocument, expressions: readonly string[]): readonly string[] | undefined;
}

/** Keeps what it has compiled. */
export function createNativeExpressions(): NativeExpressions {
  const filterOf = oncePerText(compileText, { longest: longestExpression });

  return {
    knows: (expression) => filterOf(expression) !== undefined,
    evaluate(document, expressions) {
      const filters: Filter[] = [];
      for (const expression of expressions) {
        const filter = filterOf(expression);
        if (!filter) return undefined;
        filters.push(filter);
      }
      const read = readDocument(document);
      return read && run(filters, read.value);
    },
  };
}

function readDocument(document: JSONDocument): ReturnType<typeof parseDocument> {
  if (typeof document === "string") return parseDocument(document);
  const { own, last } = document;
  if (own.text.length + (last?.value.text.length ?? 0) > longestDocument) return undefined;
  const others = readOnce(own);
  if (!last || !others) return others;
  const read = readOnce(last.value);
  return read && isFields(others.value) ? { value: { ...others.value, [last.field]: read.value } } : undefined;
}
const readOnce = oncePer(({ text }: JSONText) => parseDocument(text));

function compileText(expression: string): Filter | undefined {
  if (expression.length > longestExpression) return undefined;
  try {
    return compile(parse(expression));
  } catch (error) {
    if (error instanceof UnsupportedError || error instanceof RangeError) return undefined; // RangeError: the stack's end
    throw error;
  }
}

function run(filters: readonly Filter[], document: Value): readonly string[] | undefined {
  const meter = new Meter(mostSteps);
  try {
    return filters.map((filter) => toJSON(firstOutput(filter, document, meter), meter));
  } catch (error) {
    if (error instanceof GiveUpError || error instanceof FailedError || error instanceof RangeError) return undefined;
    throw error;
  }
}
function firstOutput(filter: Filter, input: Value, meter: Meter): Value {
  let found: Value = null;
  filter(input, { meter }, (output) => {
    found = output;
    return true;
  });
  return found;
}
