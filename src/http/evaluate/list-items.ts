/** The items of a list that an expression yields, each as JSON text. */
import { maxForEachItems } from "../../api/for-each.ts";
import { redact, type Redacted } from "../../core/redacted.ts";
import { digest } from "../../core/tools/digest.ts";
import { parseJSON } from "../../core/tools/json.ts";
import { stringifyWith } from "../../core/templating.ts";
import { refuse } from "../refusal.ts";

interface ListItems {
  readonly items: readonly Redacted<string>[];
  /** Only of a list that is open: who can read a digest can try guesses on it. */
  readonly digests?: readonly string[];
}

/**
 * `json`: what it yields. `field`: where it is written. `open`: no Secret had a part in it. Numbers stay as they were.
 * Throws `RefusedError`.
 */
export function listItems(field: string, json: string, open: boolean): ListItems {
  const value = parseJSON(json);
  if (!Array.isArray(value)) return refuse("ExpressionFailed", `${field}: the expression yields no list`);
  if (value.length > maxForEachItems)
    return refuse("TooManyItems", `${field}: the expression yields ${value.length} items; at most ${maxForEachItems} are sent`);
  const texts = value.map((item: unknown) => stringifyWith(item, (text) => JSON.stringify(text)));
  return { items: texts.map(redact), ...(open && { digests: texts.map(digest) }) };
}
