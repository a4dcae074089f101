/**
 * Equal parts of many objects, held once: specs of a fleet differ in a name or an id, and their texts and lists are the same.
 *
 * Invariant: what is shared is nobody's to change, and equals what it stands for as JSON. No more is remembered than is said here,
 * whatever comes; what comes again and again stays.
 */

/** Texts that are remembered, and as many other parts, twice: those of late, and those before them. */
const mostKept = 4_000;
/** Characters of a part's JSON text. */
const [shortestText, longestPart] = [12, 400];
/** Of one object no more is looked at. */
const [mostValues, deepest] = [2_000, 32];

/** Gives the same JSON value, in whose place are equal parts that it has seen before. It takes the value, and changes it. */
export function createSharing(): <T>(value: T) => T {
  const knownText = remembering<string>();
  const knownPart = remembering<object>();
  return <T>(whole: T) => {
    let left = mostValues;
    /** How long its text is, about; that of what is too long to be shared counts as longer than any. */
    let lengthOf = 0;
    function share(value: unknown, depth: number): unknown {
      left -= 1;
      lengthOf = longestPart + 1;
      if (typeof value === "string") {
        lengthOf = value.length + 2;
        return value.length < shortestText || value.length > longestPart ? value : knownText(value, value);
      }
      if (typeof value !== "object" || value === null) {
        lengthOf = 4;
        return value;
      }
      if (left <= 0 || depth >= deepest) return value;
      if (Object.isFrozen(value)) {
        lengthOf = JSON.stringify(value).length; // an exact integer
        return value;
      }
      let length = 2;
      // Of a list no keys are made: it may have a million items.
      const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
      for (const key of keys) {
        if (left <= 0) break;
        const part = (value as Readonly<Record<string | number, unknown>>)[key];
        const shared = share(part, depth + 1);
        length += lengthOf + (typeof key === "string" ? key.length : 0) + 4;
        // Of two texts nobody can say whether they are one. The key is the value's own, be it `__proto__`: nothing else is set.
        if (shared !== part || (typeof part === "string" && part.length >= shortestText))
          (value as Record<string | number, unknown>)[key] = shared;
      }
      lengthOf = length;
      return length > longestPart || left <= 0 ? value : knownPart(JSON.stringify(value), value);
    }
    return share(whole, 0) as T; // it is equal
  };
}

/** Gives the first of those that came with the same key, as long as it is remembered. */
function remembering<V>(): (key: string, value: V) => V {
  let late = new Map<string, V>();
  let before = new Map<string, V>();
  return (key, value) => {
    const known = late.get(key);
    if (known !== undefined) return known;
    const found = before.get(key) ?? value;
    if (late.size >= mostKept) {
      before = late;
      late = new Map();
    }
    late.set(key, found);
    return found;
  };
}
