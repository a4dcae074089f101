/**
 * An answer that Secrets are made of, as the peer shows it: with a placeholder where each value stood. Pure.
 *
 * Invariant: a value that went into a Secret stands in no text of it, in no form in which it could be read, and what cannot be told
 * leaves nothing to be shown.
 */
import { createMask } from "../core/mask-secrets.ts";
import { isRecord, parseJSON, sameJSON } from "../core/tools/json.ts";

export interface InjectedValue {
  /** `{{name:namespace:key}}`. */
  readonly placeholder: string;
  /** As it is in the Secret. */
  readonly value: string;
  /** Whether it was taken from a header field, or is the status. */
  readonly isHeader: boolean;
}

/** UTF-16 code units: more is not looked through. */
const longestBody = 16_384;

/** JSON without spaces, or all of a text. Undefined: it is not to be shown. */
export function bodyWithPlaceholders(body: string, values: readonly InjectedValue[]): string | undefined {
  if (body.length > longestBody) return undefined;
  const placeholders = new Map(values.filter(({ value }) => value !== "").map(({ placeholder, value }) => [value, placeholder]));
  const whole = placeholders.get(body.trim());
  const parsed = parse(body);
  if (whole !== undefined && parsed === undefined) return whole;
  if (parsed === undefined) return undefined;
  try {
    return replaced(parsed.value, placeholders, values);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // too deep
    throw error;
  }
}

function replaced(
  whole: unknown,
  placeholders: ReadonlyMap<string, string>,
  values: readonly InjectedValue[],
): string | undefined {
  const found = new Set<string>();
  const others: string[] = [];
  const sizeOf = createSizeOf();
  // One that is an object stands there in any order of its fields.
  const objects = values.flatMap(({ value, placeholder }) => {
    const parsed = value.startsWith("{") ? parse(value)?.value : undefined;
    return isRecord(parsed) ? [{ value, placeholder, parsed, size: sizeOf(parsed) }] : [];
  });
  function walk(one: unknown): unknown {
    const object = isRecord(one) ? objects.find(({ parsed, size }) => size === sizeOf(one) && sameJSON(parsed, one)) : undefined;
    if (object) {
      found.add(object.value);
      return object.placeholder;
    }
    if (typeof one === "string") {
      const placeholder = placeholders.get(one);
      if (placeholder === undefined) others.push(one);
      else found.add(one);
      return placeholder ?? one;
    }
    if (Array.isArray(one)) return one.map(walk);
    if (isRecord(one))
      return Object.fromEntries(
        Object.entries(one).map(([key, inner]) => {
          others.push(key);
          return [key, walk(inner)];
        }),
      );
    // What stands bare in JSON is no secret there: the peer leaves it, too.
    if (one !== null) found.add(JSON.stringify(one));
    return one;
  }
  const shown = walk(whole);
  if (values.some(({ value, isHeader }) => value !== "" && !isHeader && !found.has(value))) return undefined;
  const mask = createMask(() => ({ kept: [...placeholders.keys()], derived: [] }));
  return mask.isOpen(others.join("\n")) ? JSON.stringify(shown) : undefined;
}

/** Of how many parts a value is, each counted once: what differs in it is not compared, of which there could be much. */
function createSizeOf(): (value: unknown) => number {
  const known = new WeakMap<object, number>();
  return function sizeOf(value: unknown): number {
    if (typeof value !== "object" || value === null) return 1;
    const size = known.get(value) ?? Object.values(value).reduce<number>((sum, inner) => sum + sizeOf(inner), 1);
    known.set(value, size);
    return size;
  };
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: parseJSON(text) };
  } catch {
    return undefined;
  }
}

/**
 * The one JSON text with all that the other has, in place of placeholders where these stand for it. Undefined: it says something
 * else.
 */
export function withKnown(shown: string, known: string): string | undefined {
  const merged = merge(parse(shown)?.value, parse(known)?.value);
  if (merged === undefined) return undefined;
  return merged.isSame ? shown : JSON.stringify(merged.value);
}
type Merged = { readonly value: unknown; readonly isSame: boolean } | undefined;
function merge(one: unknown, known: unknown): Merged {
  const isPlaceholder = typeof one === "string" && /^\{\{[^{}]*\}\}$/.test(one);
  if (isPlaceholder && ["string", "number"].includes(typeof known)) return { value: known, isSame: one === known };
  if (Array.isArray(known)) {
    if (!Array.isArray(one)) return undefined;
    return mergeParts(Object.entries(one), known, (parts) => parts.map(([, value]) => value));
  }
  if (!isRecord(known)) return sameJSON(one, known) ? { value: one, isSame: true } : undefined;
  return isRecord(one) ? mergeParts(Object.entries(one), known, Object.fromEntries) : undefined;
}
function mergeParts(
  parts: readonly (readonly [string, unknown])[],
  known: object,
  whole: (parts: readonly (readonly [string, unknown])[]) => unknown,
): Merged {
  const wanted = new Map(Object.entries(known));
  const merged = parts.map(([key, value]) => {
    const here = wanted.has(key) ? merge(value, wanted.get(key)) : { value, isSame: true };
    wanted.delete(key);
    return here && { key, ...here };
  });
  const found = merged.filter((one) => one !== undefined);
  if (wanted.size > 0 || found.length < merged.length) return undefined;
  return { value: whole(found.map(({ key, value }) => [key, value])), isSame: found.every(({ isSame }) => isSame) };
}
