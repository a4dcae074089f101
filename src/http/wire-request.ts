/** A request as it goes on the wire: rendered, and not yet signed or sent. */

/** Repeated fields are a list. */
export type HeaderRecord = Readonly<Record<string, string | string[]>>;

export interface WireRequest {
  readonly method: string;
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: HeaderRecord;
  readonly body?: string | Uint8Array;
}
