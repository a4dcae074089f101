/** What is held by what: an object's own properties, those that are kept by symbols too, and their own. */
export function held(from: unknown): ReadonlySet<unknown> {
  const found = new Set<unknown>();
  const left: unknown[] = [from];
  while (left.length > 0) {
    const one = left.pop();
    if (found.has(one)) continue;
    found.add(one);
    if (typeof one !== "object" || one === null) continue;
    const entries = one instanceof Map ? [...one].flat() : one instanceof Set ? [...one] : [];
    left.push(...entries, ...Reflect.ownKeys(one).map((name) => Reflect.get(one, name) as unknown));
  }
  return found;
}
