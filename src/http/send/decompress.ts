/**
 * Content as it was before its server compressed it (RFC 9110, section 8.4).
 *
 * Never more memory than the limit: what would exceed it is given up in the middle.
 */
import { promisify } from "node:util";
import { brotliDecompress, constants, gunzip, inflate, inflateRaw, zstdDecompress } from "node:zlib";

export class ContentError extends Error {
  override readonly name = "ContentError";
  readonly code: "HOLDFAST_CONTENT_INVALID" | "HOLDFAST_CONTENT_TOO_LARGE" | "HOLDFAST_COMPRESSION_RATIO";
  constructor(code: ContentError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Above this, and above the first bytes below, what comes out is no honest text: a bomb reaches 1,000 with gzip, more with the others. */
const maxRatio = 200;
const alwaysAllowedBytes = 64 * 1024;

type Decode = (content: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;
const asGzip: Decode = promisify(gunzip);
const asBrotli: Decode = promisify(brotliDecompress);
const asZlib: Decode = promisify(inflate);
const asRawDeflate: Decode = promisify(inflateRaw);
const zstd = promisify(zstdDecompress);
/** A window of at most 8 MiB (RFC 9659, section 3). */
const asZstd: Decode = (content, options) => zstd(content, { ...options, params: { [constants.ZSTD_d_windowLogMax]: 23 } });
/** `deflate` means zlib (RFC 1950); some servers send what is inside it alone (RFC 1951). */
const asDeflate: Decode = (content, options) =>
  ((content[0] ?? 0) & 0x0f) === 8 && content.readUInt16BE() % 31 === 0
    ? asZlib(content, options)
    : asRawDeflate(content, options);

const decoders = new Map<string, Decode>([
  ["gzip", asGzip],
  ["x-gzip", asGzip],
  ["deflate", asDeflate],
  ["br", asBrotli],
  ["zstd", asZstd],
]);

/** `encoding`: the field Content-Encoding, of which one value is understood. Throws `ContentError`. */
export async function decompress(content: Buffer, encoding: string, maxBytes: number): Promise<Buffer> {
  const name = encoding.trim().toLowerCase();
  if (content.byteLength === 0 || name === "" || name === "identity") return content;
  const decode = decoders.get(name);
  if (!decode) throw new ContentError("HOLDFAST_CONTENT_INVALID", "an encoding that is not understood, or more than one");
  const maxByRatio = Math.max(alwaysAllowedBytes, content.byteLength * maxRatio);
  try {
    return await decode(content, { maxOutputLength: Math.min(maxBytes, maxByRatio) });
  } catch (error) {
    const tooLong = Error.isError(error) && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
    if (!tooLong) throw new ContentError("HOLDFAST_CONTENT_INVALID", "not what its encoding says", { cause: error });
    throw maxByRatio < maxBytes
      ? new ContentError("HOLDFAST_COMPRESSION_RATIO", `more than ${maxRatio} times its compressed size`)
      : new ContentError("HOLDFAST_CONTENT_TOO_LARGE", `more than ${maxBytes} bytes`);
  }
}
