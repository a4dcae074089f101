/** An id that is declared, and so known before anybody is asked. */
import type { Steps } from "../../core/plan.ts";
import { readsOf } from "../../core/expression-reads.ts";
import type { Refusal } from "../../core/outcome.ts";
import { digest } from "../../core/tools/digest.ts";
import { evaluate, type EvaluationResult } from "../../core/plan.ts";
import { scopeOf } from "../request/request.ts";
import type { Context } from "./context.ts";
import { idOf, readsSecretInput } from "./external-id.ts";
import { inputsReadBy } from "./inputs-read.ts";
import { isDeclared } from "./identity.ts";
import { locate } from "./observation.ts";

const field = "spec.externalID";

/** The context, knowing it. An object that has another id keeps that, by which it is asked for. */
export function* withDeclaredID(context: Context): Steps<Refusal | { readonly type: "named"; readonly context: Context }> {
  const { spec, resource, now, known } = context;
  const { externalID: text } = spec;
  if (text === undefined || !isDeclared(text)) return { type: "named", context };
  if (readsSecretInput(text, spec.inputs))
    return refusal("InvalidRequest", "reads a Secret, and the id is kept in the status, where it can be read");
  const scope = scopeOf({
    shared: { inputs: inputsReadBy(text, spec.inputs ?? {}) },
    metadata: resource.metadata,
    now: now.toISOString(),
    sees: { parameters: spec.parameters ?? null },
    ...(known && { known }),
  });
  const result: EvaluationResult = yield* evaluate({ scope, expressions: locate(field, text) });
  if (result.type === "refusal") return result;
  const declaredID = idOf(result.values[0]);
  if (declaredID === undefined) return refusal("ExpressionFailed", "reads no answer, and yields no text and no number");
  // Until the object is known to have it, the id is only where that would be.
  const isSettled = context.remote.made === "made" || isOfName(text);
  const address = isSettled ? {} : { address: digest(declaredID).slice(0, 16) };
  return { type: "named", context: { ...context, ...address, declaredID, externalID: context.externalID ?? declaredID } };
}

/** Whether no edit of what the object declares makes it another. */
function isOfName(text: string): boolean {
  const reads = readsOf(text);
  return reads !== "everything" && [...reads].every((path) => /^metadata\.(name|namespace|uid)$/.test(path));
}

function refusal(reason: Refusal["reason"], message: string): Refusal {
  return { type: "refusal", reason, message: `${field}: ${message}`, heals: false };
}
