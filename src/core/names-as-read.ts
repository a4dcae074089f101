/** Names of header fields and query parameters, as servers read them: what two servers take for one name is one here. */

/**
 * CGI and what came after it make one variable of all names that differ in case and punctuation (RFC 3875, section 4.1.18):
 * `X_Tenant` and `X.Tenant` reach an application as `X-Tenant` does.
 */
export function headerAsRead(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "-");
}

/** Decoded so often at most: a proxy and a server each do it once. */
const maxDecodings = 4;

/**
 * A parameter's name, before or after it is percent-encoded. Servers decode it, some twice, take `+` for a space, know no case,
 * drop spaces around it, take `key[]` for `key`, and a dot or space within for an underscore.
 */
export function parameterAsRead(name: string): string {
  let text = name;
  for (let decodings = 0; decodings < maxDecodings && text.includes("%"); decodings += 1) text = decodePercent(text);
  const [before = ""] = text.normalize("NFKC").replaceAll("+", " ").split("\0", 1);
  const bracket = before.indexOf("[");
  const plain = (bracket > 0 ? before.slice(0, bracket) : before).toLowerCase();
  return plain.match(/[\p{L}\p{N}]+/gu)?.join("_") ?? plain.trim();
}
function decodePercent(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll("%", ""), "hex").toString());
}
