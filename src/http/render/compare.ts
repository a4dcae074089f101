/** A wanted body against what was observed: where it differs, and the patch that makes up for it. */
import { mergePatch } from "../../core/difference.ts";
import { withoutFormer } from "../../core/former-places.ts";
import type { Response } from "../../core/outcome.ts";
import type { BodyTemplate, Located } from "../../core/request-template.ts";
import type { Scope } from "../../core/evaluation.ts";
import { isRecord, parseJSON } from "../../core/tools/json.ts";
import { mapAt, parsePlace, valuesAt, type Place } from "../../core/tools/json-place.ts";
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

/** What of a body's template a plain path of `.body` leads to. Of anything else nothing may be told. */
export function partOfTemplate(template: unknown, path: string): unknown {
  const match = /^\.body((?:\.[A-Za-z_][A-Za-z0-9_]*|\[\d+\])*)$/.exec(path.trim());
  if (!match) return closedTemplate;
  let part = template;
  for (const [, key, index] of (match[1] ?? "").matchAll(/\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]/g))
    part = Array.isArray(part) ? part[Number(index)] : isRecord(part) ? part[key ?? ""] : closedTemplate;
  return part;
}
/** An expression that may see anything. */
export const closedTemplate = "${ . }";

/** The text of a JSON Merge Patch. Throws `RefusedError`. */
export function mergePatchText(
  body: Extract<BodyTemplate, { type: "mergePatch" }>,
  seen: Pick<SeenObject, "scope" | "response"> | undefined,
  valueOf: ValueOf,
): string {
  const observed = seen?.response ? parseObserved(body, seen.scope, seen.response) : {};
  const declared = parseJSON(jsonBodyText(body, valueOf));
  const kept = (body.same ?? []).map(parsePlace).reduce((value, place) => asObserved(value, observed, place), declared);
  const wanted = withoutFormer(kept, observed, body.former ?? []);
  return JSON.stringify(mergePatch(wanted, observed) ?? {});
}
/** With what is observed at a place, where both have something. */
function asObserved(declared: unknown, observed: unknown, place: Place): unknown {
  if (place.length === 0) return declared;
  const [seen = null] = valuesAt(observed, place);
  const [own = null] = valuesAt(declared, place);
  return seen === null || own === null ? declared : mapAt(declared, place, () => seen);
}
interface SeenObject {
  readonly scope: Pick<Scope, "object">;
  readonly response?: Response | undefined;
}

/** The object that an answer shows. Throws `RefusedError` where that is no JSON. */
export function parseObserved({ field }: JSONBody, { object }: Pick<Scope, "object">, { body }: Response): unknown {
  if (object !== undefined) return object;
  try {
    return parseJSON(body.open().replace(/^\uFEFF/, ""));
  } catch {
    return refuse("ExpressionFailed", `${field}: what was observed is no JSON, so it cannot be held against this body`);
  }
}
