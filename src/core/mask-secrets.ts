/** Text that came back from a server, without the secrets that went to it. */
import type { Response } from "./outcome.ts";

/** A shorter one would be found everywhere. */
const minCharacters = 4;

/** Replaces each secret by three asterisks, in the forms in which servers echo: as it is, base64, hexadecimal, percent-encoded, escaped in JSON or HTML. */
export function maskSecrets(text: string, secrets: readonly string[]): string {
  if (secrets.length === 0) return text;
  const forms = new Set(secrets.flatMap(formsOf));
  const longestFirst = [...forms].toSorted((a, b) => b.length - a.length);
  return longestFirst.reduce((redactedText, form) => redactedText.replaceAll(form, () => "***"), text);
}

/** A shorter one is a word of everybody's, and an id or URL that has it is no leak. */
const leastTelling = 8;

/** Whether the text holds one of the secrets, in any of the same forms. */
export function holdsSecret(text: string, secrets: readonly string[]): boolean {
  const telling = secrets.filter(({ length }) => length >= leastTelling);
  return maskSecrets(text, telling) !== text;
}

/** The same for header fields. */
export function maskFields(fields: Response["headers"], secrets: readonly string[]): Response["headers"] {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" ? maskSecrets(value, secrets) : value.map((one) => maskSecrets(one, secrets)),
    ]),
  );
}

/** How a secret looks in text that passed through a server, a URL or JSON. None is shorter than four characters. */
export function formsOf(secret: string): string[] {
  const values = [secret, secret.trim()].map((value) => value.toWellFormed());
  const forms = values.flatMap((value) => {
    if (value.length < minCharacters) return [];
    return isPlain.test(value) ? ofBytes(value) : [...ofBytes(value), ...inURL(value), ...inMarkup(value)];
  });
  return [...new Set(forms)];
}

/** Characters that no encoder of text changes: most tokens have no others. */
const isPlain = /^[A-Za-z0-9._~-]*$/;

/** The last is how a field of a header shows UTF-8: as Latin-1. */
function ofBytes(value: string): string[] {
  const bytes = Buffer.from(value);
  const base64 = bytes.toString("base64");
  const hex = bytes.toString("hex");
  return [
    value,
    base64,
    base64.replace(/=+$/, ""),
    bytes.toString("base64url"),
    hex,
    hex.toUpperCase(),
    bytes.toString("latin1"),
  ];
}

/** Encoders differ in what they leave, and in the case of what they write; and a URL in another URL is encoded twice. */
function inURL(value: string): string[] {
  const component = encodeURIComponent(value);
  const strict = component.replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams([["", value]]).toString().slice(1);
  const all = [component, strict, form, encodeURI(value), component.replaceAll("%2F", "/"), strict.replaceAll("%2F", "/")];
  const lower = all.map((one) => one.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
  return [...all, ...lower, encodeURIComponent(component), encodeURIComponent(strict)];
}

/**
 * Encoders of JSON may escape slashes, what is no ASCII, and what HTML takes for its own; JSON in JSON is escaped twice. Those
 * of .NET write codes in capitals, and escape + ` and quotation marks, too:
 * https://learn.microsoft.com/dotnet/standard/serialization/system-text-json/character-encoding
 */
function inMarkup(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  const escaped = (text: string, pattern: RegExp): string =>
    text.replaceAll(pattern, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const ascii = escaped(json, /[^\x20-\x7e]/g);
  const html = escaped(json, /[<>&]/g);
  const capitals = (unit: string): string => (unit.at(-1) ?? "").charCodeAt(0).toString(16).toUpperCase();
  const dotnet = json.replaceAll(/\\"|[&'+<>`]|[^\x20-\x7e]/g, (unit) => `\\u${capitals(unit).padStart(4, "0")}`);
  const inHTML = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
  return [
    ...[json, ascii, html, escaped(ascii, /[<>&']/g)].flatMap((one) => [one, one.replaceAll("/", "\\/")]),
    JSON.stringify(json).slice(1, -1),
    ascii.replaceAll(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`),
    dotnet,
    ...["'", "&#39;", "&#x27;"].map((quote) => inHTML.replaceAll("'", quote)),
    inHTML.replaceAll(/['+]|[^\x20-\x7e]/gu, (char) => `&#x${(char.codePointAt(0) ?? 0).toString(16).toUpperCase()};`),
  ];
}
