/**
 * A request template and the values of its expressions, made into what goes on the wire.
 *
 * Rendered once for an attempt; what an expression yields is data and is never expanded again.
 */
import type { Response } from "../../core/outcome.ts";
import type { LocatedPair, Located, RequestTemplate } from "../../core/request-template.ts";
import { templatesOf } from "../../core/templating.ts";
import { bodyContent, type Content } from "./body.ts";
import { shownBytes, type AllBytes } from "../resolve/bytes.ts";
import { headerRecord, type HeaderField, type HeaderRecord } from "./headers.ts";
import { refuse } from "../refusal.ts";
import { checkURL, pageURL, referenceText, urlText, type ScalarOf } from "./url.ts";
import { contentText, definedText, encoded, fillTemplate, partsOf, scalarText, type ValueOf } from "./values.ts";

export interface WireRequest {
  readonly method: string;
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: HeaderRecord;
  readonly body?: string | Uint8Array;
}
/** What a template is filled with. */
interface Values {
  readonly valueOf: ValueOf;
  readonly bytes: AllBytes;
  /** What a patch is derived from. */
  readonly response?: Response | undefined;
}

/** Each expression once, with the first field that has it. Throws `RefusedError`. */
export function expressionsOf(request: RequestTemplate): Located[] {
  return expressionsIn(templatesOf(request));
}
/** The same of any templates. Throws `RefusedError`. */
export function expressionsIn(templates: readonly Located[]): Located[] {
  const found = new Map<string, Located>();
  for (const template of templates)
    for (const { type, text } of partsOf(template))
      if (type === "expression" && !found.has(text)) found.set(text, { field: template.field, text });
  return [...found.values()];
}

/** Throws `RefusedError`. */
export function renderRequest(request: RequestTemplate, { valueOf, bytes, response }: Values, userAgent: string): WireRequest {
  const scalar: ScalarOf = (field, expression) => scalarText(valueOf(expression), field, expression);
  const first = checkURL(urlText(request, scalar), request);
  const url = request.page ? pageURL(first, request.page, request) : first;
  const query = request.page ? "" : queryText(request.query, scalar);
  const search = [url.search.slice(1), query].filter((text) => text !== "").join("&");
  const body =
    request.body &&
    bodyContent(request.body, {
      valueOf,
      textOf: (field, expression) => definedText(valueOf(expression), field, expression),
      bytesOf: ({ field }) => bytes.get(field)?.bytes ?? new Uint8Array(),
      response,
    });
  return {
    method: request.method,
    origin: url.origin,
    path: `${url.pathname}${search === "" ? "" : `?${search}`}`,
    headers: headerRecord(headerFields(request, scalar, { userAgent, body })),
    ...(body && { body: body.content }),
  };
}

export interface Described {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly body?: string;
}

/**
 * The same with values from which secrets have been taken, so it checks nothing; what has no text shows three asterisks.
 * `sent`: what goes on the wire, which can have fewer header fields at another place than the request's own.
 */
export function describeRequest(
  request: RequestTemplate,
  { valueOf, bytes }: Values,
  { userAgent, sent }: { readonly userAgent: string; readonly sent: WireRequest },
): Described {
  const scalar: ScalarOf = (_field, expression) =>
    /^["\d\-tf]/.test(valueOf(expression)) ? contentText(valueOf(expression)) : "***";
  const url = urlText(request, (field, expression) => scalar(field, expression) || "***");
  const query = queryText(request.query, scalar);
  const body =
    request.body &&
    bodyContent(request.body, {
      valueOf,
      textOf: (_field, expression) => (valueOf(expression) === "null" ? "***" : contentText(valueOf(expression))),
      bytesOf({ field }) {
        const found = bytes.get(field);
        return found ? shownBytes(found) : new Uint8Array();
      },
    });
  const own = `${url}${query === "" ? "" : `${url.includes("?") ? "&" : "?"}${query}`}`;
  return {
    method: request.method,
    url: request.location ? shownAt(referenceText(request.location, scalar), own) : own,
    headers: headerFields(request, scalar, { userAgent, body })
      .filter(({ name }) => Object.hasOwn(sent.headers, name.toLowerCase()))
      .map(({ name, value }) => ({ name, value })),
    ...(body && { body: shownText(request, body) }),
  };
}

/** A reference beside a URL that can be a secret as a whole. */
function shownAt(reference: string, own: string): string {
  return URL.parse(reference, own)?.href ?? reference;
}

/** Lines of a multipart body end in one character for people, and in two where it is sent. */
function shownText({ body }: RequestTemplate, { content }: Content): string {
  const text = typeof content === "string" ? content : new TextDecoder().decode(content);
  return body?.type === "multipart" ? text.replaceAll("\r\n", "\n") : text;
}

function queryText(query: readonly LocatedPair[], scalar: ScalarOf): string {
  return query
    .map((pair) => `${encoded(pair.name)}=${encoded(fillTemplate(pair, (expression) => scalar(pair.field, expression)))}`)
    .join("&");
}

function headerFields(
  request: RequestTemplate,
  scalar: ScalarOf,
  { userAgent, body }: { readonly userAgent: string; readonly body: Content | undefined },
): HeaderField[] {
  const fields: HeaderField[] = request.headers.map((header) => ({
    field: header.field,
    name: header.name,
    value: fillTemplate(header, (expression) => scalar(header.field, expression)),
  }));
  fields.push(...request.literalHeaders.map((header) => ({ ...header, field: `header ${header.name}` })));
  const set = new Set(fields.map(({ name }) => name.toLowerCase()));
  const defaults = { "user-agent": userAgent, ...(body && { "content-type": body.contentType }) };
  for (const [name, value] of Object.entries(defaults)) if (!set.has(name)) fields.push({ field: `header ${name}`, name, value });
  const boundary = request.body?.type === "multipart" ? /; boundary=.*$/.exec(body?.contentType ?? "")?.[0] : undefined;
  return boundary === undefined ? fields : fields.map((field) => withBoundary(field, boundary));
}

/** Without the boundary nobody can tell the parts from each other. */
function withBoundary(header: HeaderField, boundary: string): HeaderField {
  const { field, name, value } = header;
  if (name.toLowerCase() !== "content-type" || value.endsWith(boundary)) return header;
  if (!/^multipart\//i.test(value) || /boundary=/i.test(value))
    refuse("InvalidRequest", `${field}: the body is multipart, so its type is multipart/… without a boundary, which is added`);
  return { ...header, value: `${value}${boundary}` };
}
