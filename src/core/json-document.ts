/** A document that expressions see: JSON text, of which a part that several documents share is read once. */

/** What it is read as is found by the object. */
export interface JSONText {
  readonly text: string;
}
/** An object's JSON text, and a field that comes after those in it, of which there is at least one. */
export interface SharingDocument {
  readonly own: string;
  readonly field: string;
  readonly shared: JSONText;
}
export type JSONDocument = string | SharingDocument;

export function textOf(document: JSONDocument): string {
  if (typeof document === "string") return document;
  const { own, field, shared } = document;
  return `${own.slice(0, -1)},${JSON.stringify(field)}:${shared.text}}`;
}
