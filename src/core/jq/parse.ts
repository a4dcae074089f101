/**
 * jq's grammar (jq 1.8's manual), read by descent. It need not refuse what jq refuses, but what jq takes it reads as jq does, or says that it cannot. What evaluates expressions
 * has a parser of its own (expressions/native), which promises the opposite: it refuses most of jq, and all that jq refuses.
 */
import {
  accept,
  demand,
  peek,
  skipBlank,
  takeName,
  takeNumber,
  takeText,
  takeVariable,
  unreadable,
  UnreadableError,
  type Scanner,
} from "./scanner.ts";
import { levels, reserved, type Node, type Pattern } from "./syntax.ts";

interface Parser extends Scanner {
  depth: number;
}
/** Each takes some frames of the stack. */
const maxDepth = 200;
/** Undefined: it cannot be read. */
export function parseJq(text: string): Node | undefined {
  const parser: Parser = { text, at: 0, depth: 0 };
  try {
    const node = parsePipe(parser);
    skipBlank(parser);
    return parser.at === text.length ? node : undefined;
  } catch (error) {
    if (error instanceof UnreadableError) return undefined;
    throw error;
  }
}

const identity: Node = { type: "identity" };
const nothing: Node = { type: "literal", value: undefined };

const aboveComma = 1;

function nested<T>(parser: Parser, read: (parser: Parser) => T): T {
  parser.depth += 1;
  if (parser.depth > maxDepth) unreadable(parser);
  const found = read(parser);
  parser.depth -= 1;
  return found;
}
const parsePipe = (parser: Parser): Node => nested(parser, pipeAt);
function pipeAt(parser: Parser): Node {
  const stages = [parseBinary(parser, 0)];
  while (accept(parser, "|")) stages.push(parseBinary(parser, 0));
  return piped(stages);
}
function piped(stages: readonly Node[]): Node {
  return stages.reduce((left, right): Node => ({ type: "pipe", left, right }));
}

function parseDefinition(parser: Parser): Node {
  const name = takeName(parser) ?? unreadable(parser);
  const parameters: string[] = [];
  if (accept(parser, "(")) {
    do parameters.push(accept(parser, "$") ? `$${takeVariable(parser)}` : (takeName(parser) ?? unreadable(parser)));
    while (accept(parser, ";"));
    demand(parser, ")");
  }
  demand(parser, ":");
  const body = parsePipe(parser);
  demand(parser, ";");
  return { type: "define", name, parameters, body, rest: parsePipe(parser) };
}

function parseBinary(parser: Parser, level: number): Node {
  const operators = levels[level];
  if (!operators) return parsePostfix(parser);
  let left = parseBinary(parser, level + 1);
  for (let operator = peek(parser); operators.includes(operator); operator = peek(parser)) {
    demand(parser, operator);
    left = { type: "binary", operator, left, right: parseBinary(parser, level + 1) };
  }
  return left;
}

function parsePostfix(parser: Parser): Node {
  return nested(parser, () => (accept(parser, "-") ? negated(parsePostfix(parser)) : parseTail(parser, parseTerm(parser))));
}
function negated(node: Node): Node {
  if (node.type === "literal" && typeof node.value === "number") return { type: "literal", value: -node.value };
  return { type: "binary", operator: "-", left: nothing, right: node };
}
function parseTail(parser: Parser, term: Node): Node {
  const node = parseSuffixes(parser, term);
  if (!accept(parser, "as")) return node;
  const patterns = parsePatterns(parser);
  demand(parser, "|");
  return { type: "bind", source: node, patterns, body: parsePipe(parser) };
}
function parseSuffixes(parser: Parser, term: Node): Node {
  let node = term;
  for (;;) {
    const next = peek(parser);
    if (next === "?" || next === "?//") {
      parser.at += 1;
      node = { type: "try", body: node };
    } else if (next === ".") {
      demand(parser, ".");
      node = peek(parser) === "[" ? parseBrackets(parser, node) : parseKey(parser, node);
    } else if (next === "[") node = parseBrackets(parser, node);
    else return node;
  }
}
/** After the dot. */
function parseKey(parser: Parser, of: Node): Node {
  if (peek(parser) === '"') return { type: "index", of, keys: [parseString(parser)] };
  return { type: "index", of, keys: [{ type: "literal", value: takeName(parser) ?? unreadable(parser) }] };
}
function parseBrackets(parser: Parser, of: Node): Node {
  demand(parser, "[");
  if (accept(parser, "]")) return { type: "index", of, keys: [] };
  const from = peek(parser) === ":" ? nothing : parsePipe(parser);
  const isSlice = accept(parser, ":");
  const to = !isSlice || peek(parser) === "]" ? nothing : parsePipe(parser);
  demand(parser, "]");
  return { type: "index", of, keys: isSlice ? [from, to] : [from] };
}

function parseTerm(parser: Parser): Node {
  const number = takeNumber(parser);
  if (number !== undefined) return { type: "literal", value: number };
  const mark = peek(parser);
  switch (mark) {
    case "..":
      demand(parser, mark);
      return { type: "recurse" };
    case ".":
      parser.at += 1;
      if (/["A-Za-z_]/.test(parser.text.charAt(parser.at))) return parseKey(parser, identity);
      return peek(parser) === "[" ? parseBrackets(parser, identity) : identity;
    case '"':
      return parseString(parser);
    case "@":
      return parseFormat(parser);
    case "$":
      demand(parser, mark);
      return { type: "variable", name: takeVariable(parser) };
    case "(": {
      demand(parser, mark);
      const node = parsePipe(parser);
      demand(parser, ")");
      return node;
    }
    case "[": {
      demand(parser, mark);
      const of = peek(parser) === "]" ? nothing : parsePipe(parser);
      demand(parser, "]");
      return { type: "array", of };
    }
    case "{":
      return parseObject(parser);
    default:
      return parseWord(parser);
  }
}

function parseWord(parser: Parser): Node {
  const word = takeName(parser) ?? unreadable(parser);
  switch (word) {
    case "def":
      return parseDefinition(parser);
    case "if":
      return parseIf(parser);
    case "try": {
      const body = parseSuffixes(parser, parseTerm(parser));
      const handler = accept(parser, "catch") ? parseSuffixes(parser, parseTerm(parser)) : undefined;
      return { type: "try", body, ...(handler && { handler }) };
    }
    case "reduce":
    case "foreach":
      return parseFold(parser);
    case "label":
    case "break":
      demand(parser, "$");
      takeVariable(parser);
      if (word === "break") return nothing;
      demand(parser, "|");
      return parsePipe(parser);
    case "null":
      return { type: "literal", value: null };
    default:
      return reserved.has(word) ? unreadable(parser) : { type: "call", name: word, args: parseArguments(parser) };
  }
}
function parseArguments(parser: Parser): readonly Node[] {
  if (!accept(parser, "(")) return [];
  const args: Node[] = [];
  do args.push(parsePipe(parser));
  while (accept(parser, ";"));
  demand(parser, ")");
  return args;
}
function parseIf(parser: Parser): Node {
  const branches: (readonly [Node, Node])[] = [];
  do {
    const condition = parsePipe(parser);
    demand(parser, "then");
    branches.push([condition, parsePipe(parser)]);
  } while (accept(parser, "elif"));
  const otherwise = accept(parser, "else") ? parsePipe(parser) : identity;
  demand(parser, "end");
  return { type: "if", branches, otherwise };
}
function parseFold(parser: Parser): Node {
  const source = parseSuffixes(parser, parseTerm(parser));
  demand(parser, "as");
  const patterns = parsePatterns(parser);
  if (peek(parser) !== "(") unreadable(parser);
  return { type: "fold", source, patterns, parts: parseArguments(parser) };
}

function parseFormat(parser: Parser): Node {
  demand(parser, "@");
  const name = `@${takeVariable(parser)}`;
  return peek(parser) === '"' ? parseString(parser) : { type: "call", name, args: [] };
}
function parseString(parser: Parser): Node {
  demand(parser, '"');
  const parts: Node[] = [];
  for (;;) {
    const { text, isOver } = takeText(parser);
    if (isOver) return parts.length === 0 ? { type: "literal", value: text } : { type: "text", parts };
    parts.push(parsePipe(parser));
    demand(parser, ")");
  }
}

function parseObject(parser: Parser): Node {
  demand(parser, "{");
  const entries: (readonly [Node, Node])[] = [];
  while (!accept(parser, "}")) {
    entries.push(parseEntry(parser));
    if (peek(parser) !== "}") demand(parser, ",");
  }
  return { type: "object", entries };
}
function parseEntry(parser: Parser): readonly [Node, Node] {
  if (accept(parser, "$")) {
    const variable: Node = { type: "variable", name: takeVariable(parser) };
    return [nothing, accept(parser, ":") ? parseEntryValue(parser) : variable];
  }
  const key = parseEntryKey(parser);
  return [key, accept(parser, ":") ? parseEntryValue(parser) : { type: "index", of: identity, keys: [key] }];
}
function parseEntryKey(parser: Parser): Node {
  const mark = peek(parser);
  if (mark === "(" || mark === '"' || mark === "@") return parseTerm(parser);
  const number = takeNumber(parser);
  return { type: "literal", value: number ?? takeName(parser) ?? unreadable(parser) };
}
/** No comma is in it, unless in parentheses. */
function parseEntryValue(parser: Parser): Node {
  const stages = [parseBinary(parser, aboveComma)];
  while (accept(parser, "|")) stages.push(parseBinary(parser, aboveComma));
  return piped(stages);
}

function parsePatterns(parser: Parser): readonly Pattern[] {
  const patterns = [parsePattern(parser)];
  while (accept(parser, "?//")) patterns.push(parsePattern(parser));
  return patterns;
}
const parsePattern = (parser: Parser): Pattern => nested(parser, patternAt);
function patternAt(parser: Parser): Pattern {
  if (accept(parser, "$")) return { variable: takeVariable(parser), parts: [] };
  const parts: (readonly [Node, Pattern | undefined])[] = [];
  if (accept(parser, "[")) {
    do parts.push([{ type: "literal", value: parts.length }, parsePattern(parser)]);
    while (accept(parser, ","));
    demand(parser, "]");
    return { parts };
  }
  demand(parser, "{");
  do {
    if (accept(parser, "$")) {
      const variable = takeVariable(parser);
      const below = accept(parser, ":") ? parsePattern(parser) : { parts: [] };
      parts.push([
        { type: "literal", value: variable },
        { ...below, variable },
      ]);
    } else {
      const key = parseEntryKey(parser);
      demand(parser, ":");
      parts.push([key, parsePattern(parser)]);
    }
  } while (accept(parser, ","));
  demand(parser, "}");
  return { parts };
}
