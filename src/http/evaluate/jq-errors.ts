/**
 * What may be shown of a jq run-time error.
 *
 * Such an error can quote the document: a secret, or what a server sent. So only its shape is kept, in words from a
 * closed set.
 */
const type = "(null|boolean|number|string|array|object)";
const shapes: readonly (readonly [RegExp, (...words: string[]) => string])[] = [
  [new RegExp(`^Cannot index ${type} with ${type}\\b`), (a, b) => `cannot index ${a} with ${b}`],
  [new RegExp(`^Cannot iterate over ${type}\\b`), (a) => `cannot iterate over ${a}`],
  [
    new RegExp(`^${type} \\(.*\\) and ${type} \\(.*\\) cannot be (added|subtracted|multiplied|divided)`, "s"),
    (a, b, how) => `${a} and ${b} cannot be ${how}`,
  ],
  [new RegExp(`^${type} \\(.*\\) cannot be parsed as a number$`, "s"), (a) => `${a} cannot be parsed as a number`],
  [
    new RegExp(`^${type} \\(.*\\) cannot be matched, as it is not a string$`, "s"),
    (a) => `${a} is no string and cannot be matched`,
  ],
  [new RegExp(`^${type} \\(.*\\) has no keys$`, "s"), (a) => `${a} has no keys`],
  [/\(while parsing '.*'\)$/s, () => "fromjson: the text is not JSON"],
  [/^not available in an expression$/, () => "it uses what is not available in an expression"],
  [/^the (document is nested too deeply|result is too large)$/, (what) => `the ${what}`],
];

/** The error without anything of the document. */
export function shapeOfError(message: string): string {
  for (const [pattern, text] of shapes) {
    const found = pattern.exec(message);
    if (found) return text(...found.slice(1));
  }
  return "jq ends with an error (not shown, since it can quote a secret or the response)";
}
