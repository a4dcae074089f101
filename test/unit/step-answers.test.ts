/** The seam between a plan and who drives it: the type checker is the test, which `make verify` runs over this file. */
import { expect, test } from "@jest/globals";
import type { StepAnswers } from "../../src/core/plan.ts";
import { ask } from "../../src/core/plan.ts";

test("an answer of another step does not compile", () => {
  const checked: StepAnswers["check"] = { type: "usable" };
  // @ts-expect-error: what a check is answered by says nothing of an exchange
  const sent: StepAnswers["exchange"] = checked;
  expect(sent).toBe(checked);
});

test("a step gets the answer that it is driven with", () => {
  const asked = ask<"checkOutputs">({ type: "checkOutputs", outputs: [] });
  expect(asked.next().value).toEqual({ type: "checkOutputs", outputs: [] });
  expect(asked.next({ type: "ready" })).toEqual({ done: true, value: { type: "ready" } });
});
