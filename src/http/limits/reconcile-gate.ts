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
import { createLaterTurns, endpointName, RateLimitedError, type HeldPlace, type Limited, type TakeTurn } from "./later-turns.ts";
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

export interface ReconcileGate extends Disposable {
  /** Throws `RefusedError` while the circuit is open. `undefined`: it has none. */
  circuit(exchange: Exchange): Pass | Busy | undefined;
  /** `undefined`: it may be sent. Throws `RefusedError` where its turn would come too late. */
  place(origin: string, exchange: Exchange, signal: AbortSignal): Busy | undefined | Promise<undefined>;
  /** For one request to the endpoint; absent: it has no limit. Rejects with a `RateLimitedError`, or the signal's reason. */
  turn(origin: string, exchange: Exchange): ((signal: AbortSignal) => Promise<RateTurn>) | undefined;
  /** The work, when no other of this reconcile is under way at an endpoint with a limit. */
  inTurn<T>(endpoint: EndpointTraits | undefined, work: () => Promise<T>): Promise<T>;
  /** A redirect has led elsewhere: its place at the first origin is another's. */
  moved(): void;
  /** Others may wait for the memory that it holds: it waits for no place any more, and gives none up to wait for its turn. */
  hurry(): void;
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

export function createReconcileGate(options: ReconcileGateOptions, gates: Gates): ReconcileGate {
  return new PassedGate(options, gates);
}

/** A class, since each reconcile has one, and most need little of it. */
class PassedGate implements ReconcileGate {
  readonly #options: ReconcileGateOptions;
  readonly #gates: Gates;
  readonly #begunMs = performance.now();
  readonly #place = new PlaceAtOrigin();
  readonly #atEndpoint: EndpointPlace;
  hasBegun = false;
  /** It comes again for its place, and finds its turn. */
  #keepsTurn = false;
  #passes: Map<string, Pass> | undefined;
  /** Turns that were given before anything of the exchange was sent, by endpoint. */
  #early: Map<string, RateTurn> | undefined;
  #laterTurn: TakeTurn | undefined;

  constructor(options: ReconcileGateOptions, gates: Gates) {
    this.#options = options;
    this.#gates = gates;
    this.#atEndpoint = createEndpointPlace(gates.endpointPlaces, options);
  }

  moved(): void {
    this.#place[Symbol.dispose]();
  }
  hurry(): void {
    this.#place.hurry();
  }
  inTurn<T>(endpoint: EndpointTraits | undefined, send: () => Promise<T>): Promise<T> {
    return this.#atEndpoint.inTurn(endpoint && this.#gates.limitsFor(endpoint, this.#options.owner), send);
  }
  circuit({ endpoint, scope }: Exchange): Pass | Busy | undefined {
    if (!endpoint?.circuitBreaker) return undefined;
    const name = `${endpoint.title} ${endpoint.key.namespace} ${scope.metadata.namespace}`;
    const passed = this.#passes?.get(name);
    if (passed) return passed;
    const entered = this.#gates.circuits.enter(name, this.#options.owner, endpoint.circuitBreaker);
    switch (entered.type) {
      case "pass":
        (this.#passes ??= new Map<string, Pass>()).set(name, entered);
        return entered;
      case "busy":
        return entered;
      case "open":
        throw new RefusedError(isOpen(endpoint.title, entered));
    }
  }
  place(origin: string, asked: Exchange, signal: AbortSignal): Busy | undefined | Promise<undefined> {
    const exchange = this.#withLimits(asked);
    return this.hasBegun ? this.#goOn(origin, exchange, signal) : this.#enter(origin, exchange);
  }
  turn(origin: string, asked: Exchange): ((signal: AbortSignal) => Promise<RateTurn>) | undefined {
    const exchange = this.#withLimits(asked);
    if (!isLimited(exchange)) return undefined;
    const name = endpointName(exchange.endpoint);
    return async (signal) => {
      const given = this.#early?.get(name);
      this.#early?.delete(name);
      return given ?? this.#takeLaterTurn(origin, exchange, signal);
    };
  }
  [Symbol.dispose](): void {
    const { owner } = this.#options;
    this.#place[Symbol.dispose]();
    this.#atEndpoint[Symbol.dispose]();
    for (const turn of this.#early?.values() ?? []) turn[Symbol.dispose]();
    this.#gates.originPlaces.yield(owner);
    if (!this.#keepsTurn) this.#gates.rateLimits.yield(owner);
    for (const pass of this.#passes?.values() ?? []) pass[Symbol.dispose]();
  }

  /** Before its first request. */
  #enter(origin: string, exchange: Exchange): Busy | undefined {
    const { originPlaces, rateLimits } = this.#gates;
    const { owner, lane } = this.#options;
    const limited = isLimited(exchange) ? exchange : undefined;
    const name = limited ? endpointName(limited.endpoint) : "";
    const full = this.#atEndpoint.enter(exchange.endpoint);
    if (full) return full;
    // The turn comes first: a place that went to somebody whose turn is not due would only be handed on.
    const turn = limited && rateLimits.enter(name, owner, limited.endpoint.rateLimit, lane);
    if (turn?.type === "busy") {
      this.#atEndpoint.giveUp();
      return { ...turn, about: limited?.endpoint.title ?? "" };
    }
    const entered = originPlaces.enter(origin, owner, lane);
    if (entered.type === "busy") {
      if (turn) rateLimits.keep(name, owner);
      this.#keepsTurn = turn !== undefined;
      this.#atEndpoint.giveUp();
      return entered;
    }
    if (turn) this.#keepEarly(name, turn);
    this.#place.set(entered);
    this.hasBegun = true;
    return undefined;
  }
  /** What follows waits where it is. */
  async #goOn(origin: string, exchange: Exchange, signal: AbortSignal): Promise<undefined> {
    await this.#atEndpoint.move(exchange.endpoint, signal);
    if (!isLimited(exchange)) return;
    const name = endpointName(exchange.endpoint);
    if (!this.#early?.has(name)) this.#keepEarly(name, await this.#takeLaterTurn(origin, exchange, signal).catch(refusing));
  }
  #keepEarly(name: string, turn: RateTurn): void {
    (this.#early ??= new Map<string, RateTurn>()).set(name, turn);
  }
  #takeLaterTurn(origin: string, exchange: Limited, signal: AbortSignal): Promise<RateTurn> {
    this.#laterTurn ??= createLaterTurns({ ...this.#gates, ...this.#options, begunMs: this.#begunMs, place: this.#place });
    return this.#laterTurn(origin, exchange, signal);
  }
  #withLimits(exchange: Exchange): Exchange {
    const { endpoint } = exchange;
    return endpoint ? { ...exchange, endpoint: this.#gates.limitsFor(endpoint, this.#options.owner) } : exchange;
  }
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

function isLimited(exchange: Exchange): exchange is Limited {
  return exchange.endpoint?.rateLimit !== undefined;
}

/** The place at an origin, given back when it is disposed; another may be set then. */
class PlaceAtOrigin implements HeldPlace {
  #hurrying: AbortController | undefined; // most never ask
  #admission: Admission | undefined;

  get hurrying(): AbortSignal {
    return (this.#hurrying ??= new AbortController()).signal;
  }
  hurry(): void {
    (this.#hurrying ??= new AbortController()).abort();
  }
  get isHeld(): boolean {
    return this.#admission !== undefined;
  }
  set(taken: Admission): void {
    this.#admission = taken;
  }
  [Symbol.dispose](): void {
    this.#admission?.[Symbol.dispose]();
    this.#admission = undefined;
  }
}
