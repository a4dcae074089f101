/** jq's syntax, as far as it matters for what an expression reads. */
export type Node =
  | { readonly type: "identity" | "recurse" }
  | { readonly type: "literal"; readonly value: string | number | null | undefined }
  /** Text with what is interpolated in it. */
  | { readonly type: "text"; readonly parts: readonly Node[] }
  /** `.key`, `.[key]`; without a key, or with two of them, each element: `.[]`, `.[1:2]`. */
  | { readonly type: "index"; readonly of: Node; readonly keys: readonly Node[] }
  | { readonly type: "try"; readonly body: Node; readonly handler?: Node }
  | { readonly type: "pipe"; readonly left: Node; readonly right: Node }
  | { readonly type: "binary"; readonly operator: string; readonly left: Node; readonly right: Node }
  /** Conditions with what then holds; without an `else` the input stays. */
  | { readonly type: "if"; readonly branches: readonly (readonly [Node, Node])[]; readonly otherwise: Node }
  /** `reduce` and `foreach`: what is in `parts` is evaluated on what has been accumulated, but for the first. */
  | { readonly type: "fold"; readonly source: Node; readonly patterns: readonly Pattern[]; readonly parts: readonly Node[] }
  | { readonly type: "bind"; readonly source: Node; readonly patterns: readonly Pattern[]; readonly body: Node }
  | {
      readonly type: "define";
      readonly name: string;
      readonly parameters: readonly string[];
      readonly body: Node;
      readonly rest: Node;
    }
  | { readonly type: "call"; readonly name: string; readonly args: readonly Node[] }
  | { readonly type: "variable"; readonly name: string }
  | { readonly type: "object"; readonly entries: readonly (readonly [Node, Node])[] }
  | { readonly type: "array"; readonly of: Node };

/** What `as` binds: a variable, or parts of what is bound, and both. */
export interface Pattern {
  readonly variable?: string;
  readonly parts: readonly (readonly [Node, Pattern | undefined])[];
}

/** From loosest to tightest. Which of those at one level binds first changes nothing of what is read. */
export const levels: readonly (readonly string[])[] = [
  [","],
  ["//"],
  ["=", "|=", "+=", "-=", "*=", "/=", "%=", "//="],
  ["or"],
  ["and"],
  ["==", "!=", "<", ">", "<=", ">="],
  ["+", "-"],
  ["*", "/", "%"],
];

/** They stand for nothing alone. */
export const reserved: ReadonlySet<string> = new Set([
  "then",
  "elif",
  "else",
  "end",
  "as",
  "catch",
  "and",
  "or",
  "import",
  "include",
]);
