/** Texts that are credentials, or are sent with one. Invariant: what is refused names the field and no value. */
import type { Source } from "../../core/source.ts";
import type { Read } from "../../core/ports.ts";
import { isKeptElsewhere, resolveText } from "./inputs.ts";
import { refuse, refuseForNow } from "../refusal.ts";

/** Characters: it goes into a header field, a form or a query. */
export const longestCredential = 65_536;
export const tooLong = `the value is longer than ${longestCredential} characters`;

/** One line of text that a header field can hold (RFC 9110, section 5.5), and not an empty one. */
export async function credentialText(source: Source, read: Read): Promise<string> {
  const text = (await resolveText(source, read)) ?? "";
  if (text === "") refuseFor(source, "the value is empty");
  if (text.length > longestCredential) refuseFor(source, tooLong);
  if (/[\r\n]/.test(text))
    refuseFor(source, "the value holds a line break; a Secret that was made with echo ends in one (use echo -n)");
  if (text.trim() !== text) refuseFor(source, "the value begins or ends with a space");
  // oxlint-disable-next-line no-control-regex -- control characters are what it refuses
  if (/[\x00-\x1f\x7f]/.test(text)) refuseFor(source, "the value holds a control character");
  return text;
}

export async function pem(source: Source, read: Read): Promise<string> {
  const text = (await resolveText(source, read)) ?? "";
  if (text.length > longestCredential) refuseFor(source, tooLong);
  return text.includes("-----BEGIN") ? text : refuseFor(source, "this holds no PEM private key");
}

export function refuseFor(source: Source, problem: string): never {
  const message = `${source.field}: ${problem}`;
  return isKeptElsewhere(source) ? refuseForNow("InvalidCredential", message) : refuse("InvalidCredential", message);
}
