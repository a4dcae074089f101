/** Header fields as Go's client has them. */

/** `name: [value]`, as Go writes names. */
export function headersThere(headers: Readonly<Record<string, string>>): Readonly<Record<string, readonly string[]>> {
  const canonical = (name: string): string =>
    name
      .split("-")
      .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
      .join("-");
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [canonical(name), [value]]));
}
