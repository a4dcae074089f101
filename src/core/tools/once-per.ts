/**
 * What is derived from a value that never changes, made once: specs, and the texts in them, are looked at again and again.
 *
 * Invariant: what is kept goes with the object that it was made of, and of texts no more is kept than is said here.
 */

/** Of an object that nobody changes. What `make` throws is not kept. */
export function oncePer<K extends object, V>(make: (of: K) => V): (of: K) => V {
  const made = new WeakMap<K, { readonly value: V }>();
  return (of) => {
    const known = made.get(of);
    if (known) return known.value;
    const value = make(of);
    made.set(of, { value });
    return value;
  };
}

/** Texts that are kept of each kind, and their characters: some MiB at most. */
const mostTexts = 2_000;
const longestText = 1_000;

/** Of a text. Nobody may change what comes of it. `longest`: characters of a text that is kept. */
export function oncePerText<V>(make: (text: string) => V, longest = longestText): (text: string) => V {
  const made = new Map<string, { readonly value: V }>();
  return (text) => {
    const known = made.get(text);
    if (known) return known.value;
    const value = make(text);
    if (text.length > longest) return value;
    if (made.size >= mostTexts) made.clear();
    made.set(text, { value });
    return value;
  };
}
