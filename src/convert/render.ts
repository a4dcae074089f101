/** One request of a Request as it is written here, once it is known by what the remote object is known. */
import { mapTexts, pathProgram, piecesOf, wholeMark, type AnswerPath } from "./examine.ts";
import { pollOf } from "./async.ts";
import type { ExaminedRequest, Seen } from "./examined-request.ts";
import type { Identities, Identity } from "./identity.ts";
import type { Mapped } from "./mappings.ts";
import { stringOf, templateOf, type Piece } from "./pieces.ts";
import type { Wrapper } from "./wrapper.ts";
import type { Translating } from "./translation.ts";

export interface RenderParts extends Translating {
  readonly wrapper: Wrapper;
  readonly identities: Identities;
  readonly identity: Identity;
}

/** Undefined: it cannot be written here, which was told. */
export function renderRequest(request: ExaminedRequest, parts: RenderParts): Readonly<Record<string, unknown>> | undefined {
  const { mapped, url, body, authorizes } = request;
  const { mapping, method, field } = mapped;
  const { inputs, findings, connection } = parts;
  const target = urlOf(url, mapped, parts);
  const content = body && bodyOf(body, mapped, parts);
  if (target === undefined || (body && !content)) return undefined;
  const headers = headersOf(request, parts);
  const { credential } = connection;
  if (credential && !authorizes) headers.push({ name: "Authorization", value: `\${ ${inputs.path(credential)} }` });
  if (content && !headers.some(({ name }) => name.toLowerCase() === "content-type"))
    findings.add("INFO", `${field}.body`, `no Content-Type went with it there; ${contentType(content)} does here`);
  const named = mapping.method ?? "";
  return {
    url: target,
    ...(named !== "" && named !== method && { method: named }),
    ...(headers.length > 0 && { headers }),
    ...(content && { body: content }),
    ...(mapping.polling && parts.object.async && { poll: pollOf(mapping.polling, `${field}.polling`, parts) }),
  };
}

/** Of a body that is written so, where no header field says it. */
export function contentType(body: object): string {
  return "json" in body ? "application/json" : "text/plain";
}

/** Jq of the text that it sends; undefined: it sends JSON, or nothing. */
export function sentText({ mapped, body }: ExaminedRequest, parts: RenderParts): string | undefined {
  if (!body || typeof valueOf(body) !== "string") return undefined;
  const text = textOf(body, mapped, parts);
  return text && (text.type === "pieces" ? stringOf(text.pieces) : `(${text.text})`);
}

type Text = { readonly type: "pieces"; readonly pieces: readonly Piece[] } | { readonly type: "computed"; readonly text: string };

function template(text: Text): string {
  return text.type === "pieces" ? templateOf(text.pieces) : `\${ ${text.text} }`;
}
function valueOf({ examined }: Seen): unknown {
  return examined.type === "inserted" ? examined.value : examined.type === "computed" ? examined.sample : undefined;
}

/** Jq of one part of the answer. */
function ofAnswer(path: AnswerPath, { action }: Mapped, asValue: boolean, { identities, identity }: RenderParts): string {
  const index = identities.find(path);
  // Update sees the answer to the observation, as it did there.
  if (action === "UPDATE" && !identities.isKept(path) && (asValue || index === undefined)) return pathProgram(path);
  return identity.expression(index ?? 0);
}
function piecesWithin(text: string, paths: readonly AnswerPath[], mapped: Mapped, parts: RenderParts): readonly Piece[] {
  const asValue = wholeMark(text) !== undefined;
  return piecesOf(
    text,
    (index) => ofAnswer(paths[index] ?? [], mapped, asValue, parts),
    (rest) => parts.inputs.pieces(rest),
  );
}
/** Jq that yields what a program makes of the answer. */
function renderComputed(program: string, { action }: Mapped, { wrapper, identities, identity }: RenderParts): string {
  const wrapped = wrapper.wrap(program);
  return action === "UPDATE" ? wrapped : identity.expression(identities.computed(wrapped));
}

function textOf({ program, examined, field }: Seen, mapped: Mapped, parts: RenderParts): Text | undefined {
  switch (examined.type) {
    case "failed":
      parts.findings.add(
        "HARD",
        field,
        examined.isTooMuch
          ? "it takes too long, or too much memory"
          : "it is no program that yields anything: the request failed there, too",
      );
      return undefined;
    case "computed":
      return { type: "computed", text: renderComputed(program, mapped, parts) };
    case "inserted":
      if (typeof examined.value === "string")
        return { type: "pieces", pieces: piecesWithin(examined.value, examined.paths, mapped, parts) };
      parts.findings.add("HARD", field, "it yields no text: the request failed there, too");
      return undefined;
  }
}

function urlOf(seen: Seen, mapped: Mapped, parts: RenderParts): string | undefined {
  const text = textOf(seen, mapped, parts);
  const { isWholeURL } = parts;
  // Go's client wrote a space as %20; here a URL that holds one is refused.
  const noSpaces = isWholeURL ? ' | split(" ") | join("%20")' : "";
  if (text?.type !== "pieces") return text && `\${ ${text.text}${noSpaces} }`;
  const pieces = text.pieces.map((one) => (one.type === "text" ? { ...one, text: one.text.replaceAll(" ", "%20") } : one));
  const expressions = pieces.filter(({ type }) => type === "expression");
  // In text an expression is one percent-encoded segment; a whole one is taken as it stands.
  const isWhole = isWholeURL ? expressions.length > 0 : expressions.some((one) => one.text.startsWith(".inputs"));
  return isWhole ? `\${ ${stringOf(pieces)}${noSpaces} }` : templateOf(pieces);
}

function headersOf({ mapped, headers }: ExaminedRequest, parts: RenderParts): { name: string; value: string }[] {
  return headers.flatMap(({ name, text, seen }) => {
    const value: Text | undefined = seen ? textOf(seen, mapped, parts) : { type: "pieces", pieces: parts.inputs.pieces(text) };
    return value ? [{ name, value: template(value) }] : [];
  });
}

function bodyOf(seen: Seen, mapped: Mapped, parts: RenderParts): object | undefined {
  const { examined, field, program } = seen;
  const value = valueOf(seen);
  if (examined.type === "failed" || typeof value === "string") {
    const text = textOf(seen, mapped, parts);
    return text && { text: template(text) };
  }
  if (value === undefined || value === null || typeof value !== "object" || Array.isArray(value)) {
    const why =
      value === undefined
        ? "what it makes of an answer cannot be foretold"
        : "it yields neither an object nor a text: the request failed there, too";
    parts.findings.add("HARD", field, why);
    return undefined;
  }
  if (examined.type === "computed") return { json: `\${ ${renderComputed(program, mapped, parts)} }` };
  return { json: mapTexts(value, (text) => templateOf(piecesWithin(text, examined.paths, mapped, parts))) };
}
