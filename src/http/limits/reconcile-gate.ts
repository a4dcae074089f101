/**
 * What a reconcile passes before it sends: its endpoint's circuit, its credential, a place at the origin, and for each request
 * its turn.
 *
 * Who has to wait is told so before its first request, and leaves its worker. What follows that waits where it is, without the
 * worker and without its place, and no longer than leaves it time to be answered. Who holds a share of memory keeps its place, and
 * goes on without one where it has none: whoever has that place may wait for the share. What has been passed is given back when
 * the reconcile ends.
 */
import type { EndpointTraits } from "../../core/connection.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Lane } from "../../core/lane.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Busy, WaitFor } from "../../core/ports.ts";
import { createLaterTurns, endpointName, RateLimitedError, type HeldPlace, type Limited } from "./later-turns.ts";
import type { Admission, OriginPlaces } from "./origin-places.ts";
import type { Circuits, Pass } from "./circuits.ts";
import { createEndpointPlace, type EndpointPlace, type EndpointPlaces } from "./endpoint-places.ts";
import { failure } from "../failure.ts";
import type { RateLimits, RateTurn } from "./rate-limits.ts";
import { refuseForNow, RefusedError } from "../refusal.ts";

export interface Gates {
  readonly originPlaces: OriginPlaces;
  readonly circuits: Circuits;
  readonly rateLimits: RateLimits;
  readonly endpointPlaces: EndpointPlaces;
  /** The endpoint with the limits that hold for a resource. */
  readonly limitsFor: (endpoint: EndpointTraits, owner: string) => EndpointTraits;
  /** Told of each that begins to wait inside its reconcile (1), and of its end (-1). */
  readonly onWait: (change: 1 | -1) => void;
}

interface ReconcileGate extends Disposable {
  /** Throws `RefusedError` while the circuit is open. `undefined`: it has none. */
  circuit(exchange: Exchange): Pass | Busy | undefined;
  /** `undefined`: it may be sent. Throws `RefusedError` where its turn would come too late. */
  place(origin: string, exchange: Exchange, signal: AbortSignal): Promise<Busy | undefined>;
  /** For one request to the endpoint; absent: it has no limit. Rejects with a `RateLimitedError`, or the signal's reason. */
  turn(origin: string, exchange: Exchange): ((signal: AbortSignal) => Promise<RateTurn>) | undefined;
  /** The work, when no other of this reconcile is under way at an endpoint with a limit. */
  readonly inTurn: EndpointPlace["inTurn"];
  /** A redirect has led elsewhere: its place at the first origin is another's. */
  readonly moved: () => void;
  /** Others may wait for the memory that it holds: it waits for no place any more, and gives none up to wait for its turn. */
  readonly hurry: () => void;
  /** Whether it may no longer be told to wait. */
  readonly hasBegun: boolean;
}

interface ReconcileGateOptions {
  /** The resource that is reconciled. */
  readonly owner: string;
  readonly lane: Lane;
  /** Of the reconcile, which begins now, milliseconds. */
  readonly limitMs: number;
  readonly waitFor: WaitFor;
}

export function createReconcileGate({ owner, lane, limitMs, waitFor }: ReconcileGateOptions, gates: Gates): ReconcileGate {
  const { originPlaces, circuits, rateLimits, limitsFor } = gates;
  let hasBegun = false;
  const place = createHeldPlace();
  const atEndpoint = createEndpointPlace(gates.endpointPlaces, { owner, lane, waitFor });
  /** It comes again for its place, and finds its turn. */
  let keepsTurn = false;
  const passes = new Map<string, Pass>();
  /** Turns that were given before anything of the exchange was sent, by endpoint. */
  const early = new Map<string, RateTurn>();
  const takeLaterTurn = createLaterTurns({ ...gates, owner, lane, begunMs: performance.now(), limitMs, waitFor, place });

  return {
    get hasBegun() {
      return hasBegun;
    },
    moved: () => place[Symbol.dispose](),
    hurry: () => place.hurry(),
    inTurn: (endpoint, send) => atEndpoint.inTurn(endpoint && limitsFor(endpoint, owner), send),
    circuit({ endpoint, scope }) {
      if (!endpoint?.circuitBreaker) return undefined;
      const name = `${endpoint.title} ${endpoint.key.namespace} ${scope.metadata.namespace}`;
      const passed = passes.get(name);
      if (passed) return passed;
      const entered = circuits.enter(name, owner, endpoint.circuitBreaker);
      switch (entered.type) {
        case "pass":
          passes.set(name, entered);
          return entered;
        case "busy":
          return entered;
        case "open":
          throw new RefusedError(isOpen(endpoint.title, entered));
      }
    },
    async place(origin, asked, signal) {
      const exchange = withLimits(asked, owner, limitsFor);
      const limited = isLimited(exchange) ? exchange : undefined;
      const name = limited ? endpointName(limited.endpoint) : "";
      if (hasBegun) {
        await atEndpoint.move(exchange.endpoint, signal);
        if (limited && !early.has(name)) early.set(name, await takeLaterTurn(origin, limited, signal).catch(refusing));
        return undefined;
      }
      const full = atEndpoint.enter(exchange.endpoint);
      if (full) return full;
      // The turn comes first: a place that went to somebody whose turn is not due would only be handed on.
      const turn = limited && rateLimits.enter(name, owner, limited.endpoint.rateLimit, lane);
      if (turn?.type === "busy") {
        atEndpoint.giveUp();
        return { ...turn, about: limited?.endpoint.title ?? "" };
      }
      const entered = originPlaces.enter(origin, owner, lane);
      if (entered.type === "busy") {
        if (turn) rateLimits.keep(name, owner);
        keepsTurn = turn !== undefined;
        atEndpoint.giveUp();
        return entered;
      }
      if (turn) early.set(name, turn);
      place.set(entered);
      hasBegun = true;
      return undefined;
    },
    turn(origin, asked) {
      const exchange = withLimits(asked, owner, limitsFor);
      if (!isLimited(exchange)) return undefined;
      const name = endpointName(exchange.endpoint);
      return async (signal) => {
        const given = early.get(name);
        early.delete(name);
        return given ?? takeLaterTurn(origin, exchange, signal);
      };
    },
    [Symbol.dispose]() {
      place[Symbol.dispose]();
      atEndpoint[Symbol.dispose]();
      for (const turn of early.values()) turn[Symbol.dispose]();
      originPlaces.yield(owner);
      if (!keepsTurn) rateLimits.yield(owner);
      for (const pass of passes.values()) pass[Symbol.dispose]();
    },
  };
}

function isOpen(
  title: string,
  { retryAfterMs, why }: { readonly retryAfterMs: number; readonly why: string | undefined },
): Refusal {
  const last = why === undefined ? "" : `, the latest time: ${why}`;
  const message = `the server of ${title} has failed again and again${last}. Nothing is sent to it until one request has been answered`;
  return { type: "refusal", reason: "CircuitOpen", message, heals: true, retryAfterMs };
}

function refusing(error: unknown): never {
  if (error instanceof RateLimitedError) refuseForNow("RateLimited", failure("RateLimited").message);
  throw error;
}

function withLimits(exchange: Exchange, owner: string, limitsFor: Gates["limitsFor"]): Exchange {
  return exchange.endpoint ? { ...exchange, endpoint: limitsFor(exchange.endpoint, owner) } : exchange;
}

function isLimited(exchange: Exchange): exchange is Limited {
  return exchange.endpoint?.rateLimit !== undefined;
}

/** The place at an origin, given back when it is disposed; another may be set then. */
function createHeldPlace(): HeldPlace & { hurry(): void } {
  let hurrying: AbortController | undefined; // most never ask
  const made = (): AbortController => (hurrying ??= new AbortController());
  let admission: Admission | undefined;
  return {
    get hurrying() {
      return made().signal;
    },
    hurry: () => made().abort(),
    get isHeld() {
      return admission !== undefined;
    },
    set(taken) {
      admission = taken;
    },
    [Symbol.dispose]() {
      admission?.[Symbol.dispose]();
      admission = undefined;
    },
  };
}
