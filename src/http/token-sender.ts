/** Sends requests for tokens: through the same clients, under the same rules, and never waiting for what waits for the token. */
import type { RequestTemplate } from "../core/request-template.ts";
import { keyText } from "../core/resource.ts";
import { createBudget, createBudgets } from "./limits/budget.ts";
import type { TokenContext } from "./credentials/context.ts";
import type { SendRequest } from "./credentials/oauth2.ts";
import { settingsElsewhere } from "./send/redirects.ts";
import { send, type SendOptions } from "./send/send.ts";

/** Limit on a request for a token, whatever the endpoint's own requests have. */
export const tokenTimeoutMs = 30_000;

/** Several may be held at a time, beside what requests hold: a page with a form is not longer. */
const longestAnswerBytes = 262_144;

/** There is nothing in it that is expanded: a token is asked for at its URL, and nowhere else. */
function templateAt(base: string): RequestTemplate {
  return { method: "POST", url: { type: "joined", base, confined: true }, query: [], headers: [], literalHeaders: [] };
}

/**
 * With budgets of its own, two requests at a time to one token server for each namespace: the requests that wait for a token hold
 * the places at their origin. Connections are the namespace's own, too, so that what hangs for one holds nothing of another's.
 */
export function createTokenSender(options: SendOptions): (context: TokenContext, own?: boolean) => SendRequest {
  const places = createBudgets({ maxInFlight: 2, onCancel: () => {} });
  const limited = { ...options, maxResponseBytes: Math.min(options.maxResponseBytes, longestAnswerBytes) };
  return ({ endpoint, settings, mayStart, holding }, own = false) => {
    const { credentialNamespace: namespace } = endpoint;
    const elsewhere = {
      ...(own ? settings : settingsElsewhere(settings)),
      timeoutMs: tokenTimeoutMs,
      namespace,
      forTokens: true,
    } as const;
    const metadata = { name: endpoint.key.name, namespace, uid: "" };
    const origins: SendOptions["origins"] = { take: (origin, signal) => places.take(`${namespace} ${origin}`, signal) };
    return async (request, signal) => {
      using budget = createBudget({ maxInFlight: 1 });
      const first = { request, settings: elsewhere, repeatable: true, trusted: true };
      const template = templateAt(`${request.origin}${request.path}`);
      const sending = {
        first,
        template,
        maxRedirects: 0,
        secrets: () => ({ kept: [], derived: [] }),
        metadata,
        endpoint: keyText(endpoint.key),
        mayStart,
        lane: "change",
        mayReadLong: (until: AbortSignal) => holding.much(until),
      } as const;
      using _ = await holding.body(request.body, signal);
      return await send(sending, budget, { ...limited, origins }, signal);
    };
  };
}
