/**
 * What of its document a jq expression reads, told from its text in one pass.
 *
 * Invariant: whatever is not known for certain counts as reading everything. Only where a path from the document's top has been
 * taken and piped on (`.item.name | ascii_upcase`) is what follows known to see no more of it.
 */

/** Paths from the top by their first two keys, `inputs.token`, `metadata.labels` or `now`; everything, where it cannot be told. */
export type Reads = ReadonlySet<string> | "everything";

/** Brackets, strings and conditions that are open. */
interface Level {
  readonly type: "top" | "(" | "[" | "{" | '"' | "if";
  /** Whether what is read here is read of a value that was piped in, when it was opened and by now. */
  readonly entered: boolean;
  piped: boolean;
}

const [space, word, number, fraction] = [/\s+/y, /[A-Za-z_][A-Za-z0-9_]*/y, /\d[\d.]*/y, /\.\d+/y];
const topKey = /\.(?:([A-Za-z_]\w*)|\s*"([^"\\]*)"|\s*\[\s*"([^"\\]*)"\s*\])/y;
const nextKey = /\??\s*(?:\.([A-Za-z_]\w*)|(?:\.\s*)?(?:"([^"\\]*)"|\[\s*"([^"\\]*)"\s*\]))/y;
const [format, anyFormat, variable] = [/@\w+\s*(?=")/y, /@\w*/y, /\$[A-Za-z_]\w*/y];
const [label, binding] = [/\s*:(?!:)/y, /\s+\$\w+\s*\|(?!=)/y];

const joining = new Set(["and", "or", "if", "then", "elif", "else", "end"]);
const constants = new Set(["null", "true", "false", "now", "empty", "not", "infinite", "nan"]);
/** These look at nothing but what is between their parentheses. */
const callers = new Set(["first", "last", "limit", "skip", "range", "error", "isempty"]);
/** What may end a value: a dot or bracket after it goes on with that. */
const endsValue = new Set(["value", ")", "]", "}", "?"]);

export function readsOf(expression: string): Reads {
  const reader: Reader = {
    expression,
    at: 0,
    before: "",
    levels: [{ type: "top", entered: false, piped: false }],
    reads: new Set(),
  };
  while (reader.at < expression.length) if (!readToken(reader)) return "everything";
  return reader.levels.length === 1 ? reader.reads : "everything";
}

interface Reader {
  readonly expression: string;
  /** Up to where it has been read. */
  at: number;
  /** The last mark or word, or `value` where a value has ended. */
  before: string;
  readonly levels: Level[];
  readonly reads: Set<string>;
}

function take(reader: Reader, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.expression) ?? undefined;
  if (found) reader.at = pattern.lastIndex;
  return found;
}
function follows({ expression, at }: Reader, pattern: RegExp): boolean {
  pattern.lastIndex = at;
  return pattern.test(expression);
}
function innermost({ levels }: Reader): Level {
  return levels.at(-1) as Level;
}
function open(reader: Reader, type: Level["type"]): void {
  const { piped } = innermost(reader);
  reader.levels.push({ type, entered: piped, piped });
}
function close({ levels }: Reader, type: Level["type"]): boolean {
  return levels.length > 1 && levels.pop()?.type === type;
}
/** What comes now is read of what was there when the level was opened. */
function restart(reader: Reader): void {
  const level = innermost(reader);
  level.piped = level.entered;
}
function isAtKey(reader: Reader): boolean {
  return innermost(reader).type === "{" && (reader.before === "{" || reader.before === ",");
}

/** False, as of all that read a part: it cannot be told what this reads. */
function readToken(reader: Reader): boolean {
  if (take(reader, space)) return true;
  const found = take(reader, word);
  if (found) return readWord(reader, found[0]);
  if (take(reader, number)) {
    reader.before = "value";
    return true;
  }
  switch (reader.expression.charAt(reader.at)) {
    case '"':
      return readString(reader);
    case "@":
      return take(reader, format) !== undefined || (innermost(reader).piped && take(reader, anyFormat) !== undefined);
    case "$":
      reader.before = "value";
      return take(reader, variable) !== undefined;
    case ".":
      return readPath(reader);
    default:
      return readMark(reader);
  }
}

function readWord(reader: Reader, text: string): boolean {
  if (text === "if") open(reader, "if");
  if (text === "then" || text === "elif" || text === "else") restart(reader);
  if (text === "end" && !close(reader, "if")) return false;
  if (joining.has(text)) {
    reader.before = text === "end" ? "value" : text;
    return true;
  }
  const isKey = isAtKey(reader);
  reader.before = "value";
  if (isKey && follows(reader, label)) return true;
  if (text === "as" && take(reader, binding)) {
    reader.before = "|"; // what comes now is read of what was read of before: only its variable is new
    return true;
  }
  if (innermost(reader).piped || constants.has(text)) return true;
  if (isKey) reader.reads.add(text);
  return isKey || (callers.has(text) && reader.expression[reader.at] === "(");
}

function readString(reader: Reader): boolean {
  const isKey = isAtKey(reader);
  reader.at += 1;
  open(reader, '"');
  if (!skipString(reader)) return false;
  return !isKey || innermost(reader).piped || follows(reader, label);
}
/** To the end of the string, or into what is interpolated. */
function skipString(reader: Reader): boolean {
  const { expression } = reader;
  for (; reader.at < expression.length; reader.at += 1) {
    if (expression[reader.at] === '"') {
      reader.at += 1;
      reader.before = "value";
      return close(reader, '"');
    }
    if (expression[reader.at] !== "\\") continue;
    reader.at += 1;
    if (expression[reader.at] !== "(") continue;
    reader.at += 1;
    reader.before = "(";
    open(reader, "(");
    return true;
  }
  return false;
}

function readPath(reader: Reader): boolean {
  const isTop = !innermost(reader).piped && !endsValue.has(reader.before);
  reader.before = "value";
  const found = take(reader, isTop ? topKey : nextKey);
  if (!isTop) {
    if (!found) reader.at += 1;
    return true;
  }
  if (!found) return take(reader, fraction) !== undefined;
  const key = found[1] ?? found[2] ?? found[3] ?? "";
  const next = take(reader, nextKey);
  reader.reads.add(next ? `${key}.${next[1] ?? next[2] ?? next[3] ?? ""}` : key);
  return true;
}

function readMark(reader: Reader): boolean {
  const mark = reader.expression[reader.at] ?? "";
  reader.at += 1;
  reader.before = mark;
  switch (mark) {
    case "(":
    case "[":
    case "{":
      open(reader, mark);
      return true;
    case ")":
      if (!close(reader, "(")) return false;
      return innermost(reader).type === '"' ? skipString(reader) : true;
    case "]":
      return close(reader, "[");
    case "}":
      return close(reader, "{");
    case "|":
      if (reader.expression[reader.at] === "=") return innermost(reader).piped;
      innermost(reader).piped = true;
      return true;
    case ";":
      restart(reader);
      return true;
    case ",":
      if (innermost(reader).type === "{") restart(reader);
      return true;
    case "#":
    case "\\":
      return false;
    default:
      return true;
  }
}

/** Whether it reads, or may read, what is below one of these names: `inputs` or `inputs.token`, say. */
export function mayRead(expression: string, isMeant: (path: string) => boolean): boolean {
  const reads = readsOf(expression);
  return reads === "everything" || [...reads].some(isMeant);
}

/** Whether a path is to one of these inputs, or to all inputs at once. */
export function readsInput(path: string, names: ReadonlySet<string>): boolean {
  return names.size > 0 && (path === "inputs" || (path.startsWith("inputs.") && names.has(path.slice("inputs.".length))));
}
