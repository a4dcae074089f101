/** Drives a plan, or a part of one, to its end: whatever it asks for is performed, one step after another. */
import type { Step, StepAnswer, Steps } from "../core/plan.ts";
import type { Eventual } from "../core/tools/eventual.ts";

/** A plan threw, which is a mistake in this program. */
export class PlanError extends Error {
  override readonly name = "PlanError";
}

/** What ends a plan before its end. */
interface Interrupting {
  readonly type: "conflict" | "postponed";
}

/** What a plan, or a part of one, returned. */
export interface Ended<R> {
  readonly type: "ended";
  readonly value: R;
}

/** What it returns, or what ended it. Rejects with a `PlanError`, with what `perform` does, or with the signal's reason. */
export async function followPlan<R, I extends Interrupting>(
  steps: Steps<R>,
  perform: (step: Step) => Eventual<StepAnswer | I>,
  signal: AbortSignal,
): Promise<Ended<R> | I> {
  let step = advance(steps);
  while (!step.done) {
    signal.throwIfAborted();
    const performing = perform(step.value);
    const answer = performing instanceof Promise ? await performing : performing;
    if (isInterruption(answer)) return answer;
    step = advance(steps, answer);
  }
  return { type: "ended", value: step.value };
}

function isInterruption<I extends Interrupting>(answer: StepAnswer | I): answer is I {
  return answer.type === "conflict" || answer.type === "postponed";
}

/** The first answer, to nothing, is ignored by a generator. */
function advance<R>(steps: Steps<R>, ...answer: [StepAnswer] | []): IteratorResult<Step, R> {
  try {
    return steps.next(...answer);
  } catch (cause) {
    throw new PlanError("the plan threw", { cause });
  }
}
