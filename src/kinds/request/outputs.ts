/** Outputs in a plan: from what a spec declares, through a check before anything is sent, to what is written after a success. Pure. */
import type { Outputs } from "../../api/outputs.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Located } from "../../core/request-template.ts";
import type { Output, OutputEvaluation } from "../../core/output.ts";
import { ask, type OutputsResult, type Patience, type Steps } from "../../core/plan.ts";
import { configMapType, secretType } from "../../core/resource.ts";

/** `field`: where they are written. */
export function declaredOutputs(outputs: Outputs | undefined, field: string): readonly Output[] {
  return (outputs ?? []).map(({ secret, configMap, data, whenMissing }, index) => {
    const at = `${field}[${index}]`;
    const { name, labels = {}, annotations = {} } = secret ?? configMap ?? { name: "" };
    const declared = { name, labels, annotations };
    return {
      object: secret
        ? { field: `${at}.secret`, type: secretType, secretType: secret.type, ...declared }
        : { field: `${at}.configMap`, type: configMapType, ...declared },
      data: Object.entries(data).map(([key, text]) => ({ name: key, field: `${at}.data.${key}`, text })),
      whenMissing,
    };
  });
}

/** Their expressions, so that one that does not compile is found before anything is sent. */
export function outputExpressions(outputs: readonly Output[]): Located[] {
  return outputs.flatMap(({ data }) => data.map(({ field, text }) => ({ field, text })));
}

/** Whether a Secret is made of an answer, whose text is then not for a status. */
export function makeSecrets(outputs: Outputs | undefined): boolean {
  return (outputs ?? []).some(({ secret }) => secret !== undefined);
}

/** Whether what such a Secret holds may come of a header field. */
export function makeSecretsOfHeaders(outputs: Outputs | undefined): boolean {
  return (outputs ?? []).some(({ secret, data }) => secret && Object.values(data).some((text) => text.includes("headers")));
}

/** The same, where an answer before this one has made them. */
export function madeBefore(outputs: readonly Output[]): readonly Output[] {
  return outputs.map((output) => ({ ...output, object: { ...output.object, wasMade: true } }));
}

/** To be asked before a request is sent: what could not be kept is not asked for. Undefined: nothing is against it. */
export function* checkOutputs(outputs: readonly Output[]): Steps<Refusal | undefined> {
  if (outputs.length === 0) return undefined;
  const result = yield* ask<"checkOutputs">({ type: "checkOutputs", outputs });
  return result.type === "refusal" ? result : undefined;
}

/** After a refusal those before the one at fault are as they are to be. */
export function* writeOutputs(
  outputs: readonly Output[],
  over: Pick<OutputEvaluation, "scope" | "response" | "responses">,
  patience: Patience,
): Steps<OutputsResult> {
  if (outputs.length === 0) return { type: "ready" };
  return yield* ask<"writeOutputs">({ type: "writeOutputs", evaluation: { outputs, ...over }, ...patience });
}

const mostNamed = 3;
/** What is added to the message of a success: an output that is empty would else be found by whoever reads it. */
export function unwrittenText(fields: readonly string[] = []): string {
  if (fields.length === 0) return "";
  const named = fields.slice(0, mostNamed).join(", ");
  const others = fields.length > mostNamed ? ` and ${fields.length - mostNamed} more` : "";
  return fields.length === 1
    ? `; ${named} yields null: nothing was written under that key`
    : `; ${named}${others} yield null: nothing was written under those keys`;
}
