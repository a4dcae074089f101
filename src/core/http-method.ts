/** What a request's method says of sending it twice. The one place that knows. */

/** RFC 9110, section 9.2.2. Of any other method, such as an extension's, it is not known. */
const idempotentMethods: readonly string[] = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];

/** Whether sending it twice does what sending it once does. */
export function isIdempotent(method: string): boolean {
  return idempotentMethods.includes(method);
}
