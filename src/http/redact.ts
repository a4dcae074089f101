/** Text that came back from a server, without the secrets that went to it. */

/** A shorter one would be found everywhere. */
const minCharacters = 4;

/** Replaces each secret by three asterisks, in the forms in which servers echo: as it is, base64, percent-encoded, escaped in JSON. */
export function redacted(text: string, secrets: readonly string[]): string {
  const forms = new Set(secrets.flatMap(formsOf).filter((form) => form.length >= minCharacters));
  const longestFirst = [...forms].toSorted((a, b) => b.length - a.length);
  return longestFirst.reduce((redactedText, form) => redactedText.replaceAll(form, () => "***"), text);
}

function formsOf(secret: string): string[] {
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
