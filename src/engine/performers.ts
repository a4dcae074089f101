/** What is done for each kind of step. */
import type { Step, StepAnswers, StepOf } from "../core/plan.ts";
import type { Eventual } from "../core/tools/eventual.ts";
import type { Interruption } from "./reconciled.ts";

/** One for each step: an answer of another step does not compile. */
export type Performers = { readonly [T in Step["type"]]: (step: StepOf<T>) => Eventual<StepAnswers[T] | Interruption> };

export function perform<T extends Step["type"]>(
  performers: Performers,
  type: T,
  step: StepOf<T>,
): Eventual<StepAnswers[T] | Interruption> {
  return performers[type](step);
}
