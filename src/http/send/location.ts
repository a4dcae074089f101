/**
 * A request at a place that an answer named, in place of its own URL.
 *
 * Invariant: it goes there under the rules of a redirect, so no credential goes to another origin; and with an endpoint it
 * stays below that endpoint's base. The place can be text that a server sent: it reaches no message.
 */
import { parseURL } from "../../core/tools/url.ts";
import type { RequestTemplate } from "../../core/request-template.ts";
import { hopTo, type Hop } from "./redirects.ts";
import { refuse } from "../refusal.ts";
import { pageURL, referenceText } from "../render/url.ts";
import { scalarText, type ValueOf } from "../render/values.ts";

/** `first`: the request at its own URL, which it stays at where the template names no other place. Throws `RefusedError`. */
export function resolveLocation(first: Hop, template: RequestTemplate, valueOf: ValueOf): Hop {
  const { location, url } = template;
  if (!location) return first;
  const text = referenceText(location, (field, expression) => scalarText(valueOf(expression), field, expression));
  const own = new URL(`${first.request.origin}${first.request.path}`);
  const target = url.type === "joined" ? pageURL(own, { ...location, text }, template) : parseURL(text, own.href);
  const next = target && hopTo(first, target, { method: first.request.method, template });
  return next?.type === "hop" ? next.hop : refuse("InvalidURL", `${location.field}: leads to no place that may be asked`);
}
