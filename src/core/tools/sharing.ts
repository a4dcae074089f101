/**
 * Equal parts of many objects, held once: specs of a fleet differ in a name or an id, and their texts and lists are the same.
 *
 * Invariant: what is shared is nobody's to change, and equals what it stands for as JSON. No more is remembered than is said here,
 * whatever comes; what comes again and again stays.
 */

/** Parts that are remembered, twice: those of late, and those before them. */
const mostKept = 4_000;
/** Characters of a part's JSON text. */
const [shortestText, longestPart] = [12, 400];
/** Of one object no more is looked at. */
const [mostValues, deepest] = [2_000, 32];

/** Gives the same JSON value, in whose place are equal parts that it has seen before. It takes the value, and changes it. */
export function createSharing(): <T>(value: T) => T {
  let late = new Map<string, unknown>();
  let before = new Map<string, unknown>();

  function known(text: string, value: unknown): unknown {
    const found = late.get(text) ?? before.get(text);
    if (late.size >= mostKept) {
      before = late;
      late = new Map();
    }
    late.set(text, found ?? value);
    return found ?? value;
  }
  return <T>(whole: T) => {
    let left = mostValues;
    /** How long its text is, about; that of what is too long to be shared counts as longer than any. */
    let lengthOf = 0;
    function share(value: unknown, depth: number): unknown {
      left -= 1;
      lengthOf = longestPart + 1;
      if (typeof value === "string") {
        lengthOf = value.length + 2;
        return value.length < shortestText || value.length > longestPart ? value : known(JSON.stringify(value), value);
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
        // Of two texts nobody can say whether they are one. Defined, since a key may be `__proto__`.
        if (shared !== part || (typeof part === "string" && part.length >= shortestText))
          Object.defineProperty(value, key, { value: shared, enumerable: true, configurable: true, writable: true });
      }
      lengthOf = length;
      return length > longestPart || left <= 0 ? value : known(JSON.stringify(value), value);
    }
    return share(whole, 0) as T; // it is equal
  };
}
