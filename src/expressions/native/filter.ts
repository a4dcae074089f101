/** What a compiled expression is. */
import type { Meter, Value } from "./values.ts";

/** `true`: no more outputs are wanted. */
export type Emit = (output: Value) => boolean;
export interface Environment {
  readonly meter: Meter;
  readonly variables?: Variable;
}
export interface Variable {
  readonly name: string;
  readonly value: Value;
  readonly outer?: Variable | undefined;
}
/** Answers `true` where `emit` did. */
export type Filter = (input: Value, environment: Environment, emit: Emit) => boolean;

/** All outputs. Each has been paid for. */
export function outputsOf(filter: Filter, input: Value, environment: Environment): Value[] {
  const all: Value[] = [];
  filter(input, environment, (output) => {
    all.push(output);
    return false;
  });
  return all;
}
