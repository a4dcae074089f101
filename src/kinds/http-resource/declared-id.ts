/** An id that is declared, and so known before anybody is asked. */
import type { Steps } from "../../core/plan.ts";
import type { Refusal } from "../../core/outcome.ts";
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
  return { type: "named", context: { ...context, declaredID, externalID: context.externalID ?? declaredID } };
}

function refusal(reason: Refusal["reason"], message: string): Refusal {
  return { type: "refusal", reason, message: `${field}: ${message}`, heals: false };
}
