/**
 * `spec.values`: facts of the observed object, as its status shows them.
 *
 * Invariant: the status has what the latest observation yielded, and nothing of an object that is not there any more.
 */
import type { HTTPResourceStatus } from "../../api/http-resource.ts";
import { longestFact, type ScopeEvaluation } from "../../core/evaluation.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Fact } from "../../core/plan.ts";
import type { Located } from "../../core/request-template.ts";
import type { Context } from "./context.ts";
import type { Values } from "./observation.ts";
import { outputsOf } from "./outputs.ts";

/** Bytes of all of them as JSON: a status has room for so much. */
const longestInAll = 4096;

/** None where the object is being deleted: nobody reads them any more. */
export function valueExpressions({
  spec: { values = {} },
  resource: { metadata },
}: Pick<Context, "spec" | "resource">): Located[] {
  return metadata.deletionTimestamp === undefined ? locateValues({ values }) : [];
}
export function locateValues({ values = {} }: Pick<Context["spec"], "values">): Located[] {
  return Object.entries(values).map(([name, text]) => ({ field: `spec.values.${name}`, text }));
}

/** What is to be asked of an observation for them; undefined: nothing. */
export function publishedBy(context: Pick<Context, "spec" | "resource">): ScopeEvaluation["published"] {
  const facts = valueExpressions(context);
  if (facts.length === 0) return undefined;
  const secret = outputsOf(context).filter(({ object }) => object.field.endsWith(".secret"));
  return { facts, withheld: secret.flatMap(({ data }) => data.map(({ field, text }) => ({ field, text }))) };
}

/** `facts`: in the order of the spec. What can be shown is, whatever is wrong with others. */
export function valuesOf({ spec: { values = {} } }: Pick<Context, "spec">, facts: readonly Fact[]): Values {
  const shown: Record<string, unknown> = {};
  let problem: Refusal | undefined;
  let left = longestInAll;
  for (const [index, name] of Object.keys(values).entries()) {
    const fact = facts[index] ?? { type: "failed" };
    if (fact.type === "value" && fact.value === null) continue;
    const length = fact.type === "value" ? Buffer.byteLength(JSON.stringify({ [name]: fact.value })) : 0;
    if (fact.type !== "value") problem ??= refusalOf(name, fact);
    else if (length > left) problem ??= tooLong(name, `all together are longer than ${longestInAll} bytes`);
    else {
      shown[name] = fact.value;
      left -= length;
    }
  }
  return { shown, ...(problem && { problem }) };
}

function refusalOf(name: string, { type }: Exclude<Fact, { type: "value" }>): Refusal {
  const field = `spec.values.${name}`;
  switch (type) {
    case "failed":
      return refusal("ExpressionFailed", `${field}: the expression fails on what was observed`);
    case "secret":
      return refusal(
        "ValueIsSecret",
        `${field}: the value holds a secret, or its expression may read one, so it is not shown; outputs can keep it in a Secret`,
      );
    case "uncertain":
      return refusal(
        "ValueIsSecret",
        `${field}: it is not shown, since it may hold a Secret of the object that cannot be read now`,
      );
    case "tooLong":
      return tooLong(name, `the value is longer than ${longestFact} bytes`);
  }
}
function tooLong(name: string, why: string): Refusal {
  return refusal("ValueTooLong", `spec.values.${name}: ${why}, and is not shown`);
}
function refusal(reason: Refusal["reason"], message: string): Refusal {
  return { type: "refusal", reason, message, heals: false };
}

/** As a field of a status. */
export function valuesField({ spec, status, values, remote }: Context): Pick<HTTPResourceStatus, "values"> {
  // What was created a moment ago has not been observed yet.
  if (!spec.values || !remote.seen || remote.made === "never") return {};
  const shown = values ?? (status.values as Values["shown"] | undefined) ?? {};
  return Object.keys(shown).length === 0 ? {} : { values: shown };
}
