/**
 * YAML (and so JSON) as kubectl reads it, with the line of every field.
 *
 * No message quotes a value: it may be a secret. What a text can make this do is bounded by the text's size.
 */
import { LineCounter, parseAllDocuments, type Document, type ErrorCode } from "yaml";
import type { Path } from "../api/problem.ts";
import { plainData, type Offsets } from "./yaml-data.ts";

export interface YAMLError {
  /** From 1. */
  readonly line: number;
  /** From 1, where the text itself is at fault; absent: a field is. */
  readonly column?: number;
  readonly message: string;
}
interface YAMLDocument {
  /** JSON, its objects without prototypes. */
  readonly value: unknown;
  /** The line, from 1, of what is at `path`, or of the nearest thing above it that is there. */
  lineOf(path: Path): number;
}
interface YAMLText {
  /** Those that are not empty and could be read. */
  readonly documents: readonly YAMLDocument[];
  readonly errors: readonly YAMLError[];
}

/** Every document of the text. It throws for nothing that a text can hold: what is wrong is among `errors`. */
export function readYAML(text: string): YAMLText {
  const lines = new LineCounter();
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  const placeAt = (offset: number): Required<Pick<YAMLError, "line" | "column">> => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const errors: YAMLError[] = [];
  const documents = parse(text, lines, errors).flatMap((document) => {
    const broken = syntaxError(document);
    if (broken) errors.push({ ...placeAt(broken.offset), message: broken.message });
    if (broken || document.contents === null) return [];
    const data = plainData(document.contents);
    errors.push(...data.errors.map(({ offset, message }) => ({ ...placeAt(offset), message })));
    if (data.errors.length > 0 || data.value === null) return [];
    const lineOf = (path: Path): number => lineAt(offsetOf(data.value, path, data.offsets) ?? document.contents?.range[0] ?? 0);
    return [{ value: data.value, lineOf }];
  });
  return { documents, errors };
}

/** Every scalar stays text here; what an unquoted one means is kubectl's to say, in `yaml-scalar.ts`. */
function parse(text: string, lineCounter: LineCounter, errors: YAMLError[]): readonly Document.Parsed[] {
  const meaning = { version: "1.1", schema: "failsafe", merge: false, uniqueKeys: false } as const;
  try {
    return [...parseAllDocuments(text, { ...meaning, prettyErrors: false, logLevel: "silent", lineCounter })];
  } catch {
    // The parser is recursive, and gives up where the stack ends.
    errors.push({ line: 1, message: "nested too deeply to be read" });
    return [];
  }
}

/** The first one only: what follows it is mostly its consequence. */
function syntaxError(document: Document.Parsed): { readonly offset: number; readonly message: string } | undefined {
  const { explicit, version } = document.directives.yaml;
  if (explicit === true && version !== "1.1") return { offset: 0, message: "kubectl reads YAML 1.1 only: remove the %YAML line" };
  // An unknown tag is only a warning; `plainData` judges those.
  const warnings = document.warnings.filter((warning) => warning.code !== "TAG_RESOLVE_FAILED");
  const [error] = [...document.errors, ...warnings];
  return error && { offset: error.pos[0], message: `broken YAML: ${syntaxMessages[error.code]}` };
}

function offsetOf(root: unknown, path: Path, offsets: Offsets): number | undefined {
  let container = root;
  let offset: number | undefined;
  for (const step of path) {
    const next = typeof container === "object" && container !== null ? offsets.get(container)?.get(step) : undefined;
    if (next === undefined) break;
    offset = next;
    container = (container as Record<string | number, unknown>)[step];
  }
  return offset;
}

/** The parser's own messages quote the text. */
const syntaxMessages: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: "an alias has no anchor or tag of its own",
  BAD_ALIAS: "this is no name of an anchor; a value that begins with `*` must be in quotes",
  BAD_COLLECTION_TYPE: "this tag does not fit what it stands before",
  BAD_DIRECTIVE: "this directive is not known",
  BAD_DQ_ESCAPE: "unknown escape sequence between double quotes",
  BAD_INDENT: "wrong indentation, or a closing bracket or quote is missing",
  BAD_PROP_ORDER: "an anchor or tag stands in the wrong place",
  BAD_SCALAR_START: "a value that begins with this character must be in quotes",
  BLOCK_AS_IMPLICIT_KEY: "a value that holds `: ` must be in quotes, or the indentation is wrong",
  BLOCK_IN_FLOW: "no indented block may stand within brackets",
  DUPLICATE_KEY: "a key is there twice",
  IMPOSSIBLE: "this cannot be read",
  KEY_OVER_1024_CHARS: "a key is longer than 1024 characters",
  MISSING_CHAR: "a quote, bracket, comma, colon or space is missing; a value that holds these must be in quotes",
  MULTILINE_IMPLICIT_KEY: "a key must be on one line, followed by a colon",
  MULTIPLE_ANCHORS: "a value has more than one anchor",
  MULTIPLE_DOCS: "documents must be separated by `---`",
  MULTIPLE_TAGS: "a value has more than one tag; one that begins with `!` must be in quotes",
  NON_STRING_KEY: "a key must be text",
  RESOURCE_EXHAUSTION: "nested too deeply",
  TAB_AS_INDENT: "tabs may not be used as indentation",
  TAG_RESOLVE_FAILED: "this tag is not known",
  UNEXPECTED_TOKEN: "this does not belong here; where it is part of a value, that must be in quotes as a whole",
};
