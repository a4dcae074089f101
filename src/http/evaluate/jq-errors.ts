/**
 * What may be shown of a jq run-time error.
 *
 * Such an error can quote the document: a secret, or what a server sent. So only its shape is kept, in words from a
 * closed set. Whoever writes an expression can make any error, so each is looked through from its beginning to its end.
 */
const types = ["null", "boolean", "number", "string", "array", "object"] as const;
const operations = ["added", "subtracted", "multiplied", "divided"] as const;
/** What stands behind a value that is quoted, and what is said in its place. */
const endings = {
  ") cannot be parsed as a number": "cannot be parsed as a number",
  ") cannot be matched, as it is not a string": "is no string and cannot be matched",
  ") has no keys": "has no keys",
} as const;
/** None of these quotes anything. */
const plain: Readonly<Record<string, string>> = {
  "not available in an expression": "it uses what is not available in an expression",
  "the document is nested too deeply": "the document is nested too deeply",
  "the result is too large": "the result is too large",
};

/** The error without anything of the document. */
export function shapeOfError(message: string): string {
  return (
    (Object.hasOwn(plain, message) ? plain[message] : undefined) ??
    shapeOfAccess(message) ??
    shapeOfOperation(message) ??
    "jq ends with an error (not shown, since it can quote a secret or the response)"
  );
}

function shapeOfAccess(message: string): string | undefined {
  const [, over] = /^Cannot iterate over (null|boolean|number|string|array|object)\b/.exec(message) ?? [];
  if (over !== undefined) return `cannot iterate over ${over}`;
  const [, indexed, by] =
    /^Cannot index (null|boolean|number|string|array|object) with (null|boolean|number|string|array|object)\b/.exec(message) ??
    [];
  return indexed === undefined ? undefined : `cannot index ${indexed} with ${by}`;
}

/** Errors that begin with a type and a value in parentheses. */
function shapeOfOperation(message: string): string | undefined {
  if (message.endsWith("')") && message.includes("(while parsing '")) return "fromjson: the text is not JSON";
  const first = types.find((type) => message.startsWith(`${type} (`));
  if (first === undefined) return undefined;
  for (const [ending, said] of Object.entries(endings)) if (message.endsWith(ending)) return `${first} ${said}`;
  const how = operations.find((operation) => message.includes(`) cannot be ${operation}`));
  const second = types.find((type) => message.includes(`) and ${type} (`));
  return how === undefined || second === undefined ? undefined : `${first} and ${second} cannot be ${how}`;
}
