/**
 * Challenges of a server, taken apart (RFC 9110, section 11.6.1). Linear in their length.
 *
 * Invariant: what stands in them is a server's text. It is compared and computed with, and reaches no message.
 */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case, values without their quotation marks. Of one that is there twice, the first. */
  readonly parameters: ReadonlyMap<string, string>;
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const between = /[\s,]*/y;
const equals = /[ \t]*=[ \t]*/y;
const quoted = /"((?:[^"\\]|\\[^])*)"/y;
/** Of a scheme that has no parameters, but one text (token68). */
const rest = /[^,\s]*/y;

/** `fields`: each WWW-Authenticate. What cannot be read ends its field. */
export function parseChallenges(fields: readonly string[]): readonly Challenge[] {
  return fields.flatMap(challengesIn);
}

function challengesIn(field: string): readonly Challenge[] {
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(field) ?? undefined;
    if (match) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(between);
    const name = take(token)?.[0].toLowerCase();
    if (name === undefined) return found;
    const parameters = found.at(-1)?.parameters;
    if (!parameters || !take(equals)) {
      found.push({ scheme: name, parameters: new Map() });
      continue;
    }
    const value = take(quoted)?.[1]?.replace(/\\([^])/g, "$1") ?? take(token)?.[0];
    if (value === undefined) take(rest);
    else if (!parameters.has(name)) parameters.set(name, value);
  }
}

/** Parameters by name of a field that has no scheme: Authentication-Info (RFC 7616, section 3.5). */
export function parseParameters(field: string): ReadonlyMap<string, string> {
  return challengesIn(`x ${field}`)[0]?.parameters ?? new Map<string, string>();
}
