/**
 * What differs between what is wanted and what was observed, as JSON values.
 *
 * Invariant: what the observed side has beyond what is wanted is no difference.
 */
import { digest } from "./tools/digest.ts";
import { isRecord, sameJSON } from "./tools/json.ts";
import { isWithin, type Place } from "./tools/json-place.ts";
import { mayRead } from "./expression-reads.ts";
import { expressionsOfText, isFixed, jsonStep } from "./templating.ts";

/** One place that differs. `wanted`: short JSON text, where it holds nothing but what the spec says in the open. */
export interface Difference {
  readonly path: string;
  /** Of what is wanted there, with each secret in it replaced: 64 bits of SHA-256. */
  readonly digest?: string;
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

/**
 * A wanted null is as good as absent; a list has to have the same length, and its items are compared one by one. `visit` says
 * whether to go on, and must not keep the path: it is the same list each time, so that depth costs nothing for each value.
 */
function visitDifferences(
  wanted: unknown,
  observed: unknown,
  visit: (found: DifferingPlace) => boolean,
  path: Key[] = [],
): boolean {
  if (wanted === null || wanted === undefined)
    return observed === null || observed === undefined || visit({ path, wanted: null });
  const isObject = isRecord(wanted) && isRecord(observed);
  if (!isObject && !(Array.isArray(wanted) && Array.isArray(observed) && wanted.length === observed.length))
    return (!isRecord(wanted) && !Array.isArray(wanted) && sameJSON(wanted, observed)) || visit({ path, wanted });
  for (const [key, value] of isObject ? Object.entries(wanted) : (wanted as readonly unknown[]).entries()) {
    const seen = Object.hasOwn(observed, key) ? (observed as Readonly<Record<Key, unknown>>)[key] : undefined;
    path.push(key);
    const goesOn = visitDifferences(value, seen, visit, path);
    path.pop();
    if (!goesOn) return false;
  }
  return true;
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
 * secret nothing is told but its place, for its keys are values too, and such keys as are the same with each secret replaced;
 * nothing that was observed is ever told.
 */
export function differences(
  wanted: unknown,
  observed: unknown,
  template: unknown,
  { limit = 20, ignore = [], digests = false, ...exempt }: Exempt & { readonly limit?: number; readonly digests?: boolean } = {},
): Difference[] {
  const told = new Map<string, Difference>();
  const masked = "masked" in exempt ? exempt.masked : none;
  let repeated = 0;
  visitDifferences(wanted, observed, (one) => {
    const its = one.path.reduce<unknown>(at, masked);
    if (!isCompared(one.wanted, its, one.path, ignore)) return true;
    const described = describeDifference(one, template, masked);
    const before = told.get(described.path);
    if (before) repeated += 1;
    told.set(described.path, digests ? { ...described, ...fingerprint(before, its === none ? one.wanted : its) } : described);
    return told.size < limit && repeated < mostRepeated;
  });
  return [...told.values()];
}

/** `before`: of others that are told as the same place. */
function fingerprint(before: Difference | undefined, wanted: unknown): Pick<Difference, "digest"> {
  return { digest: digest([before?.digest ?? null, wanted ?? null]).slice(0, 16) };
}
/** Below one expression all are told as one: whoever has seen so many of them need not see the others. */
const mostRepeated = 1_000;
const longestWanted = 64;

function describeDifference({ path, wanted }: DifferingPlace, template: unknown, masked: unknown): Difference {
  let node = template;
  let text = "";
  for (const [index, key] of path.entries()) {
    if (typeof node === "string") {
      const whole = `${text}${path
        .slice(index)
        .map((key) => jsonStep(key))
        .join("")}`;
      if (isOpen(node)) return { path: whole || ".", ...showWanted(wanted) };
      return { path: (isOwn(node) && isThere(masked, path) ? whole : text) || "." };
    }
    text += jsonStep(key);
    node = typeof key === "number" && Array.isArray(node) ? node[key] : isRecord(node) ? node[key] : undefined;
  }
  return { path: text || ".", ...(everyStringIsOpen(node) && showWanted(wanted)) };
}
/** What it makes is made of nothing that a server has said. */
function isOwn(text: string): boolean {
  return expressionsOfText(text).every(
    (expression) => !mayRead(expression, (path) => !/^(parameters|inputs|metadata|externalID)\b/.test(path)),
  );
}
/** None of its keys comes of a secret. */
function isThere(masked: unknown, path: readonly Key[]): boolean {
  let node = masked;
  return (
    masked !== none &&
    path.every((key) => {
      const isIn = typeof node === "object" && node !== null && Object.hasOwn(node, key);
      node = at(node, key);
      return isIn;
    })
  );
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
  if (!isRecord(wanted) || !isRecord(observed)) return visitDifferences(wanted, observed, () => false) ? undefined : wanted;
  const entries: [string, unknown][] = [];
  for (const [key, value] of Object.entries(wanted)) {
    const change = mergePatch(value, Object.hasOwn(observed, key) ? observed[key] : undefined);
    if (change !== undefined) entries.push([key, change]);
  }
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
