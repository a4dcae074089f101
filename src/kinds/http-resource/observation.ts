/** What can be known of a remote object, and how a plan says so. */
import type { Difference } from "../../core/difference.ts";
import type { Refusal, Response } from "../../core/outcome.ts";
import type { Located } from "../../core/request-template.ts";
import { retryAfterFieldMs } from "../../core/retry.ts";
import type { Context } from "./context.ts";

export type Observation = Found | Absent | Unknown | Refusal;
export interface Found {
  readonly type: "found";
  readonly externalID?: string;
  /** The answer to observe; absent: there is no observe. */
  readonly response?: Response;
  /** Undefined: nobody could look. */
  readonly upToDate?: boolean;
  readonly differences: readonly Difference[];
}
export interface Absent {
  readonly type: "absent";
  /** `nobody`: nothing was asked, since the id is not known. */
  readonly says: "observe" | "lookup" | "nobody";
}
export interface Unknown {
  readonly type: "unknown";
  readonly reason: string;
  readonly message: string;
  /** What the server asks for, milliseconds. */
  readonly retryAfterMs: number;
}

/** A part of a plan. */

export function unknown(reason: string, message: string, { now }: Context, response?: Response): Unknown {
  return { type: "unknown", reason, message, retryAfterMs: retryAfterFieldMs(response, now) };
}

export function located(field: string, text: string | undefined): Located[] {
  return text === undefined ? [] : [{ field, text }];
}
