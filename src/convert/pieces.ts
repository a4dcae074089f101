/** Text that is known but for some places: where a Secret's value stands, or what only an answer will tell. */
import { escapeTemplate } from "../core/templating.ts";
import { withoutAtEnd } from "../core/tools/text-end.ts";

export type Piece =
  | { readonly type: "text"; readonly text: string }
  /** Jq over what a request's expressions see. */
  | { readonly type: "expression"; readonly text: string };

/** What stands between what `pattern` finds stays text. */
export function splitAt(text: string, pattern: RegExp, piece: (found: readonly string[]) => Piece): readonly Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const found of text.matchAll(pattern)) {
    if (found.index > end) pieces.push({ type: "text", text: text.slice(end, found.index) });
    pieces.push(piece(found));
    end = found.index + found[0].length;
  }
  if (end < text.length) pieces.push({ type: "text", text: text.slice(end) });
  return pieces;
}

/** A template that yields it. */
export function templateOf(pieces: readonly Piece[]): string {
  let template = "";
  let dollars = "";
  for (const piece of pieces)
    if (piece.type === "text") {
      const bare = withoutAtEnd(piece.text, "$");
      dollars = piece.text.slice(bare.length);
      template += escapeTemplate(bare);
      if (piece === pieces.at(-1)) template += dollars;
    } else {
      // A $ before an expression would make it text.
      template += dollars === "" ? `\${ ${piece.text} }` : `\${ "${dollars}\\(${piece.text})" }`;
      dollars = "";
    }
  return template;
}

/** Jq of a string that is it. */
export function stringOf(pieces: readonly Piece[]): string {
  const parts = pieces.map(({ type, text }) => (type === "text" ? jqString(text).slice(1, -1) : `\\(${text})`));
  return `"${parts.join("")}"`;
}

/** A string as jq writes it. */
export function jqString(text: string): string {
  return JSON.stringify(text); // jq's strings are JSON's, but for \( which JSON never writes
}
