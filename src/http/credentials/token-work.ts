/**
 * Requests for tokens, and logins, that are under way: so many of a namespace at a time, and so many in all that hold much.
 *
 * Invariant: none of them waits for what a request holds that waits for its token.
 */
import { createBudgets } from "../limits/budget.ts";
import { createHolding, createMemoryShares } from "../limits/memory-shares.ts";
import type { CredentialContext, TokenContext } from "./context.ts";

/** `work`, when its turn has come. */
export type DoTokenWork = <T>(
  context: CredentialContext,
  signal: AbortSignal,
  work: (context: TokenContext) => Promise<T>,
) => Promise<T>;

/** Each with a body, its values and answers that are short. */
const mostOfNamespace = 8;
/** Each with a body of 256 KiB and answers as long as they may be. */
const mostLong = 4;

export function createTokenWork(): DoTokenWork {
  const places = createBudgets({ maxInFlight: mostOfNamespace, onCancel: () => {} });
  const shares = createMemoryShares(mostLong);
  return async (context, signal, work) => {
    const { credentialNamespace: namespace } = context.endpoint;
    const place = await places.take(namespace, signal);
    try {
      using holding = createHolding(shares, namespace, { lend: (awaited) => awaited });
      return await work({ ...context, holding });
    } finally {
      place.release();
    }
  };
}
