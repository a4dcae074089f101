/** An id is text or a number; undefined: it is none. */
export function idText(value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  return value === null ||
    typeof value === "boolean" ||
    Array.isArray(value) ||
    (typeof value === "object" && !("rawJSON" in value))
    ? undefined
    : JSON.stringify(value);
}
