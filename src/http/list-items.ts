/** The items of a list that an expression yields, each as JSON text. */
import { maxForEachItems } from "../api/for-each.ts";
import { sealed, type Sealed } from "../core/sealed.ts";
import { parseJSON } from "../core/json.ts";
import { stringifyWith } from "../core/templating.ts";
import { refuse } from "./refusal.ts";

/** `json`: what it yields. `field`: where it is written. Numbers stay as they were. Throws `RefusedError`. */
export function listItems(field: string, json: string): readonly Sealed<string>[] {
  const value = parseJSON(json);
  if (!Array.isArray(value)) return refuse("ExpressionFailed", `${field}: the expression yields no list`);
  if (value.length > maxForEachItems)
    return refuse("TooManyItems", `${field}: the expression yields ${value.length} items; at most ${maxForEachItems} are sent`);
  return value.map((item: unknown) => sealed(stringifyWith(item, (text) => JSON.stringify(text))));
}
