/** What a walk over an expression has found, and how far it may go. */
import type { ReadPath, Value } from "./read-path.ts";
import type { Node } from "./syntax.ts";

export interface State {
  /** Each path whose value is used. */
  readonly reads: ReadPath[];
  /** Those by which `select` has chosen. */
  readonly selectedBy: ReadPath[];
  steps: number;
  depth: number;
}

export interface Context {
  readonly state: State;
  readonly dot: Value;
  readonly variables: ReadonlyMap<string, Value>;
  readonly functions: ReadonlyMap<string, Closure>;
  readonly mayBeAbsent: boolean;
  /** What conditions have asked of, on the way here. */
  readonly asked: readonly ReadPath[];
}
export interface Closure {
  readonly parameters: readonly string[];
  readonly body: Node;
  readonly context: Context;
}

/** Steps of the walk, frames that it may nest, and paths that are told of: an expression of any length ends in time. */
const [maxSteps, maxDepth] = [4_000, 400];
export const maxPaths = 500;
export class TooLongError extends Error {
  override readonly name = "TooLongError";
}

/** Throws `TooLongError`. Whoever leaves again takes one off `depth`. */
export function enterNode(state: State): void {
  state.steps += 1;
  state.depth += 1;
  if (state.steps > maxSteps || state.depth > maxDepth) throw new TooLongError();
}
/** What is looked through in one go is cheap, and no step of its own: so many of them are one. */
const perStep = 16;
export function charge(state: State, looks: number): void {
  state.steps += Math.floor(looks / perStep);
  if (state.steps > maxSteps) throw new TooLongError();
}
