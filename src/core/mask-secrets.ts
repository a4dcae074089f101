/**
 * Text that came back from a server, without the secrets that went to it.
 *
 * Invariant: all forms of all secrets are looked for in the original text, so that what overlaps leaves nothing behind; and what
 * cannot be looked through within bounds is not shown at all.
 */
import { findBrokenAnew, patternsOf, type BrokenAnew } from "./broken-anew.ts";
import { formsOf, leastSecret } from "./secret-forms.ts";
import { createTextIndex, longestIndexed, type TextIndex } from "./tools/text-index.ts";

/** A text, or the beginning of a longer one. */
export interface Excerpt {
  readonly text: string;
  readonly isCut: boolean;
}

export interface Mask {
  /** With three asterisks for each secret; undefined: there is too much to look for. Of a longer text the first 16 Ki characters. */
  show(text: string): Excerpt | undefined;
  /** Whether it holds a secret in any form: true, too, where that cannot be told. A secret shorter than 8 characters is no leak in an id or URL. */
  holdsSecret(text: string): boolean;
  /** Whether all of it may be shown as it is: false where that cannot be told. Secrets of four characters count. */
  isOpen(text: string): boolean;
}

/** What is secret. */
export interface Secrets {
  /** As they are kept: those of four characters or more are looked for. */
  readonly kept: readonly string[];
  /** What expressions made of them: those of eight characters or more, since nobody called them secret. */
  readonly derived: readonly string[];
}

/** Those, and others that are kept. */
export function addKept({ kept, derived }: Secrets, others: readonly string[]): Secrets {
  return { kept: [...kept, ...others], derived };
}

/** Characters: a shorter one is an ordinary word, and an id or URL that has it is no leak. */
export const leastTelling = 8;
/** Steps for one text, and for what is broken anew in it, some 20 ms of processor time at most. Honest secrets take a few for each form: only what echoes many of them comes near. */
const mostWork = 1 << 18;
/** Of a secret, however short: each of its forms is begun. */
const workOfSecret = 512;

/** What it takes at most to look for a secret in a text that has nothing of it. */
function workFor(secret: string): number {
  return workOfSecret + Math.min(secret.length, longestIndexed);
}

/** `secrets` is asked when there is something to look through, and again for each text, since a credential may be renewed. */
export function createMask(secrets: () => Secrets): Mask {
  function look(text: string, least: number): Excerpt | undefined {
    const isCut = text.length > longestIndexed;
    const seen = isCut ? text.slice(0, longestIndexed) : text;
    const { kept, derived } = secrets();
    if (kept.length + derived.length === 0) return { text: seen, isCut };
    const isPossible = (secret: string): boolean => isCut || secret.trim().length <= seen.length;
    const inner = derived.length > mostWork / workOfSecret ? undefined : textsIn([...kept, ...derived]);
    if (!inner) return undefined;
    const all = [
      ...kept.filter(({ length }) => length >= least),
      ...[...derived, ...inner].filter(({ length }) => length >= leastTelling),
    ];
    let index: TextIndex | undefined;
    let anew: BrokenAnew | undefined;
    let work = 0;
    for (const pattern of all.flatMap((secret) => patternsOf(secret.slice(0, longestIndexed)))) {
      if (!isCut && pattern.length > seen.length) continue;
      work += workFor(pattern);
      if (work > mostWork) return undefined;
      (anew ??= findBrokenAnew(seen, isCut)).mark(pattern);
    }
    work = 0;
    for (const secret of all.filter(isPossible)) {
      work += workFor(secret);
      for (const form of formsOf(secret, { most: longestIndexed })) {
        if (work + (index?.work ?? 0) > mostWork) return undefined;
        const pieces = seen.length > shortText ? form : begunIn(seen, form);
        if (pieces) (index ??= createTextIndex(seen, isCut)).mark(pieces);
      }
    }
    const ranges = [...(index?.ranges() ?? []), ...(anew?.ranges() ?? [])];
    return { text: withAsterisks(seen, joined(ranges)), isCut };
  }
  return {
    show: (text) => look(text, 0),
    isOpen: (text) => text.length <= longestIndexed && look(text, 0)?.text === text,
    holdsSecret(text) {
      const looked = text.length > longestIndexed ? undefined : look(text, leastTelling);
      return looked?.text !== text;
    },
  };
}

/** Characters of most answers: in so few it costs less to find that a secret is not there than to make an index. */
const shortText = 2048;

/** The same pieces, unless the text has not even the beginning of what they make. */
function begunIn(text: string, pieces: Iterable<string>): Iterable<string> | undefined {
  const left = pieces[Symbol.iterator]();
  let beginning = "";
  while (beginning.length < leastSecret) {
    const next = left.next();
    if (next.done === true) break;
    beginning += next.value;
  }
  if (!text.includes(beginning.slice(0, leastSecret))) return undefined;
  return {
    *[Symbol.iterator]() {
      yield beginning;
      for (let next = left.next(); next.done !== true; next = left.next()) yield next.value;
    },
  };
}

/** In their order, and those that touch or overlap as one. */
function joined(ranges: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  const all: [number, number][] = [];
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    const last = all.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else all.push([from, to]);
  }
  return all;
}

/** Three in place of each range, `[from, to)`, in their order. */
export function withAsterisks(text: string, ranges: readonly (readonly [number, number])[]): string {
  let [shown, from] = ["", 0];
  for (const [start, end] of ranges) {
    shown += `${text.slice(from, start)}***`;
    from = end;
  }
  return from === 0 ? text : shown + text.slice(from);
}

/**
 * The texts in secrets that are JSON, a key file say: expressions take them out, encode them together with others, and servers
 * write them anew. Undefined: there is too much to look through.
 */
function textsIn(secrets: readonly string[]): readonly string[] | undefined {
  const texts = new Set<string>();
  let left = mostJSON;
  for (const secret of secrets) {
    if (!/^\s{0,8}[[{]/.test(secret)) continue;
    left -= secret.length;
    if (left < 0) return undefined;
    try {
      JSON.parse(secret, (_key, value: unknown) => {
        if (typeof value === "string") texts.add(value);
        return value;
      });
    } catch {
      // no JSON
    }
  }
  return [...texts];
}
/** Characters, of all of them together. */
const mostJSON = 1 << 16;
