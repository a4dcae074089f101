/** What update would send, rendered, and held against what an answer shows. */
import type { ScopeEvaluation } from "../../core/evaluation.ts";
import type { Response } from "../../core/outcome.ts";
import type { EvaluationResult } from "../../core/plan.ts";
import { redact } from "../../core/redacted.ts";
import type { Located } from "../../core/request-template.ts";
import { parseJSON } from "../../core/tools/json.ts";
import { compareWithTemplate, jsonBodyText, observedIn, partOfTemplate, templatesOfJSON } from "../render/compare.ts";
import { expressionsIn } from "../render/render.ts";

type Compared = Pick<Extract<EvaluationResult, { type: "values" }>, "differences" | "foretold">;
/** The values of expressions as JSON text, by their own text. */
type Ask = (
  expressions: readonly Located[],
  seen: Pick<ScopeEvaluation, "scope" | "response">,
) => Promise<ReadonlyMap<string, string>>;

/** Throws `RefusedError`. */
export async function compareBody(
  { scope, response, compare, compared, foretold }: ScopeEvaluation & { readonly response: Response },
  ask: Ask,
): Promise<Compared> {
  if (!compare) return {};
  const values = await ask(expressionsIn(templatesOfJSON(compare)), { scope, response });
  const body = parseJSON(jsonBodyText(compare, (expression) => values.get(expression) ?? "null"));
  const one = async (expression: Located, seen: Parameters<Ask>[1]): Promise<unknown> =>
    parseJSON((await ask([expression], seen)).get(expression.text) ?? "null");
  const wanted = compared ? await one(compared, { scope: { ...scope, body }, response }) : body;
  const value = compared ? partOfTemplate(compare.value, compared.text) : compare.value;
  const differences = compareWithTemplate({ value }, wanted, observedIn(compare, scope, response));
  if (!foretold) return { differences };
  return {
    differences,
    foretold: await one(foretold, { scope: { ...scope, object: body }, response: answerOf(response, body) }),
  };
}

/** As if the server had answered this. */
function answerOf(response: Response, body: unknown): Response {
  const headers = { ...response.headers, "content-type": "application/json" };
  return { ...response, headers, body: redact(JSON.stringify(body)) };
}
