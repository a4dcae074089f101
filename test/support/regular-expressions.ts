/** Every regular expression of a folder of sources, and texts on which one that backtracks would take long. */
import { globSync, readFileSync } from "node:fs";
import { parsers } from "prettier/plugins/typescript";

export interface Found {
  /** File and line. */
  readonly at: string;
  readonly source: string;
  readonly flags: string;
}

interface Literal {
  readonly type: "Literal";
  readonly regex: { readonly pattern: string; readonly flags: string };
  readonly loc: { readonly start: { readonly line: number } };
}

/** `made`: files that make some out of texts. */
export function regularExpressionsIn(folder: string): { readonly literals: readonly Found[]; readonly made: readonly string[] } {
  const literals: Found[] = [];
  const made = new Set<string>();
  for (const file of globSync(`${folder}/**/*.ts`).toSorted()) {
    const nodes: unknown[] = [
      (parsers.typescript.parse as (text: string, options: object) => unknown)(readFileSync(file, "utf8"), { filepath: file }),
    ];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      if (typeof node !== "object" || node === null) continue;
      if (isLiteral(node))
        literals.push({ at: `${file}:${node.loc.start.line}`, source: node.regex.pattern, flags: node.regex.flags });
      if ("callee" in node && (node.callee as { readonly name?: string }).name === "RegExp") made.add(file);
      nodes.push(
        ...Object.entries(node).flatMap(([key, value]: [string, unknown]) =>
          key === "parent" || value === undefined ? [] : [value],
        ),
      );
    }
  }
  return { literals, made: [...made] };
}
function isLiteral(node: object): node is Literal {
  return "type" in node && node.type === "Literal" && "regex" in node && node.regex !== undefined;
}

/** One of a sequence: what matches a part, as texts, and what is in it. */
interface Part {
  readonly samples: readonly string[];
  /** Absent: it matches one character. */
  readonly alternatives?: readonly (readonly Part[])[];
  readonly repeats: boolean;
}

const characters = [..."aAzZ019fF \t\n./-_%=\"'[](){}<>:;,@#?&*+\\$!|~^`é\u{FFFD}日\0".split(""), "\u{10000}"];

/** Texts of about `length` characters that run into each of its loops, and out of it. */
export function* attacksOn({ source, flags }: Pick<Found, "source" | "flags">, length: number): Generator<string> {
  for (const { prefix, pump } of loopsOf(partsOf(source, flags))) {
    const pumped = pump.repeat(Math.ceil(length / pump.length));
    for (const end of ["", "\0", "!\n", `${prefix}\0`]) yield `${prefix}${pumped}${end}`;
    const whole = `${prefix}${pump}`;
    for (const end of ["", "\n\0"]) yield `${whole.repeat(Math.ceil(length / whole.length))}${end}`;
    if (prefix !== "") yield `${prefix.repeat(Math.ceil(length / prefix.length))}\n\0`;
  }
  for (const one of characters) yield `${one.repeat(length)}\0`;
}

function* loopsOf(parts: readonly Part[], before = ""): Generator<{ readonly prefix: string; readonly pump: string }> {
  let prefix = before;
  for (const { samples, alternatives, repeats } of parts) {
    if (repeats) for (const pump of samples) if (pump !== "") yield { prefix, pump };
    for (const inner of alternatives ?? []) yield* loopsOf(inner, prefix);
    prefix += samples[0] ?? "";
  }
}

/** Takes a pattern apart as far as it needs to: groups, sets, characters and how often they may come. */
function partsOf(source: string, flags: string): readonly Part[] {
  let at = 0;
  const flagsOfOne = flags.replaceAll(/[gy]/g, "");
  function matching(set: string): readonly string[] {
    const pattern = new RegExp(`^(?:${set})$`, flagsOfOne);
    return [...new Set([set.at(-1) ?? "", ...characters])].filter((one) => pattern.test(one)).slice(0, 3);
  }
  function atom(): Pick<Part, "samples" | "alternatives"> {
    const rest = source.slice(at);
    const group = /^\((?:\?(?:[:=!]|<[=!]|<\w+>))?/.exec(rest);
    if (group) {
      at += group[0].length;
      const alternatives = disjunction();
      at += 1;
      const samples = alternatives.map((parts) => parts.map(({ samples: [first = ""] }) => first).join(""));
      return { alternatives, samples: /\?[=!<]/.test(group[0]) && !group[0].endsWith(">") ? [""] : samples };
    }
    const token =
      /^(?:\[(?:\\.|[^\]\\])*\]|\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\.|[^\\])/isu.exec(rest)?.[0] ?? rest;
    at += token.length;
    if (token === "^" || token === "$" || token === "\\b" || token === "\\B") return { samples: [""] };
    return { samples: matching(token) };
  }
  function sequence(): readonly Part[] {
    const parts: Part[] = [];
    while (at < source.length && source[at] !== "|" && source[at] !== ")") {
      const one = atom();
      const quantifier = /^(?:[*+?]|\{(\d+)(?:,(\d*))?\})\??/.exec(source.slice(at));
      at += quantifier?.[0].length ?? 0;
      const [least, most] = quantifier ? bounds(quantifier) : [1, 1];
      parts.push({ ...one, samples: least > 1 ? one.samples.map((text) => text.repeat(least)) : one.samples, repeats: most > 1 });
    }
    return parts;
  }
  function disjunction(): readonly (readonly Part[])[] {
    const alternatives = [sequence()];
    while (source[at] === "|") {
      at += 1;
      alternatives.push(sequence());
    }
    return alternatives;
  }
  const all = disjunction();
  return [{ samples: [""], alternatives: all, repeats: false }];
}
function bounds([text, least, most]: RegExpExecArray): readonly [number, number] {
  if (least === undefined) return text.startsWith("?") ? [0, 1] : [text.startsWith("+") ? 1 : 0, Infinity];
  return [Number(least), most === undefined ? Number(least) : most === "" ? Infinity : Number(most)];
}
