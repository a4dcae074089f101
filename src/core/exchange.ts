/**
 * One HTTP exchange, as a plan asks for it and as it comes back.
 *
 * An exchange holds templates and references, never a secret's value: those exist only where requests are sent.
 */
import type { AuthSources } from "./auth.ts";
import type { DataResource, Metadata, Resource, ResourceKey } from "./resource.ts";

/** A template, and where it was written, so that an error can name the field. */
export interface Located {
  readonly field: string;
  readonly text: string;
}
export interface LocatedPair extends Located {
  readonly name: string;
}
export type BodyTemplate =
  | { readonly type: "json"; readonly field: string; readonly value: unknown }
  | ({ readonly type: "text" } & Located)
  /** Of the value only what the response before does not have is sent, as a JSON Merge Patch (RFC 7396). */
  | { readonly type: "mergePatch"; readonly field: string; readonly value: unknown }
  | { readonly type: "form"; readonly fields: readonly LocatedPair[] }
  | { readonly type: "multipart"; readonly parts: readonly PartTemplate[] }
  | { readonly type: "bytes"; readonly source: ByteSource };

/** One part of a multipart body. */
export interface PartTemplate {
  readonly name: string;
  readonly filename?: string;
  readonly contentType?: string;
  readonly content: ({ readonly type: "text" } & Located) | { readonly type: "bytes"; readonly source: ByteSource };
}

/** Where bytes come from that are sent as they are. `field` is where that was written, and no other source has the same. */
export type ByteSource = { readonly field: string } & (
  | { readonly type: "base64"; readonly text: string }
  | { readonly type: "secret" | "configMap"; readonly name: string; readonly key: string; readonly namespace?: string }
);

export interface RequestTemplate {
  readonly method: string;
  /** `absolute`: the whole URL. `joined`: a literal base whose path prefix the expanded path stays below. */
  readonly url:
    | ({ readonly type: "absolute" } & Located)
    /** `confined`: nothing that a server could read as another path, and no redirect that leaves the base. */
    | { readonly type: "joined"; readonly base: string; readonly path?: Located; readonly confined?: true };
  readonly query: readonly LocatedPair[];
  readonly headers: readonly LocatedPair[];
  /** Header fields that are no templates: an endpoint's, an idempotency key. */
  readonly literalHeaders: readonly { readonly name: string; readonly value: string }[];
  readonly body?: BodyTemplate;
  /** A URI reference that a server gave, no template: it replaces path and query. Another origin is refused. */
  readonly page?: Located;
  /** Where to go instead: a template of a URI reference, under the rules of a redirect; with a base, below that. */
  readonly location?: Located;
}

/** Where a value comes from. `field` is where that was written. */
export type Source = { readonly field: string } & (
  | { readonly type: "literal"; readonly value: unknown }
  | {
      readonly type: "secret" | "configMap";
      readonly name: string;
      readonly key: string;
      /** Only an admin's endpoint has one. Absent: the namespace of the resource that is reconciled. */
      readonly namespace?: string;
    }
);

/** What expressions see, apart from `.response`. */
export interface Scope {
  readonly inputs: Readonly<Record<string, Source>>;
  readonly metadata: Pick<Metadata, "name" | "namespace" | "uid" | "labels" | "annotations">;
  /** RFC 3339. The same for every try of an attempt. */
  readonly now: string;
  /** What an HTTPResource declares for its expressions: literal JSON. */
  readonly parameters?: unknown;
  /** By what the remote object is known to its server; null while it is not known. */
  readonly externalID?: string | null;
  readonly item?: ScopeItem;
}
/** One of a list, for which the request is sent. */
export interface ScopeItem {
  /** JSON text. */
  readonly json: Sealed<string>;
  readonly index: number;
  /** Whether an expression made it, which may have seen secrets. */
  readonly derived: boolean;
}

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
export type Connection = Pick<Exchange, "tls" | "proxy" | "http2" | "auth" | "endpoint">;

export interface Exchange {
  readonly request: RequestTemplate;
  readonly scope: Scope;
  /** An answer that came before, for its expressions: what an update is derived from. */
  readonly response?: Response;
  readonly tls: TlsSources;
  /** Of the endpoint; absent: nothing is added to what the request says. */
  readonly auth?: AuthSources;
  /** Absent: the request has no endpoint. */
  readonly endpoint?: EndpointTraits;
  /** The proxy's URL; absent: the environment decides. */
  readonly proxy?: Source;
  /** Whether HTTP/2 may be agreed on; absent: no. */
  readonly http2?: boolean;
  /** Limit on the whole exchange, milliseconds. */
  readonly timeoutMs: number;
  /** Redirects that are followed. 0: a redirect is an answer like any other. */
  readonly maxRedirects: number;
  /** An idempotent method (RFC 9110, section 9.2.2), or an idempotency key that the server honours. */
  readonly repeatable: boolean;
  /** Expressions that will be evaluated on the response: one that does not compile is found before anything is sent. */
  readonly compile: readonly Located[];
}

/** A value that only the folder `http` opens, and what stores it. Whatever prints it prints three asterisks. */
export interface Sealed<T> {
  open(): T;
  toJSON(): "***";
}
export function sealed<T>(value: T): Sealed<T> {
  return { open: () => value, toJSON: () => "***" };
}

export interface Response {
  readonly statusCode: number;
  /** Names in lower case; repeated fields joined by a comma, but `set-cookie`, which is a list. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The content, decoded as text; expressions see it parsed if it is JSON. */
  readonly body: Sealed<string>;
  /** The same text with every secret that went into the request replaced: what a status may show. */
  readonly redactedBody: string;
  /** The header fields, likewise. */
  readonly redactedHeaders?: Response["headers"];
  /** Whether a text holds a secret that went out with the request, in any form: then it is kept nowhere where it can be read. */
  readonly holdsSecret?: (text: string) => boolean;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly durationMs: number;
}

/** What the network did. The set is closed: each is a value of the metric label `reason`. */
export type FailureReason =
  | "Timeout"
  | "ConnectTimeout"
  | "ConnectionRefused"
  | "ProxyRefused"
  | "ConnectionReset"
  | "NameNotResolved"
  | "NetworkUnreachable"
  | "TLSError"
  | "CertificateInvalid"
  | "InvalidResponse"
  | "ResponseTooLarge"
  | "ResponseTooSlow"
  | "CompressionRatio"
  | "HeadersTooLarge"
  | "TooManyRedirects"
  | "RedirectLoop"
  | "RedirectInvalid"
  | "RedirectInsecure"
  | "RedirectRefused"
  | "PortsExhausted"
  | "TooManyFiles"
  | "BudgetExhausted"
  | "EgressDenied"
  | "NotLeader"
  | "Aborted"
  | "Unknown";

/** Why nothing was sent, found before the first byte. */
export type RefusalReason =
  | "EndpointNotFound"
  | "EndpointNotAllowed"
  | "EndpointNotReady"
  | "CircuitOpen"
  | "InvalidCredential"
  | "CredentialRefused"
  | "TokenRequestFailed"
  | "ServiceAccountNotFound"
  | "DependencyNotReady"
  | "DependencyCycle"
  | "SecretNotFound"
  | "ConfigMapNotFound"
  | "KeyNotFound"
  | "ReferenceForbidden"
  | "ServiceAccountRequired"
  | "InvalidExpression"
  | "ExpressionFailed"
  | "ExpressionTimeout"
  | "ExpressionOutOfMemory"
  | "TooManyItems"
  | "InvalidURL"
  | "InvalidRequest"
  | "InvalidTLS"
  | "InvalidProxy"
  | "InvalidSchedule"
  | "EgressDenied"
  | "OutputConflict"
  | "OutputForbidden"
  | "OutputRefused"
  | "OutputMissing";

export type Outcome =
  | { readonly type: "response"; readonly response: Response }
  /** `sent`: whether a byte of the request may have left. False only where that is certain. */
  | { readonly type: "failure"; readonly reason: FailureReason; readonly message: string; readonly sent: boolean }
  /** `heals`: something outside the resource can mend it, so it is worth looking again. */
  | Refusal;

export interface Refusal {
  readonly type: "refusal";
  readonly reason: RefusalReason;
  /** Names the field. Never holds a secret or anything that a server sent. */
  readonly message: string;
  readonly heals: boolean;
  /** Milliseconds after which it is worth looking again, where that is known. */
  readonly retryAfterMs?: number;
}

/** What reading a Secret or ConfigMap gave. */
export type ReadResult =
  | { readonly type: "found"; readonly resource: DataResource }
  | { readonly type: "absent" }
  | ({ readonly type: "forbidden" } & Denial);

/** `grant`: the command by which an admin of the namespace allows it, where one is known. `who` lacks the right; Holdfast where not said. */
export interface Denial {
  readonly grant?: string;
  readonly who?: string;
}

/** jq over one document; each expression is evaluated alone. */
export type Evaluation = ScopeEvaluation | ListEvaluation | InputsEvaluation | ObjectEvaluation;
/** Over what a request's own expressions see, and perhaps a response. */
export interface ScopeEvaluation {
  readonly scope: Scope;
  readonly response?: Response;
  readonly expressions: readonly Located[];
  /** A body that is rendered, and held against the response's. */
  readonly compare?: Extract<BodyTemplate, { type: "json" | "mergePatch" }>;
}
/** One expression that yields a list of at most `maxForEachItems` items. */
export interface ListEvaluation {
  readonly scope: Scope;
  readonly list: Located;
}
/** No expression: a digest of the inputs' values, keyed with the object's UID so that no two objects' can be compared. */
export interface InputsEvaluation {
  readonly inputsOf: Scope;
}
/** Over another object: expressions see its `.metadata`, `.spec` and `.status`. */
export interface ObjectEvaluation {
  readonly object: Resource;
  readonly expressions: readonly Located[];
}
