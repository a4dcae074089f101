/**
 * The grammar, by recursive descent: the weakest operator first. It reads a part of jq's language, and refuses all else.
 *
 * Invariant: what it accepts, jq accepts, and groups in the same way. core/jq reads all of jq's grammar and more, so its tree
 * cannot tell that: where a space or a comma too many stood, say, and how a number was written.
 */
import { Cursor } from "./cursor.ts";
import { operators, unsupported, type Node, type Operator } from "./syntax.ts";

const maxDepth = 50;
const keywords = new Set("def then elif else end as foreach catch label import include and or __loc__".split(" "));
const identity: Node = { type: "identity" };
const nothing: Node = { type: "literal", value: null };

/** Throws `UnsupportedError`. */
export function parse(source: string): Node {
  const cursor = new Cursor(source);
  const node = new Parser(cursor).pipe();
  return cursor.token.type === "end" ? node : unsupported("what follows the expression");
}

class Parser {
  readonly #cursor: Cursor;
  /** Where the last term began. */
  #termAt = 0;
  #depth = 0;
  /** Names that `as` and `reduce` have given here. */
  #variables: readonly string[] = [];

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  #variable(): string {
    const { type, text } = this.#cursor.advance();
    return type === "variable" ? text.slice(1) : unsupported("a pattern");
  }
  #within<Result>(name: string, read: () => Result): Result {
    const outer = this.#variables;
    this.#variables = [...outer, name];
    const result = read();
    this.#variables = outer;
    return result;
  }

  /** `a | b`, and `a as $x | b`, which reaches as far. */
  pipe(): Node {
    const { at } = this.#cursor.token;
    const left = this.#comma();
    if (this.#cursor.accept("as")) {
      if (this.#termAt !== at) unsupported("as after an operator"); // there jq binds the last term alone
      const name = this.#variable();
      this.#cursor.expect("|");
      return { type: "bind", source: left, name, body: this.#within(name, () => this.pipe()) };
    }
    return this.#cursor.accept("|") ? { type: "pipe", left, right: this.pipe() } : left;
  }
  #comma(): Node {
    let left = this.#alternative();
    while (this.#cursor.accept(",")) left = { type: "comma", left, right: this.#alternative() };
    return left;
  }
  #alternative(): Node {
    const left = this.#or();
    return this.#cursor.accept("//") ? { type: "alternative", left, right: this.#alternative() } : left;
  }
  #or(): Node {
    let left = this.#and();
    while (this.#cursor.accept("or")) left = { type: "or", left, right: this.#and() };
    return left;
  }
  #and(): Node {
    let left = this.#comparison();
    while (this.#cursor.accept("and")) left = { type: "and", left, right: this.#comparison() };
    return left;
  }
  #comparison(): Node {
    const left = this.#sum();
    const operator = this.#operator("==", "!=", "<", "<=", ">", ">=");
    return operator ? { type: "operation", operator, left, right: this.#sum() } : left;
  }
  #sum(): Node {
    let left = this.#product();
    for (let operator = this.#operator("+", "-"); operator; operator = this.#operator("+", "-"))
      left = { type: "operation", operator, left, right: this.#product() };
    return left;
  }
  #product(): Node {
    let left = this.#term();
    for (let operator = this.#operator("*", "/", "%"); operator; operator = this.#operator("*", "/", "%"))
      left = { type: "operation", operator, left, right: this.#term() };
    return left;
  }
  #operator(...among: readonly Operator[]): Operator | undefined {
    const found = operators.find((operator) => among.includes(operator) && this.#cursor.isAt(operator));
    if (found) this.#cursor.advance();
    return found;
  }

  /** Something with what is looked up in it: `.a[0].b?`. */
  #term(): Node {
    const { at } = this.#cursor.token;
    if ((this.#depth += 1) > maxDepth) unsupported("such depth");
    let node = this.#primary();
    this.#depth -= 1;
    for (;;) {
      if (this.#cursor.token.type === "field") node = this.#indexed(node, literal(this.#cursor.advance().text.slice(1)));
      else if (this.#cursor.isAt("[")) node = this.#bracket(node);
      else if (this.#cursor.accept("?")) node = { type: "try", body: node };
      else if (this.#cursor.accept(".")) {
        if (this.#cursor.isAtString()) node = this.#indexed(node, this.#string());
        else if (!this.#cursor.isAt("[")) unsupported("a dot");
      } else break;
    }
    this.#termAt = at;
    return node;
  }
  #indexed(of: Node, key: Node): Node {
    return { type: "index", of, key, isQuiet: this.#cursor.accept("?") };
  }
  #bracket(of: Node): Node {
    this.#cursor.expect("[");
    if (this.#cursor.accept("]")) return { type: "iterate", of, isQuiet: this.#cursor.accept("?") };
    const from = this.#cursor.isAt(":") ? nothing : this.pipe();
    if (this.#cursor.accept("]")) return this.#indexed(of, from);
    this.#cursor.expect(":");
    const to = this.#cursor.isAt("]") ? nothing : this.pipe();
    this.#cursor.expect("]");
    return { type: "slice", of, from, to, isQuiet: this.#cursor.accept("?") };
  }
  #primary(): Node {
    const { type, text } = this.#cursor.token;
    switch (type) {
      case "number":
        return this.#number("");
      case "quote":
        return this.#string();
      case "format":
        this.#cursor.advance();
        return this.#cursor.isAtString() ? unsupported("a format before a string") : call(text, []);
      case "field":
        this.#cursor.advance();
        return this.#indexed(identity, literal(text.slice(1)));
      case "variable":
        return this.#read(this.#variable());
      case "name":
        return this.#named();
      case "end":
        return unsupported("an end");
      case "symbol":
        return this.#enclosed();
    }
  }
  #enclosed(): Node {
    const dotAt = this.#cursor.token.at;
    if (this.#cursor.accept(".")) {
      const isNext = this.#cursor.token.at === dotAt + 1;
      return this.#cursor.isAtString() ? (isNext ? this.#indexed(identity, this.#string()) : unsupported("a dot")) : identity;
    }
    if (this.#cursor.accept("(")) {
      const inner = this.pipe();
      this.#cursor.expect(")");
      return inner;
    }
    if (this.#cursor.accept("[")) {
      if (this.#cursor.accept("]")) return { type: "array" };
      const of = this.pipe();
      this.#cursor.expect("]");
      return { type: "array", of };
    }
    if (this.#cursor.accept("{")) return this.#object();
    if (this.#cursor.accept("-")) return this.#negative();
    return unsupported("a symbol");
  }
  #negative(): Node {
    const number = this.#number("-");
    const isMore =
      this.#cursor.token.type === "field" || ["[", "?", "."].some((text) => this.#cursor.isAt(text)) || this.#cursor.isAt("as");
    return isMore ? unsupported("a minus before a term") : number;
  }
  /** One that JavaScript writes as it stands. */
  #number(sign: string): Node {
    const { type, text } = this.#cursor.advance();
    const value = Number(`${sign}${text}`);
    const isPlain = type === "number" && text.length <= 15 && /^[\d.]+$/.test(text) && String(value) === `${sign}${text}`;
    return isPlain ? { type: "literal", value } : unsupported("a number");
  }
  #read(name: string): Node {
    if (name === "ENV") return { type: "object", fields: [] };
    return this.#variables.includes(name) ? { type: "variable", name } : unsupported("a variable");
  }
  #string(): Node {
    const parts: Node[] = [];
    for (;;) {
      const { text, isLast } = this.#cursor.readText();
      parts.push(literal(text));
      if (isLast) break;
      parts.push(this.pipe());
      if (!this.#cursor.isAt(")")) unsupported("no )");
    }
    const [only] = parts;
    return only && parts.length === 1 ? only : { type: "text", parts };
  }
  #object(): Node {
    const fields: { readonly key: Node; readonly value: Node }[] = [];
    if (this.#cursor.accept("}")) return { type: "object", fields };
    do fields.push(this.#field());
    while (this.#cursor.accept(","));
    this.#cursor.expect("}");
    return { type: "object", fields };
  }
  #field(): { readonly key: Node; readonly value: Node } {
    const { type } = this.#cursor.token;
    if (type === "variable") {
      const name = this.#variable();
      return { key: literal(name), value: name === "ENV" ? unsupported("$ENV as a field") : this.#read(name) };
    }
    if (this.#cursor.accept("(")) {
      const key = this.pipe();
      if (!["index", "variable", "text", "call", "pipe"].includes(key.type))
        unsupported("a key that jq may check when it compiles");
      this.#cursor.expect(")");
      this.#cursor.expect(":");
      return { key, value: this.#fieldValue() };
    }
    const key = type === "quote" ? this.#string() : type === "name" ? literal(this.#cursor.advance().text) : unsupported("a key");
    if (this.#cursor.accept(":")) return { key, value: this.#fieldValue() };
    if (type === "name" && keywords.has(key.type === "literal" ? String(key.value) : "")) unsupported("a keyword as a field");
    return { key, value: { type: "index", of: identity, key, isQuiet: false } };
  }
  #fieldValue(): Node {
    const left = this.#alternative();
    return this.#cursor.accept("|") ? { type: "pipe", left, right: this.#fieldValue() } : left;
  }

  #named(): Node {
    const { text } = this.#cursor.advance();
    switch (text) {
      case "null":
        return nothing;
      case "true":
      case "false":
        return { type: "literal", value: text === "true" };
      case "if":
        return this.#conditional();
      case "try":
        return this.#attempt();
      case "reduce":
        return this.#reduction();
      default:
        return keywords.has(text) ? unsupported(text) : call(text, this.#parameters());
    }
  }
  /** From behind `if` or `elif`. */
  #conditional(): Node {
    const test = this.pipe();
    this.#cursor.expect("then");
    const consequent = this.pipe();
    if (this.#cursor.accept("elif")) return { type: "if", test, consequent, alternate: this.#conditional() };
    const alternate = this.#cursor.accept("else") ? this.pipe() : identity;
    this.#cursor.expect("end");
    return { type: "if", test, consequent, alternate };
  }
  #attempt(): Node {
    const body = this.#term();
    return this.#cursor.accept("catch") ? { type: "try", body, handler: this.#term() } : { type: "try", body };
  }
  #reduction(): Node {
    const source = this.#term();
    this.#cursor.expect("as");
    const name = this.#variable();
    this.#cursor.expect("(");
    const from = this.pipe();
    this.#cursor.expect(";");
    const update = this.#within(name, () => this.pipe());
    this.#cursor.expect(")");
    return { type: "reduce", source, name, from, update };
  }
  #parameters(): readonly Node[] {
    const all: Node[] = [];
    if (!this.#cursor.accept("(")) return all;
    do all.push(this.pipe());
    while (this.#cursor.accept(";"));
    this.#cursor.expect(")");
    return all;
  }
}

function literal(value: string): Node {
  return { type: "literal", value };
}
function call(name: string, parameters: readonly Node[]): Node {
  return { type: "call", name, parameters };
}
