/**
 * By what the remote object is known. There it was whatever the programs took of the last answer; here it is taken once, of the
 * answer to create, and kept as text in `externalID`.
 */
import { pathProgram, type AnswerPath } from "./examine.ts";

export interface Identity {
  /** Jq for `spec.externalID`; undefined: no request needs to know the object. */
  readonly program: string | undefined;
  /** Jq that yields what `add` was given. */
  expression(index: number): string;
}

export interface Identities {
  /** What `observe` or `delete` takes of an answer, as a path. Returns its index. */
  path(path: AnswerPath): number;
  /** The same, as jq that sees what expressions see, and yields what the request is to have of it. */
  computed(program: string): number;
  /** A value that is needed as it was, such as a number, and not as text. */
  keepType(): void;
  find(path: AnswerPath): number | undefined;
  /** Whether it is the id itself, which no answer has. */
  isKept(path: AnswerPath): boolean;
  decide(): Identity;
}

/** `kept`: programs that are asked in place of a path's own. */
export function createIdentities(kept: ReadonlyMap<string, string> = new Map()): Identities {
  const programs: string[] = [];
  let asList = false;

  function add(program: string): number {
    const known = programs.indexOf(program);
    return known === -1 ? programs.push(program) - 1 : known;
  }
  const programOf = (path: AnswerPath): string => kept.get(pathProgram(path)) ?? pathProgram(path);
  return {
    path: (path) => add(programOf(path)),
    isKept: (path) => kept.has(pathProgram(path)),
    computed(program) {
      return add(`(try (${program}) catch null)`);
    },
    keepType() {
      asList = true;
    },
    find(path) {
      const known = programs.indexOf(programOf(path));
      return known === -1 ? undefined : known;
    },
    decide() {
      const [only] = programs;
      if (only === undefined) return { program: undefined, expression: () => ".externalID" };
      // As there, where a request that held the word was not sent.
      const unlessNull = `if contains("null") then null else . end`;
      if (programs.length === 1 && !asList)
        return {
          program: only.startsWith("(try ") ? `${only} | if type == "string" then ${unlessNull} else null end` : only,
          expression: () => ".externalID",
        };
      return {
        program: `[${programs.join(", ")}] | tojson | ${unlessNull}`,
        expression: (index) => `.externalID | fromjson | .[${index}]`,
      };
    },
  };
}
