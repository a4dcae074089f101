/** Text without what it ends with. No regular expression: one that looks for a run at the end is quadratic. */

/** `marks`: single characters. */
export function withoutAtEnd(text: string, marks: string): string {
  let end = text.length;
  while (end > 0 && marks.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
