/**
 * A schema's `pattern` means what RE2 makes of it, since the API server is written in Go: characters are code points, `\s`
 * and `.` are narrower and wider than JavaScript's. https://github.com/google/re2/wiki/Syntax
 */

/** Throws for what JavaScript cannot say or reads differently: a schema's author has to write it in another way. */
export function re2(pattern: string): RegExp {
  let inClass = false;
  const translated = pattern.replace(/\\.|[[\].]/gsu, (token) => {
    if (token === "[") inClass = true;
    if (token === "]") inClass = false;
    if (token === ".") return inClass ? token : "[^\\n]";
    if (token === "\\s") return inClass ? "\\t\\n\\f\\r " : "[\\t\\n\\f\\r ]";
    if (/^\\[SpPbBkc]$/.test(token)) throw new Error(`the escape ${token} is not supported in a pattern`);
    return token;
  });
  return new RegExp(translated, "u");
}
