/**
 * Bytes that are sent as they are, from where they are kept. Nothing here decodes them, but to show what is no secret.
 */
import { hash } from "node:crypto";
import type { ByteSource } from "../../core/request-template.ts";
import type { Read } from "../../core/ports.ts";
import { resolveBytes } from "./inputs.ts";

interface Bytes {
  readonly bytes: Uint8Array;
  readonly secret: boolean;
}
/** By the source's field. */
export type AllBytes = ReadonlyMap<string, Bytes>;

const none: AllBytes = new Map();

/** Rejects with a `RefusedError`. */
export function readBytes(sources: readonly ByteSource[], read: Read): AllBytes | Promise<AllBytes> {
  return sources.length === 0 ? none : readAll(sources, read);
}
async function readAll(sources: readonly ByteSource[], read: Read): Promise<AllBytes> {
  const entries = sources.map(async (source) => [source.field, await bytesOf(source, read)] as const);
  return new Map(await Promise.all(entries));
}

async function bytesOf(source: ByteSource, read: Read): Promise<Bytes> {
  if (source.type === "base64") return { bytes: Buffer.from(source.text, "base64"), secret: false };
  return { bytes: await resolveBytes(source, read), secret: source.type === "secret" };
}

/** The texts by which a server could echo them: the bytes as text, and as base64. */
export function secretTexts(all: AllBytes): string[] {
  return [...all.values()].flatMap(({ bytes, secret }) =>
    secret ? [new TextDecoder().decode(bytes), Buffer.from(bytes).toString("base64")] : [],
  );
}

/** For people: text as it is, other bytes by their size and digest, a secret as three asterisks. */
export function shownBytes({ bytes, secret }: Bytes): Uint8Array {
  if (secret) return Buffer.from("***");
  return isText(bytes) ? bytes : Buffer.from(`(${bytes.byteLength} bytes, SHA-256 ${hash("sha256", bytes, "hex")})`);
}

function isText(bytes: Uint8Array): boolean {
  try {
    // oxlint-disable-next-line no-control-regex -- control characters are what makes it no text for people
    return !/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return false; // not UTF-8
  }
}
