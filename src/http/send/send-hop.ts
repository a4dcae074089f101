/**
 * One request of a chain, and its answer as far as the header.
 *
 * Invariant: what is acquired for it, a slot of its origin and the use of a client, is given back when it fails, and is in what
 * is returned where it is answered.
 */
import type { Scope } from "../../core/evaluation.ts";
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
import type { RateTurn } from "../limits/rate-limits.ts";
import { onWire, type Answer } from "./on-wire.ts";
import type { MinimumRate } from "./reading.ts";
import { isOutside, type Hop } from "./redirects.ts";
import type { WireRequest } from "../wire-request.ts";

export interface RunOptions {
  readonly clients: ClientPool;
  readonly egress: Egress;
  readonly emit: EmitTelemetry;
  readonly connections: SocketTrace;
  /** Bounds the exchanges in flight to each origin, of which namespaces have shares. */
  readonly origins: Pick<Budgets, "take">;
  /** How much of a redirect's content is read so that its connection can be used again. */
  readonly redirectDrainBytes: number;
  readonly minResponseRate?: MinimumRate;
}
export interface Chain {
  readonly first: Hop;
  /** Added to each request that is trusted with it, as it leaves. */
  readonly credential?: Credential | undefined;
  readonly template: RequestTemplate;
  readonly maxRedirects: number;
  /** For each request to the endpoint: waits for its turn. Absent: they need none. */
  readonly turn?: ((signal: AbortSignal) => Promise<RateTurn>) | undefined;
  /** Whether a request may still leave, asked as it starts on its socket. */
  readonly mayStart: () => boolean;
  /** Given what waits for a slot of an origin. */
  readonly waitFor?: WaitFor | undefined;
  /** Called when a redirect leads to another origin. */
  readonly moved?: (() => void) | undefined;
  readonly metadata: Scope["metadata"];
  readonly lane: Lane;
  /** How long a connection to the first origin may have been idle for what may not be repeated to go over it; absent: half a second. */
  readonly freshAfterMs?: number | undefined;
}
/** Of the whole exchange. */
export interface Run {
  readonly slot: Slot;
  readonly trace: Trace;
  readonly signal: AbortSignal;
  /** `Chain.turn`, while the exchange's clock stands still. */
  readonly turn: () => Promise<RateTurn | undefined>;
}

/** `hop`: as it was admitted, when its slot was free. */
export type SentHop =
  | {
      readonly type: "answered";
      readonly hop: Hop;
      readonly answer: Answer;
      readonly originSlot: Slot;
      /** What is in use until the answer has been read or closed. */
      readonly held: DisposableStack;
    }
  | { readonly type: "failed"; readonly hop: Hop; readonly error: unknown };

/** Servers close idle connections after a second at the soonest. */
const defaultFreshAfterMs = 500;

interface Exchanging {
  readonly chain: Chain;
  readonly run: Run;
  readonly options: RunOptions;
}

/** `isFresh`: over a connection that has carried nothing yet. Rejects with why it was not sent; what the network did is `failed`. */
export async function sendHop(hop: Hop, isFresh: boolean, { chain, run, options }: Exchanging): Promise<SentHop> {
  const { metadata, lane, first, waitFor } = chain;
  const { clients, egress, origins } = options;
  const { namespace } = metadata;
  const { origin } = hop.request;
  const isOwn = origin === first.request.origin;
  run.trace.proxied = false;
  run.trace.elsewhere = !isOwn;
  const isProxied = clients.usesProxy(hop.settings, origin);
  if (isProxied) await egress.vet(origin, admitHop(hop, chain, options), run.signal);
  using turn = isOwn ? await run.turn() : undefined; // of another origin the endpoint's limit does not speak
  const settings = admitHop(hop, chain, options);
  const place = origins.take(origin, run.signal, { namespace, lane, connections: clients.connectionsOf(settings, origin) });
  const originSlot = "then" in place && waitFor ? await waitFor(place) : await place;
  using holding = new DisposableStack();
  holding.defer(() => originSlot.release());
  const admitted = { ...hop, settings: admitHop(hop, chain, options) };
  const client = holding.use(clients.acquire(admitted.settings, namespace));
  run.trace.proxied = isProxied;
  const request = leaving(admitted, chain);
  try {
    const answer = await onWire([run.slot, originSlot], request, {
      dispatcher: isFresh ? client.fresh() : dispatcherFor(admitted, client, isOwn ? chain.freshAfterMs : undefined),
      connections: options.connections,
      mayStart: starting(chain, turn),
      trace: run.trace,
      signal: run.signal,
    });
    return { type: "answered", hop: admitted, answer, originSlot, held: holding.move() };
  } catch (error) {
    return { type: "failed", hop: admitted, error };
  }
}

/** The settings by which it may go there now. Throws an `EgressDeniedError`. */
export function admitHop({ request, settings }: Hop, { metadata }: Chain, { egress }: RunOptions): ClientSettings {
  return egress.admit(request, settings, metadata.namespace);
}

/** As it leaves now: a signature has its time. Whoever named the place, with the endpoint's trust it is below its base. */
function leaving(hop: Hop, { credential, template }: Chain): WireRequest {
  if (!hop.trusted) return hop.request;
  const request = credential ? credential.added(hop.request, new Date()) : hop.request;
  if (isOutside(new URL(`${request.origin}${request.path}`), template)) throw new Error("a request would leave its base");
  return request;
}

/** `freshAfterMs`: as of the chain. A server that a redirect leads to is not the one that its endpoint knows. */
function dispatcherFor(hop: Hop, client: Lease, freshAfterMs = defaultFreshAfterMs): Lease["dispatcher"] {
  return hop.repeatable ? client.dispatcher : client.recent(hop.request.origin, freshAfterMs);
}

function starting({ mayStart }: Chain, turn: RateTurn | undefined): () => boolean {
  return () => {
    if (!mayStart()) return false;
    turn?.use();
    return true;
  };
}
