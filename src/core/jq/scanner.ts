/** The words and marks of a jq expression, from left to right. */

/** The text is not jq, or not jq that can be read here. */
export class UnreadableError extends Error {
  override readonly name = "UnreadableError";
}

export interface Scanner {
  /** Up to where it has been read. */
  at: number;
  readonly text: string;
  /** What was seen to follow, and where: as many levels of the grammar ask for the same. */
  seen?: { readonly at: number; readonly token: string };
}

/** A comment that has a backslash may go on in the next line, so it is not read. */
const blank = /(?:\s|#[^\n\\]*(?:\n|$))+/y;
const name = /[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*/y;
const numeral = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const marks = /\?\/\/|\/\/=|\|=|\+=|-=|\*=|\/=|%=|==|!=|<=|>=|\/\/|\.\.|[-+*/%<>=|,;:.?()[\]{}$@"]/y;

export function skipBlank(scanner: Scanner): void {
  match(scanner, blank);
}
/** What matches where it stands, which is then behind it. */
export function match(scanner: Scanner, pattern: RegExp): string | undefined {
  pattern.lastIndex = scanner.at;
  const found = pattern.exec(scanner.text)?.[0];
  if (found !== undefined) scanner.at += found.length;
  return found;
}
/** A mark or a word that follows, without going there. */
export function peek(scanner: Scanner): string {
  if (scanner.seen?.at === scanner.at) return scanner.seen.token;
  skipBlank(scanner);
  const { at } = scanner;
  const token = match(scanner, marks) ?? match(scanner, name) ?? "";
  scanner.at = at;
  scanner.seen = { at, token };
  return token;
}
export function accept(scanner: Scanner, token: string): boolean {
  if (peek(scanner) !== token) return false;
  scanner.at += token.length;
  return true;
}
/** Throws `UnreadableError`. */
export function demand(scanner: Scanner, token: string): void {
  if (!accept(scanner, token)) throw new UnreadableError(`${token} was expected at ${scanner.at}`);
}
export function takeName(scanner: Scanner): string | undefined {
  skipBlank(scanner);
  return match(scanner, name);
}
/** The name after a `$`. Throws `UnreadableError`. */
export function takeVariable(scanner: Scanner): string {
  return match(scanner, name) ?? unreadable(scanner);
}
export function takeNumber(scanner: Scanner): number | undefined {
  skipBlank(scanner);
  const found = match(scanner, numeral);
  return found === undefined ? undefined : Number(found);
}
export function unreadable({ at }: Scanner): never {
  throw new UnreadableError(`cannot be read at ${at}`);
}

const plainText = /[^"\\]+/y;
const endOfText = /"/y;
const interpolated = /\\\(/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})/y;
/** After the opening quotation mark: text up to the closing one, or up to what is interpolated, which `false` says. */
export function takeText(scanner: Scanner): { readonly text: string; readonly isOver: boolean } {
  let text = "";
  for (;;) {
    const plain = match(scanner, plainText) ?? match(scanner, escape);
    if (plain !== undefined) {
      text += plain.startsWith("\\") ? (JSON.parse(`"${plain}"`) as string) : plain;
      continue;
    }
    if (match(scanner, endOfText) !== undefined) return { text, isOver: true };
    if (match(scanner, interpolated) !== undefined) return { text, isOver: false };
    unreadable(scanner);
  }
}
