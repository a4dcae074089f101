/** The Link header field (RFC 8288), read once from its beginning to its end. */

/** The first link with `rel=next`, as it stands there; `unreadable`: it may name one, and is not written as it should be. */
export type NextLink = { readonly type: "link"; readonly uri: string } | { readonly type: "unreadable" | "none" };

/** Whitespace, and commas between links. */
const [spaces, between] = [/[ \t]*/y, /[ \t,]*/y];
const [target, parameter, token] = [/<([^<>]*)>/y, /([^\s"=;,<>]+)[ \t]*/y, /[^\s";,<>]+/y];
const quoted = /"((?:[^"\\]|\\.)*)"/sy;

export function nextLink(header: string): NextLink {
  let at = 0;
  function take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(header) ?? undefined;
    if (found) at = pattern.lastIndex;
    return found;
  }
  function takeMark(mark: string): boolean {
    const isThere = header[at] === mark;
    if (isThere) at += 1;
    take(spaces);
    return isThere;
  }
  /** What stands behind a parameter's `=`; a value in quotation marks may escape characters. */
  function takeValue(): string | undefined {
    const text = take(quoted);
    return text ? text[1]?.replaceAll(/\\(.)/gs, "$1") : take(token)?.[0];
  }
  const unread: NextLink = { type: header.toLowerCase().includes("next") ? "unreadable" : "none" };
  for (take(between); at < header.length; take(between)) {
    const [, uri] = take(target) ?? [];
    if (uri === undefined) return unread;
    let relations: string | undefined; // the first counts
    for (take(spaces); takeMark(";"); take(spaces)) {
      const [, name] = take(parameter) ?? [];
      const value = name !== undefined && takeMark("=") ? takeValue() : "";
      if (value === undefined) return unread;
      if (name?.toLowerCase() === "rel") relations ??= value;
    }
    if ((at < header.length && header[at] !== ",") || relations?.startsWith("'")) return unread;
    if (relations?.toLowerCase().split(/[ \t]/).includes("next")) return { type: "link", uri };
  }
  return { type: "none" };
}
