/** The document that expressions see, as JSON text, so that numbers stay as they were written. */
import type { Scope } from "../../core/evaluation.ts";
import type { Response } from "../../core/outcome.ts";
import type { Resource } from "../../core/resource.ts";
import { stringifyWith } from "../../core/templating.ts";
import type { Inputs } from "../resolve/inputs.ts";

/**
 * `response` is that of one exchange, `responses` those of each item of a forEach. It holds the inputs' values: not to be shown.
 */
export function documentText(
  scope: Scope,
  inputs: Inputs,
  response?: Response,
  responses?: readonly (Response | undefined)[],
): string {
  const values = [...inputs].map(([name, { value }]) => `${JSON.stringify(name)}:${jsonText(value)}`);
  const fields = [
    `"inputs":{${values.join(",")}}`,
    `"metadata":${JSON.stringify(scope.metadata)}`,
    `"now":${JSON.stringify(scope.now)}`,
  ];
  if (scope.parameters !== undefined) fields.push(`"parameters":${jsonText(scope.parameters)}`);
  if (scope.externalID !== undefined) fields.push(`"externalID":${JSON.stringify(scope.externalID)}`);
  if (scope.item) fields.push(`"item":${scope.item.json.open()}`, `"index":${scope.item.index}`);
  if (response) fields.push(`"response":${responseText(response)}`);
  if (responses) fields.push(`"responses":[${responses.map((one) => (one ? responseText(one) : "null")).join(",")}]`);
  return `{${fields.join(",")}}`;
}

/** The document where expressions look at another object. */
export function objectText({ metadata, spec, status = {} }: Resource): string {
  return jsonText({ metadata, spec, status });
}

const jsonText = (value: unknown): string => stringifyWith(value, (text) => JSON.stringify(text));

function responseText({ statusCode, headers, body }: Response): string {
  const text = body.open();
  return `{"statusCode":${statusCode},"headers":${JSON.stringify(headers)},"body":${isJSON(text) ? text : JSON.stringify(text)}}`;
}

function isJSON(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // then it is text
  }
}
