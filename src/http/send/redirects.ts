/**
 * Where a redirect leads, and what goes along (RFC 9110, section 15.4).
 *
 * On another origin nothing goes along that could be a credential, and once it is gone it does not come back. The target is
 * text that a server sent: it reaches no message.
 */
import { parseURL } from "../../core/tools/url.ts";
import type { FailureReason } from "../../core/outcome.ts";
import type { RequestTemplate } from "../../core/request-template.ts";
import { isIdempotent } from "../../core/http-method.ts";
import { isFixed, isFixedBody } from "../../core/templating.ts";
import type { ClientSettings } from "../connect/client-settings.ts";
import { fieldText } from "../field-text.ts";
import { leavesBase } from "../render/confinement.ts";
import type { WireRequest } from "../wire-request.ts";

/** One request of a chain. */
export interface Hop {
  readonly request: WireRequest;
  readonly settings: ClientSettings;
  /** An idempotent method, or an idempotency key that the server honours. */
  readonly repeatable: boolean;
  /** Whether the endpoint's credential goes along. */
  readonly trusted: boolean;
}

type Next = { readonly type: "hop"; readonly hop: Hop } | { readonly type: "refused"; readonly reason: FailureReason };

const codes: readonly number[] = [301, 302, 303, 307, 308];
/** Whether it is one to follow by itself: 300 leaves a choice, and 304 answers a condition (RFC 9110, section 15.4). */
export function isRedirect(statusCode: number): boolean {
  return codes.includes(statusCode);
}

/** What a server has not percent-encoded is UTF-8, as browsers take it. */
export function locationOf({ location }: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  return typeof location === "string" ? fieldText(location) : undefined;
}

export interface Redirects {
  /** The request that an answer asks for. */
  next(hop: Hop, statusCode: number, location: string | undefined): Next;
}

/** Follows at most `maxRedirects`. `template`: what the first request was rendered from. */
export function createRedirects(template: RequestTemplate, maxRedirects: number): Redirects {
  const seen = new Set<string>();
  return {
    next(hop, statusCode, location) {
      const { request } = hop;
      seen.add(place(request));
      const target = targetOf(request, location);
      if (!target) return refused("RedirectInvalid");
      if (seen.size > maxRedirects && !checkHop(target, new URL(request.origin))) return refused("TooManyRedirects");
      const next = hopTo(hop, target, { method: methodAfter(request.method, statusCode), template });
      return next.type === "hop" && seen.has(place(next.hop.request)) ? refused("RedirectLoop") : next;
    },
  };
}

/** The request at another place: nothing that could be a credential goes to another origin, or outside an endpoint's base. */
export function hopTo(
  { request, settings, repeatable, trusted }: Hop,
  target: URL,
  { method, template }: { readonly method: string; readonly template: RequestTemplate },
): Next {
  const problem = checkHop(target, new URL(request.origin));
  if (problem) return refused(problem);
  const elsewhere = target.origin !== request.origin || isOutside(target, template);
  const keepsBody = request.body !== undefined && method === request.method;
  if (elsewhere && keepsBody && !isFixedBody(template.body)) return refused("RedirectRefused");
  return {
    type: "hop",
    hop: {
      request: {
        method,
        origin: target.origin,
        path: `${target.pathname}${target.search}`,
        headers: headersFor(request, template, { elsewhere, keepsBody }),
        ...(keepsBody && { body: request.body }),
      },
      settings: elsewhere ? settingsElsewhere(settings) : settings,
      repeatable: isIdempotent(method) || (repeatable && !elsewhere),
      trusted: trusted && !elsewhere,
    },
  };
}

/** What every request's target must meet before it is followed: the one place for a guard of where requests may go. */
function checkHop(target: URL, from: Pick<URL, "protocol">): FailureReason | undefined {
  if (target.protocol !== "http:" && target.protocol !== "https:") return "RedirectInvalid";
  if (target.username !== "" || target.password !== "") return "RedirectInvalid";
  if (from.protocol === "https:" && target.protocol === "http:") return "RedirectInsecure";
  return undefined;
}

/** Of a host its endpoint's part is one's own: the rest counts as another, and so does what a server could take for it. */
export function isOutside(target: URL, { url }: RequestTemplate): boolean {
  return url.type === "joined" && leavesBase(target, url.base, { encodedSlash: !url.confined }) !== undefined;
}

const refused = (reason: FailureReason): Next => ({ type: "refused", reason });
const place = ({ method, origin, path }: WireRequest): string => `${method} ${origin}${path}`;

/** Where a Location leads, seen from a request; undefined: nowhere. */
export function targetOf({ origin, path }: WireRequest, location: string | undefined): URL | undefined {
  return location === undefined ? undefined : parseURL(location, `${origin}${path}`);
}

/** A 303 asks for a GET; after 301 and 302 a POST becomes one, as every client has it. All else stays what it was. */
function methodAfter(method: string, statusCode: number): string {
  if (statusCode === 303) return method === "HEAD" ? "HEAD" : "GET";
  return statusCode <= 302 && method === "POST" ? "GET" : method;
}

/** Fields that speak of the content that does not go along (Fetch Standard, request-body-header name). */
const ofContent: readonly string[] = ["content-type", "content-encoding", "content-language", "content-location"];
const ofCredentials = /auth|cookie|token|secret|session|signature|credential|passw|key/i;

function headersFor(
  { headers }: WireRequest,
  template: RequestTemplate,
  { elsewhere, keepsBody }: { elsewhere: boolean; keepsBody: boolean },
): WireRequest["headers"] {
  const secret = new Set(
    [...template.literalHeaders, ...template.headers.filter((header) => !isFixed(header))].map(({ name }) => name.toLowerCase()),
  );
  const stays = (name: string): boolean =>
    (keepsBody || !ofContent.includes(name)) && (!elsewhere || (!secret.has(name) && !ofCredentials.test(name)));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => stays(name)));
}

/** A client certificate is a credential too, and a server name is that of the first origin. */
export function settingsElsewhere({ tls, ...settings }: ClientSettings): ClientSettings {
  const { cert: _cert, key: _key, servername: _name, ...rest } = tls;
  return { ...settings, tls: rest };
}
