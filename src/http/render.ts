/**
 * A request template and the values of its expressions, made into what goes on the wire.
 *
 * Rendered once for an attempt; what an expression yields is data and is never expanded again.
 */
import type { LocatedPair, Located, RequestTemplate } from "../core/exchange.ts";
import { stringifyWith, templatesOf, wholeExpression } from "../core/templating.ts";
import { headerRecord, type HeaderField, type HeaderRecord } from "./headers.ts";
import { checkedURL, urlText, type ScalarOf } from "./url.ts";
import { contentText, encoded, filled, partsOf, scalarText, type ValueOf } from "./values.ts";

export interface WireRequest {
  readonly method: string;
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: HeaderRecord;
  readonly body?: string;
}

/** Each expression once, with the first field that has it. Throws `RefusedError`. */
export function expressionsOf(request: RequestTemplate): Located[] {
  const found = new Map<string, Located>();
  for (const template of templatesOf(request))
    for (const { type, text } of partsOf(template))
      if (type === "expression" && !found.has(text)) found.set(text, { field: template.field, text });
  return [...found.values()];
}

/** Throws `RefusedError`. */
export function rendered(request: RequestTemplate, valueOf: ValueOf, userAgent: string): WireRequest {
  const scalar: ScalarOf = (field, expression) => scalarText(valueOf(expression), field, expression);
  const url = checkedURL(urlText(request, scalar), request);
  const query = queryText(request.query, scalar);
  const search = [url.search.slice(1), query].filter((text) => text !== "").join("&");
  const body = bodyText(request, valueOf);
  return {
    method: request.method,
    origin: url.origin,
    path: `${url.pathname}${search === "" ? "" : `?${search}`}`,
    headers: headerRecord(headerFields(request, scalar, userAgent)),
    ...(body === undefined ? {} : { body }),
  };
}

export interface Described {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly body?: string;
}

/** The same with values from which secrets have been taken, so it checks nothing; what has no text shows three asterisks. */
export function described(request: RequestTemplate, valueOf: ValueOf, userAgent: string): Described {
  const scalar: ScalarOf = (_field, expression) =>
    /^["\d\-tf]/.test(valueOf(expression)) ? contentText(valueOf(expression)) : "***";
  const url = urlText(request, (field, expression) => scalar(field, expression) || "***");
  const query = queryText(request.query, scalar);
  const body = bodyText(request, valueOf);
  return {
    method: request.method,
    url: `${url}${query === "" ? "" : `${url.includes("?") ? "&" : "?"}${query}`}`,
    headers: headerFields(request, scalar, userAgent).map(({ name, value }) => ({ name, value })),
    ...(body === undefined ? {} : { body }),
  };
}

function queryText(query: readonly LocatedPair[], scalar: ScalarOf): string {
  return query
    .map((pair) => `${encoded(pair.name)}=${encoded(filled(pair, (expression) => scalar(pair.field, expression)))}`)
    .join("&");
}

function headerFields(request: RequestTemplate, scalar: ScalarOf, userAgent: string): HeaderField[] {
  const fields: HeaderField[] = request.headers.map((header) => ({
    field: header.field,
    name: header.name,
    value: filled(header, (expression) => scalar(header.field, expression)),
  }));
  fields.push(...request.literalHeaders.map((header) => ({ ...header, field: `header ${header.name}` })));
  const set = new Set(fields.map(({ name }) => name.toLowerCase()));
  const contentType = request.body && { json: "application/json", text: "text/plain; charset=utf-8" }[request.body.type];
  const defaults = { "user-agent": userAgent, ...(contentType ? { "content-type": contentType } : {}) };
  for (const [name, value] of Object.entries(defaults)) if (!set.has(name)) fields.push({ field: `header ${name}`, name, value });
  return fields;
}

function bodyText({ body }: RequestTemplate, valueOf: ValueOf): string | undefined {
  if (!body) return undefined;
  const content = (expression: string): string => contentText(valueOf(expression));
  if (body.type === "text") return filled(body, content);
  return stringifyWith(
    body.value,
    (text, field) => {
      const whole = wholeExpression(partsOf({ field, text }));
      return whole === undefined ? JSON.stringify(filled({ field, text }, content)) : valueOf(whole);
    },
    body.field,
  );
}
