/**
 * URLs from templates.
 *
 * An expression's value never changes what another part of the URL means: in a path it is one segment, in a query one
 * value, in the authority a host or port. Alone it is a link, which stays below the base. The text of a URL never enters a message.
 */
import type { Located, RequestTemplate } from "../../core/request-template.ts";
import { parseURL, whyTooLong } from "../../core/tools/url.ts";
import { wholeExpression } from "../../core/templating.ts";
import { refuse } from "../refusal.ts";
import { confine, hasDotSegment, withoutSlashesAtEnd, type Joined } from "./confinement.ts";
import { encodeComponent, fillTemplate, partsOf } from "./values.ts";

/** Stands for a secret where a request is described: a URL that begins with it can be written and not be sent. */
const secretMark = "***";

/** An expression's value as text; refuses what is none. */
export type ScalarOf = (field: string, expression: string) => string;

/** The URL's text, not yet checked, without the request's query parameters. Throws `RefusedError`. */
export function urlText({ url }: RequestTemplate, scalar: ScalarOf): string {
  if (url.type === "absolute") return absoluteText(url, scalar);
  const { base, path } = url;
  if (!path) return base;
  const parts = partsOf(path);
  const link = wholeExpression(parts);
  if (link !== undefined) return linkText(scalar(path.field, link), base, path.field);
  if (parts.some(({ type, text }) => type === "text" && /%2f|%5c/i.test(text)))
    refuse(
      "InvalidURL",
      `${path.field}: the path has an encoded slash or backslash; a segment that holds one is written as an expression: \${ "team/a" }`,
    );
  const text = fillTemplate(path, (expression) => segment(scalar(path.field, expression), path.field));
  return `${withoutSlashesAtEnd(base)}${text.startsWith("/") ? "" : "/"}${text}`;
}

/** A path that is one whole expression: a reference to what lies below the base, as it stands. */
function linkText(link: string, base: string, field: string): string {
  if (link === "") refuse("InvalidURL", `${field}: the expression yields an empty text, which leads nowhere`);
  if (/^https?:\/\//i.test(link)) return link;
  if (link.startsWith("//")) refuse("InvalidURL", `${field}: the expression yields another host's address`);
  if (link.startsWith("/")) return `${new URL(base).origin}${link}`;
  return `${withoutSlashesAtEnd(base)}${link.startsWith("?") ? "" : "/"}${link}`;
}

function segment(value: string, field: string): string {
  if (value === "") refuse("InvalidURL", `${field}: an expression yields an empty text, which makes no path segment`);
  return encodeComponent(value);
}

function absoluteText(url: Located, scalar: ScalarOf): string {
  const { field } = url;
  const parts = partsOf(url);
  const whole = wholeExpression(parts);
  if (whole !== undefined) return scalar(field, whole);
  let text = "";
  for (const [index, part] of parts.entries()) {
    if (part.type === "text") {
      text += part.text;
      continue;
    }
    const value = scalar(field, part.text);
    switch (componentAfter(text, field)) {
      case "start":
        if (value !== secretMark && !/^https?:\/\/[^/?#@\\\s]+(\/[^?#\\\s]*)?$/i.test(value))
          refuse(
            "InvalidURL",
            `${field}: what the first expression yields must be http:// or https://, a host, and at most a path`,
          );
        text += parts[index + 1]?.text.startsWith("/") ? withoutSlashesAtEnd(value) : value;
        break;
      case "authority":
        // oxlint-disable-next-line no-control-regex -- control characters are what it refuses
        if (!/^[^/?#@\\%\s\x00-\x1f]+$/.test(value))
          refuse("InvalidURL", `${field}: what stands in for a host or port must be one`);
        text += value;
        break;
      case "path":
        text += segment(value, field);
        break;
      case "query":
        text += encodeComponent(value);
        break;
    }
    const tooLong = whyTooLong(text); // before more is added to it
    if (tooLong !== undefined) refuse("InvalidURL", `${field}: ${tooLong}`);
  }
  return text;
}

/** Where text that is added to `text` would stand. */
function componentAfter(text: string, field: string): "start" | "authority" | "path" | "query" {
  if (text === "") return "start";
  const scheme = /^(https?:\/\/|\*\*\*)/i.exec(text);
  if (!scheme) return refuse("InvalidURL", `${field}: must start with http:// or https://, or be an expression`);
  const rest = text.slice(scheme[0].length);
  return rest.includes("?") ? "query" : rest.includes("/") ? "path" : "authority";
}

/** Throws `RefusedError` for whatever is not a plain http or https URL, and for a path that leaves its base. */
export function checkURL(text: string, { url }: RequestTemplate): URL {
  const field = url.type === "absolute" ? url.field : (url.path?.field ?? "spec.baseURL");
  const tooLong = whyTooLong(text);
  if (tooLong !== undefined) refuse("InvalidURL", `${field}: ${tooLong}`);
  const [location = ""] = text.split("?", 1);
  const path = location.replace(/^[a-z]+:\/\/[^/]*/i, "");
  // oxlint-disable-next-line no-control-regex -- control characters are what it refuses
  if (/[\\\s\x00-\x1f\x7f]/.test(text))
    refuse("InvalidURL", `${field}: the URL holds a space, a control character or a backslash`);
  if (text.includes("#")) refuse("InvalidURL", `${field}: the URL has a fragment, which is never sent`);
  if (hasDotSegment(path)) refuse("InvalidURL", `${field}: the path has a segment . or .., which would lead elsewhere`);
  const parsed = parseURL(text) ?? refuse("InvalidURL", `${field}: this is no URL, or its host is too long`);
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:")
    refuse("InvalidURL", `${field}: only http and https URLs can be requested`);
  if (/^[a-z]+:\/*[^/?]*@/i.test(text))
    refuse("InvalidURL", `${field}: the URL holds a user name or password; use an Authorization header with an input`);
  if (url.type === "joined") {
    if (text.includes("?") && !isLink(url)) refuse("InvalidURL", `${field}: a path has no query; write it as query`);
    confine(parsed, url, { field, encodedSlash: true });
  }
  return parsed;
}

function isLink({ path }: Joined): boolean {
  return path !== undefined && wholeExpression(partsOf(path)) !== undefined;
}

/** A URI reference from a template: absolute, or relative with literal text first. Throws `RefusedError`. */
export function referenceText(reference: Located, scalar: ScalarOf): string {
  const { field, text } = reference;
  const [first] = partsOf(reference);
  if (first?.type !== "text" || /^https?:\/\//i.test(text)) return absoluteText(reference, scalar);
  const base = "http://relative/";
  return absoluteText({ field, text: `${base}${text}` }, scalar).slice(base.length);
}

/**
 * Where a server or a template leads instead: a reference that is resolved at the request's own URL. It stays at the same origin,
 * and below the endpoint's base. Throws `RefusedError`.
 */
export function pageURL(first: URL, { field, text }: Located, { url }: RequestTemplate): URL {
  const page = parseURL(text, first.href) ?? refuse("InvalidURL", `${field}: what is given is no valid URL`);
  if (page.origin !== first.origin) refuse("InvalidURL", `${field}: leads to another origin than the request's own`);
  if (page.username !== "" || page.password !== "") refuse("InvalidURL", `${field}: what is given holds a user name`);
  // At the request's own place an encoded slash is one that an expression made.
  if (url.type === "joined") confine(page, url, { field, encodedSlash: page.pathname === first.pathname });
  page.hash = "";
  return page;
}
