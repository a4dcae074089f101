/** Ends a request from this side. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly code:
    | "HOLDFAST_NOT_STARTED"
    | "HOLDFAST_SENT_ANEW"
    | "HOLDFAST_HEADERS_TOO_LARGE"
    | "HOLDFAST_PROTOCOL"
    | "HOLDFAST_RESPONSE_TOO_SLOW"
    | "UND_ERR_INFO";
  constructor(code: WireError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
