/** Whether a status code is one that the spec expects. */

/** `patterns`: `404`, `2xx`, `200-204`; any of them may match. */
export function isExpectedStatus(patterns: readonly string[], statusCode: number): boolean {
  return patterns.some((pattern) => {
    if (pattern.endsWith("xx")) return Math.floor(statusCode / 100) === Number(pattern[0]);
    const [first = "", last = first] = pattern.split("-");
    return statusCode >= Number(first) && statusCode <= Number(last);
  });
}
