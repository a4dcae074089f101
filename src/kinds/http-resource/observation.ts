/** What can be known of a remote object, and how a plan says so. */
import type { Difference } from "../../core/difference.ts";
import type { ScopeEvaluation } from "../../core/evaluation.ts";
import type { Refusal, Response } from "../../core/outcome.ts";
import type { Located } from "../../core/request-template.ts";
import { retryAfterFieldMs } from "../../core/retry.ts";
import type { Context } from "./context.ts";

export type Observation = Found | Absent | Unobserved;
/** It could not be asked, or the answer tells nothing. */
export type Unobserved = Unknown | Refusal;
export interface Found {
  readonly type: "found";
  readonly externalID?: string;
  /** By whom it is known by another id than before. */
  readonly by?: "observe" | "lookup";
  /** Whether `spec.mine` holds; absent: there is none. */
  readonly mine?: boolean;
  /** What update would send may give it another id, which nothing tells beforehand. */
  readonly renames?: true;
  /** What tells that beforehand: `foretells` is the expression of the id. */
  readonly foretelling?: Pick<ScopeEvaluation, "scope" | "compare" | "compared"> & {
    readonly response: Response;
    readonly foretells: string;
  };
  /** The answer that shows it; absent: nobody can look. */
  readonly response?: Response;
  /** A JSON value; absent: the body of the answer is the object. */
  readonly object?: unknown;
  /** Undefined: nobody could look. */
  readonly upToDate?: boolean;
  /** What `spec.values` yields; absent: it is not asked. */
  readonly values?: Values;
  readonly differences: readonly Difference[];
  /** Where a merge patch says something, if a status has room for that. */
  readonly places?: readonly string[];
  /** Something of what is declared could not be compared. */
  readonly isPartial?: true;
}
/** What `spec.values` yields. */
export interface Values {
  readonly shown: Readonly<Record<string, unknown>>;
  /** Why something of them is not; it says nothing of the object. */
  readonly problem?: Refusal;
}
export interface Absent {
  readonly type: "absent";
  /** `nobody`: nothing was asked, since the id is not known. */
  readonly says: "observe" | "lookup" | "nobody";
  /** The id from before an update that gave another, neither of which is there. */
  readonly former?: string;
}
export interface Unknown {
  readonly type: "unknown";
  readonly reason: string;
  readonly message: string;
  /** What the server asks for, milliseconds. */
  readonly retryAfterMs: number;
  /** The server does not show anything by this id, whenever it is asked. */
  readonly isRejected?: true;
  /** RFC 3339: since when a page says of what is being deleted that it is gone. */
  readonly pageSeenAt?: string;
}

export function isObserved(seen: Observation): seen is Found | Absent {
  return seen.type === "found" || seen.type === "absent";
}

export function unknown(reason: string, message: string, { now }: Context, response?: Response): Unknown {
  return { type: "unknown", reason, message, retryAfterMs: retryAfterFieldMs(response, now) };
}

export function locate(field: string, text: string | undefined): Located[] {
  return text === undefined ? [] : [{ field, text }];
}
