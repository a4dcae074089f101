/** What would be sent, for people: with values from which secrets have been taken. */
import type { RequestTemplate } from "../../core/request-template.ts";
import { shownBytes, type AllBytes } from "../resolve/bytes.ts";
import type { WireRequest } from "../wire-request.ts";
import { bodyContent, type Content } from "./body.ts";
import { headerFields, queryText } from "./render.ts";
import { referenceText, urlText, type ScalarOf } from "./url.ts";
import { contentText, type TextOf, type ValueOf } from "./values.ts";

/** What a template is filled with. */
interface Values {
  readonly valueOf: ValueOf;
  readonly bytes: AllBytes;
}

export interface Described {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly body?: string;
}

/**
 * The same with values from which secrets have been taken, so it checks nothing; what has no text shows three asterisks.
 * `sent`: what goes on the wire, which can have fewer header fields at another place than the request's own; absent: it has all.
 */
export function describeRequest(
  request: RequestTemplate,
  { valueOf, bytes }: Values,
  { userAgent, sent }: { readonly userAgent: string; readonly sent?: WireRequest },
): Described {
  const shown: TextOf = (json) => (/^["\d\-tf]/.test(json) ? contentText(json) : "***");
  const scalar: ScalarOf = (field, expression) => shown(valueOf(expression), field, expression);
  const url = urlText(request, (field, expression) => scalar(field, expression) || "***");
  const query = queryText(request.query, valueOf, shown);
  const body =
    request.body &&
    bodyContent(request.body, {
      valueOf,
      textOf: (json) => (json === "null" ? "***" : contentText(json)),
      bytesOf({ field }) {
        const found = bytes.get(field);
        return found ? shownBytes(found) : new Uint8Array();
      },
    });
  const own = `${url}${query === "" ? "" : `${url.includes("?") ? "&" : "?"}${query}`}`;
  return {
    method: request.method,
    url: request.location ? resolveShown(referenceText(request.location, scalar), own) : own,
    headers: headerFields(request, scalar, { userAgent, body })
      .filter(({ name }) => !sent || Object.hasOwn(sent.headers, name.toLowerCase()))
      .map(({ name, value }) => ({ name, value })),
    ...(body && { body: showBody(request, body) }),
  };
}

/** A reference beside a URL that can be a secret as a whole. */
function resolveShown(reference: string, own: string): string {
  return URL.parse(reference, own)?.href ?? reference;
}

/** Lines of a multipart body end in one character for people, and in two where it is sent. */
function showBody({ body }: RequestTemplate, { content }: Content): string {
  const text = typeof content === "string" ? content : new TextDecoder().decode(content);
  return body?.type === "multipart" ? text.replaceAll("\r\n", "\n") : text;
}
