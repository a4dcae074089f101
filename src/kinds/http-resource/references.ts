/** What an HTTPResource's expressions name and it does not declare. Pure. */
import { oncePer } from "../../core/tools/once-per.ts";
import { open, type Known } from "../../core/missing-reference.ts";
import type { Refusal } from "../../core/outcome.ts";
import { declaredOutputs, outputExpressions } from "../request/outputs.ts";
import { answer, requestReadings, undeclaredRefusal } from "../request/references.ts";
import type { HTTPResource } from "../types.ts";
import { lookupExpressions } from "./lookup.ts";
import { locate } from "./observation.ts";
import { locateValues } from "./values.ts";

export function findUndeclared({ spec }: Pick<HTTPResource, "spec">): Refusal | undefined {
  return findIn(spec);
}
const findIn = oncePer((spec: HTTPResource["spec"]): Refusal | undefined => {
  const { observe, lookup, create, update, beforeDelete, delete: remove, externalID, mine, exists, upToDate, refusedIf } = spec;
  const parameters: Known = { type: "value", value: spec.parameters ?? null };
  const common = { parameters, externalID: open, object: open, response: answer };
  const ofAnItem = { item: open };
  return undeclaredRefusal(spec, common, [
    ...requestReadings(observe, "spec.observe"),
    ...requestReadings(lookup, "spec.lookup"),
    ...requestReadings(create, "spec.create"),
    ...requestReadings(update, "spec.update"),
    ...requestReadings(beforeDelete, "spec.beforeDelete"),
    ...requestReadings(remove, "spec.delete"),
    { expressions: lookup ? lookupExpressions(lookup) : [], sees: ofAnItem },
    {
      expressions: [...locate("spec.externalID", externalID), ...locate("spec.mine", mine)],
      sees: lookup ? ofAnItem : {},
    },
    { expressions: locate("spec.update.object", update?.object), sees: { body: open } },
    {
      expressions: [
        ...locate("spec.observe.object", observe?.object),
        ...locate("spec.exists", exists),
        ...locate("spec.upToDate", upToDate),
        ...locate("spec.refusedIf", refusedIf),
        ...locateValues(spec),
        ...outputExpressions(declaredOutputs(spec.outputs, "spec.outputs")),
      ],
    },
  ]);
});
