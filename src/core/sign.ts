/**
 * How what is sent is signed, as a plan says it: sources of keys, never their values.
 *
 * Each scheme is the same rule with other settings: an HMAC over a text with places, put into header fields.
 */
import type { SignatureFormat } from "../api/sign.ts";
import type { Source } from "./source.ts";

/** `field`: where it was written. */
export interface SignSources {
  readonly field: string;
  readonly format: SignatureFormat;
  readonly keys: readonly Source[];
}

/** Header fields that it sets, as they are written: no request may set them. */
export function signedHeaders({ format }: SignSources): readonly string[] {
  return format.headers.map(({ name }) => name);
}

/** The header field that holds the attempt's id and nothing else, where there is one: it may be the idempotency key's, too. */
export function idHeader({ format }: SignSources): string | undefined {
  return format.headers.find(({ value }) => /^\$\{ *\.id *\}$/.test(value))?.name;
}
