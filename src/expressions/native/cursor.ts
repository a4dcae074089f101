/** The words of an expression, one after the other. */
import { readText, readToken, type Token } from "./lexer.ts";
import { unsupported } from "./syntax.ts";

export class Cursor {
  readonly #source: string;
  #token: Token = { type: "end", text: "", at: 0 };
  #next = 0;

  /** Stands at the first word. Throws `UnsupportedError`, as all here do. */
  constructor(source: string) {
    this.#source = source;
    this.advance();
  }

  /** The word that is looked at. */
  get token(): Token {
    return this.#token;
  }
  /** Goes on to the next word, and returns the one before it. */
  advance(): Token {
    const before = this.#token;
    const { token, end } = readToken(this.#source, this.#next);
    this.#token = token;
    this.#next = end;
    return before;
  }
  isAt(text: string): boolean {
    return (this.#token.type === "symbol" || this.#token.type === "name") && this.#token.text === text;
  }
  isAtString(): boolean {
    return this.#token.type === "quote";
  }
  /** Whether it stands here; it is behind us then. */
  accept(text: string): boolean {
    const isHere = this.isAt(text);
    if (isHere) this.advance();
    return isHere;
  }
  expect(text: string): void {
    if (!this.accept(text)) unsupported(`no ${text}`);
  }
  /** From a quote, or the `)` that ends what is interpolated, to the string's end or its next `\(`. */
  readText(): { readonly text: string; readonly isLast: boolean } {
    const { text, isLast, end } = readText(this.#source, this.#next);
    this.#next = end;
    this.advance();
    return { text, isLast };
  }
}
