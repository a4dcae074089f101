/**
 * What a reconcile passes before it sends: its endpoint's circuit, its credential, a place at the origin, and for each request
 * its turn.
 *
 * Who has to wait is told so before its first request, and leaves its worker. What follows that waits where it is, without the
 * worker and without its place, and no longer than leaves it time to be answered. Who holds a share of memory keeps its place, and
 * goes on without one where it has none: whoever has that place may wait for the share. What has been passed is given back when
 * the reconcile ends.
 */
import { deadline, sendingShare, unlessAborted } from "../../core/tools/deadline.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Lane } from "../../core/lane.ts";
import type { Busy, WaitFor } from "../../core/ports.ts";
import type { Admission, OriginPlaces } from "./origin-places.ts";
import type { Circuits, Pass } from "./circuits.ts";
import { failure } from "../failure.ts";
import type { RateLimits, RateTurn } from "./rate-limits.ts";
import { refuseForNow, RefusedError } from "../refusal.ts";

export interface Gates {
  readonly admissions: OriginPlaces;
  readonly circuits: Circuits;
  readonly rateLimits: RateLimits;
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
  /** A redirect has led elsewhere: its place at the first origin is another's. */
  readonly moved: () => void;
  /** Others may wait for the memory that it holds: it waits for no place any more, and gives none up to wait for its turn. */
  readonly hurry: () => void;
  /** Whether it may no longer be told to wait. */
  readonly hasBegun: boolean;
}

interface PassageOptions {
  /** The resource that is reconciled. */
  readonly owner: string;
  readonly lane: Lane;
  /** Of the reconcile, which begins now, milliseconds. */
  readonly limitMs: number;
  readonly waitFor: WaitFor;
}

class RateLimitedError extends Error {
  override readonly name = "RateLimitedError";
  readonly code = "HOLDFAST_RATE_LIMITED";
}

export function createReconcileGate({ owner, lane, limitMs, waitFor }: PassageOptions, gates: Gates): ReconcileGate {
  const { admissions, circuits, rateLimits, onWait } = gates;
  const begunMs = performance.now();
  let hasBegun = false;
  let admission: Admission | undefined;
  const hurrying = new AbortController();
  const passes = new Map<string, Pass>();
  /** Turns that were given before anything of the exchange was sent, by endpoint. */
  const early = new Map<string, RateTurn>();
  /** They wait one after another: the next asks when the one before has its turn. */
  let last: Promise<unknown> = Promise.resolve();

  function giveUpPlace(): void {
    admission?.[Symbol.dispose]();
    admission = undefined;
  }
  async function laterTurn(origin: string, { endpoint, timeoutMs }: Limited, signal: AbortSignal): Promise<RateTurn> {
    const { rateLimit } = endpoint;
    const name = nameOf(endpoint);
    const entered = rateLimits.enter(name, owner, rateLimit, lane);
    if (entered.type === "admitted") return entered;
    if (!hurrying.signal.aborted) giveUpPlace();
    const neededMs = Math.min(timeoutMs, limitMs / 2);
    using limit = deadline(signal, Math.max(0, begunMs + limitMs * sendingShare - neededMs - performance.now()));
    const again = { enter: () => rateLimits.enter(name, owner, rateLimit, lane), leave: () => rateLimits.leave(name, owner) };
    const place = { enter: () => admissions.enter(origin, owner, lane), leave: () => admissions.leave(origin, owner) };
    let turn: RateTurn | undefined;
    onWait(1);
    try {
      turn = await waitFor(waitUntilAdmitted(again, limit.signal), 0);
      admission ??= await waitFor(waitForPlace(place, limit.signal), 0);
      return turn;
    } catch (error) {
      turn?.[Symbol.dispose]();
      throw limit.expired ? new RateLimitedError("its turn does not come in time", { cause: error }) : error;
    } finally {
      onWait(-1);
    }
  }
  /** Undefined: it goes on without one. */
  async function waitForPlace(place: Row<Admission>, signal: AbortSignal): Promise<Admission | undefined> {
    try {
      return await waitUntilAdmitted(place, AbortSignal.any([signal, hurrying.signal]));
    } catch (error) {
      if (signal.aborted || !hurrying.signal.aborted) throw error;
      return undefined;
    }
  }
  function inTurn(origin: string, exchange: Limited, signal: AbortSignal): Promise<RateTurn> {
    const turn = last.then(() => laterTurn(origin, exchange, signal));
    last = turn.catch(() => undefined);
    return turn;
  }

  return {
    get hasBegun() {
      return hasBegun;
    },
    moved: giveUpPlace,
    hurry: () => hurrying.abort(),
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
        case "open": {
          const message = `the server of ${endpoint.title} does not answer as it should; nothing is sent to it until it does`;
          const { retryAfterMs } = entered;
          throw new RefusedError({ type: "refusal", reason: "CircuitOpen", message, heals: true, retryAfterMs });
        }
      }
    },
    async place(origin, exchange, signal) {
      const limited = isLimited(exchange) ? exchange : undefined;
      const name = limited ? nameOf(limited.endpoint) : "";
      if (hasBegun) {
        if (limited && !early.has(name)) early.set(name, await inTurn(origin, limited, signal).catch(refusing));
        return undefined;
      }
      const entered = admissions.enter(origin, owner, lane);
      if (entered.type === "busy") return entered;
      const turn = limited && rateLimits.enter(name, owner, limited.endpoint.rateLimit, lane);
      if (turn?.type === "busy") {
        entered[Symbol.dispose]();
        return turn;
      }
      if (turn) early.set(name, turn);
      admission = entered;
      hasBegun = true;
      return undefined;
    },
    turn(origin, exchange) {
      if (!isLimited(exchange)) return undefined;
      const name = nameOf(exchange.endpoint);
      return async (signal) => {
        const given = early.get(name);
        early.delete(name);
        return given ?? inTurn(origin, exchange, signal);
      };
    },
    [Symbol.dispose]() {
      giveUpPlace();
      for (const turn of early.values()) turn[Symbol.dispose]();
      admissions.yield(owner);
      rateLimits.yield(owner);
      for (const pass of passes.values()) pass[Symbol.dispose]();
    },
  };
}

function refusing(error: unknown): never {
  if (error instanceof RateLimitedError) refuseForNow("RateLimited", failure("RateLimited").message);
  throw error;
}

type Endpoint = NonNullable<Exchange["endpoint"]>;
type Limited = Exchange & { readonly endpoint: Endpoint & Required<Pick<Endpoint, "rateLimit">> };

function isLimited(exchange: Exchange): exchange is Limited {
  return exchange.endpoint?.rateLimit !== undefined;
}
function nameOf({ key }: Endpoint): string {
  return `${key.namespace}/${key.name}`;
}

interface Row<T> {
  readonly enter: () => T | Busy;
  /** Nobody comes for what it waited for. */
  readonly leave: () => void;
}
async function waitUntilAdmitted<T extends { readonly type: "admitted" }>(
  { enter, leave }: Row<T>,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    const entered = enter();
    if (entered.type === "admitted") return entered;
    try {
      await unlessAborted(signal, entered.free);
    } catch (error) {
      leave();
      throw error;
    }
  }
}
