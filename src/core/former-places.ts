/**
 * Places that a merge patch has delivered, so that what is declared there no more can be taken away again.
 *
 * Invariant: nothing is taken away but at a place that was delivered, where nothing is declared now and something is observed.
 */
import { jsonStep } from "./templating.ts";
import { isRecord } from "./tools/json.ts";
import { parsePlace, type Place } from "./tools/json-place.ts";

/** As JSON, in a status. */
const longestInAll = 2048;

/** Each place with a value that is no object with fields, as text; undefined: the status has no room for them. */
export function placesOf(value: unknown): readonly string[] | undefined {
  const found: string[] = [];
  let length = 2;
  for (const text of leaves(value, "")) {
    length += JSON.stringify(text).length + 1;
    if (length > longestInAll) return undefined;
    if (isReadable(text)) found.push(text);
  }
  return found;
}
function* leaves(value: unknown, path: string): Generator<string> {
  const fields = isRecord(value) ? Object.entries(value) : [];
  if (fields.length === 0 && path !== "" && value !== null) yield path;
  for (const [key, child] of fields) yield* leaves(child, path + jsonStep(key));
}
/** A name with quotes in it is not remembered. */
function isReadable(text: string): boolean {
  return text === parsePlace(text).reduce((path, { key }) => path + jsonStep(key), "");
}

/** What is wanted, with null at each of the former places where nothing is wanted now, and something is observed. */
export function withoutFormer(wanted: unknown, observed: unknown, former: readonly string[]): unknown {
  return former.map(parsePlace).reduce((value, place) => nullAt(value, observed, place), wanted);
}
function nullAt(wanted: unknown, observed: unknown, [first, ...rest]: Place): unknown {
  const { key } = first ?? {};
  if (typeof key !== "string" || !isRecord(wanted) || !isRecord(observed) || !Object.hasOwn(observed, key)) return wanted;
  const [own, seen] = [Object.hasOwn(wanted, key) ? wanted[key] : undefined, observed[key]];
  if (seen === null) return wanted;
  if (rest.length === 0) return own === undefined ? withField(wanted, key, null) : wanted;
  const below = nullAt(own === undefined ? {} : own, seen, rest);
  const isEmpty = own === undefined && isRecord(below) && Object.keys(below).length === 0;
  return isEmpty || below === own ? wanted : withField(wanted, key, below);
}
function withField(fields: object, key: string, value: unknown): object {
  return Object.fromEntries([...Object.entries(fields).filter(([name]) => name !== key), [key, value]]);
}
