/** What the parser makes of an expression: the part of jq's language that is evaluated here. */
export type Node =
  | { readonly type: "identity" }
  | { readonly type: "literal"; readonly value: null | boolean | number | string }
  | { readonly type: "variable"; readonly name: string }
  /** `isQuiet`: followed by `?`, so that what cannot be looked into yields nothing. */
  | { readonly type: "index"; readonly of: Node; readonly key: Node; readonly isQuiet: boolean }
  | { readonly type: "slice"; readonly of: Node; readonly from: Node; readonly to: Node; readonly isQuiet: boolean }
  | { readonly type: "iterate"; readonly of: Node; readonly isQuiet: boolean }
  | { readonly type: "try"; readonly body: Node; readonly handler?: Node }
  | { readonly type: "pipe" | "comma" | "alternative" | "and" | "or"; readonly left: Node; readonly right: Node }
  | { readonly type: "operation"; readonly operator: Operator; readonly left: Node; readonly right: Node }
  | { readonly type: "bind"; readonly source: Node; readonly name: string; readonly body: Node }
  | { readonly type: "reduce"; readonly source: Node; readonly name: string; readonly from: Node; readonly update: Node }
  | { readonly type: "if"; readonly test: Node; readonly consequent: Node; readonly alternate: Node }
  /** Without `of`: an empty one. */
  | { readonly type: "array"; readonly of?: Node }
  | { readonly type: "object"; readonly fields: readonly { readonly key: Node; readonly value: Node }[] }
  /** A string with `\(…)` in it. */
  | { readonly type: "text"; readonly parts: readonly Node[] }
  /** `name` of a format begins with `@`. */
  | { readonly type: "call"; readonly name: string; readonly parameters: readonly Node[] };

export const operators = ["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"] as const;
export type Operator = (typeof operators)[number];

/** The expression is not in the part of jq that is known here, or is no jq at all: jq decides. */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";
}
export function unsupported(what: string): never {
  throw new UnsupportedError(what);
}
