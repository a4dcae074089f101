/**
 * An HTTPResource's outputs: made of the latest answer that shows the remote object as it is declared, to create, update or
 * observe.
 *
 * Invariant: what was sent stays recorded, whatever becomes of the outputs: the object is only not ready until they are written.
 */
import type { Steps } from "../../core/plan.ts";
import type { Refusal, Response } from "../../core/outcome.ts";
import { startingUpMs, type Output } from "../../core/output.ts";
import type { Verdict } from "../../core/plan.ts";
import type { Context } from "./context.ts";
import { isReady } from "../../core/conditions.ts";
import { inputsReadBy } from "./inputs-read.ts";
import type { Report } from "./report.ts";
import { declaredOutputs, checkOutputs, madeBefore, writeOutputs } from "../request/outputs.ts";
import { scopeOf } from "../request/request.ts";

/**
 * For so long what only create answers is kept where it cannot be written: meanwhile the object's id is not recorded. Another look that
 * is asked for is no reason to lose it. What observe answers comes again. Milliseconds.
 */
const createdPatienceMs = 120_000;

export function outputsOf({ spec }: Pick<Context, "spec">): readonly Output[] {
  return declaredOutputs(spec.outputs, "spec.outputs");
}

/** `externalID`: as it is by now. Without a response there is nothing to write, and what could not be written before is missing still. */
export function* withOutputs(
  context: Context,
  report: () => Report,
  {
    verdict,
    response,
    externalID,
    isCreated = false,
  }: {
    readonly verdict: Verdict;
    readonly response?: Response | undefined;
    readonly externalID?: string | undefined;
    /** It is the answer to create, from which all else follows. */
    readonly isCreated?: boolean;
  },
): Steps<Verdict> {
  const problem = response ? yield* writeFrom(context, response, { externalID, isCreated }) : findUnwritten(context);
  return problem ? report().withoutOutputs(verdict, problem) : verdict;
}

/** Why an answer's outputs could not be written, of an object that nobody observes: that answer is gone. */
function findUnwritten({ spec, status, attempt }: Context): Refusal | undefined {
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  if (!spec.outputs?.length || attempt?.phase !== "Done" || ready?.status !== "False") return undefined;
  if (!/^spec\.outputs[:[]/.test(ready.message)) return undefined;
  return { type: "refusal", reason: ready.reason as Refusal["reason"], message: ready.message, heals: false };
}

function* writeFrom(
  context: Context,
  response: Response,
  { externalID, isCreated }: { readonly externalID: string | undefined; readonly isCreated: boolean },
): Steps<Refusal | undefined> {
  const { spec, resource, now, known, status } = context;
  if (!spec.outputs?.length) return undefined;
  const outputs = isCreated ? outputsOf(context) : madeBefore(outputsOf(context));
  // What could be written the last time is not asked about each time; and of what comes once each is tried.
  const unwritable = isCreated || isReady(status.conditions) ? undefined : yield* checkOutputs(outputs);
  if (unwritable) return unwritable;
  const sees = { parameters: spec.parameters ?? null, externalID: externalID ?? null };
  const scope = scopeOf({
    // The answer may never come again: what others of its requests read, and is not there, is no reason to lose it.
    shared: { inputs: inputsReadBy(spec.outputs, spec.inputs ?? {}) },
    metadata: resource.metadata,
    now: now.toISOString(),
    sees,
    ...(known && { known }),
  });
  const patienceMs = isCreated ? createdPatienceMs : startingUpMs;
  const result = yield* writeOutputs(outputs, { scope, response }, { patienceMs });
  return result.type === "refusal" ? result : undefined;
}
