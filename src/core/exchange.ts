/**
 * One HTTP exchange, as a plan asks for it.
 *
 * It holds templates and references, never a secret's value: those exist only where requests are sent.
 */
import type { Connection } from "./connection.ts";
import type { Scope } from "./evaluation.ts";
import type { Response } from "./outcome.ts";
import type { Located, RequestTemplate } from "./request-template.ts";
import type { Source } from "./source.ts";

export interface Exchange extends Connection {
  readonly request: RequestTemplate;
  readonly scope: Scope;
  /** Secrets that it does not send, and that what is shown of its answer is not to hold either. */
  readonly hidden?: readonly Source[];
  /** An answer that came before, for its expressions: what an update is derived from. */
  readonly response?: Response;
  /** Of what it is sent for, or of one item of that; absent: it only asks. */
  readonly attemptId?: string;
  /** Limit on the whole exchange, milliseconds. */
  readonly timeoutMs: number;
  /** Redirects that are followed. 0: a redirect is an answer like any other. */
  readonly maxRedirects: number;
  /** An idempotent method (RFC 9110, section 9.2.2), or an idempotency key that the server honours. */
  readonly repeatable: boolean;
  /** Expressions that will be evaluated on the response: one that does not compile is found before anything is sent. */
  readonly expressionsToValidate: readonly Located[];
}
