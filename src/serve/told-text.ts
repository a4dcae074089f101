/** What a shadow's condition says, in the words of the object that it stands for: whoever reads it can change that alone. Pure. */
import type { Condition } from "../core/conditions.ts";

/** What is to be done there, where it is not what our own kinds have. */
const advices: readonly (readonly [ours: string, theirs: string])[] = [
  [", or set spec.onUnknown: Resend", ", or delete it and make it anew"],
  [
    "spec.suspend is true: nothing is sent until it is false",
    "it is suspended, and nothing is sent: the condition Served says why",
  ],
  [", or set spec.replace: [Moved] to have the object deleted and created anew", ""],
];
const fields: Readonly<Record<string, string>> = {
  observe: "OBSERVE",
  create: "CREATE",
  update: "UPDATE",
  delete: "REMOVE",
  exists: "isRemovedCheck",
  upToDate: "expectedResponseCheck",
  compare: "expectedResponseCheck",
  ignore: "expectedResponseCheck",
  outputs: "secretInjectionConfigs",
  url: "forProvider.url",
  headers: "forProvider.headers",
  body: "forProvider.body",
  poll: "forProvider.polling",
};
const expected: Readonly<Record<string, string>> = {
  "expect.status": "allowedStatusCodes",
  "expect.that": "expectedResponse",
};

/** Of a field that it does not have it is said whose it is. */
export function toldText(message: string): string {
  const text = advices.reduce((all, [ours, theirs]) => all.replaceAll(ours, theirs), message);
  return text.replaceAll(/\bspec\.([A-Za-z]+)(\.(?:that|status)\b)?/g, (whole, field: string, part = "") => {
    const both = expected[`${field}${String(part)}`];
    if (both !== undefined) return both;
    return Object.hasOwn(fields, field) ? `${fields[field]}${String(part)}` : `its shadow's ${whole}`;
  });
}
export function inItsWords<C extends Pick<Condition, "message">>(condition: C | undefined): C | undefined {
  return condition && { ...condition, message: toldText(condition.message) };
}
