/** A response's content and header fields. */
import { MIMEType, TextDecoder } from "node:util";
import type { Response } from "../../core/outcome.ts";
import { longestHeld } from "../../core/json-document.ts";
import { hasMoreBrackets, parseJSON } from "../../core/tools/json.ts";
import { oncePer, oncePerText } from "../../core/tools/once-per.ts";

interface DecodedContent {
  readonly text: string;
  /** Whether `text`, as UTF-8, is the content byte by byte. */
  readonly isExact: boolean;
  /** False: U+FFFD stands for bytes that are no text in this charset. */
  readonly isText: boolean;
}

/**
 * Decoded by the charset that the content type names, else as UTF-8 (the Encoding Standard's labels). Of what says that it is
 * text a byte order mark says the encoding, and is taken off; of all else it is a part.
 */
export function decodedContent(content: Uint8Array, contentType: string | undefined): DecodedContent {
  const { isSigned, charset } = contentType === undefined ? untyped : encodingOf(contentType);
  const signed = isSigned ? signedCharset(content) : undefined;
  const decoder = decoderOf(signed ?? charset, !isSigned);
  const isExact = decoder.encoding === "utf-8" && signed !== "utf-8";
  try {
    return { text: decoder.decode(content), isExact, isText: true };
  } catch {
    return { text: new TextDecoder(decoder.encoding).decode(content), isExact: false, isText: false };
  }
}

interface DeclaredEncoding {
  /** Whether a byte order mark says the encoding. */
  readonly isSigned: boolean;
  readonly charset: string;
}
const untyped: DeclaredEncoding = { isSigned: false, charset: "utf-8" };
const encodingOf = oncePerText((contentType): DeclaredEncoding => {
  const type = mediaType(contentType);
  return type ? { isSigned: isTextual(type), charset: type.params.get("charset") ?? "utf-8" } : untyped;
});

/** Made once, since making one costs more than decoding most answers. */
const utf8 = [true, false].map((ignoreBOM) => new TextDecoder("utf-8", { fatal: true, ignoreBOM }));
function decoderOf(charset: string, ignoreBOM: boolean): TextDecoder {
  const common = utf8.find((one) => one.ignoreBOM === ignoreBOM) as TextDecoder;
  if (charset === "utf-8") return common;
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM });
  } catch {
    return common; // a charset that nobody knows
  }
}

/** What a byte order mark says (Encoding Standard, section 6, BOM sniff). */
function signedCharset([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : undefined;
}

/** Characters: `MIMEType` takes time that grows with the square of them. */
const longestType = 1024;
const mediaType = oncePerText((contentType): MIMEType | undefined => {
  if (contentType.length > longestType) return undefined;
  try {
    return new MIMEType(contentType);
  } catch {
    return undefined;
  }
});

function isTextual({ type, subtype }: MIMEType): boolean {
  return type === "text" || isJSONSubtype(subtype) || subtype === "xml" || subtype.endsWith("+xml");
}
function isJSONSubtype(subtype: string): boolean {
  return ["json", "x-json", "json-rpc"].includes(subtype) || subtype.endsWith("+json");
}

/** Types that servers give when they do not know what they send. */
const undecidedTypes: readonly string[] = ["text/plain", "text/html", "application/octet-stream", "binary/octet-stream"];

/**
 * The content's JSON text; undefined: it is text. JSON is what its type says is JSON, and where that says nothing, or is a server's
 * default, an object or a list: a token such as `12e4567`, `"quoted"` or `null` in plain text is not JSON.
 */
export function jsonText(text: string, contentType: string | undefined): string | undefined {
  return readJSON(text, contentType)?.text;
}
interface ReadJSON {
  readonly text: string;
  /** As `parseJSON` reads it, for nobody to change; absent: it takes much, and is not held a second time. */
  readonly value?: unknown;
}
/** Lists and objects: each takes some ten times its text, and more where there is little in it. */
const mostHeld = 2_000;
function readJSON(text: string, contentType: string | undefined): ReadJSON | undefined {
  const type = contentType === undefined ? undefined : mediaType(contentType);
  const isDeclared = type !== undefined && isJSONSubtype(type.subtype);
  if (!isDeclared && type && !undecidedTypes.includes(type.essence)) return undefined;
  const unsigned = text.startsWith("\uFEFF") ? text.slice(1) : text;
  if (!isDeclared && !/^[ \t\r\n]*[[{]/.test(unsigned)) return undefined;
  try {
    const isHeld = unsigned.length <= longestHeld && !hasMoreBrackets(unsigned, mostHeld);
    if (isHeld) return { text: unsigned, value: parseJSON(unsigned) };
    JSON.parse(unsigned);
    return { text: unsigned };
  } catch {
    return undefined;
  }
}

/** The same of an answer, which is looked at more than once. */
export const jsonOf = oncePer(({ headers, body }: Pick<Response, "headers" | "body">): ReadJSON | undefined => {
  const type = headers["content-type"];
  return readJSON(body.open(), typeof type === "string" ? type : undefined);
});

type Fields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Names in lower case; repeated fields joined by a comma, but `set-cookie`, which is a list. */
export function headerFields(headers: Fields): Response["headers"] {
  const fields: Record<string, string | readonly string[]> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    const key = name.toLowerCase();
    const field = key === "set-cookie" ? [value].flat() : typeof value === "string" ? value : value.join(", ");
    // A name like any other, which an assignment would take for something else.
    if (key === "__proto__")
      Object.defineProperty(fields, key, { value: field, enumerable: true, configurable: true, writable: true });
    else fields[key] = field;
  }
  return fields;
}

/** The field's value; where it is repeated, joined by a comma. Names in `headers` are in lower case. */
export function headerField(headers: Fields, name: string): string | undefined {
  const value = headers[name];
  return value === undefined || typeof value === "string" ? value : value.join(", ");
}
