/** What an HTTPRequest's expressions name and it does not declare. Pure. */
import { oncePer } from "../../core/tools/once-per.ts";
import { open, type Known } from "../../core/missing-reference.ts";
import type { Refusal } from "../../core/outcome.ts";
import { declaredOutputs, outputExpressions } from "../request/outputs.ts";
import { answer, requestReadings, triggerEvent, undeclaredInItems, undeclaredRefusal } from "../request/references.ts";
import type { HTTPRequest } from "../types.ts";

export function findUndeclared({ spec }: Pick<HTTPRequest, "spec">): Refusal | undefined {
  return findIn(spec);
}
const findIn = oncePer((spec: HTTPRequest["spec"]): Refusal | undefined => {
  const { forEach } = spec;
  const ofAnswers: Readonly<Record<string, Known>> = forEach ? { responses: open } : { response: answer };
  const others = [
    {
      expressions: forEach?.expression === undefined ? [] : [{ field: "spec.forEach.expression", text: forEach.expression }],
    },
    { expressions: outputExpressions(declaredOutputs(spec.outputs, "spec.outputs")), sees: ofAnswers },
  ];
  const common = spec.trigger ? { trigger: triggerEvent } : {};
  const readings = requestReadings(spec, "spec", forEach ? { item: open, index: open } : {});
  const refusal = undeclaredRefusal(spec, common, [...readings, ...others]);
  // What is written as a list is known item by item.
  return refusal ?? (forEach?.items && undeclaredInItems(readings, forEach.items));
});
