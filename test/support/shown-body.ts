/** What people would see of an answer's content. */
import type { Outcome } from "../../src/core/outcome.ts";

/** Undefined where there is no answer, or its content is not shown. */
export function shownBody(outcome: Pick<Outcome, "type">): string | undefined {
  return "response" in outcome ? (outcome as Extract<Outcome, { type: "response" }>).response.shown.body()?.text : undefined;
}
