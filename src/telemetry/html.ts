/** HTML as a tagged template. Invariant: whatever is put into it is text, and escaped, unless it is itself such HTML. */
export interface Html {
  readonly html: string;
}
type Part = string | number | Html | readonly Html[];

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: strings.map((literal, index) => literal + textOf(parts[index] ?? "")).join("") };
}

function textOf(part: Part): string {
  if (typeof part === "string") return part.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");
  if (typeof part === "number") return String(part);
  return "html" in part ? part.html : part.map((one) => one.html).join("");
}
