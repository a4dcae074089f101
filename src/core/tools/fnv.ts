/** FNV-1a, of 32 and of 64 bits: https://www.rfc-editor.org/rfc/rfc9923 */

/**
 * A number from 0 to below 1 for an ASCII text, by FNV-1a of 32 bits: for what each look asks, where nobody gains by choosing a
 * text. The hash of 64 bits, which an API server prescribes for slots, is not for that: it takes eight times as long (3 µs for a
 * UID), and leaves texts that differ in their last characters alone in one place.
 */
export function fnv1aFraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // Texts that differ in their last characters alone are close to each other until their bits are mixed.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** Of ASCII, as names of namespaces are, as API servers divide lists and watches by it (KEP-5866). The prime is 2^40 + 0x1b3, so that two halves of 32 bits multiply without a loss in a double. */
export function fnv1a64(text: string): bigint {
  let [high, low] = [0xcbf29ce4, 0x84222325];
  for (let at = 0; at < text.length; at += 1) {
    low = (low ^ text.charCodeAt(at)) >>> 0;
    const product = low * 0x1b3;
    high = (high * 0x1b3 + Math.floor(product / 2 ** 32) + low * 2 ** 8) % 2 ** 32;
    low = product % 2 ** 32;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}
