/**
 * What is derived from a value that never changes, made once: specs, and the texts in them, are looked at again and again.
 *
 * Invariant: what is kept goes with the object that it was made of, and of texts no more is kept than is said here.
 */

/**
 * Of an object that nobody changes; of one that is frozen it is made each time. What `make` throws is not kept.
 *
 * It is kept on the object, where neither copies nor JSON take it along: a WeakMap with an entry for each of 100,000 objects makes
 * the collector stop for some 20 ms.
 */
export function oncePer<K extends object, V>(make: (of: K) => V): (of: K) => V {
  const made = Symbol("made");
  return (of) => {
    const known = (of as { readonly [made]?: V | typeof nothing })[made];
    if (known !== undefined) return known === nothing ? (undefined as V) : known;
    const value = make(of);
    if (Object.isExtensible(of)) Object.defineProperty(of, made, { value: value === undefined ? nothing : value });
    return value;
  };
}
/** Stands for a value that is undefined. There may be one for each object, so that values are kept as they are. */
const nothing = Symbol("nothing");

/** What is kept of each kind, in characters, or what costs as much: some MiB at most. */
const mostKept = 1_000_000;
/** What keeping one costs by itself. */
const ownCost = 100;
const longestText = 1_000;

interface Keeping<V> {
  /** Characters of a text that is kept. */
  readonly longest?: number;
  /** What is kept with it, in characters; absent: no more than the text. */
  readonly costOf?: (value: V, text: string) => number;
}
/** Of a text. Nobody may change what comes of it. */
export function oncePerText<V>(
  make: (text: string) => V,
  { longest = longestText, costOf = (_value, { length }) => length }: Keeping<V> = {},
): (text: string) => V {
  const made = new Map<string, { readonly value: V }>();
  let kept = 0;
  return (text) => {
    const known = made.get(text);
    if (known) return known.value;
    const value = make(text);
    const cost = ownCost + costOf(value, text);
    if (text.length > longest || cost > mostKept) return value;
    if (kept + cost > mostKept) {
      made.clear();
      kept = 0;
    }
    kept += cost;
    made.set(text, { value });
    return value;
  };
}
