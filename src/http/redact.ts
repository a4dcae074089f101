/** Text that came back from a server, without the secrets that went to it. */
import type { Response } from "../core/outcome.ts";

/** A shorter one would be found everywhere. */
const minCharacters = 4;

/** Replaces each secret by three asterisks, in the forms in which servers echo: as it is, base64, percent-encoded, escaped in JSON. */
export function redacted(text: string, secrets: readonly string[]): string {
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
  return redacted(text, telling) !== text;
}

/** The same for header fields. */
export function redactedFields(fields: Response["headers"], secrets: readonly string[]): Response["headers"] {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" ? redacted(value, secrets) : value.map((one) => redacted(one, secrets)),
    ]),
  );
}

/** How a secret looks in text that passed through a server, a URL or JSON. None is shorter than four characters. */
export function formsOf(secret: string): string[] {
  const values = [secret, secret.trim()].map((value) => value.toWellFormed());
  return values.flatMap((value) => {
    if (value.length < minCharacters) return [];
    const bytes = Buffer.from(value);
    const base64 = bytes.toString("base64");
    return [
      value,
      base64,
      base64.replace(/=+$/, ""),
      bytes.toString("base64url"),
      encodeURIComponent(value),
      new URLSearchParams([["", value]]).toString().slice(1),
      JSON.stringify(value).slice(1, -1),
    ];
  });
}
