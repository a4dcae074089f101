/**
 * Evaluates jq: the `Evaluator` of the ports. What is simple is answered here and now; all else by jq itself, over threads that
 * are ended when they take too long.
 *
 * Expressions given together run in one program, and none sees another; an endless or greedy one harms nobody else, and a
 * group that has many of those delays the others by a turn.
 */
import { textOf, type JSONDocument } from "../core/json-document.ts";
import type { Evaluated, Evaluator } from "../core/ports.ts";
import { after, type Eventual } from "../core/tools/eventual.ts";
import { createNativeExpressions } from "./native/evaluate.ts";
import { createThreads } from "./threads.ts";

/** Texts that are known to compile; the oldest are forgotten first. */
const maxKnown = 2_000;
/** Each takes about a millisecond, and a group has one deadline. */
const maxCompiledTogether = 100;

interface EvaluatorOptions {
  /** Limit on one evaluation, milliseconds of processor time. */
  readonly deadlineMs?: number;
  /** How many evaluations run at a time. One more thread stands by. */
  readonly threads?: number;
  /** Limit on the results of one evaluation, bytes of JSON. */
  readonly maxResultBytes?: number;
  /** Limit on jq's memory in each thread, 16 MiB at least. */
  readonly maxMemoryBytes?: number;
  /** `jq`: each expression goes to jq. */
  readonly engine?: "native" | "jq";
}

interface Asking {
  readonly signal: AbortSignal;
  readonly group: string;
}

/**
 * With 2 threads, a second for each evaluation 2 MiB of results and 64 MiB for jq, where not said otherwise. Starts no thread before
 * it is first asked; disposing it ends them all.
 */
export function createEvaluator(options: EvaluatorOptions = {}): Evaluator & AsyncDisposable {
  const { deadlineMs = 1_000, threads: size = 2, maxResultBytes = 2 * 1024 * 1024 } = options;
  const { maxMemoryBytes = 64 * 1024 * 1024, engine = "native" } = options;
  const threads = createThreads({ threads: size, deadlineMs, maxResultBytes, maxMemoryBytes });
  const native = engine === "native" ? createNativeExpressions() : undefined;
  const known = new Set<string>();

  function remember(expressions: readonly string[]): void {
    for (const text of expressions) {
      known.delete(text);
      known.add(text);
    }
    for (const text of known) {
      if (known.size <= maxKnown) break;
      known.delete(text);
    }
  }

  function compile(expressions: readonly string[], asking: Asking): Eventual<Evaluated | undefined> {
    const cut = expressions.findIndex((text) => text.includes("\0")); // would end the program there
    if (cut !== -1) return { type: "invalid", index: cut, message: "the expression holds a NUL character" };
    const ofJq = expressions.filter((text) => !native?.knows(text));
    return ofJq.length === 0 ? undefined : compileByJq(expressions, ofJq, asking);
  }
  /** `ofJq`: those of all that jq is asked about. */
  async function compileByJq(
    expressions: readonly string[],
    ofJq: readonly string[],
    asking: Asking,
  ): Promise<Evaluated | undefined> {
    const unknown = ofJq.filter((text) => !known.has(text));
    for (let start = 0; start < unknown.length; start += maxCompiledTogether) {
      const some = unknown.slice(start, start + maxCompiledTogether);
      const answer = await threads.run({ type: "compile", expressions: some }, asking);
      if (answer.type !== "values") return { ...answer, index: expressions.indexOf(some[answer.index ?? 0] ?? "") };
    }
    remember(ofJq);
    return undefined;
  }

  async function runJq(document: JSONDocument, expressions: readonly string[], asking: Asking): Promise<Evaluated> {
    const refused = await compile(expressions, asking);
    if (refused) return refused;
    const job = { type: "evaluate", document: textOf(document), expressions } as const;
    const answer = await threads.run({ ...job, apart: false }, asking);
    const unnamed = (answer.type === "timeout" || answer.type === "outOfMemory") && answer.index === undefined;
    return unnamed ? threads.run({ ...job, apart: true }, asking) : answer;
  }

  return {
    evaluate(document, expressions, signal, group = "") {
      signal.throwIfAborted();
      const answered = expressions.length === 0 ? [] : native?.evaluate(document, expressions);
      return answered ? { type: "values", json: answered } : runJq(document, expressions, { signal, group });
    },
    compile(expressions, signal, group = "") {
      signal.throwIfAborted();
      return after(compile(expressions, { signal, group }), (refused) => {
        if (!refused || refused.type === "values") return undefined;
        if (refused.type !== "outOfMemory") return refused;
        return { type: "invalid", index: refused.index ?? 0, message: "the expression is too large to compile" };
      });
    },
    [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
  };
}
