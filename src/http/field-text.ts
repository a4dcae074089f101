/** A header field's text as UTF-8, as its sender most likely means it: undici makes a character of each byte. */
export function fieldText(field: string): string {
  return Buffer.from(field, "latin1").toString();
}
