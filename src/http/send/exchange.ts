/**
 * One exchange: from a rendered request to the answer that counts, redirects followed, a dead connection replaced once.
 *
 * It goes through its steps in this order, and waits only where there is something to wait for. Invariant: what is in use for a
 * request is given back before the next one, and all of it when the exchange ends; it ends once, is recorded then, and by then its
 * answer has been read or destroyed, its slots are free and its deadline's timer is gone.
 */
import type { FailureReason } from "../../core/outcome.ts";
import { deadline, unlessAborted } from "../../core/tools/deadline.ts";
import type { Wire } from "../../core/tools/kept-connections.ts";
import type { Lease } from "../connect/client-pool.ts";
import type { ClientSettings } from "../connect/client-settings.ts";
import { forNamespace } from "../connect/name-lookups.ts";
import type { SocketTrace, Trace } from "../connect/socket-trace.ts";
import type { Budget, Slot } from "../limits/budget.ts";
import type { RateTurn } from "../limits/rate-limits.ts";
import type { WireRequest } from "../wire-request.ts";
import { onWire, type Answer } from "./on-wire.ts";
import { createRedirects, isOutside, isRedirect, locationOf, type Hop, type Redirects } from "./redirects.ts";
import { createSecondTries, type SecondTries } from "./second-tries.ts";
import type { SendOptions, Sending } from "./sending.ts";

export class RedirectError extends Error {
  override readonly name = "RedirectError";
  readonly reason: FailureReason;
  constructor(reason: FailureReason) {
    super(reason);
    this.reason = reason;
  }
}

export type Ending =
  { readonly statusCode?: number; readonly sizeBytes?: number } | { readonly reason: FailureReason; readonly detail: string };

/** How long a redirect's content is waited for. */
const maxDrainMs = 1_000;
/** Servers close idle connections after a second at the soonest. */
const defaultFreshAfterMs = 500;

/** `settings`: by which it may go there now. */
interface Admitted {
  readonly place: Slot;
  readonly settings: ClientSettings;
  readonly isProxied: boolean;
}

export class Exchange {
  readonly sending: Sending;
  readonly options: SendOptions;
  readonly limit;
  readonly trace: Trace = { connection: "none", answered: false, proxied: false, elsewhere: false, sent: false };
  readonly #budget: Budget;
  readonly #startedMs = performance.now();
  #waitedMs = 0;
  #slot: Slot | undefined;
  #turn: RateTurn | undefined;
  #originSlot: Slot | undefined;
  #client: Lease | undefined;
  #answer: Answer | undefined;
  #redirects: Redirects | undefined;
  #tries: SecondTries | undefined;
  #isOver = false;
  #isRecorded = false;

  /** Its time runs from now on. */
  constructor(sending: Sending, budget: Budget, options: SendOptions, signal: AbortSignal) {
    this.sending = sending;
    this.options = options;
    this.limit = deadline(signal, sending.first.settings.timeoutMs);
    this.#budget = budget;
  }

  /**
   * The answer that counts, as far as its header. Rejects with a `RedirectError`, an `EgressDeniedError`, a `BudgetExhaustedError`, a
   * `RateLimitedError`, a `RefusedError`, the limit's reason, or what the network did.
   */
  async answer(): Promise<Answer> {
    const { sending } = this;
    const taking = sending.turn ? this.untimed(() => this.#budget.take(this.limit)) : this.#budget.take(this.limit);
    const slot = (this.#slot = taking instanceof Promise ? await taking : taking);
    let next = sending.first;
    let isFresh = false;
    for (;;) {
      this.#leave();
      const entering = this.#enter(next);
      const hop = entering instanceof Promise ? await entering : entering;
      next = hop;
      let answer: Answer;
      try {
        answer = this.#answer = await this.#sent(hop, slot, isFresh);
      } catch (error) {
        if (!this.#secondTries().mayRepeat(error, hop)) throw error;
        isFresh = true;
        continue;
      }
      isFresh = false;
      if (sending.credential && (await this.#secondTries().mayRenew(answer, hop))) {
        await this.#drain(answer);
        this.options.emit({ type: "retried", reason: "credential" });
        continue;
      }
      if (sending.maxRedirects === 0 || !isRedirect(answer.statusCode)) return answer;
      await this.#drain(answer);
      next = this.#redirected(hop, answer);
    }
  }

  /** Where the request may go there, when it is its turn and there is a place: as it was admitted then. */
  #enter(hop: Hop): Hop | Promise<Hop> {
    const { sending, options, trace } = this;
    const { origin } = hop.request;
    const isOwn = origin === sending.first.request.origin;
    trace.proxied = false;
    trace.elsewhere = !isOwn;
    const isProxied = options.clients.usesProxy(hop.settings, origin);
    const turn = isOwn ? sending.turn : undefined; // of another origin the endpoint's limit does not speak
    return isProxied || turn ? this.#enterLater(hop, { isProxied, turn }) : this.#takePlace(hop, false);
  }
  async #enterLater(
    hop: Hop,
    { isProxied, turn }: { readonly isProxied: boolean; readonly turn: Sending["turn"] },
  ): Promise<Hop> {
    const { egress } = this.options;
    const { origin } = hop.request;
    const { namespace } = this.sending.metadata;
    if (isProxied) await forNamespace(namespace, () => egress.vet(origin, this.admit(hop), this.limit.signal));
    if (turn) this.#turn = await this.untimed(() => turn(this.limit.signal));
    return this.#takePlace(hop, isProxied);
  }
  #takePlace(hop: Hop, isProxied: boolean): Hop | Promise<Hop> {
    const { metadata, lane, waitFor = (awaited) => awaited } = this.sending;
    const { clients, origins } = this.options;
    const { origin } = hop.request;
    const settings = this.admit(hop);
    const connections = clients.connectionsOf(settings, origin);
    const place = origins.take(origin, this.limit, { namespace: metadata.namespace, lane, connections });
    if (!(place instanceof Promise)) return this.#takeClient(hop, { place, settings, isProxied });
    return waitFor(place).then((slot) => {
      this.#originSlot = slot;
      return this.#takeClient(hop, { place: slot, settings: this.admit(hop), isProxied });
    });
  }
  #takeClient(hop: Hop, { place, settings, isProxied }: Admitted): Hop {
    this.#originSlot = place;
    this.#client = this.options.clients.acquire(settings, this.sending.metadata.namespace);
    this.trace.proxied = isProxied;
    return settings === hop.settings ? hop : { ...hop, settings };
  }
  /** The settings by which it may go there now. Throws an `EgressDeniedError`. */
  admit({ request, settings }: Hop): ClientSettings {
    return this.options.egress.admit(request, settings, this.sending.metadata.namespace);
  }

  /** `isFresh`: over a connection that has carried nothing yet. */
  #sent(hop: Hop, slot: Slot, isFresh: boolean): Promise<Answer> {
    const [client, place] = [this.#client, this.#originSlot];
    if (!client || !place) throw new Error("a request would leave without its place");
    const request = this.#leaving(hop);
    const wire = isFresh ? client.fresh() : this.#wireFor(hop, client);
    return onWire([slot, place], request, wire, this);
  }
  #wireFor({ request, repeatable }: Hop, client: Lease): Wire {
    if (repeatable) return client.wire;
    const { first, freshAfterMs = defaultFreshAfterMs } = this.sending;
    // A server that a redirect leads to is not the one that its endpoint knows.
    return client.recent(request.origin, request.origin === first.request.origin ? freshAfterMs : defaultFreshAfterMs);
  }
  /** As it leaves now: a signature has its time. Whoever named the place, with the endpoint's trust it is below its base. */
  #leaving(hop: Hop): WireRequest {
    const { credential, template } = this.sending;
    if (!hop.trusted) return hop.request;
    const request = credential ? credential.added(hop.request, new Date()) : hop.request;
    if (template.url.type === "joined" && isOutside(new URL(`${request.origin}${request.path}`), template))
      throw new Error("a request would leave its base");
    return request;
  }
  /** Asked as it starts on its socket. */
  mayStart(): boolean {
    if (!this.sending.mayStart()) return false;
    this.#turn?.use();
    return true;
  }
  get namespace(): string {
    return this.sending.metadata.namespace;
  }
  get connections(): SocketTrace {
    return this.options.connections;
  }

  #redirected(hop: Hop, { statusCode, headers }: Answer): Hop {
    const { template, maxRedirects, moved } = this.sending;
    this.#redirects ??= createRedirects(template, maxRedirects);
    const next = this.#redirects.next(hop, statusCode, locationOf(headers));
    if (next.type === "refused") throw new RedirectError(next.reason);
    this.options.emit({ type: "redirected", statusCode });
    if (next.hop.request.origin !== hop.request.origin) moved?.();
    return next.hop;
  }
  #secondTries(): SecondTries {
    return (this.#tries ??= createSecondTries(this));
  }
  /** Reads it to its end, so that its connection can be used again; or, where that is more than it is worth, closes that. */
  async #drain(answer: Answer): Promise<void> {
    using limit = deadline(this.limit.signal, maxDrainMs);
    try {
      await unlessAborted(limit.signal, answer.read(this.options.redirectDrainBytes));
    } catch (error) {
      answer.cancel(error as Error);
    }
  }

  /** Waiting for a turn, and for those before it, is none of the server's time. */
  async untimed<T>(wait: () => T | Promise<T>): Promise<T> {
    const fromMs = performance.now();
    this.limit.pause();
    try {
      return await wait();
    } finally {
      this.#waitedMs += performance.now() - fromMs;
      const leftMs = this.sending.first.settings.timeoutMs - (performance.now() - this.#startedMs - this.#waitedMs);
      if (!this.#isOver) this.limit.restart(leftMs); // it can have been closed meanwhile
    }
  }
  get durationMs(): number {
    return Math.round(performance.now() - this.#startedMs);
  }
  /** What it holds; an answer that nobody reads can be cancelled for whoever waits for one of them. */
  slots(): readonly Slot[] {
    return [this.#slot, this.#originSlot].filter((slot) => slot !== undefined);
  }

  /** Gives everything back: its answer is closed, its places are free, its timer is gone. Has no effect the second time. */
  giveBack(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#answer?.close(); // none is left open, however it ended
    this.#leave();
    this.#slot?.release();
    this.limit[Symbol.dispose]();
  }
  /** The same, and records how it ended. Has no effect the second time. */
  end(how: Ending): void {
    this.giveBack();
    if (this.#isRecorded) return;
    this.#isRecorded = true;
    const { first, metadata, endpoint } = this.sending;
    const { namespace, name } = metadata;
    const { durationMs, options } = this;
    options.emit({ type: "exchanged", method: first.request.method, namespace, name, endpoint, durationMs, ...how });
  }
  /** Gives back what is in use for a request. */
  #leave(): void {
    this.#client?.[Symbol.dispose]();
    this.#originSlot?.release();
    this.#turn?.[Symbol.dispose]();
    this.#client = this.#originSlot = this.#turn = undefined;
  }
}
