/** The document that expressions see, as JSON text, so that numbers stay as they were written. */
import type { Scope } from "../../core/evaluation.ts";
import type { Response } from "../../core/outcome.ts";
import type { Resource } from "../../core/resource.ts";
import { stringifyWith } from "../../core/templating.ts";
import type { Inputs } from "../resolve/inputs.ts";
import { jsonText } from "../send/content.ts";

/** Answers that expressions see: that of one exchange, or those of each item of a forEach. */
export interface Answers {
  readonly response?: Response;
  readonly responses?: readonly (Response | undefined)[];
}
/** One answer's JSON text. */
type ResponseText = (response: Response) => string;

/** It holds the inputs' values: not to be shown. */
export function documentText(
  scope: Scope,
  inputs: Inputs,
  { response, responses }: Answers = {},
  responseText: ResponseText = parsed,
): string {
  const values = [...inputs].map(([name, { value }]) => `${JSON.stringify(name)}:${valueText(value)}`);
  const fields = [
    `"inputs":{${values.join(",")}}`,
    `"metadata":${JSON.stringify(scope.metadata)}`,
    `"now":${JSON.stringify(scope.now)}`,
  ];
  if (scope.parameters !== undefined) fields.push(`"parameters":${valueText(scope.parameters)}`);
  if (scope.externalID !== undefined) fields.push(`"externalID":${JSON.stringify(scope.externalID)}`);
  if (scope.item) fields.push(`"item":${scope.item.json.open()}`, `"index":${scope.item.index}`);
  if (response) fields.push(`"response":${responseText(response)}`);
  if (responses) fields.push(`"responses":[${responses.map((one) => (one ? responseText(one) : "null")).join(",")}]`);
  return `{${fields.join(",")}}`;
}

/** The document where expressions look at another object. */
export function objectText({ metadata, spec, status = {} }: Resource): string {
  return valueText({ metadata, spec, status });
}

const valueText = (value: unknown): string => stringifyWith(value, (text) => JSON.stringify(text));

/** Of an answer what every expression sees. */
const parsed: ResponseText = ({ statusCode, headers, trailers = {}, body }) => {
  const text = body.open();
  const type = headers["content-type"];
  const json = jsonText(text, typeof type === "string" ? type : undefined);
  const fields = `"statusCode":${statusCode},"headers":${JSON.stringify(headers)},"trailers":${JSON.stringify(trailers)}`;
  return `{${fields},"body":${json ?? JSON.stringify(text)}}`;
};

/** The same with the content as it came: `text`, null where it is none, and `base64`. */
const whole: ResponseText = (response) => {
  const { body, bytes, undecodable } = response;
  const text = body.open();
  const base64 = Buffer.from(bytes?.open() ?? text).toString("base64");
  return `${parsed(response).slice(0, -1)},"text":${undecodable ? "null" : JSON.stringify(text)},"base64":"${base64}"}`;
};

/** What an expression sees of an answer: the content as it came only where it speaks of that, since to all others it is ballast. */
export function responseTextFor(expression: string): ResponseText {
  return /text|base64/.test(expression) ? whole : parsed;
}
