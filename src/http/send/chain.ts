/**
 * From a rendered request to the answer that counts: redirects followed, a dead connection replaced once.
 *
 * Invariant: what this file acquires for a request, a slot of its origin and the use of a client, is given back when that
 * request fails or its redirect has been drained; for the answer that counts it is in what is returned.
 */
import type { Scope } from "../../core/evaluation.ts";
import type { FailureReason } from "../../core/outcome.ts";
import type { Lane } from "../../core/lane.ts";
import type { RequestTemplate } from "../../core/request-template.ts";
import type { WaitFor } from "../../core/ports.ts";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";
import type { Budgets, Slot } from "../limits/budget.ts";
import type { ClientPool, Lease } from "../connect/client-pool.ts";
import type { ClientSettings } from "../connect/client-settings.ts";
import type { SocketTrace, Trace } from "../connect/socket-trace.ts";
import type { Credential } from "../credentials/credential.ts";
import type { Egress } from "../connect/egress.ts";
import { deadline, unlessAborted } from "../../core/tools/deadline.ts";
import { forNamespace } from "../connect/name-lookups.ts";
import { onWire, type Answer } from "./on-wire.ts";
import type { RateTurn } from "../limits/rate-limits.ts";
import { createRedirects, isOutside, isRedirect, targetOf, type Hop, type Redirects } from "./redirects.ts";
import type { WireRequest } from "../wire-request.ts";
import { retryReason } from "./stale-retry.ts";

export interface RunOptions {
  readonly clients: ClientPool;
  readonly egress: Egress;
  readonly emit: EmitTelemetry;
  readonly connections: SocketTrace;
  /** Bounds the exchanges in flight to each origin, of which namespaces have shares. */
  readonly origins: Pick<Budgets, "take">;
  /** How much of a redirect's content is read so that its connection can be used again. */
  readonly redirectDrainBytes: number;
}
export interface Chain {
  readonly first: Hop;
  /** Added to each request that is trusted with it, as it leaves. */
  readonly credential?: Credential;
  readonly template: RequestTemplate;
  readonly maxRedirects: number;
  /** For each request to the endpoint: waits for its turn. Absent: they need none. */
  readonly turn?: (signal: AbortSignal) => Promise<RateTurn>;
  /** Whether a request may still leave, asked as it starts on its socket. */
  readonly mayStart: () => boolean;
  /** Given what waits for a slot of an origin. */
  readonly waitFor?: WaitFor;
  /** Called when a redirect leads to another origin. */
  readonly moved?: () => void;
  readonly metadata: Scope["metadata"];
  readonly lane: Lane;
  /** How long a connection to the first origin may have been idle for what may not be repeated to go over it; absent: half a second. */
  readonly freshAfterMs?: number;
}
/** Of the whole exchange. */
interface Run {
  readonly slot: Slot;
  readonly trace: Trace;
  readonly signal: AbortSignal;
  /** `Chain.turn`, while the exchange's clock stands still. */
  readonly turn: () => Promise<RateTurn | undefined>;
}

/** An answer, and what is in use until it has been read or closed. */
export interface Held {
  readonly answer: Answer;
  readonly originSlot: Slot;
  release(): void;
}

export class RedirectError extends Error {
  override readonly name = "RedirectError";
  readonly reason: FailureReason;
  constructor(reason: FailureReason) {
    super(reason);
    this.reason = reason;
  }
}

/** Servers close idle connections after a second at the soonest. */
const defaultFreshAfterMs = 500;
/** How long a redirect's content is waited for. */
const maxDrainMs = 1_000;

/** Rejects with a `RedirectError`, an `EgressDeniedError`, a `BudgetExhaustedError`, a `RateLimitedError`, the signal's reason, or what the network did. */
export function sendChain(chain: Chain, run: Run, options: RunOptions): Promise<Held> {
  return forNamespace(chain.metadata.namespace, () => followRedirects(chain, run, options));
}
async function followRedirects(chain: Chain, run: Run, options: RunOptions): Promise<Held> {
  const { first, credential, template, maxRedirects, mayStart, waitFor, metadata, lane } = chain;
  let hop = first;
  let retries = 1;
  let isFresh = false;
  let renewals = 1;
  let redirects: Redirects | undefined;

  /** As it leaves now: a signature has its time. Whoever named the place, with the endpoint's trust it is below its base. */
  function leaving(): WireRequest {
    if (!hop.trusted) return hop.request;
    const request = credential ? credential.added(hop.request, new Date()) : hop.request;
    if (isOutside(new URL(`${request.origin}${request.path}`), template)) throw new Error("a request would leave its base");
    return request;
  }
  /** What was refused has not been acted upon, so any method may be sent again; once, and with another credential only. */
  async function mayRenew({ statusCode, headers }: Answer): Promise<boolean> {
    if (!hop.trusted || !credential?.refused || !credential.renewed) return false;
    const target = isRedirect(statusCode) ? targetOf(hop.request, locationOf({ headers })) : undefined;
    const answer = { statusCode, headers, target };
    const isRefused = credential.refused(answer);
    if (renewals === 0 && !isRefused) credential.accepted?.();
    if (renewals === 0 || !isRefused) return false;
    renewals -= 1;
    return credential.renewed(run.signal, answer);
  }

  /** Of another origin the endpoint's limit does not speak. */
  async function turnOf({ request }: Hop): Promise<RateTurn | undefined> {
    return request.origin === first.request.origin ? await run.turn() : undefined;
  }
  /** A server that a redirect leads to is not the one that its endpoint knows. */
  function freshAfterMs(): number {
    const isOwn = hop.request.origin === first.request.origin;
    return (isOwn ? chain.freshAfterMs : undefined) ?? defaultFreshAfterMs;
  }
  const starting = (turn: RateTurn | undefined) => (): boolean => {
    if (!mayStart()) return false;
    turn?.use();
    return true;
  };

  function request(slots: readonly [Slot, Slot], client: Lease, turn: RateTurn | undefined): Promise<Answer> {
    const { trace, signal } = run;
    const { origin } = hop.request;
    const dispatcher = isFresh ? client.fresh() : hop.repeatable ? client.dispatcher : client.recent(origin, freshAfterMs());
    return onWire(slots, leaving(), { dispatcher, connections: options.connections, mayStart: starting(turn), trace, signal });
  }
  /** Whether what failed is sent once more, on a fresh connection. */
  function mayRepeat(error: unknown): boolean {
    const reason = retryReason(error, { trace: run.trace, connections: options.connections, repeatable: hop.repeatable });
    if (!reason || retries === 0) return false;
    retries -= 1;
    if (admit(hop) !== hop.settings) return false; // it may still go there, but not with this client
    options.emit({ type: "retried", reason });
    return true;
  }

  function admit({ request, settings }: Hop): ClientSettings {
    return options.egress.admit(request, settings, metadata.namespace);
  }

  for (;;) {
    const { origin } = hop.request;
    run.trace.proxied = false;
    run.trace.elsewhere = origin !== first.request.origin;
    const isProxied = options.clients.usesProxy(hop.settings, origin);
    if (isProxied) await options.egress.vet(origin, admit(hop), run.signal);
    using turn = await turnOf(hop);
    const claim = { namespace: metadata.namespace, lane, connections: options.clients.connectionsOf(admit(hop), origin) };
    const place = options.origins.take(origin, run.signal, claim);
    const originSlot = "then" in place && waitFor ? await waitFor(place) : await place;
    const client = takeClient(options.clients, () => (hop = { ...hop, settings: admit(hop) }), {
      slot: originSlot,
      namespace: metadata.namespace,
    });
    const release = (): void => {
      originSlot.release();
      client[Symbol.dispose]();
    };
    run.trace.proxied = isProxied;
    try {
      const answer = await request([run.slot, originSlot], client, turn).catch((error: unknown) => {
        if (mayRepeat(error)) return undefined;
        throw error;
      });
      isFresh = !answer;
      if (!answer) {
        release();
        continue;
      }
      if (await mayRenew(answer)) {
        await drain(answer, options.redirectDrainBytes, run.signal);
        options.emit({ type: "retried", reason: "credential" });
        release();
        continue;
      }
      if (maxRedirects === 0 || !isRedirect(answer.statusCode)) return { answer, originSlot, release };
      await drain(answer, options.redirectDrainBytes, run.signal);
      redirects ??= createRedirects(template, maxRedirects);
      const next = redirects.next(hop, answer.statusCode, locationOf(answer));
      if (next.type === "refused") throw new RedirectError(next.reason);
      options.emit({ type: "redirected", statusCode: answer.statusCode });
      if (next.hop.request.origin !== origin) chain.moved?.();
      hop = next.hop;
      release();
    } catch (error) {
      release();
      throw error;
    }
  }
}

function takeClient(
  clients: ClientPool,
  admitted: () => Hop,
  { slot, namespace }: { readonly slot: Slot; readonly namespace: string },
): Lease {
  try {
    return clients.acquire(admitted().settings, namespace);
  } catch (error) {
    slot.release();
    throw error;
  }
}

/** undici makes a character of each byte; what a server has not percent-encoded is UTF-8, as browsers take it. */
function locationOf({ headers: { location } }: Pick<Answer, "headers">): string | undefined {
  return typeof location === "string" ? Buffer.from(location, "latin1").toString() : undefined;
}

/** Reads it to its end, so that its connection can be used again; or, where that is more than it is worth, closes that. */
async function drain(answer: Answer, maxBytes: number, signal: AbortSignal): Promise<void> {
  using limit = deadline(signal, maxDrainMs);
  try {
    await unlessAborted(limit.signal, answer.read(maxBytes));
  } catch (error) {
    answer.cancel(error as Error);
  }
}
