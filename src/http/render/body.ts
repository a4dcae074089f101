/**
 * A body template and the values of its expressions, made into the content that is sent.
 *
 * Invariant: equal values make equal bytes, so that every try of an attempt sends the same ones.
 */
import { hash } from "node:crypto";
import type { BodyTemplate, ByteSource, PartTemplate } from "../../core/request-template.ts";
import { jsonBodyText, mergePatchText } from "./compare.ts";
import { contentText, expandPairs, fillTemplate, type TextOf, type ValueOf } from "./values.ts";

export interface Content {
  readonly contentType: string;
  readonly content: string | Uint8Array;
}
interface BodyValues {
  readonly valueOf: ValueOf;
  /** Text for a form's field or a part: what has no text is refused, or shown in another way. */
  readonly textOf: TextOf;
  readonly bytesOf: (source: ByteSource) => Uint8Array;
  /** What a patch is derived from. */
  readonly seen?: Parameters<typeof mergePatchText>[1];
}

/** Throws `RefusedError`. */
export function bodyContent(body: BodyTemplate, values: BodyValues): Content {
  const { valueOf, textOf, bytesOf } = values;
  const content = (expression: string): string => contentText(valueOf(expression));
  switch (body.type) {
    case "text":
      return { contentType: "text/plain; charset=utf-8", content: fillTemplate(body, content) };
    case "json":
      return { contentType: "application/json", content: jsonBodyText(body, valueOf) };
    case "mergePatch":
      return { contentType: "application/merge-patch+json", content: mergePatchText(body, values.seen, valueOf) };
    case "form": {
      const pairs = new URLSearchParams(expandPairs(body.fields, valueOf, textOf));
      return { contentType: "application/x-www-form-urlencoded", content: pairs.toString() };
    }
    case "multipart":
      return multipart(body.parts, values);
    case "bytes":
      return { contentType: "application/octet-stream", content: bytesOf(body.source) };
  }
}

/**
 * RFC 7578. The boundary follows from the parts, which so cannot hold it. Names hold no quotation mark and no line break,
 * as the API has made sure; they are sent as UTF-8 (section 5.1).
 */
function multipart(parts: readonly PartTemplate[], values: BodyValues): Content {
  const encoded = parts.map((part) => Buffer.concat([partHead(part), partContent(part, values)]));
  const boundary = `holdfast-${hash("sha256", Buffer.concat(encoded), "hex").slice(0, 32)}`;
  const pieces = encoded.flatMap((part) => [Buffer.from(`--${boundary}\r\n`), part, Buffer.from("\r\n")]);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    content: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

function partHead({ name, filename, contentType }: PartTemplate): Buffer {
  const type = contentType ?? (filename === undefined ? undefined : "application/octet-stream");
  const file = filename === undefined ? "" : `; filename="${filename}"`;
  const typeLine = type === undefined ? "" : `Content-Type: ${type}\r\n`;
  return Buffer.from(`Content-Disposition: form-data; name="${name}"${file}\r\n${typeLine}\r\n`);
}

function partContent({ content }: PartTemplate, { valueOf, textOf, bytesOf }: BodyValues): Uint8Array {
  if (content.type === "bytes") return bytesOf(content.source);
  return Buffer.from(fillTemplate(content, (expression) => textOf(valueOf(expression), content.field, expression)));
}
