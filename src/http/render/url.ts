/**
 * URLs from templates.
 *
 * An expression's value never changes what another part of the URL means: in a path it is one segment, in a query one
 * value, in the authority a host or port. The text of a URL never enters a message.
 */
import type { Located, RequestTemplate } from "../../core/request-template.ts";
import { wholeExpression } from "../../core/templating.ts";
import { refuse } from "../refusal.ts";
import { encoded, fillTemplate, partsOf } from "./values.ts";

/** Stands for a secret where a request is described: a URL that begins with it can be written and not be sent. */
const secretMark = "***";

/** An expression's value as text; refuses what is none. */
export type ScalarOf = (field: string, expression: string) => string;

/** The URL's text, not yet checked, without the request's query parameters. Throws `RefusedError`. */
export function urlText({ url }: RequestTemplate, scalar: ScalarOf): string {
  if (url.type === "absolute") return absoluteText(url, scalar);
  const { base, path } = url;
  if (!path) return base;
  const literal = partsOf(path).some(({ type, text }) => type === "text" && /%2f|%5c/i.test(text));
  if (literal) refuse("InvalidURL", `${path.field}: the path has an encoded slash or backslash`);
  const text = fillTemplate(path, (expression) => segment(scalar(path.field, expression), path.field));
  return `${base.replace(/\/+$/, "")}${text.startsWith("/") ? "" : "/"}${text}`;
}

function segment(value: string, field: string): string {
  if (value === "") refuse("InvalidURL", `${field}: an expression yields an empty text, which makes no path segment`);
  return encoded(value);
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
        text += parts[index + 1]?.text.startsWith("/") ? value.replace(/\/+$/, "") : value;
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
        text += encoded(value);
        break;
    }
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
  const [location = ""] = text.split("?");
  const path = location.replace(/^[a-z]+:\/\/[^/]*/i, "");
  // oxlint-disable-next-line no-control-regex -- control characters are what it refuses
  if (/[\\\s\x00-\x1f\x7f]/.test(text))
    refuse("InvalidURL", `${field}: the URL holds a space, a control character or a backslash`);
  if (text.includes("#")) refuse("InvalidURL", `${field}: the URL has a fragment, which is never sent`);
  if (path.split("/").some((part) => /^(\.|%2e){1,2}$/i.test(part)))
    refuse("InvalidURL", `${field}: the path has a segment . or .., which would lead elsewhere`);
  const parsed = URL.parse(text) ?? refuse("InvalidURL", `${field}: this is no URL`);
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:")
    refuse("InvalidURL", `${field}: only http and https URLs can be requested`);
  if (/^[a-z]+:\/*[^/?]*@/i.test(text))
    refuse("InvalidURL", `${field}: the URL holds a user name or password; use an Authorization header with an input`);
  if (url.type === "joined") checkJoined(text, url, parsed, field);
  return parsed;
}

type Joined = Extract<RequestTemplate["url"], { type: "joined" }>;
/** A URI reference from a template: absolute, or relative with literal text first. Throws `RefusedError`. */
export function referenceText(reference: Located, scalar: ScalarOf): string {
  const { field, text } = reference;
  const [first] = partsOf(reference);
  if (first?.type !== "text" || /^https?:\/\//i.test(text)) return absoluteText(reference, scalar);
  const base = "http://relative/";
  return absoluteText({ field, text: `${base}${text}` }, scalar).slice(base.length);
}

/** The next page of a list, as its server gave it: at the same origin, and below the endpoint's base. Throws `RefusedError`. */
export function pageURL(first: URL, { field, text }: Located, { url }: RequestTemplate): URL {
  const page = URL.parse(text, first.href) ?? refuse("InvalidURL", `${field}: what is given is no valid URL`);
  const prefix = url.type === "joined" ? new URL(url.base).pathname.replace(/\/+$/, "") : "";
  const stays = page.origin === first.origin && (page.pathname === prefix || page.pathname.startsWith(`${prefix}/`));
  const isAsFirst = page.pathname === first.pathname; // which may have an encoded slash from an expression
  if (!stays || (!isAsFirst && /%2f|%5c|%2e/i.test(page.pathname)))
    refuse("InvalidURL", `${field}: leads outside the endpoint or origin that the request is for`);
  if (page.username !== "" || page.password !== "") refuse("InvalidURL", `${field}: what is given holds a user name`);
  page.hash = "";
  return page;
}

function checkJoined(text: string, { base, confined }: Joined, parsed: URL, field: string): void {
  const prefix = new URL(base);
  const added = text.slice(base.replace(/\/+$/, "").length);
  if (added.includes("?")) refuse("InvalidURL", `${field}: a path has no query; write it as query`);
  if (added.includes("//")) refuse("InvalidURL", `${field}: the path has an empty segment`);
  if (/%(?![0-9a-f]{2})/i.test(added)) refuse("InvalidURL", `${field}: a % in a path is followed by two hexadecimal digits`);
  if (added.split("/").some((part) => /^(\.|%2e){1,2}(;|%3b)/i.test(part)))
    refuse(
      "InvalidURL",
      `${field}: the path has a segment . or .. with parameters, which some servers take for the segment alone`,
    );
  if (confined && /%(25)*(2f|5c)/i.test(added))
    refuse("InvalidURL", `${field}: on a ClusterHTTPEndpoint a segment holds no slash or backslash, not even an encoded one`);
  if (confined && /%(25)+2e/i.test(added))
    refuse("InvalidURL", `${field}: the path has a dot that is encoded twice, which could lead elsewhere`);
  const stays = parsed.origin === prefix.origin && parsed.pathname.startsWith(prefix.pathname.replace(/\/+$/, ""));
  if (!stays) refuse("InvalidURL", `${field}: the path leaves the endpoint's baseURL`);
}
