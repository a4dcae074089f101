/** What a translation has to tell, as text: a block for each object, and a sum. */
import type { Finding, Level } from "./findings.ts";
import type { Manifest } from "./translation.ts";

export interface Told {
  /** `FILE:LINE`. */
  readonly place: string;
  /** `Request here/one`. */
  readonly from: string;
  /** `HTTPResource here/one`; undefined: it was not translated. */
  readonly to: string | undefined;
  readonly findings: readonly Finding[];
}

/** From what tells most to what tells least. */
const levels: readonly Level[] = ["HARD", "WARN", "CHOOSE", "STEP", "CHANGE", "DROP", "FIX", "INFO"];

/** A comment of YAML or of a shell: what follows a line's end would be none. */
export function commentOf(text: string): string {
  return `# ${shown(text)}`;
}
/** Without what would begin another line, or move a terminal's cursor. */
function shown(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, " ");
}

export function blockOf({ place, from, to, findings }: Told): string {
  const lines = findings
    .toSorted((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level))
    .map(({ level, field, message }) => `  ${level.padEnd(6)} ${field}: ${message}`);
  return [`${place} ${from} -> ${to ?? "nothing"}`, ...lines].map(shown).join("\n");
}

/** What is otherwise of all that is of a kind, and so is told once. */
export function notesOf(manifests: readonly Manifest[]): readonly string[] {
  const some = (is: (one: Manifest) => boolean): boolean => manifests.some(is);
  const hasMore = ({ kind, spec }: Manifest): boolean =>
    kind === "HTTPResource" || !["GET", "HEAD"].includes(String(spec["method"]));
  return [
    ...(some(({ spec }) => spec["inputs"] !== undefined)
      ? [
          "all with inputs: a key that a Secret has not was an empty text there; here it is KeyNotFound, and nothing is sent. What servers send is never looked at for placeholders",
        ]
      : []),
    ...(some(({ spec }) => spec["outputs"] !== undefined)
      ? ["all with outputs: a list is written as JSON; there it counted as missing"]
      : []),
    ...(some(({ kind }) => kind === "HTTPRequest") ? ["all HTTPRequests: a change is a new run; there it was refused"] : []),
    ...(some((one) => hasMore(one) && one.spec["maxRedirects"] === undefined)
      ? ["all but GET and HEAD: redirects are not followed, unless --keep-redirects says so"]
      : []),
  ];
}

/** What changes nothing of how an object behaves, and asks nothing of anybody. */
function isSame({ level }: Finding): boolean {
  return level === "INFO" || level === "FIX" || level === "CHOOSE";
}

export function sumOf(told: readonly Told[]): string {
  const count = (level: Level): number => told.filter(({ findings }) => findings.some((one) => one.level === level)).length;
  const same = told.filter(({ findings }) => findings.every(isSame)).length;
  return `${told.length} objects: ${same} the same, ${count("CHANGE")} that behave otherwise, ${count("DROP")} with something dropped, ${count("STEP")} with something to do, ${count("WARN")} to be looked at before they run, ${count("HARD")} with something that could not be translated`;
}

/** 1: something is HARD; 2: with `strict`, something is not certain to be as it was, or is to be done. */
export function exitCodeOf(told: readonly Told[], strict: boolean): number {
  const has = (...some: readonly Level[]): boolean =>
    told.some(({ findings }) => findings.some(({ level }) => some.includes(level)));
  if (has("HARD")) return 1;
  return strict && !told.every(({ findings }) => findings.every(isSame)) ? 2 : 0;
}
