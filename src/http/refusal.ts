/** Why nothing is sent, thrown from wherever it is found and turned back into a value where the folder is entered. */
import type { Refusal, RefusalReason } from "../core/outcome.ts";
import type { Located } from "../core/request-template.ts";
import { rescue, type Eventual } from "../core/tools/eventual.ts";

export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly refusal: Refusal;
  constructor(refusal: Refusal, options?: ErrorOptions) {
    super(refusal.message, options);
    this.refusal = refusal;
  }
}

/** Throws. `message` names the field and holds no secret. */
export function refuse(reason: RefusalReason, message: string): never {
  throw new RefusedError({ type: "refusal", reason, message, heals: false });
}

/** The same where something outside the resource can mend it, such as a Secret that is not there yet. */
export function refuseForNow(reason: RefusalReason, message: string): never {
  throw new RefusedError({ type: "refusal", reason, message, heals: true });
}

/** What `action` returns, or the refusal that it threw. */
export function orRefusal<T>(action: () => Promise<T>): Promise<T | Refusal>;
export function orRefusal<T>(action: () => Eventual<T>): Eventual<T | Refusal>;
export function orRefusal<T>(action: () => Eventual<T>): Eventual<T | Refusal> {
  return rescue(action, (error) => {
    if (error instanceof RefusedError) return error.refusal;
    throw error;
  });
}

/**
 * What `action` refuses can be mended outside the resource if the template at fault is one of those that read what is kept
 * elsewhere: for example, a Secret's value ends in a line break.
 */
export function healingRefusals<T>(readElsewhere: () => readonly Located[], action: () => Eventual<T>): Eventual<T> {
  return rescue(action, (error) => {
    throw healing(error, readElsewhere);
  });
}
/** The error that is thrown in place of it. */
export function healing(error: unknown, readElsewhere: () => readonly Located[]): unknown {
  if (!(error instanceof RefusedError) || error.refusal.reason === "InvalidExpression") return error;
  const { message } = error.refusal;
  const heals = readElsewhere().some(({ field }) => message.startsWith(`${field}: `));
  return heals ? new RefusedError({ ...error.refusal, heals }) : error;
}

/** An expression, cut to a length that fits a message. */
export function excerpt(expression: string): string {
  return expression.length > 200 ? `${expression.slice(0, 200)}…` : expression;
}
