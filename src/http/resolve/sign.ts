/** The keys behind a signature, read and checked before anything is sent. What is refused names the field and no value. */
import type { SignatureFormat } from "../../api/sign.ts";
import type { SignSources } from "../../core/sign.ts";
import type { Source } from "../../core/source.ts";
import type { Read } from "../../core/ports.ts";
import { credentialText, refuseFor } from "./credential-text.ts";

export interface SignSettings {
  readonly format: SignatureFormat;
  readonly keys: readonly Uint8Array[];
  /** The keys as their Secrets hold them, which must not be shown. */
  readonly secrets: readonly string[];
}

/** Throws `RefusedError`. */
export async function resolveSign({ format, keys }: SignSources, read: Read): Promise<SignSettings> {
  const secrets: string[] = [];
  const decoded: Uint8Array[] = [];
  for (const source of keys) {
    const text = await credentialText(source, read);
    secrets.push(text);
    decoded.push(keyOf(text, format, source));
  }
  return { format, keys: decoded, secrets };
}

function keyOf(text: string, { keyEncoding, keyPrefix = "" }: SignatureFormat, source: Source): Uint8Array {
  const own = text.startsWith(keyPrefix) ? text.slice(keyPrefix.length) : text;
  const key = Buffer.from(own, keyEncoding === "Text" ? "utf8" : keyEncoding === "Hex" ? "hex" : "base64");
  if (key.length === 0) refuseFor(source, "the key is empty, or is not encoded as it should be");
  // Buffer takes what it can of a text that is neither.
  if (keyEncoding === "Hex" && key.toString("hex") !== own.toLowerCase()) refuseFor(source, "the key is not hexadecimal");
  const standard = own.replaceAll("-", "+").replaceAll("_", "/");
  if (keyEncoding === "Base64" && withoutPadding(key.toString("base64")) !== withoutPadding(standard))
    refuseFor(source, keyPrefix === "" ? "the key is not base64" : `the key is not ${keyPrefix} and base64`);
  return key;
}

function withoutPadding(base64: string): string {
  let end = base64.length;
  while (base64.charAt(end - 1) === "=") end -= 1;
  return base64.slice(0, end);
}
