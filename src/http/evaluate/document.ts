/** The document that expressions see, as JSON text, so that numbers stay as they were written. */
import type { Scope } from "../../core/evaluation.ts";
import type { Response } from "../../core/outcome.ts";
import type { Resource } from "../../core/resource.ts";
import { longestHeld, textOf, type JSONDocument, type JSONText } from "../../core/json-document.ts";
import { stringifyWith } from "../../core/templating.ts";
import type { Inputs } from "../resolve/inputs.ts";
import { oncePer, oncePerText } from "../../core/tools/once-per.ts";
import { jsonOf } from "../send/content.ts";
import { cookiesOf, withSet } from "../send/cookies.ts";

/** Answers that expressions see: that of one exchange, or those of each item of a forEach. */
export interface Answers {
  readonly response?: Response;
  readonly responses?: readonly (Response | undefined)[];
}
/** One answer's JSON text. */
type ResponseText = (response: Response) => string;

/** The document as text. `expression`: what is asked of it. It holds the inputs' values: not to be shown. */
export function documentText(scope: Scope, inputs: Inputs, answers: Answers = {}, expression = ""): string {
  return textOf(documentOf(scope, inputs, answers, expression));
}
/** The same, of which an answer, and what is the same without it, are read once where that is all that expressions see of them. */
export function documentOf(scope: Scope, inputs: Inputs, { response, responses }: Answers, expression = ""): JSONDocument {
  const { isWhole, hasObject, hasCookies } = partsFor(expression);
  const object = scope.externalID !== undefined && hasObject ? objectOf(scope, response) : undefined;
  const shared = inputs.size === 0 && object === undefined ? ownOf(scope) : undefined;
  const own = shared ?? { text: ownText(scope, inputs, object) };
  const answerText = isWhole ? whole : parsedText;
  const responseText = hasCookies ? withCookies(answerText) : answerText;
  if (!response && !responses) return { own };
  if (response && responseText === parsedText && !responses && response.sizeBytes <= longestHeld)
    return { own, last: { field: "response", value: parsed(response) } };
  const fields = [own.text.slice(0, -1)];
  if (response) fields.push(`"response":${responseText(response)}`);
  if (responses) fields.push(`"responses":[${responses.map((one) => (one ? responseText(one) : "null")).join(",")}]`);
  return `${fields.join(",")}}`;
}

/** Of what has no inputs it is the same for each expression; undefined: it is long, and an exchange would hold it all the time. */
const ownOf = oncePer((scope: Scope): JSONText | undefined => {
  const text = ownText(scope, new Map(), undefined);
  return text.length <= longestHeld ? { text } : undefined;
});
/** All but the answers. `object`: JSON text, where expressions see it. */
function ownText(scope: Scope, inputs: Inputs, object: string | undefined): string {
  const values = [...inputs].map(([name, { value }]) => `${JSON.stringify(name)}:${valueText(value)}`);
  const fields = [
    `"inputs":{${values.join(",")}}`,
    `"metadata":${JSON.stringify(scope.metadata)}`,
    `"now":${JSON.stringify(scope.now)}`,
  ];
  if (scope.parameters !== undefined) fields.push(`"parameters":${valueText(scope.parameters)}`);
  if (scope.externalID !== undefined) fields.push(`"externalID":${JSON.stringify(scope.externalID)}`);
  if (object !== undefined) fields.push(`"object":${object}`);
  if (scope.body !== undefined) fields.push(`"body":${valueText(scope.body)}`);
  if (scope.attemptID !== undefined) fields.push(`"attemptID":${JSON.stringify(scope.attemptID)}`);
  if (scope.trigger !== undefined) fields.push(`"trigger":${valueText(scope.trigger)}`);
  if (scope.item) fields.push(`"item":${scope.item.json.open()}`, `"index":${scope.item.index}`);
  return `{${fields.join(",")}}`;
}

/** Of an answer whose object nobody has named it is the body. */
function objectOf({ object }: Scope, response: Response | undefined): string {
  if (object !== undefined) return valueText(object);
  return response ? bodyText(response) : "null";
}

/** The document where expressions look at another object. */
export function objectText({ metadata, spec, status = {} }: Resource): string {
  return valueText({ metadata, spec, status });
}

function valueText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return stringifyWith(value, (text) => JSON.stringify(text)); // so deep that the stack ends
  }
}

/** Of an answer what every expression sees. */
const parsedText: ResponseText = (response) => {
  const { statusCode, headers, trailers = {} } = response;
  const fields = `"statusCode":${statusCode},"headers":${JSON.stringify(headers)},"trailers":${JSON.stringify(trailers)}`;
  return `{${fields},"body":${bodyText(response)}}`;
};
const parsed = oncePer((response: Response): JSONText => ({ text: parsedText(response) }));

function bodyText(response: Response): string {
  return jsonOf(response)?.text ?? JSON.stringify(response.body.open());
}

/** The same with the content as it came: `text`, null where it is none, and `base64`. */
const whole: ResponseText = (response) => {
  const { body, bytes, undecodable } = response;
  const text = body.open();
  const base64 = Buffer.from(bytes?.open() ?? text).toString("base64");
  return `${parsedText(response).slice(0, -1)},"text":${undecodable ? "null" : JSON.stringify(text)},"base64":"${base64}"}`;
};

/** The same with the cookies that it sets, by name. */
const withCookies =
  (text: ResponseText): ResponseText =>
  (response) => {
    const cookies = [...withSet(new Map(), cookiesOf(response, new Date())).values()];
    const fields = cookies.map(({ name, value }) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
    return `${text(response).slice(0, -1)},"cookies":{${fields.join(",")}}}`;
  };

/** What an expression sees beside all else only where it speaks of it, since to all others it is ballast. */
const partsFor = oncePerText((expression) => {
  const isWhole = /text|base64/.test(expression);
  const hasObject = /\bobject\b/.test(expression);
  const hasCookies = /cookies/.test(expression);
  return { isWhole, hasObject, hasCookies, key: [isWhole, hasObject, hasCookies].join() };
});
/** Expressions for which this is the same see the same document. */
export function documentKey(expression: string): string {
  return partsFor(expression).key;
}
