/**
 * What is sent a second time: once what a dead connection has failed, and once what was refused, with another credential. Neither
 * has been acted upon, or may be repeated.
 */
import type { ClientSettings } from "../connect/client-settings.ts";
import type { Trace } from "../connect/socket-trace.ts";
import type { Refusing } from "../credentials/credential.ts";
import type { Answer } from "./on-wire.ts";
import { isRedirect, locationOf, targetOf, type Hop } from "./redirects.ts";
import type { SendOptions, Sending } from "./sending.ts";
import { retryReason } from "./stale-retry.ts";

/** What says that a credential is refused is not longer. */
const longestRefusalBytes = 8_192;

/** Of an exchange, what is asked. */
interface Tried {
  readonly sending: Pick<Sending, "credential">;
  readonly options: Pick<SendOptions, "connections" | "emit" | "minResponseRate">;
  readonly trace: Trace;
  readonly limit: { readonly signal: AbortSignal };
  /** With which settings it may go there now. Throws where it may not. */
  admit(hop: Hop): ClientSettings;
}
export interface SecondTries {
  /** Whether what failed is sent once more, on a fresh connection. */
  mayRepeat(error: unknown, hop: Hop): boolean;
  /** Whether what was refused is sent once more: any method may be. Throws `RefusedError` where no other credential can be had. */
  mayRenew(answer: Answer, hop: Hop): Promise<boolean>;
}

/** Of one exchange. */
export function createSecondTries(exchange: Tried): SecondTries {
  const { credential } = exchange.sending;
  const { connections, emit, minResponseRate } = exchange.options;
  let repeats = 1;
  let renewals = 1;
  async function isRefusedIn(answer: Refusing, received: Answer): Promise<boolean> {
    const refusedIn = credential?.refusedIn;
    if (!refusedIn?.statusCodes.includes(answer.statusCode)) return false;
    try {
      const isShort = await received.begin(longestRefusalBytes, minResponseRate);
      return isShort && refusedIn.says(answer, (await received.read(longestRefusalBytes)).toString());
    } catch {
      return false; // whoever reads the answer is told
    }
  }
  return {
    mayRepeat(error, hop) {
      const reason = retryReason(error, { trace: exchange.trace, connections, repeatable: hop.repeatable });
      if (!reason || repeats === 0) return false;
      repeats -= 1;
      if (exchange.admit(hop) !== hop.settings) return false; // it may still go there, but not with this client
      emit({ type: "retried", reason });
      return true;
    },
    async mayRenew(refused, hop) {
      const { statusCode, headers } = refused;
      if (!hop.trusted || !credential?.refused || !credential.renewed) return false;
      const target = isRedirect(statusCode) ? targetOf(hop.request, locationOf(headers)) : undefined;
      const answer = { statusCode, headers, target };
      const isRefused = credential.refused(answer) || (await isRefusedIn(answer, refused));
      if (!isRefused) credential.answered?.(answer);
      if (renewals === 0 && !isRefused) credential.accepted?.();
      if (renewals === 0 || !isRefused) return false;
      renewals -= 1;
      try {
        return await credential.renewed(exchange.limit.signal, answer);
      } catch (error) {
        refused.cancel(error as Error); // nobody reads it any more
        throw error;
      }
    },
  };
}
