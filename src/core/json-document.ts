/** A document that expressions see: JSON text, of which what several documents share is read once. */

/** A longer text is not held as values beside itself: it is jq's to read. Characters, or bytes where only they are known. */
export const longestHeld = 64 * 1024;

/** What it is read as is found by the object. */
export interface JSONText {
  readonly text: string;
}
/** An object's JSON text with a field at least, and perhaps one that comes after those in it. */
export interface SharingDocument {
  readonly own: JSONText;
  readonly last?: { readonly field: string; readonly value: JSONText };
}
export type JSONDocument = string | SharingDocument;

export function textOf(document: JSONDocument): string {
  if (typeof document === "string") return document;
  const { own, last } = document;
  return last ? `${own.text.slice(0, -1)},${JSON.stringify(last.field)}:${last.value.text}}` : own.text;
}
