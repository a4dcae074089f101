/** The peer's checks of an answer: whether the object is as declared, and whether it is gone. */
import type { Findings } from "./findings.ts";
import type { PeerInjection } from "./peer-schema.ts";
import { placeholdersIn } from "./placeholders.ts";
import { onOneLine, type Programs } from "./programs.ts";

/**
 * The check's program on one line, without what it asks of Secrets that the object itself writes, since it would wait for itself.
 * Undefined: nothing is left of it.
 */
export function logicOf(
  logic: string,
  field: string,
  { written, findings }: { readonly written: readonly PeerInjection[]; readonly findings: Findings },
): string | undefined {
  const text = onOneLine(logic);
  const isOwn = (part: string): boolean =>
    placeholdersIn(part).some(({ name, namespace }) =>
      written.some(({ secretRef }) => secretRef.name === name && (secretRef.namespace ?? namespace) === namespace),
    );
  if (!isOwn(text)) return text;
  const [, condition = text] = /^if (.*) then true else false end$/.exec(text) ?? [];
  const parts = conjuncts(condition);
  const kept = parts.filter((part) => !isOwn(part));
  if (kept.length === 0) {
    findings.add(
      "DROP",
      field,
      "it compares with a Secret that this object itself writes, and would wait for itself: it is left out",
    );
    return undefined;
  }
  findings.add(
    "DROP",
    field,
    "what it compares with a Secret that this object itself writes is left out: it would wait for itself",
  );
  return kept.map((part) => `(${part.trim()})`).join(" and ");
}

/** The parts of a conjunction; one where it is none, or where `or` binds less than the `and`s. */
function conjuncts(condition: string): readonly string[] {
  const parts: string[] = [];
  let [depth, start, quoted] = [0, 0, false];
  for (let at = 0; at < condition.length; at += 1) {
    const character = condition[at] ?? "";
    if (quoted) {
      if (character === "\\") at += 1;
      else if (character === '"') quoted = false;
      continue;
    }
    if (character === '"') quoted = true;
    else if ("([{".includes(character)) depth += 1;
    else if (")]}".includes(character)) depth -= 1;
    else if (depth === 0 && /^ (or|if|as|\||,|reduce|foreach|def|\/\/) ?/.test(condition.slice(at, at + 9))) return [condition];
    else if (depth === 0 && condition.startsWith(" and ", at)) {
      parts.push(condition.slice(start, at));
      start = at + 5;
      at += 4;
    }
  }
  return [...parts, condition.slice(start)];
}

/** Whether it says of an answer just what is taken for granted: that 404 means gone. */
export async function saysNotFound(programs: Programs, root: object, logic: string): Promise<boolean> {
  const answers = [
    { statusCode: 404, body: {}, headers: {} },
    { statusCode: 404, body: { error: "a" }, headers: {} },
    { statusCode: 404, body: "", headers: {} },
    { statusCode: 200, body: {}, headers: {} },
    { statusCode: 200, body: { error: "a" }, headers: {} },
    { statusCode: 410, body: {}, headers: {} },
    { statusCode: 500, body: "", headers: {} },
  ];
  const results = await programs.run(logic, root, answers);
  // Only numbers and the status are asked: nothing of it depends on more than these answers show.
  return (
    !/\.(body|headers)\b|\bresponse\b(?!\.statusCode)/.test(logic) &&
    results.every((result, index) => result.type === "value" && result.value === index < 3)
  );
}

/** The statuses of failures of which it speaks. */
export function statusesIn(logic: string): readonly string[] {
  return [...new Set(logic.match(/\b[45]\d\d\b/g) ?? [])];
}
