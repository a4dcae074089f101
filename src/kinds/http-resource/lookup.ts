/**
 * Finds the remote object in a list, page by page.
 *
 * Invariant: `absent` only after the last page. Where the next page is a server says, so that is data: no expression is
 * looked for in it, and it is asked for at the same origin only.
 */
import type { Steps } from "../../core/plan.ts";
import type { HTTPResourceSpec } from "../../api/http-resource.ts";
import type { Response } from "../../core/outcome.ts";
import type { Located } from "../../core/request-template.ts";
import { isRecord } from "../../core/tools/json.ts";
import { nextLink } from "../../core/tools/link-header.ts";
import { evaluate, sendExchange, type EvaluationResult } from "../../core/plan.ts";
import type { Context } from "./context.ts";
import { exchangeOf } from "./exchange.ts";
import { idFrom, idOf } from "./external-id.ts";
import { judgeAnswer } from "./judge.ts";
import { held } from "./held.ts";
import { isPartOnly } from "./partial-list.ts";
import { valueExpressions } from "./values.ts";
import { isOfAnother, isUnresolvedCreate } from "./identity.ts";
import { locate, unknown, type Observation } from "./observation.ts";

type Lookup = NonNullable<HTTPResourceSpec["lookup"]>;
type Query = NonNullable<Lookup["query"]>;

/** A reconcile may send fifty requests, and others are to follow. */
const maxPages = 40;
const field = "spec.lookup";

const wholeList =
  "nothing in it matches, and the rest is not asked for. Say in spec.lookup.next where the next page is, or narrow the list by spec.lookup.query";
/** `isKnownOnly`: whatever else matches is none of it. `found` names the id, and shows nothing of the object. A page is an exchange; after 40 it is `unknown`. */
export function* lookUp(context: Context, lookup: Lookup, isKnownOnly = false): Steps<Observation> {
  let page: Page = {};
  for (let pages = 0; pages < maxPages; pages += 1) {
    const asked = {
      field,
      shape: { ...lookup, query: page.query ?? lookup.query ?? [] },
      ...(page.after && { response: page.after }),
    };
    const shows = context.spec.observe ? [] : valueExpressions(context);
    const built = exchangeOf(context, { ...asked, expressionsToValidate: [...lookupExpressions(lookup), ...shows] });
    if ("type" in built) return built;
    const exchange = page.url ? { ...built, request: { ...built.request, page: page.url } } : built;
    const outcome = yield* sendExchange(exchange, { type: "nothing" });
    if (outcome.type === "refusal") return outcome;
    const judgement = yield* judgeAnswer(context, asked, exchange, outcome);
    const { response } = judgement;
    if (!judgement.succeeded || !response) return unknown(judgement.reason, judgement.message, context, response);

    const expressions = [
      ...locate(`${field}.match`, program(context, lookup, isKnownOnly)),
      ...locate(`${field}.next`, lookup.next),
    ];
    const result: EvaluationResult = yield* evaluate({ scope: exchange.scope, response, expressions });
    if (result.type === "refusal") return unknown(result.reason, result.message, context);
    const [matches, next] = result.values;
    if (!Array.isArray(matches)) return unknown("NoList", `${field}.items yields no list`, context);
    if (matches.length > 1) return unknown("LookupAmbiguous", `${field}.match is true of more than one item`, context);
    if (matches.length === 1) {
      const [match] = matches;
      const { id, item }: { readonly id?: unknown; readonly item?: unknown } = isRecord(match) ? match : { id: match };
      const externalID = idFrom(response, id, { expression: lookup.externalID ?? context.spec.externalID, spec: context.spec });
      if (externalID === undefined)
        return unknown(
          "ExternalIDUnknown",
          `${field}: an item matches, but its id is no text and no number, or holds a secret of the request`,
          context,
        );
      if (context.spec.observe) return { type: "found", externalID, differences: [] };
      const known = context.externalID;
      const isAnother = context.isAnother === true || isOfAnother(context, externalID);
      const seen = yield* held(
        { ...context, isAnother },
        { ...exchange.scope, externalID, object: item ?? null },
        { response, externalID, mayTellID: false },
      );
      return seen.type === "found" && known !== undefined && known !== externalID ? { ...seen, by: "lookup" } : seen;
    }
    if (!isPlace(next))
      return unknown(
        "NoPage",
        `${field}.next yields no URL, no true, no null and no query parameters, of which there may be ${maxParameters}`,
        context,
      );
    const following = lookup.next === undefined ? linkedPage(response) : givenPage(next, lookup.query ?? [], response);
    if (following === "unreadable")
      return unknown("NoPage", `${field}: a Link header names a next page and cannot be read; ${field}.next can say it`, context);
    if (!following)
      return isPartOnly(response, lookup.next !== undefined || pages > 0)
        ? unknown("LookupPartial", `${field}: answered ${response.statusCode}, with a part of the list: ${wholeList}`, context)
        : { type: "absent", says: "lookup" };
    page = following;
  }
  return unknown("LookupTooLong", `${field}: nothing matches on the first ${maxPages} pages, and there are more`, context);
}

/** What is evaluated on a page, as it is written. */
export function lookupExpressions({ items, match, next, externalID }: Lookup): Located[] {
  return [
    ...locate(`${field}.items`, items),
    ...locate(`${field}.match`, match),
    ...locate(`${field}.next`, next),
    ...locate(`${field}.externalID`, externalID),
  ];
}

/** It yields one value, which is the list then: an object there is a list's wrapping, or tells of an error. */
const plainPath = /^(\.[A-Za-z_][A-Za-z0-9_]*)+$/;

/**
 * Yields the id of the item that is known by the id already, else those of the items that match, at most two, each with the item
 * where nobody else shows the object; null where there is no list. Two newlines end a comment, one that ends with a backslash too.
 */
function program(context: Context, { items, match, externalID: own }: Lookup, isKnownOnly: boolean): string {
  const { spec } = context;
  // Where a create may have arrived, the id that is known is that of what was there before.
  const externalID = isUnresolvedCreate(context) ? undefined : context.externalID;
  const id = own ?? spec.externalID ?? "null";
  const isList = plainPath.test(items.trim()) ? 'type == "array"' : 'type == "array" or type == "object"';
  const mine = spec.observe || spec.mine === undefined ? "" : ` | select((${spec.mine}\n\n) == true)`;
  const each = `.[] | if type == "array" then .[] else . end | . as $item | ($document + {item: $item, object: $item})`;
  const told = `([(.response.body = $item) | (${id}\n\n)] | first)`;
  const known = externalID === undefined ? undefined : JSON.stringify(externalID);
  const isKnown = `try ((${told} | if type == "string" then . else tojson end) == ${known}) catch false`;
  const shown = spec.observe ? told : `{id: ${told}, item: $item}`;
  const first = known === undefined ? "[]" : `[limit(1; ${each} | select(${isKnown})${mine} | ${shown})]`;
  const others =
    isKnownOnly && known !== undefined ? "[]" : `[limit(2; ${each} | select((${match}\n\n) == true)${mine} | ${shown})]`;
  return `. as $document | [(${items}
\n)] | if all(${isList}) | not then null else
(${first}) as $known | if $known != [] then $known else ${others} end end`;
}

interface Page {
  readonly url?: Located;
  readonly query?: Query;
  /** The page before, of which the request itself says how it is gone on from. */
  readonly after?: Response;
}

function linkedPage({ headers }: Response): Page | "unreadable" | undefined {
  const value = headers["link"];
  if (typeof value !== "string") return undefined;
  const next = nextLink(value);
  if (next.type === "link") return { url: { field: `${field}: the Link header`, text: next.uri } };
  return next.type === "unreadable" ? "unreadable" : undefined;
}

/** As many as a spec may write. */
const maxParameters = 64;
function isPlace(next: unknown): boolean {
  if (isRecord(next)) {
    const values = Object.values(next);
    return values.length <= maxParameters && values.every((value) => isNothing(value) || idOf(value) !== undefined);
  }
  return next === null || next === undefined || typeof next === "boolean" || typeof next === "string";
}
/** As after the last page: `{cursor: .response.body.next}` yields no other value there. */
function isNothing(value: unknown): boolean {
  return value === null || value === "";
}

function givenPage(next: unknown, query: Query, after: Response): Page | undefined {
  if (next === true) return { after };
  if (typeof next === "string" && next !== "") return { url: { field: `${field}.next`, text: next } };
  if (!isRecord(next) || Object.values(next).every(isNothing)) return undefined;
  const set = Object.entries(next).map(([name, value]) => ({ name, value: literal(idOf(value) ?? "") }));
  return { query: [...query.filter(({ name }) => !Object.hasOwn(next, name)), ...set] };
}
/** As a template that yields just this text. */
function literal(text: string): string {
  return text.replaceAll("${", "$$${");
}
