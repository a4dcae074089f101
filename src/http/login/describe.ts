/** What a login would send, for people: no value here was made of a secret, and none of an answer, which nobody has yet. */
import { loginRequests } from "../../core/auth.ts";
import type { Evaluator } from "../../core/ports.ts";
import { documentText } from "../evaluate/document.ts";
import { maskedValuesOf } from "../evaluate/masked-values.ts";
import { describeRequest, type Described } from "../render/describe.ts";
import { expressionsOf } from "../render/render.ts";
import { maskInputs } from "../resolve/inputs.ts";
import type { LoginSettings } from "../resolve/auth.ts";
import { loginScope } from "./login.ts";

export interface DescribedLogin extends Described {
  /** Where it is written. */
  readonly field: string;
}

/** Each request in its order, the logout last. Throws `RefusedError`. */
export async function describeLogin(
  { evaluator, userAgent }: { readonly evaluator: Evaluator; readonly userAgent: string },
  { login, inputs, tokens, bytes }: LoginSettings,
  endpoint: Parameters<typeof loginScope>[1],
  signal: AbortSignal,
): Promise<readonly DescribedLogin[]> {
  const scope = loginScope(login, endpoint);
  const made = Object.keys(tokens).map((name) => [name, { value: "***", secret: true }] as const);
  const document = documentText(scope, new Map([...maskInputs(inputs), ...made]));
  const described: DescribedLogin[] = [];
  for (const { field, request } of loginRequests(login)) {
    const expressions = expressionsOf(request);
    const values = await maskedValuesOf(evaluator, { document, expressions, group: scope.metadata.namespace }, signal);
    const valueOf = (expression: string): string => {
      const json = values.get(expression) ?? "null";
      return json === "null" ? '"***"' : json;
    };
    described.push({ field, ...describeRequest(request, { valueOf, bytes }, { userAgent }) });
  }
  return described;
}
