/** A response's content and header fields. */
import { MIMEType } from "node:util";
import type { Response } from "../../core/outcome.ts";

/** Bytes as they come. Many small pieces cost no more than few large ones. */
interface Content {
  readonly sizeBytes: number;
  add(piece: Buffer): void;
  /** All of them, in one piece. */
  all(): Buffer;
}

const nothing = Buffer.alloc(0);

export function createContent(): Content {
  let bytes: Buffer = nothing;
  let sizeBytes = 0;
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    add(piece) {
      const needed = sizeBytes + piece.byteLength;
      if (sizeBytes === 0) {
        bytes = piece; // most answers are of one piece, which is not copied
      } else {
        if (needed > bytes.byteLength) {
          const larger = Buffer.allocUnsafe(needed * 2);
          bytes.copy(larger, 0, 0, sizeBytes);
          bytes = larger;
        }
        piece.copy(bytes, sizeBytes);
      }
      sizeBytes = needed;
    },
    all: () => bytes.subarray(0, sizeBytes),
  };
}

const utf8 = new TextDecoder();

/** Decoded by the charset that the content type names, else as UTF-8 (the Encoding Standard's labels). */
export function decodedContent(content: Uint8Array, contentType: string | undefined): string {
  if (contentType === undefined || !/charset/i.test(contentType)) return utf8.decode(content);
  try {
    return new TextDecoder(new MIMEType(contentType).params.get("charset") ?? "utf-8").decode(content);
  } catch {
    return utf8.decode(content); // no content type, or a charset that nobody knows
  }
}

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
