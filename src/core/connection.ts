/** How an exchange connects, as whom, and within which limits. Invariant: sources of secrets, and none of their values. */
import type { AuthSources } from "./auth.ts";
import type { ResourceKey } from "./resource.ts";
import type { SignSources } from "./sign.ts";
import type { Source } from "./source.ts";

export interface TlsSources {
  readonly ca?: Source;
  readonly certificate?: Source;
  readonly key?: Source;
  readonly serverName?: string;
  readonly insecureSkipVerify: boolean;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
}

/** What the requests of one endpoint share. */
export interface EndpointTraits {
  /** Without a namespace it is an admin's: what is wrong with it is told in its own status only. */
  readonly key: ResourceKey;
  /** Where its credential comes from, and whose rules hold for requests for tokens. */
  readonly credentialNamespace: string;
  /** For messages. */
  readonly title: string;
  readonly rateLimit?: RateLimit;
  /** Exchanges in flight at a time; absent: as many as its origin takes. */
  readonly maxInFlight?: number;
  readonly circuitBreaker?: CircuitBreakerLimits;
}

export interface RateLimit {
  /** In any stretch of `perMs`. */
  readonly requests: number;
  readonly perMs: number;
  /** As many may go at once; the others follow evenly. */
  readonly burst: number;
}

export interface CircuitBreakerLimits {
  /** In a row, of more than one resource. */
  readonly failures: number;
  readonly openForMs: number;
}

/** What of an exchange says how to connect, and as whom. */
export interface Connection {
  readonly tls: TlsSources;
  /** Of the endpoint; absent: nothing is added to what the request says. */
  readonly auth?: AuthSources;
  /** How what is sent is signed: the endpoint's way, or of a request without one its own; absent: not at all. */
  readonly sign?: SignSources;
  /** Whether each request carries the trace that it belongs to; absent: no. */
  readonly traces?: true;
  /** Absent: the request has no endpoint. */
  readonly endpoint?: EndpointTraits;
  /** The proxy's URL; absent: the environment decides. */
  readonly proxy?: Source;
  /** Whether HTTP/2 may be agreed on; absent: no. */
  readonly http2?: boolean;
  /** How long a connection may have been idle for what may not be repeated to go over it, milliseconds; absent: half a second. */
  readonly freshAfterMs?: number;
}
