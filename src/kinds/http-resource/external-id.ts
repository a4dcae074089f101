/**
 * Ids of remote objects, from what expressions yield. Invariant: none is a secret of the request that was answered, since an id is
 * kept in the status.
 */
import type { HTTPResourceSpec } from "../../api/http-resource.ts";
import { mayRead, readsInput } from "../../core/expression-reads.ts";
import { leastTelling } from "../../core/mask-secrets.ts";
import type { Response } from "../../core/outcome.ts";

/**
 * From an answer, as `expression` told it. A secret of the request that the answer sent back is no id, and neither is what the
 * expression made of a secret itself.
 */
export function idFrom(
  response: Response,
  value: unknown,
  { expression, spec }: { readonly expression: string | undefined; readonly spec: Pick<HTTPResourceSpec, "inputs"> },
): string | undefined {
  const id = idOf(value);
  if (id === undefined || response.shown.sent.holdsSecret(id)) return undefined;
  return id.length >= leastTelling && expression !== undefined && readsSecretInput(expression, spec.inputs) ? undefined : id;
}
/** Whether an expression reads an input that is a Secret's; where it cannot be told what it reads, it does if it has the word. */
export function readsSecretInput(expression: string, inputs: HTTPResourceSpec["inputs"] = {}): boolean {
  const names = new Set(Object.keys(inputs).filter((name) => inputs[name]?.secretKeyRef));
  return names.size > 0 && expression.includes("inputs") && mayRead(expression, (path) => readsInput(path, names));
}

/** An id from what an expression yielded: a text, or a number with all its digits. */
export function idOf(value: unknown): string | undefined {
  const text = typeof value === "string" ? value : isNumber(value) ? JSON.stringify(value) : "";
  return text === "" || text.length > 1024 ? undefined : text;
}
/** An integer beyond 2^53 is an object that prints as its digits. */
function isNumber(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "object" && value !== null && /^-?\d/.test(JSON.stringify(value) ?? ""));
}
