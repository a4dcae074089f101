/**
 * A request template and the values of its expressions, made into what goes on the wire.
 *
 * Rendered once for an attempt; what an expression yields is data and is never expanded again.
 */
import type { Exchange } from "../../core/exchange.ts";
import type { LocatedPair, Located, RequestTemplate } from "../../core/request-template.ts";
import { templatesOf } from "../../core/templating.ts";
import { oncePer, oncePerText } from "../../core/tools/once-per.ts";
import { longestURL, whyTooLong } from "../../core/tools/url.ts";
import { bodyContent, type Content } from "./body.ts";
import type { AllBytes } from "../resolve/bytes.ts";
import { headerRecord, type HeaderField } from "./headers.ts";
import { refuse } from "../refusal.ts";
import type { WireRequest } from "../wire-request.ts";
import { checkURL, pageURL, urlText, type ScalarOf } from "./url.ts";
import {
  definedText,
  encodeComponent,
  expandPairs,
  fillTemplate,
  meterValues,
  partsOf,
  scalarText,
  type TextOf,
  type ValueOf,
} from "./values.ts";

/** What a template is filled with. */
interface Values {
  readonly valueOf: ValueOf;
  readonly bytes: AllBytes;
  /** What a patch is derived from. */
  readonly seen?: Pick<Exchange, "scope" | "response">;
}

/** Each expression once, with the first field that has it. Throws `RefusedError`. */
export const expressionsOf: (request: RequestTemplate) => readonly Located[] = oncePer((request) =>
  expressionsIn(templatesOf(request)),
);
/** The same of any templates. Throws `RefusedError`. */
export function expressionsIn(templates: readonly Located[]): Located[] {
  const found = new Map<string, Located>();
  for (const template of templates)
    for (const { type, text } of partsOf(template))
      if (type === "expression" && !found.has(text)) found.set(text, { field: template.field, text });
  return [...found.values()];
}

/** Throws `RefusedError`. What is the same each time is rendered once. */
export function renderRequest(request: RequestTemplate, values: Values, userAgent: string): WireRequest {
  const isSame = request.body === undefined && expressionsOf(request).length === 0;
  return isSame ? sameRequest(request)(userAgent) : render(request, values, userAgent);
}
const sameRequest = oncePer((request: RequestTemplate) =>
  oncePerText((userAgent) => render(request, { valueOf: () => "null", bytes: new Map() }, userAgent)),
);

function render(request: RequestTemplate, values: Values, userAgent: string): WireRequest {
  const { bytes, seen } = values;
  const valueOf = meterValues(values.valueOf, templatesOf(request));
  const scalar: ScalarOf = (field, expression) => scalarText(valueOf(expression), field, expression);
  const first = checkURL(urlText(request, scalar), request);
  const url = request.page ? pageURL(first, request.page, request) : first;
  const query = request.page ? "" : queryText(request.query, valueOf, scalarText);
  const search = [url.search.slice(1), query].filter((text) => text !== "").join("&");
  const body =
    request.body &&
    bodyContent(request.body, {
      valueOf,
      textOf: definedText,
      bytesOf: ({ field }) => bytes.get(field)?.bytes ?? new Uint8Array(),
      ...(seen && { seen }),
    });
  const path = `${url.pathname}${search === "" ? "" : `?${search}`}`;
  const tooLong = whyTooLong(`${url.origin}${path}`);
  if (tooLong !== undefined) refuse("InvalidURL", `${request.query.at(-1)?.field ?? "spec.url"}: with its query ${tooLong}`);
  return {
    method: request.method,
    origin: url.origin,
    path,
    headers: headerRecord(headerFields(request, scalar, { userAgent, body })),
    ...(body && { body: body.content }),
  };
}

/** Parameters that are added to a URL's own, percent-encoded. */
export function queryText(query: readonly LocatedPair[], valueOf: ValueOf, textOf: TextOf): string {
  return expandPairs(query, valueOf, textOf, longestURL)
    .map(([name, value]) => `${encodeComponent(name)}=${encodeComponent(value)}`)
    .join("&");
}

/** The declared fields, and what Holdfast adds where they are not declared. */
export function headerFields(
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
  if (request.body?.type !== "multipart" || !body) return fields;
  const boundary = body.contentType.slice(body.contentType.indexOf("; boundary="));
  return fields.map((field) => withBoundary(field, boundary));
}

/** Without the boundary nobody can tell the parts from each other. */
function withBoundary(header: HeaderField, boundary: string): HeaderField {
  const { field, name, value } = header;
  if (name.toLowerCase() !== "content-type" || value.endsWith(boundary)) return header;
  if (!/^multipart\//i.test(value) || /boundary=/i.test(value))
    refuse("InvalidRequest", `${field}: the body is multipart, so its type is multipart/… without a boundary, which is added`);
  return { ...header, value: `${value}${boundary}` };
}
