/** An OBSERVE that lists, by a query, where the others take the id of an item: as a lookup, which somebody has to look at. */
import { parseTemplate } from "../core/templating.ts";
import { pathStep } from "./examine.ts";
import type { Findings } from "./findings.ts";
import type { Mapped } from "./mappings.ts";
import { jqString, stringOf } from "./pieces.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * `seen`: what was sent there, and `observe` how that is written here. `program`: jq of the id. Undefined: it looks at one object,
 * or is no list that can be searched; that it is a list is told.
 */
export function lookupOf(
  { mapping, field }: Mapped,
  observe: Fields,
  program = "",
  { findings, mayLookUp }: { readonly findings: Findings; readonly mayLookUp: boolean },
): Fields | undefined {
  if (!/\[\d+\]/.test(program) || /\.response\b/.test(mapping.url)) return undefined;
  const lookup = mayLookUp ? searched(observe, program) : undefined;
  const next = lookup
    ? "so is it written; see that match says what the query asks for, and take suspend off"
    : `with items, match and externalID (${program})`;
  findings.add(
    "HARD",
    field,
    `it lists, and the others take the id from an item: that is a lookup here, ${next}. There an empty list was an object that exists, so it was never created`,
  );
  return lookup;
}

function searched({ url, headers, method, body }: Fields, program: string): Fields | undefined {
  const [, items, rest = ""] =
    /^(\.response\.body(?:\.[A-Za-z_]\w*|\["[^"\\]{1,256}"\]|\[\d{1,9}\]){0,16})\[\d{1,9}\]((?:\.[A-Za-z_]\w*){1,16})$/.exec(
      program,
    ) ?? [];
  if (items === undefined || typeof url !== "string" || url.includes(".externalID")) return undefined;
  const asks = questionsOf(url);
  if (asks.length === 0) return undefined;
  return {
    url,
    ...(method !== undefined && { method }),
    ...(headers !== undefined && { headers }),
    ...(body !== undefined && { body }),
    items,
    match: asks.map(([name, value]) => `(.item${pathStep(name)} | tostring) == ${value}`).join(" and "),
    externalID: `.item${rest}`,
  };
}

/** Names of the query's parameters with jq of their values; none where it cannot be told which is which. */
function questionsOf(url: string): readonly (readonly [string, string])[] {
  const template = parseTemplate(url);
  if (template.type === "invalid") return [];
  // A whole expression is one part, in which nothing can be told apart.
  const expressions = template.parts.filter(({ type }) => type === "expression");
  const text = template.parts.map((part) => (part.type === "text" ? part.text : mark)).join("");
  const query = text.split("?")[1];
  if (query === undefined || text.split("?")[0]?.includes(mark)) return [];
  let used = 0;
  return query.split("&").flatMap((pair) => {
    const at = pair.indexOf("=");
    const [name, value] = at === -1 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
    const texts = value.split(mark);
    const pieces = texts.flatMap((one, index) => [
      ...(index === 0 ? [] : [{ type: "expression", text: expressions[used++]?.text ?? "" } as const]),
      ...(one === "" ? [] : [{ type: "text", text: decoded(one) } as const]),
    ]);
    return name === "" || name.includes(mark)
      ? []
      : [[decoded(name), pieces.length === 0 ? jqString("") : stringOf(pieces)] as const];
  });
}
const mark = "\u{E000}";

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
