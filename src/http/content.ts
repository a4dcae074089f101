/** A response's content and header fields, read within a limit. */
import { MIMEType } from "node:util";
import type { Response } from "../core/exchange.ts";

export class ResponseTooLargeError extends Error {
  override readonly name = "ResponseTooLargeError";
  readonly code = "HOLDFAST_RESPONSE_TOO_LARGE";
}

/** All of it, or `ResponseTooLargeError`; then the rest is unread and the body must be destroyed. */
export async function readContent(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) throw new ResponseTooLargeError(`more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, sizeBytes);
}

/** Decoded by the charset that the content type names, else as UTF-8 (the Encoding Standard's labels). */
export function decodedContent(content: Uint8Array, contentType: string | undefined): string {
  const utf8 = new TextDecoder();
  if (contentType === undefined) return utf8.decode(content);
  try {
    return new TextDecoder(new MIMEType(contentType).params.get("charset") ?? "utf-8").decode(content);
  } catch {
    return utf8.decode(content); // no content type, or a charset that nobody knows
  }
}

/** Names in lower case; repeated fields joined by a comma, but `set-cookie`, which is a list. */
export function headerFields(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Response["headers"] {
  const fields = Object.entries(headers).flatMap(([name, value]) => {
    const key = name.toLowerCase();
    if (value === undefined) return [];
    const list = typeof value === "string" ? [value] : value;
    return [[key, key === "set-cookie" ? list : list.join(", ")] as const];
  });
  return Object.fromEntries(fields); // defines its fields, so a name __proto__ is one like any other
}
