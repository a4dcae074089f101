/**
 * What the status of an answer says of whether the request was carried out: one table for all that ask. docs/delivery.md shows it.
 */
interface Status {
  readonly statusCode: number;
}

/**
 * Who answered gave up waiting for the one behind, or for the client, and cannot say what was done: RFC 9110, 15.5.9, 15.6.3 and
 * 15.6.5, as proxies use them; 499 of nginx and 460 of AWS; 520, 522 and 524 of Cloudflare.
 */
export const cutOff: readonly number[] = [408, 460, 499, 502, 504, 520, 522, 524];
/** They ask to come back, and speak of time alone (RFC 6585, RFC 8470). */
const later: readonly number[] = [425, 429];

/** Nobody can know by it whether the request was carried out. */
export function isCutOff({ statusCode }: Status): boolean {
  return cutOff.includes(statusCode);
}
/** The request was not carried out: its server refused it as it is, or for now. */
export function isRejected({ statusCode }: Status): boolean {
  return statusCode >= 400 && statusCode < 500 && !cutOff.includes(statusCode);
}
/** The same, and the server asks for it again. */
export function isDeferred({ statusCode, headers }: Status & { readonly headers: Readonly<Record<string, unknown>> }): boolean {
  return statusCode === 429 || (statusCode === 503 && headers["retry-after"] !== undefined);
}
/** The same request may be answered otherwise later; any other 4xx says that the request itself is wrong. */
export function isPassing({ statusCode }: Status): boolean {
  return !isRejected({ statusCode }) || later.includes(statusCode);
}
/** They speak of who asks (RFC 9110, 15.5.2 and 15.5.8). */
const ofCaller: readonly number[] = [401, 407];
/** It says nothing of what is asked for: another who asks, another time, or another way to the server may be told otherwise. */
export function isOfTheMoment({ statusCode }: Status): boolean {
  return [...cutOff, ...later, ...ofCaller].includes(statusCode);
}
/** Of a key that was sent before: the first request with it is being carried out, or has been. */
export function isInUse({ statusCode }: Status): boolean {
  return statusCode === 409;
}
