/**
 * What a reconcile passes before it sends: its endpoint's circuit, its credential, a place at the origin, its turn.
 *
 * Who has to wait is told so before its first request, and leaves its worker; a request after that neither waits for a place
 * nor for a turn, so that what belongs together goes together. What has been passed is given back when the reconcile ends.
 */
import type { Exchange } from "../core/exchange.ts";
import type { Busy } from "../core/ports.ts";
import type { Admissions } from "./admissions.ts";
import type { Circuits, Pass } from "./circuits.ts";
import type { RateLimits } from "./rate-limits.ts";
import { RefusedError } from "./refusal.ts";

export interface Gates {
  readonly admissions: Admissions;
  readonly circuits: Circuits;
  readonly rateLimits: RateLimits;
}

interface Passage extends Disposable {
  /** Throws `RefusedError` while the circuit is open. `undefined`: it has none. */
  circuit(exchange: Exchange): Pass | Busy | undefined;
  /** `undefined`: it may be sent. */
  place(origin: string, exchange: Exchange): Busy | undefined;
  /** A redirect has led elsewhere: its place at the first origin is another's. */
  readonly moved: () => void;
  /** Whether it may no longer be told to wait. */
  readonly hasBegun: boolean;
}

/** `owner`: the resource that is reconciled. */
export function createPassage(owner: string, { admissions, circuits, rateLimits }: Gates): Passage {
  let admission: Disposable | undefined;
  let hasBegun = false;
  const passes = new Map<string, Pass>();
  return {
    get hasBegun() {
      return hasBegun;
    },
    moved() {
      admission?.[Symbol.dispose]();
      admission = undefined;
    },
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
    place(origin, { endpoint }) {
      const { rateLimit, key } = endpoint ?? {};
      const name = `${key?.namespace}/${key?.name}`;
      if (hasBegun) {
        if (rateLimit) rateLimits.count(name, rateLimit);
        return undefined;
      }
      const entered = admissions.enter(origin, owner);
      if (entered.type === "busy") return entered;
      const turn = rateLimit && rateLimits.enter(name, owner, rateLimit);
      if (turn?.type === "busy") {
        entered[Symbol.dispose]();
        return turn;
      }
      admission = entered;
      hasBegun = true;
      return undefined;
    },
    [Symbol.dispose]() {
      admission?.[Symbol.dispose]();
      admissions.yield(owner);
      rateLimits.yield(owner);
      for (const pass of passes.values()) pass[Symbol.dispose]();
    },
  };
}
