/**
 * Where an object is that has no id: what `spec.parameters` make of its URLs. One that is elsewhere from now on leaves what was there
 * before, which is told in an event.
 *
 * Invariant: it is a digest of what the spec says in the open.
 */
import type { HTTPResourceSpec } from "../../api/http-resource.ts";
import { readsOf } from "../../core/expression-reads.ts";
import { evaluate, type EvaluationResult, type Steps } from "../../core/plan.ts";
import type { Located } from "../../core/request-template.ts";
import { parseTemplate } from "../../core/templating.ts";
import { digest } from "../../core/tools/digest.ts";
import { scopeOf } from "../request/request.ts";
import type { Context } from "./context.ts";

/** The context, knowing it, where the spec has changed since it was known. */
export function* withAddress(context: Context): Steps<Context> {
  const { spec, status, resource, now } = context;
  const isKnown = status.address !== undefined && status.observedGeneration === resource.metadata.generation;
  const expressions = spec.externalID === undefined && !isKnown ? movingParts(spec) : [];
  if (expressions.length === 0) return context;
  const scope = scopeOf({
    shared: { inputs: {} },
    metadata: resource.metadata,
    now: now.toISOString(),
    sees: { parameters: spec.parameters ?? null },
  });
  const result: EvaluationResult = yield* evaluate({ scope, expressions });
  // What is wrong with them is said of the request that they are in.
  return result.type === "values" ? { ...context, address: digest(result.values).slice(0, 16) } : context;
}

/** Expressions of the URLs that read the parameters, and nothing that is not in the open. */
function movingParts({ observe, update, delete: remove }: HTTPResourceSpec): readonly Located[] {
  const requests = Object.entries({ observe, update, delete: remove });
  return requests.flatMap(([verb, request]) =>
    Object.entries({ url: request?.url, path: request?.path }).flatMap(([name, text]) => {
      const template = parseTemplate(text ?? "");
      const parts = template.type === "template" ? template.parts : [];
      return parts.filter(isMoving).map((part) => ({ field: `spec.${verb}.${name}`, text: part.text }));
    }),
  );
}
function isMoving({ type, text }: { readonly type: string; readonly text: string }): boolean {
  const reads = type === "expression" ? readsOf(text) : "everything";
  if (reads === "everything") return false;
  const names = [...reads].map((path) => path.split(".", 1)[0]);
  return names.includes("parameters") && names.every((name) => name === "parameters" || name === "metadata");
}
