/**
 * What came of a create, update or delete, whether its answer said so or the end of the work that it began.
 *
 * Invariant: an attempt is only over where its server said what became of it, or where it is safe to begin another. One that
 * was answered as expected, and of which no more can be known, is `Unknown` and `succeeded`: it has arrived.
 */
import type { Steps } from "../../core/plan.ts";
import type { PollStatus } from "../../api/poll.ts";
import { isKnownAgain as isKnownBy, type Decision } from "../../core/delivery.ts";
import type { Scope } from "../../core/evaluation.ts";
import type { Refusal, Response } from "../../core/outcome.ts";
import { evaluate, type EvaluationResult } from "../../core/plan.ts";
import { idFrom } from "./external-id.ts";
import { needsExternalID, type Context, type VerbAttempt } from "./context.ts";
import { endpointFor, sharedBy } from "./endpoints.ts";
import type { EndpointRef } from "../request/endpoint.ts";
import { givenID, hasArrived, isWatched } from "./identity.ts";
import { locate } from "./observation.ts";
import type { Judgement } from "../request/recorded.ts";
import { repetition } from "../request/request.ts";

export interface Working {
  readonly type: "polling";
  readonly attempt: VerbAttempt;
  readonly poll: PollStatus;
  /** Milliseconds until the work is asked after. */
  readonly delayMs: number;
  readonly message: string;
  /** The answer that began it. */
  readonly response?: Response;
  /** Of a create. */
  readonly externalID?: string;
}
/** Nothing was sent, or the work that a request began goes on. */
export type Unended = Refusal | Working | Extract<Decision, { type: "wait" }>;
export type Delivered =
  | Unended
  | { readonly type: "unknown"; readonly attempt: VerbAttempt; readonly judgement?: Judgement }
  | {
      readonly type: "succeeded";
      readonly attempt: VerbAttempt;
      readonly judgement: Judgement;
      readonly externalID?: string;
    }
  | { readonly type: "failed" | "retry" | "lost"; readonly attempt: VerbAttempt; readonly judgement: Judgement };

export function isUnended(delivered: Delivered): delivered is Unended {
  return delivered.type === "refusal" || delivered.type === "wait" || delivered.type === "polling";
}

interface Repeated {
  readonly method: string;
  readonly idempotent?: boolean;
  readonly endpointRef?: EndpointRef;
}
function repetitionOf({ spec, endpoints, attempt }: Context, shape: Repeated): ReturnType<typeof repetition> {
  const endpoint = endpointFor({ spec, endpoints }, shape);
  return repetition(shape.method, sharedBy(spec, shape), { endpoint, attempt, idempotent: shape.idempotent });
}
export function isRepeatable(context: Context, shape: Repeated): boolean {
  return repetitionOf(context, shape).repeatable;
}

/** Whether its server knows the attempt again, so that it is safe to send again. */
export function isKnownAgain(context: Context, shape: Repeated): boolean {
  return isKnownBy(context.attempt ?? {}, repetitionOf(context, shape));
}

/** `scope`: what the request's expressions saw. `known`: the id that an earlier answer gave. */
export function* ofSuccess(
  context: Context,
  {
    attempt,
    judgement,
    scope,
    known,
  }: { readonly attempt: VerbAttempt; readonly judgement: Judgement; readonly scope: Scope; readonly known?: string | undefined },
): Steps<Delivered> {
  const done = { ...attempt, phase: "Done", succeeded: true } as const;
  const succeeded = (id: string | undefined): Delivered => ({
    type: "succeeded",
    attempt: done,
    judgement,
    ...(id !== undefined && { externalID: id }),
  });
  const { response } = judgement;
  if (context.declaredID !== undefined) return succeeded(context.declaredID);
  switch (attempt.verb) {
    case "BeforeDelete":
    case "Delete":
      return succeeded(undefined);
    case "Update": {
      // The answer that says how far a work has come is about that.
      const isOwn = response && isWatched(context.spec) && context.externalID !== undefined && !context.spec.update?.poll;
      return succeeded(isOwn ? yield* takenFrom(context, scope, response) : undefined);
    }
    case "Create": {
      const externalID = (response && (yield* takenFrom(context, scope, response))) ?? known;
      if (externalID === undefined && needsID(context)) {
        const { inDoubt: _, refused: __, ...rest } = attempt;
        return { type: "lost", attempt: { ...rest, phase: "Unknown", succeeded: true }, judgement };
      }
      return succeeded(externalID);
    }
  }
}

/** `isCertain`: nothing was done, or the server said that it has failed. `refused`: as `Attempt.refused`. */
export function ofFailure(
  attempt: VerbAttempt,
  judgement: Judgement,
  { isCertain, refused, repeatable }: { readonly isCertain: boolean; readonly refused?: boolean; readonly repeatable: boolean },
): Delivered {
  const open = { ...attempt, phase: "Unknown", ...(refused && { refused }) } as const;
  // What has arrived before is not sent again to be refused again.
  if (!isCertain && (!repeatable || (refused && hasArrived(attempt)))) return { type: "unknown", attempt: open, judgement };
  // What may be there all the same is tried again by the same id, by which a server that honours it knows it again.
  if (!isCertain && attempt.verb === "Create") return { type: "failed", attempt: open, judgement };
  return { type: "failed", attempt: { ...attempt, phase: "Done", succeeded: false }, judgement };
}

/** Whether anything can only be asked with the id. */
export function needsID({ spec }: Context): boolean {
  return [spec.observe, spec.update, spec.delete].some(needsExternalID);
}

/** An expression that fails counts as one that yields nothing: the object is there either way. */
export function* takenFrom({ spec }: Context, scope: Scope, response: Response): Steps<string | undefined> {
  const given = givenID(spec);
  if (given === undefined) return undefined;
  const projection = spec.observe?.object;
  const isProjected = projection !== undefined && /\bobject\b/.test(given);
  const text = isProjected ? `.object = ((try first((${projection}\n\n)) catch null) // .response.body) | (${given}\n\n)` : given;
  const result: EvaluationResult = yield* evaluate({ scope, response, expressions: locate("spec.externalID", text) });
  return result.type === "values" ? idFrom(response, result.values[0], { expression: given, spec }) : undefined;
}
