/** A wanted body against what was observed: where it differs, and the patch that makes up for it. */
import { differences, mergePatch, type Difference } from "../../core/difference.ts";
import type { Response } from "../../core/outcome.ts";
import type { BodyTemplate, Located } from "../../core/request-template.ts";
import { parseJSON } from "../../core/tools/json.ts";
import { stringifyWith, stringsIn, wholeExpression } from "../../core/templating.ts";
import { refuse } from "../refusal.ts";
import { contentText, fillTemplate, partsOf, type ValueOf } from "./values.ts";

type JSONBody = Extract<BodyTemplate, { value: unknown }>;

/** The strings of a JSON body that may hold expressions. */
export function templatesOfJSON({ value, field }: JSONBody): Located[] {
  return stringsIn(value, field);
}

/** JSON text. Throws `RefusedError`. */
export function jsonBodyText({ value, field }: JSONBody, valueOf: ValueOf): string {
  const content = (expression: string): string => contentText(valueOf(expression));
  return stringifyWith(
    value,
    (text, field) => {
      const whole = wholeExpression(partsOf({ field, text }));
      return whole === undefined ? JSON.stringify(fillTemplate({ field, text }, content)) : valueOf(whole);
    },
    field,
  );
}

/** Where the response does not have what the body says. Throws `RefusedError` where it is no JSON. */
export function compareWithTemplate(body: JSONBody, response: Response, valueOf: ValueOf): readonly Difference[] {
  return differences(parseJSON(jsonBodyText(body, valueOf)), observed(body, response), body.value);
}

/** The text of a JSON Merge Patch. Throws `RefusedError`. */
export function mergePatchText(body: JSONBody, response: Response | undefined, valueOf: ValueOf): string {
  const wanted = parseJSON(jsonBodyText(body, valueOf));
  const patch = mergePatch(wanted, response ? observed(body, response) : {});
  return JSON.stringify(patch ?? {});
}

function observed({ field }: JSONBody, { body }: Response): unknown {
  try {
    return parseJSON(body.open().replace(/^\uFEFF/, ""));
  } catch {
    return refuse("ExpressionFailed", `${field}: what was observed is no JSON, so it cannot be held against this body`);
  }
}
