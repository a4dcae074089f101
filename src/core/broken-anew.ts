/**
 * Secrets of several lines, such as a PEM, in a text whose lines a server has broken elsewhere, indented, or not broken at all.
 *
 * Invariant: a secret, or what a PEM has between its first and its last line, is found as a whole and never by one of its lines,
 * which may be a URL or a name; and nothing takes more than time linear in the text and the secrets.
 */
import { createTextIndex, type TextIndex } from "./tools/text-index.ts";

/** Characters without line breaks: what is shorter is hardly broken into lines. */
const leastBroken = 32;
/** Of a pattern, without which no index is made. */
const beginningLength = 16;

/** What a line break, and what stands before a line, is written as; and the backslash before a slash in JSON. */
const breaks = /\\+[nrt]?|\s+|%0[AaDd]/g;

function squeeze(text: string): string {
  return text.replaceAll(breaks, "");
}
/** Of each character that is left its place in the text as it was. */
function placesOf(text: string): Int32Array {
  const places = new Int32Array(text.length);
  let [count, from] = [0, 0];
  const take = (to: number): void => {
    for (; from < to; from += 1) places[count++] = from;
  };
  for (const { 0: broken, index } of text.matchAll(breaks)) {
    take(index);
    from = index + broken.length;
  }
  take(text.length);
  return places;
}

/** The secret without what breaks its lines, and that of each PEM in it; none where it has one line. */
export function patternsOf(secret: string): readonly string[] {
  if (!secret.includes("\n") || !/\n./.test(secret)) return [];
  const bodies = [...secret.matchAll(/-----BEGIN [^-]{1,64}-----([^-]+)/g)].map(([, body = ""]) => body);
  return [secret, ...bodies].map(squeeze).filter(({ length }) => length >= leastBroken);
}

export interface BrokenAnew {
  /** Of a pattern of `patternsOf`. */
  mark(pattern: string): void;
  ranges(): readonly (readonly [number, number])[];
}
/** `goesOn`: the text is the beginning of a longer one. */
export function findBrokenAnew(text: string, goesOn: boolean): BrokenAnew {
  const squeezed = squeeze(text);
  let index: TextIndex | undefined;
  return {
    mark(pattern) {
      if (!index && !squeezed.includes(pattern.slice(0, beginningLength))) return;
      (index ??= createTextIndex(squeezed, goesOn)).mark([pattern]);
    },
    ranges() {
      const found = index?.ranges() ?? [];
      const places = placesOf(found.length > 0 ? text : "");
      return found.map(([from, to]) => [places[from]!, places[to - 1]! + 1] as const);
    },
  };
}
