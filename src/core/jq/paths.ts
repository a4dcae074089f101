/**
 * Which paths of its document a jq expression reads, and whether it can do without what is there.
 *
 * Invariant: a path is told only where it is certain; what cannot be told is a read of all that it may be of.
 */
import { oncePerText } from "../tools/once-per.ts";
import { lookAtArguments, lookNowhere, looksAtEach, sharesInput } from "./builtins.ts";
import { parseJq } from "./parse.ts";
import {
  asAbsent,
  below,
  each,
  eachOnce,
  fromjson,
  guarded,
  isNull,
  isSamePath,
  type ReadPath,
  type Value,
} from "./read-path.ts";
import type { Node, Pattern } from "./syntax.ts";
import { charge, enterNode, maxPaths, TooLongError, type Closure, type Context, type State } from "./walk-state.ts";

interface Found {
  /** Each once; undefined: it cannot be told. */
  readonly paths: readonly ReadPath[] | undefined;
  /** Characters and steps that were looked at. */
  readonly cost: number;
}
function findPaths(expression: string): Found {
  const node = parseJq(expression);
  if (!node) return { paths: undefined, cost: expression.length };
  const reads: ReadPath[] = [];
  const state: State = { reads, selectedBy: [], steps: 0, depth: 0 };
  const top: ReadPath = { steps: [], mayBeAbsent: false };
  try {
    const context = { state, dot: top, variables: new Map(), functions: new Map(), mayBeAbsent: false, asked: [] };
    for (const value of walk(node, context)) if (value) reads.push(value);
    const paths = eachOnce(reads);
    return { paths: paths.length > maxPaths ? undefined : paths, cost: expression.length + state.steps };
  } catch (error) {
    if (error instanceof TooLongError) return { paths: undefined, cost: expression.length + state.steps };
    throw error;
  }
}

const assignments = new Set(["=", "|=", "+=", "-=", "*=", "/=", "%=", "//="]);

function use(values: readonly Value[], { state, mayBeAbsent, asked }: Context): void {
  charge(state, values.length * asked.length);
  for (const value of values) if (value) state.reads.push(mayBeAbsent ? { ...value, mayBeAbsent } : guarded(value, asked));
}
/** What it yields; what is used on the way goes into the state. */
function walk(node: Node, context: Context): readonly Value[] {
  const { state } = context;
  enterNode(state);
  const values = valuesOf(node, context);
  state.depth -= 1;
  return context.mayBeAbsent ? values.map(asAbsent) : values;
}
/** Yields nothing of the document itself: all that is in it is used. */
function used(nodes: readonly Node[], context: Context): readonly Value[] {
  for (const node of nodes) use(walk(node, context), context);
  return [undefined];
}
/** Only whether it is true matters. */
function tested(node: Node, context: Context): readonly Value[] {
  use(
    walk(node, context).map((value) => value && { ...value, isTested: true }),
    context,
  );
  return [undefined];
}
/** Where nothing more is asked of a value, it is used all the same: to get at it can fail. */
function followed(value: Value, context: Context, walkOn: () => readonly Value[]): readonly Value[] {
  const before = context.state.reads.length;
  const values = walkOn();
  charge(context.state, context.state.reads.length - before + values.length);
  const isUsed = [...context.state.reads.slice(before), ...values].some(
    (one) => one && value?.steps.every((step, at) => step === one.steps[at]),
  );
  if (!isUsed && value && value.steps.length > 0) use([value], context);
  return values;
}
/** A text, list or object of them is never null itself, so nothing stands in for it. */
function made(nodes: readonly Node[], context: Context): readonly Value[] {
  return used(nodes, { ...context, mayBeAbsent: false });
}

function valuesOf(node: Node, context: Context): readonly Value[] {
  switch (node.type) {
    case "identity":
      return [context.dot];
    case "recurse":
      use([context.dot], context);
      return [undefined];
    case "literal":
      return [undefined];
    case "text":
      return made(node.parts, context);
    case "array":
      return made([node.of], context);
    case "object":
      return made(node.entries.flat(), context);
    case "variable":
      return [context.variables.get(node.name)];
    case "index":
      return index(node, context);
    case "try":
      return [
        ...walk(node.body, { ...context, mayBeAbsent: true }),
        ...(node.handler ? walk(node.handler, { ...context, dot: undefined }) : []),
      ];
    case "pipe":
      return pipe(node, context);
    case "binary":
      return binary(node, context);
    case "if":
      return choose(node, context);
    case "fold":
      return fold(node, context);
    case "bind":
      return walk(node.source, context).flatMap((value) =>
        followed(value, context, () => walk(node.body, bind(node.patterns, value, context))),
      );
    case "define": {
      const { name, parameters, body, rest } = node;
      const functions = new Map(context.functions);
      charge(context.state, functions.size);
      const inner = { ...context, functions };
      functions.set(keyOf(name, parameters.length), { parameters, body, context: inner });
      return walk(rest, inner);
    }
    case "call":
      return call(node, context);
  }
}

function index({ of, keys }: Extract<Node, { type: "index" }>, context: Context): readonly Value[] {
  const values = walk(of, context);
  const [key] = keys;
  const isPlain = keys.length === 1 && key?.type === "literal" && key.value !== undefined && key.value !== null;
  if (isPlain) return values.map((value) => below(value, key.value as string | number));
  use(values, context);
  if (keys.length === 0) return values.map((value) => below(value, each));
  return used(keys, context);
}
function pipe({ left, right }: Extract<Node, { type: "pipe" }>, context: Context): readonly Value[] {
  const { selectedBy } = context.state;
  const isAsked = right.type === "call" && right.args.length === 0 && (right.name === "any" || right.name === "all");
  if (left.type === "array" && isAsked && !context.functions.has(keyOf(right.name, 0))) return tested(left.of, context);
  const before = selectedBy.length;
  const values = walk(left, context);
  const selected = selectedBy.slice(before);
  const asked = [...context.asked, ...selected];
  charge(context.state, selected.length === 0 ? 0 : asked.length * (values.length + 1));
  const yielded = values.flatMap((dot) => followed(dot, context, () => walk(right, { ...context, asked, dot })));
  return yielded.map((value) => value && guarded(value, selected));
}
function binary({ operator, left, right }: Extract<Node, { type: "binary" }>, context: Context): readonly Value[] {
  if (operator === ",") return [...walk(left, context), ...walk(right, context)];
  if (operator === "//") return [...walk(left, { ...context, mayBeAbsent: true }), ...walk(right, context)];
  if (assignments.has(operator)) {
    use([context.dot], context);
    used([left], { ...context, mayBeAbsent: true });
    // What updates looks at each part that it updates, all of which has been told of.
    return used([right], operator === "|=" ? { ...context, dot: undefined } : context);
  }
  const asksForNull = (operator === "==" || operator === "!=") && (isNull(left) || isNull(right));
  const asking = asksForNull ? { ...context, mayBeAbsent: true } : context;
  if (operator === "and" || operator === "or") {
    const before = context.state.reads.length;
    tested(left, context);
    return tested(right, { ...context, asked: [...context.asked, ...context.state.reads.slice(before)] });
  }
  return used([left, right], asking);
}
/** What a condition has asked of may not be there in what depends on it. */
function choose({ branches, otherwise }: Extract<Node, { type: "if" }>, context: Context): readonly Value[] {
  let { asked } = context;
  const values: Value[] = [];
  const take = (node: Node): void => {
    charge(context.state, asked.length);
    for (const value of walk(node, { ...context, asked })) values.push(value && guarded(value, asked));
  };
  for (const [condition, then] of branches) {
    const before = context.state.reads.length;
    tested(condition, { ...context, asked });
    asked = [...asked, ...context.state.reads.slice(before)];
    take(then);
  }
  take(otherwise);
  return values;
}
function fold({ source, patterns, parts }: Extract<Node, { type: "fold" }>, context: Context): readonly Value[] {
  const [initial, ...others] = parts;
  if (initial) used([initial], context);
  for (const value of walk(source, context))
    followed(value, context, () => used(others, { ...bind(patterns, value, context), dot: undefined }));
  return [undefined];
}
function bind(patterns: readonly Pattern[], value: Value, context: Context): Context {
  const variables = new Map(context.variables);
  charge(context.state, variables.size);
  const isSure = patterns.length === 1;
  if (!isSure) use([value], { ...context, mayBeAbsent: true });
  for (const pattern of patterns) bindOne(pattern, isSure ? value : undefined, variables, context);
  return { ...context, variables };
}
function bindOne(pattern: Pattern, value: Value, variables: Map<string, Value>, context: Context): void {
  if (pattern.variable !== undefined) variables.set(pattern.variable, value);
  for (const [key, inner] of pattern.parts) {
    used([key], context); // a key in parentheses: of which input it is evaluated does not matter here
    const [part] = index({ type: "index", of: { type: "identity" }, keys: [key] }, { ...context, dot: value });
    if (inner) bindOne(inner, part, variables, context);
  }
}

function call({ name, args }: Extract<Node, { type: "call" }>, context: Context): readonly Value[] {
  const closure = context.functions.get(keyOf(name, args.length));
  if (closure) return enter(closure, args, context);
  if (args.length === 0 && lookNowhere.has(name)) return [undefined];
  if (name === "fromjson" && args.length === 0) {
    use([context.dot], context);
    return [below(context.dot, fromjson)];
  }
  if (lookAtArguments.has(name) && args.length > 0) return used(args, context);
  if (name === "not" && args.length === 0) return tested({ type: "identity" }, context);
  const [first, condition] = args;
  if (name === "select" && first && !condition) return select(first, context);
  if ((name === "any" || name === "all") && first) return condition ? ask(first, condition, context) : askEach(first, context);
  use([context.dot], context);
  if (sharesInput.has(name)) return used(args, context);
  if (looksAtEach.has(name)) return used(args, { ...context, dot: below(context.dot, each) });
  if (args.length === 0 && (name === "first" || name === "last")) return [below(context.dot, name === "first" ? 0 : -1)];
  // What they are called with is evaluated on parts of the input, which has been told of as a whole.
  return used(args, { ...context, dot: undefined });
}
function select(condition: Node, context: Context): readonly Value[] {
  const { state, dot } = context;
  const before = state.reads.length;
  tested(condition, context);
  const asked = state.reads.slice(before);
  state.selectedBy.push(...asked);
  const isItself = asked.some((one) => dot && isSamePath(one, dot));
  return [isItself ? asAbsent(dot) : dot];
}
/** Of each that `source` yields. */
function ask(source: Node, condition: Node, context: Context): readonly Value[] {
  for (const dot of walk(source, context)) followed(dot, context, () => tested(condition, { ...context, dot }));
  return [undefined];
}
/** Of parts of the input, which is told of as a whole. */
function askEach(condition: Node, context: Context): readonly Value[] {
  use([context.dot], context);
  return tested(condition, { ...context, dot: below(context.dot, each) });
}
function enter(closure: Closure, args: readonly Node[], context: Context): readonly Value[] {
  const functions = new Map(closure.context.functions);
  const variables = new Map(closure.context.variables);
  charge(context.state, functions.size + variables.size);
  for (const [place, parameter] of closure.parameters.entries()) {
    const body = args[place] as Node;
    const argument = { parameters: [], body, context };
    functions.set(keyOf(parameter.replace("$", ""), 0), argument);
    if (!parameter.startsWith("$")) continue;
    const [value, ...more] = walk(body, context);
    use(more, context);
    variables.set(parameter.slice(1), value);
  }
  const { mayBeAbsent, asked, dot } = context;
  const inner = { ...closure.context, functions, variables, mayBeAbsent, asked, dot };
  const bound = closure.parameters.filter((name) => name.startsWith("$")).map((name) => variables.get(name.slice(1)));
  const into = (at: number): readonly Value[] =>
    at === bound.length ? walk(closure.body, inner) : followed(bound[at], context, () => into(at + 1));
  return into(0);
}

const keyOf = (name: string, arity: number): string => `${name}/${arity}`;

/** Specs hold the same expression thousands of times. */
const found = oncePerText(findPaths, { longest: Infinity, costOf: ({ cost }) => cost });

/** Undefined: it cannot be told. */
export function pathsReadBy(expression: string): readonly ReadPath[] | undefined {
  return found(expression).paths;
}
/** What it costs to find them out: its characters, and the steps from part to part, a function's for each of its calls. */
export function costOf(expression: string): number {
  return found(expression).cost;
}
