/** Places in JSON values, as conditions print them: `.a.b`, `["a key"]`, `[0]`, and `[]` for each item of a list. */
import { isRecord } from "./json.ts";

export type Place = readonly { readonly key: string | number; readonly isEach?: true }[];

/** Of the schema's pattern. */
export function parsePlace(text: string): Place {
  return [...text.matchAll(/\.([A-Za-z_][A-Za-z0-9_-]*)|\["([^"\\]+)"\]|\[(\d*)\]/g)].map(([, plain, quoted, index]) => {
    if (index === "") return { key: "each", isEach: true };
    return { key: index === undefined ? (plain ?? quoted ?? "") : Number(index) };
  });
}

/** Whether a path is at the place or below it. */
export function isWithin(path: readonly (string | number)[], place: Place): boolean {
  return (
    path.length >= place.length &&
    place.every(({ key, isEach }, index) => (isEach ? typeof path[index] === "number" : path[index] === key))
  );
}

/** The value with what is at the place replaced, in the order of the text; what is missing in an object counts as null. */
export function mapAt(value: unknown, place: Place, change: (value: unknown) => unknown): unknown {
  const [first, ...rest] = place;
  if (!first) return change(value);
  const { key, isEach } = first;
  if (Array.isArray(value))
    return value.map((item: unknown, index) => (isEach || index === key ? mapAt(item, rest, change) : item));
  if (!isRecord(value) || isEach || typeof key !== "string") return value;
  const changed = mapAt(Object.hasOwn(value, key) ? value[key] : null, rest, change);
  return Object.fromEntries([...Object.entries(value).filter(([name]) => name !== key), [key, changed]]);
}
/** What is at the place, in that order. */
export function valuesAt(value: unknown, place: Place): unknown[] {
  const found: unknown[] = [];
  mapAt(value, place, (one) => {
    found.push(one);
    return one;
  });
  return found;
}
