/**
 * What a program makes of the last answer: nothing, a text in which parts of the answer stand as they are, or something else.
 *
 * Found out by running it over answers that differ in those parts alone, since a program that inserts them says so by what it
 * yields of each.
 */
import { isRecord, sameJSON } from "../core/tools/json.ts";
import { jqString, splitAt, type Piece } from "./pieces.ts";
import type { Programs } from "./programs.ts";

/** Where in an answer: `["body", "id"]`, `["headers", "Location", 0]`. */
export type AnswerPath = readonly (string | number)[];

export type Examined =
  /** What it yields, each place of `paths` as `mark` writes it. */
  | { readonly type: "inserted"; readonly value: unknown; readonly paths: readonly AnswerPath[] }
  /** It makes something of the answer. `sample`: what it yields of one, if anything. */
  | { readonly type: "computed"; readonly sample: unknown }
  | { readonly type: "failed"; readonly isTooMuch: boolean };

/** In private use, and so in no text that means anything. */
const marks = /\u{E000}(\d{1,9})\u{E001}/gu;
const mark = (index: number): string => `\u{E000}${index}\u{E001}`;
export function holdsMarks(text: string): boolean {
  return /[\u{E000}\u{E001}]/u.test(text);
}

const answerPath = /\.response\.(body|headers)((?:\.[A-Za-z_]\w*|\."[^"\\]+"|\["[^"\\]+"\]|\[\d+\])*)/g;
const steps = /\.([A-Za-z_]\w*)|\."([^"\\]+)"|\["([^"\\]+)"\]|\[(\d+)\]/g;

/** Those that stand in it as plain paths, each once. */
export function pathsIn(program: string): readonly AnswerPath[] {
  const found = [...program.matchAll(answerPath)].map(([, part = "", rest = ""]): AnswerPath => {
    const names = [...rest.matchAll(steps)];
    return [
      part,
      ...names.map(([, word, dotted, quoted, index]) => (index === undefined ? (word ?? dotted ?? quoted ?? "") : Number(index))),
    ];
  });
  return [...new Map(found.map((path) => [JSON.stringify(path), path])).values()];
}

/** More than any program needs; a longer one is left as it is. */
const maxLiterals = 32;

/** `root`: all that the program sees beside the answer. */
export async function examine(programs: Programs, root: object, program: string): Promise<Examined> {
  const paths = pathsIn(program);
  const literals = [...program.matchAll(/"([^"\\]*)"/g)].map(([, text = ""]) => text);
  const some = literals.slice(0, maxLiterals);
  const texts = ["41", 'Aa/b c%2F+é"\\.json?x=1&y#z', ...some, ...some.map((text) => `${text}q/7${text}`)];
  // What the places of the paths hold, each time.
  const marked = paths.map((_, index) => mark(index));
  const indexes = paths.map((_, index) => `${index}`);
  const bare = program.replaceAll(/"[^"\\]*"/g, '""');
  const numbers = (bare.match(/\b\d{1,15}\b/g) ?? [])
    .slice(0, maxLiterals)
    .flatMap((text) => [Number(text) - 1, Number(text), Number(text) + 1]);
  // What an alternative (//) stands for shows where there is nothing.
  const values = [...texts, 41, ...numbers, ...(bare.includes("//") ? [null] : [])];
  const others = paths.length === 0 ? [] : values.map((value) => paths.map(() => value));
  // What is no part of the paths is not to matter either.
  const noise = { ...answerWith(paths, indexes), statusCode: 201, "\u{E000}": true };
  const answers = [answerWith(paths, marked), noise, ...others.map((given) => answerWith(paths, given))];
  const [first, ...rest] = await programs.run(program, root, answers);
  if (first?.type !== "value") {
    if (first && (first.isTooMuch || !/\bresponse\b/.test(program))) return first;
    return { type: "computed", sample: undefined };
  }
  const inserts = [indexes, ...others].every((given, index) => {
    const result = rest[index];
    // A number cannot be added to a text there: the request failed then.
    if (result?.type !== "value") return typeof given[0] === "number";
    return sameJSON(result.value, substitute(first.value, given));
  });
  // Whatever else it asks of the answer shows in none of these.
  const asksElse = /\bresponse\b/.test(program.replaceAll(answerPath, ""));
  return inserts && !asksElse && literals.length <= maxLiterals
    ? { type: "inserted", value: first.value, paths }
    : { type: "computed", sample: first.value };
}

function answerWith(paths: readonly AnswerPath[], values: readonly unknown[]): object {
  const answer: Record<string, unknown> = { statusCode: 200, body: {}, headers: null };
  for (const [index, path] of paths.entries()) {
    // There a header field is a list, even where it comes once.
    const isField = path[0] === "headers" && path.length === 2;
    put(answer, isField ? [...path, 0] : path, values[index]);
  }
  return answer;
}
/** Where one path goes through another, the shorter one is overwritten: a program cannot only insert both. */
export function put(into: object, path: AnswerPath, value: unknown): void {
  let one = into as Record<string | number, unknown>;
  for (const [index, key] of path.entries()) {
    const next = path[index + 1];
    const at = Object.getOwnPropertyDescriptor(one, key)?.value as unknown;
    const child = next === undefined ? value : typeof at === "object" && at !== null ? at : typeof next === "number" ? [] : {};
    Object.defineProperty(one, key, { value: child, enumerable: true, configurable: true, writable: true });
    one = child as typeof one;
  }
}

function substitute(value: unknown, given: readonly unknown[]): unknown {
  return mapTexts(value, (text) => {
    const whole = wholeMark(text);
    return whole === undefined ? text.replace(marks, (_, index: string) => String(given[Number(index)])) : given[whole];
  });
}

/** The index of the path whose value makes up the whole text. */
export function wholeMark(text: string): number | undefined {
  const [, index] = /^\u{E000}(\d{1,9})\u{E001}$/u.exec(text) ?? [];
  return index === undefined ? undefined : Number(index);
}

/** The same JSON value, with what `change` makes of each text in it. */
export function mapTexts(value: unknown, change: (text: string) => unknown): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, change)]));
}

/** A text that `inserted` holds, with jq in place of the marks. */
export function piecesOf(
  text: string,
  expression: (index: number) => string,
  within: (text: string) => readonly Piece[],
): readonly Piece[] {
  return splitAt(text, marks, ([, index]) => ({ type: "expression", text: expression(Number(index)) })).flatMap((piece) =>
    piece.type === "text" ? within(piece.text) : [piece],
  );
}

/** Jq of it over an answer as it is here: names of header fields are small, and one that comes once is a text. */
export function pathProgram(path: AnswerPath, response = ".response"): string {
  const [part, name, ...rest] = path;
  if (part !== "headers") return `${response}${path.map(pathStep).join("")}`;
  return `${response}.headers[${jqString(String(name).toLowerCase())}]${(rest[0] === 0 ? rest.slice(1) : rest).map(pathStep).join("")}`;
}
/** One step of a path as jq has it. */
export function pathStep(key: string | number): string {
  if (typeof key === "number") return `[${key}]`;
  return /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${jqString(key)}]`;
}
