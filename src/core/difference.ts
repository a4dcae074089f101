/**
 * What differs between what is wanted and what was observed, as JSON values.
 *
 * Invariant: what the observed side has beyond what is wanted is no difference, so nothing equals itself less.
 */
import { isRecord, sameJSON } from "./tools/json.ts";
import { isWithin, type Place } from "./tools/json-place.ts";
import { isFixed, jsonStep } from "./templating.ts";

/** One place that differs. `wanted`: short JSON text, where it holds nothing but what the spec says in the open. */
export interface Difference {
  readonly path: string;
  readonly wanted?: string;
}

type Key = string | number;
interface DifferingPlace {
  readonly path: readonly Key[];
  readonly wanted: unknown;
}
/** What is not compared. */
export interface Exempt {
  /** What is wanted, with each secret in it replaced: where this is another, the value comes of one. Absent: nothing does. */
  readonly masked?: unknown;
  readonly ignore?: readonly Place[];
}
const none: unique symbol = Symbol("nothing is masked");

/** A wanted null is as good as absent; a list has to have the same length, and its items are compared one by one. */
function* findDifferences(wanted: unknown, observed: unknown, path: readonly Key[]): Generator<DifferingPlace> {
  if (wanted === null || wanted === undefined) {
    if (observed !== null && observed !== undefined) yield { path, wanted: null };
  } else if (isRecord(wanted) && isRecord(observed)) {
    for (const [key, value] of Object.entries(wanted)) {
      yield* findDifferences(value, Object.hasOwn(observed, key) ? observed[key] : undefined, [...path, key]);
    }
  } else if (Array.isArray(wanted) && Array.isArray(observed) && wanted.length === observed.length) {
    for (const [index, value] of wanted.entries()) yield* findDifferences(value, observed[index], [...path, index]);
  } else if (isRecord(wanted) || Array.isArray(wanted) || !sameJSON(wanted, observed)) yield { path, wanted };
}

/** Whether something of a wanted value is compared: it is no secret's, and at no place that is ignored. */
function isCompared(wanted: unknown, masked: unknown, path: readonly Key[], ignore: readonly Place[]): boolean {
  if (ignore.some((place) => isWithin(path, place))) return false;
  const children: [Key, unknown][] = Array.isArray(wanted)
    ? wanted.map((item: unknown, index): [Key, unknown] => [index, item])
    : isRecord(wanted)
      ? Object.entries(wanted)
      : [];
  if (children.length === 0) return masked === none || sameJSON(wanted, masked);
  return children.some(([key, value]) => isCompared(value, at(masked, key), [...path, key], ignore));
}
function at(masked: unknown, key: Key): unknown {
  if (masked === none) return none;
  if (Array.isArray(masked)) return typeof key === "number" ? masked[key] : undefined;
  return isRecord(masked) && Object.hasOwn(masked, key) ? masked[key] : undefined;
}
/** Whether all of a wanted value is compared. */
export function isComparedWhole(wanted: unknown, { masked }: Exempt): boolean {
  return masked === undefined || sameJSON(wanted, masked);
}

/**
 * At most `limit` of them, for people. `template`: what `wanted` was rendered from. Below an expression that may see a
 * secret nothing is told but its place, for its keys are values too; nothing that was observed is ever told.
 */
export function differences(
  wanted: unknown,
  observed: unknown,
  template: unknown,
  { limit = 20, ignore = [], ...exempt }: Exempt & { readonly limit?: number } = {},
): Difference[] {
  const told = new Map<string, Difference>();
  const masked = "masked" in exempt ? exempt.masked : none;
  for (const one of findDifferences(wanted, observed, [])) {
    const its = one.path.reduce<unknown>(at, masked);
    if (!isCompared(one.wanted, its, one.path, ignore)) continue;
    const difference = describeDifference(one, template);
    told.set(difference.path, difference);
    if (told.size === limit) break;
  }
  return [...told.values()];
}

const longestWanted = 64;

function describeDifference({ path, wanted }: DifferingPlace, template: unknown): Difference {
  let node = template;
  let text = "";
  for (const [index, key] of path.entries()) {
    if (typeof node === "string") {
      const rest = path.slice(index).map((key) => jsonStep(key));
      return isOpen(node) ? { path: `${text}${rest.join("")}` || ".", ...showWanted(wanted) } : { path: text || "." };
    }
    text += jsonStep(key);
    node = typeof key === "number" && Array.isArray(node) ? node[key] : isRecord(node) ? node[key] : undefined;
  }
  return { path: text || ".", ...(everyStringIsOpen(node) && showWanted(wanted)) };
}
/** A text without expressions, or one that only reads what the object itself says. */
function isOpen(text: string): boolean {
  return isFixed({ text });
}
function everyStringIsOpen(node: unknown): boolean {
  if (typeof node === "string") return isOpen(node);
  return typeof node !== "object" || node === null || Object.values(node).every(everyStringIsOpen);
}
function showWanted(wanted: unknown): Pick<Difference, "wanted"> {
  const text = JSON.stringify(wanted) ?? "null";
  return text.length > longestWanted ? {} : { wanted: text };
}

/**
 * The JSON Merge Patch (RFC 7396) that makes `observed` contain `wanted`; undefined where it does already. A list is
 * replaced as a whole, since a patch cannot say less.
 */
export function mergePatch(wanted: unknown, observed: unknown): unknown {
  const [first] = findDifferences(wanted, observed, []);
  if (!first) return undefined;
  if (!isRecord(wanted) || !isRecord(observed)) return wanted;
  const entries = Object.entries(wanted).flatMap(([key, value]): [string, unknown][] => {
    const change = mergePatch(value, Object.hasOwn(observed, key) ? observed[key] : undefined);
    return change === undefined ? [] : [[key, change]];
  });
  return Object.fromEntries(entries);
}
