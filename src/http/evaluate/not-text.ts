/**
 * Outputs of content that is no text: a keystore, an image.
 *
 * Invariant: an output holds what its server sent, or is refused. What stands in for bytes that cannot be decoded is never kept, and
 * neither is anything that was made of it.
 */
import type { Response } from "../../core/outcome.ts";
import type { Located } from "../../core/request-template.ts";
import { redact } from "../../core/redacted.ts";
import { refuse } from "../refusal.ts";
import type { Answers } from "./document.ts";

/** What stands in for bytes that cannot be decoded (Unicode, U+FFFD). */
const replacement = "\uFFFD";

interface Evaluated {
  readonly expressions: readonly Located[];
  /** What they yield over `answers`. */
  readonly json: readonly string[];
  readonly answers: Answers;
}

/** `evaluate`: what the same expressions yield over other answers. Throws `RefusedError`. */
export async function checkText(
  { expressions, json, answers }: Evaluated,
  evaluate: (answers: Answers) => Promise<readonly string[]>,
): Promise<void> {
  const all = [answers.response, ...(answers.responses ?? [])].filter((one) => one !== undefined);
  const isSent = all.some(({ body, undecodable }) => !undecodable && /\uFFFD|\\ufffd/i.test(body.open()));
  refuseWhere(expressions, (index) => !isSent && json[index]?.includes(replacement) === true);
  if (!all.some(({ undecodable }) => undecodable)) return;
  const withoutBody = await evaluate(mapUndecodable(answers, (one) => ({ ...one, body: redact("") })));
  refuseWhere(expressions, (index) => json[index] !== withoutBody[index]);
  const withText = await evaluate(mapUndecodable(answers, ({ undecodable: _undecodable, ...one }) => one));
  refuseWhere(expressions, (index) => json[index] === "null" && withText[index] !== "null");
}

function refuseWhere(expressions: readonly Located[], isWrong: (index: number) => boolean): void {
  const wrong = expressions.find((_, index) => isWrong(index));
  if (wrong)
    refuse(
      "OutputNotText",
      `${wrong.field}: the expression yields bytes that are no text; .response.base64 has the content as it came`,
    );
}

/** The answers with those that are no text as `change` makes them. */
function mapUndecodable({ response, responses }: Answers, change: (response: Response) => Response): Answers {
  const apply = (one: Response | undefined): Response | undefined => (one?.undecodable ? change(one) : one);
  const first = apply(response);
  return { ...(first && { response: first }), ...(responses && { responses: responses.map(apply) }) };
}
