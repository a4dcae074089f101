/** A bounded number of things by key: beyond it what was used least recently is forgotten. */
export interface Kept<V> {
  /** What is kept, which is used now. */
  of(key: string): V | undefined;
  keep(key: string, value: V): V;
  forget(key: string): void;
}

export function createKept<V>(most: number): Kept<V> {
  const kept = new Map<string, V>();
  function keep(key: string, value: V): V {
    kept.delete(key);
    kept.set(key, value);
    if (kept.size <= most) return value;
    const [oldest] = kept.keys(); // found only past all that have moved behind or are forgotten
    if (oldest !== undefined) kept.delete(oldest);
    return value;
  }
  return {
    of(key) {
      const value = kept.get(key);
      return value === undefined ? undefined : keep(key, value);
    },
    keep,
    forget: (key) => void kept.delete(key),
  };
}
