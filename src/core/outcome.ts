/** What comes back of an exchange: an answer, a failure of the network, or why nothing was sent. The sets of reasons are closed. */
import { retryReasons } from "../api/retry.ts";
import { isCutOff, isDeferred, isPassing } from "./answered-status.ts";
import type { Excerpt, Mask } from "./mask-secrets.ts";
import type { Redacted } from "./redacted.ts";

export interface Response {
  readonly statusCode: number;
  /** Names in lower case; repeated fields joined by a comma, but `set-cookie`, which is a list. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Fields that came after the content, likewise; absent: none. */
  readonly trailers?: Response["headers"];
  /** The content, decoded as text; expressions see it parsed if it is JSON. */
  readonly body: Redacted<string>;
  /** The content as it came, where that is not `body` as UTF-8. */
  readonly bytes?: Redacted<Uint8Array>;
  /** True: the content is no text in its charset, and U+FFFD stands in `body` for what cannot be decoded. */
  readonly undecodable?: true;
  readonly shown: Shown;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly durationMs: number;
}

/** What of an answer people may see. Nothing is looked through before it is asked for. */
export interface Shown {
  /**
   * The beginning of the content, with asterisks for each secret that went out with the request, or that another request of the
   * object sends; undefined: there are too many to look for, or not all of them are known.
   */
  body(): Excerpt | undefined;
  /** Another text that was made of the content, likewise. */
  mask(text: string): Excerpt | undefined;
  /** A header field, likewise; undefined, too, where there is none. */
  field(name: string): string | undefined;
  /** Whether a text holds such a secret, in any form: then it is kept nowhere where it can be read. Of those that are known. */
  holdsSecret(text: string): boolean;
  /** Whether a text may be shown as it is: it holds no such secret, however short. */
  isOpen(text: string): boolean;
  /** Whether a Secret of the object is there that cannot be read now, so that nothing is shown which could hold it. */
  readonly isUncertain: boolean;
  /** The same of what went out with the request alone: for what programs go by, such as an id, which must not be lost by chance. */
  readonly sent: Pick<Mask, "holdsSecret" | "isOpen">;
  /** Whether there is any secret that it may hold: then a digest of the content would let people try guesses on it. */
  readonly hasSecrets: boolean;
}

/** What the network did. Each is a value of the metric label `reason`. */
export const failureReasons = [
  ...retryReasons,
  "PortsExhausted",
  "TooManyFiles",
  "BudgetExhausted",
  "RateLimited",
  "EgressDenied",
  "NotLeader",
  "Aborted",
  "Unknown",
] as const;
export type FailureReason = (typeof failureReasons)[number];

/** It waits in a line, and is sent when its turn comes. */
export const turnReasons = ["OriginBusy", "EndpointBusy", "RateLimited", "TokenPending"] as const;

/** Why nothing was sent, found before the first byte. */
export type RefusalReason =
  | (typeof turnReasons)[number]
  | "EndpointNotFound"
  | "EndpointNotAllowed"
  | "EndpointNotReady"
  | "CircuitOpen"
  | "InvalidCredential"
  | "CredentialRefused"
  | "TokenRequestFailed"
  | "ChallengeRefused"
  | "ServiceAccountNotFound"
  | "DependencyNotReady"
  | "DependencyCycle"
  | "TooManySources"
  | "EndpointSuspended"
  | "SecretNotFound"
  | "ConfigMapNotFound"
  | "KeyNotFound"
  | "ReferenceForbidden"
  | "ServiceAccountRequired"
  | "FinalizerRefused"
  | "ObjectTooLarge"
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
  | "OutputMissing"
  | "OutputNotText"
  | "ValueIsSecret"
  | "ValueTooLong";

/** `tookMs`: since the `now` of the plan that sent it, what was waited for included; absent: only `durationMs` is known. */
export type Outcome =
  | { readonly type: "response"; readonly response: Response; readonly tookMs?: number }
  /** `sent`: whether a byte of the request may have left. False only where that is certain. */
  | {
      readonly type: "failure";
      readonly reason: FailureReason;
      readonly message: string;
      readonly sent: boolean;
      readonly tookMs?: number;
    }
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

/** Whether it may or may not have been acted on, as far as it says: nothing answered, or a gateway did. */
export function isAmbiguous(outcome: Exclude<Outcome, { type: "refusal" }>): boolean {
  return outcome.type === "failure" ? outcome.sent : isCutOff(outcome.response);
}
/** Safe to send again whatever the method: it never left, or the server asks to come back later. */
export function wasNotActedOn(outcome: Exclude<Outcome, { type: "refusal" }>): boolean {
  return outcome.type === "failure" ? !outcome.sent : isDeferred(outcome.response);
}
/** Whether the same request may end otherwise later. */
export function isTransient(outcome: Exclude<Outcome, { type: "refusal" }>): boolean {
  return outcome.type === "failure" || isPassing(outcome.response);
}
