/** What a spec says that is most likely not meant so, and is sent as it stands all the same. Pure. */
import type { ConditionState } from "../../core/conditions.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import { stringsIn } from "../../core/templating.ts";

/** provider-http's reference to a Secret's key. */
const reference = /\{\{ {0,8}[^\s{}:]{1,253}:[^\s{}:]{1,253}:[^\s{}:]{1,253} {0,8}\}\}/;

/** For people: the field, and what is wrong with it; undefined: nothing is. */
export const findSuspicion = oncePer((spec: object): string | undefined => {
  const { parameters = null, ...rest }: { readonly parameters?: unknown } = spec;
  const template = stringsIn(parameters, "spec.parameters").find(({ text }) => text.includes("${"));
  if (template)
    return `${template.field}: what stands in parameters is taken as it is, and \${ … } is not expanded there: write the expression where .parameters is used`;
  const foreign = stringsIn(rest, "spec").find(({ text }) => text.includes("{{") && reference.test(text));
  if (foreign)
    return `${foreign.field}: {{ name:namespace:key }} is sent as it stands: a Secret's key is an input (inputs.NAME.secretKeyRef), and an expression reads it: \${ .inputs.NAME }`;
  return undefined;
});

/** The same as a condition, where there is something. */
export function suspicious(spec: object): readonly ConditionState[] {
  const message = findSuspicion(spec);
  return message === undefined ? [] : [{ type: "Suspicious", status: "True", reason: "NotExpanded", message }];
}
