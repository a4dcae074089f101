/**
 * How many reconciles are at one endpoint at a time, where that has `maxInFlight`; each of them has one exchange in flight there.
 *
 * Who finds it full is told so before its first request, and waits without a worker and without a place at the origin. Of one
 * that is shared by namespaces none takes the last place, if there are two or more.
 */
import type { EndpointTraits } from "../../core/connection.ts";
import type { Lane } from "../../core/lane.ts";
import type { Busy, WaitFor } from "../../core/ports.ts";
import { endpointName, waitUntilAdmitted } from "./later-turns.ts";
import { createOriginPlaces, type Admission, type OriginPlaces } from "./origin-places.ts";

export interface EndpointPlaces extends Disposable {
  /** Undefined: it has no limit. */
  of(
    endpoint: EndpointTraits | undefined,
  ): { readonly name: string; readonly most: number; readonly rows: OriginPlaces } | undefined;
  yield(owner: string): void;
}

/** `namespaceOf`: of an owner. */
export function createEndpointPlaces(namespaceOf: (owner: string) => string): EndpointPlaces {
  const parts = new DisposableStack();
  const shared = parts.use(createOriginPlaces(Infinity, namespaceOf));
  // All who use an endpoint of a namespace are of that, so that there is nobody to leave a place for.
  const own = parts.use(createOriginPlaces(Infinity, (owner) => owner));
  return {
    of(endpoint) {
      if (endpoint?.maxInFlight === undefined) return undefined;
      const rows = endpoint.key.namespace === "" ? shared : own;
      return { name: endpointName(endpoint), most: endpoint.maxInFlight, rows };
    },
    yield(owner) {
      shared.yield(owner);
      own.yield(owner);
    },
    [Symbol.dispose]: () => parts.dispose(),
  };
}

interface Visitor {
  readonly owner: string;
  readonly lane: Lane;
  readonly waitFor: WaitFor;
}
/** The place that one reconcile has, at one endpoint at a time. */
export interface EndpointPlace extends Disposable {
  /** Before its first request. Undefined: it has one, or needs none. */
  enter(endpoint: EndpointTraits | undefined): Busy | undefined;
  /** Later on: waits for one where it goes to another endpoint, and has given up that which it had. */
  move(endpoint: EndpointTraits | undefined, signal: AbortSignal): Promise<void>;
  /** It has to wait for something else first. */
  giveUp(): void;
  /** The work, one at a time for each endpoint with a limit. */
  inTurn<T>(endpoint: EndpointTraits | undefined, work: () => Promise<T>): Promise<T>;
}

export function createEndpointPlace(places: EndpointPlaces, visitor: Visitor): EndpointPlace {
  return new VisitedEndpoint(places, visitor);
}

/** A class, since each reconcile has one, and most need nothing of it. */
class VisitedEndpoint implements EndpointPlace {
  readonly #places: EndpointPlaces;
  readonly #visitor: Visitor;
  #held: { readonly name: string; readonly admission: Admission } | undefined;
  /** What is under way, by endpoint. */
  #last: Map<string, Promise<unknown>> | undefined;

  constructor(places: EndpointPlaces, visitor: Visitor) {
    this.#places = places;
    this.#visitor = visitor;
  }

  enter(endpoint: EndpointTraits | undefined): Busy | undefined {
    const at = this.#places.of(endpoint);
    if (!at) return undefined;
    const { owner, lane } = this.#visitor;
    const entered = at.rows.enter(at.name, owner, lane, at.most);
    if (entered.type === "busy") return { ...entered, reason: "EndpointBusy", about: endpoint?.title ?? "" };
    this.#held = { name: at.name, admission: entered };
    return undefined;
  }
  async move(endpoint: EndpointTraits | undefined, signal: AbortSignal): Promise<void> {
    const at = this.#places.of(endpoint);
    if (!at || this.#held?.name === at.name) return;
    this.giveUp();
    const { owner, lane, waitFor } = this.#visitor;
    const { name, most, rows } = at;
    const row = { enter: () => rows.enter(name, owner, lane, most), leave: () => rows.leave(name, owner) };
    this.#held = { name, admission: await waitFor(waitUntilAdmitted(row, signal), 0) };
  }
  giveUp(): void {
    this.#held?.admission[Symbol.dispose]();
    this.#held = undefined;
  }
  inTurn<T>(endpoint: EndpointTraits | undefined, work: () => Promise<T>): Promise<T> {
    const at = this.#places.of(endpoint);
    if (!at) return work();
    const last = (this.#last ??= new Map<string, Promise<unknown>>());
    const done = (last.get(at.name) ?? Promise.resolve()).then(work);
    last.set(
      at.name,
      done.catch(() => undefined),
    );
    return done;
  }
  [Symbol.dispose](): void {
    this.giveUp();
    this.#places.yield(this.#visitor.owner);
  }
}
