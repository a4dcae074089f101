/** The two sides of a comparison: what a body says, and what an answer shows, each in a form in which they can be held together. */
import type { Scope } from "../../core/evaluation.ts";
import { withoutFormer } from "../../core/former-places.ts";
import type { Response } from "../../core/outcome.ts";
import type { BodyTemplate } from "../../core/request-template.ts";
import { isRecord, parseJSON, sameJSON } from "../../core/tools/json.ts";
import { refuse } from "../refusal.ts";
import { closedTemplate, jsonBodyText } from "../render/compare.ts";
import { contentText, fillTemplate, type ValueOf } from "../render/values.ts";
import { jsonOf, jsonText } from "../send/content.ts";

/** One of two values that are compared; `opaque`: it cannot be. `template`: what it was rendered from; `declared`: of a merge patch, what that says by itself. */
export type Side =
  | { readonly type: "value"; readonly value: unknown; readonly declared?: unknown; readonly template: unknown }
  | { readonly type: "text"; readonly value: string; readonly template: unknown }
  | { readonly type: "opaque" };
export type Bytes = ReadonlyMap<string, { readonly bytes: Uint8Array; readonly secret: boolean }>;

const opaque: Side = { type: "opaque" };

/** What an answer shows, as a JSON value or as text. */
export function observedSide(body: BodyTemplate, { object }: Pick<Scope, "object">, response: Response): Side {
  if (object !== undefined) return { type: "value", value: object, template: undefined };
  const json = jsonOf(response);
  if (json) return { type: "value", value: json.value ?? parseJSON(json.text), template: undefined };
  if (body.type === "json" || body.type === "mergePatch")
    refuse("ExpressionFailed", `${body.field}: what was observed is no JSON, so it cannot be held against this body`);
  return response.undecodable ? opaque : { type: "text", value: response.body.open(), template: undefined };
}

interface Rendering {
  readonly valueOf: ValueOf;
  readonly bytes: Bytes;
  /** Absent: something is looked for in the body first, whatever was observed. */
  readonly observed?: Side;
}
/** What a body says, in the form in which it can be held against what was observed. Throws `RefusedError`. */
export function wantedSide(body: BodyTemplate, { valueOf, bytes, observed }: Rendering): Side {
  const content = (expression: string): string => contentText(valueOf(expression));
  switch (body.type) {
    case "json":
      return { type: "value", value: parseJSON(jsonBodyText(body, valueOf)), template: body.value };
    case "mergePatch": {
      const value = parseJSON(jsonBodyText(body, valueOf));
      const seen = observed?.type === "value" ? observed.value : undefined;
      return { type: "value", value: withoutFormer(value, seen, body.former ?? []), declared: value, template: body.value };
    }
    case "form": {
      if (observed && observed.type !== "value") return opaque;
      const texts = body.fields.map(({ name, text, field }) => ({ name, text, value: fillTemplate({ field, text }, content) }));
      const names = [...new Set(texts.map(({ name }) => name))];
      const object = (of: "text" | "value"): object =>
        Object.fromEntries(
          names.map((name) => {
            const all = texts.filter((one) => one.name === name).map((one) => one[of]);
            return [name, all.length === 1 ? all[0] : all];
          }),
        );
      return { type: "value", value: asTexts(object("value"), observed?.value), template: object("text") };
    }
    case "text":
      return textSide(fillTemplate(body, content), body.text, observed);
    case "bytes": {
      const found = bytes.get(body.source.field);
      if (!found || found.secret) return opaque;
      const text = decodeText(found.bytes);
      return text === undefined ? opaque : textSide(text, text, observed);
    }
    case "multipart":
      return opaque;
  }
}
/**
 * Text is held against text, also one that `observe.object` has found or that a number prints as, and as JSON where both are an
 * object or list.
 */
function textSide(text: string, template: string, observed?: Side): Side {
  const seen = observed === undefined || observed.type === "opaque" ? undefined : observed.value;
  if (typeof seen === "string") return { type: "value", value: isSameText(text, seen) ? seen : text, template };
  if (typeof seen === "number" || typeof seen === "boolean")
    return { type: "value", value: String(seen) === text ? seen : text, template };
  const json = jsonText(text, undefined);
  if (json !== undefined) return { type: "value", value: parseJSON(json), template: closedTemplate };
  return observed ? opaque : { type: "value", value: text, template: closedTemplate };
}
function isSameText(one: string, other: string): boolean {
  const [a, b] = [jsonText(one, undefined), jsonText(other, undefined)];
  return one === other || (a !== undefined && b !== undefined && sameJSON(parseJSON(a), parseJSON(b)));
}
/** A form has texts only: a number or boolean that was observed is compared by its text. Nothing below `levels`. */
export function asTexts(wanted: unknown, observed: unknown, levels = 32): unknown {
  if (typeof observed === "number" || typeof observed === "boolean") return String(observed) === wanted ? observed : wanted;
  if (levels === 0) return wanted;
  const below = (value: unknown, seen: unknown): unknown => asTexts(value, seen, levels - 1);
  if (Array.isArray(wanted) && Array.isArray(observed))
    return wanted.map((value: unknown, index) => below(value, observed[index]));
  if (!isRecord(wanted) || !isRecord(observed)) return wanted;
  return Object.fromEntries(
    Object.entries(wanted).map(([name, value]) => [
      name,
      below(value, Object.hasOwn(observed, name) ? observed[name] : undefined),
    ]),
  );
}
function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined; // it is no text
  }
}
