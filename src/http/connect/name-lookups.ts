/**
 * Names resolved by the system, such that a name whose server does not answer holds up its own namespace alone.
 *
 * getaddrinfo takes one of Node's threads until it ends, which can be tens of seconds, and cannot be given up. Invariant: all
 * together have no more of them than leave threads to others, and no namespace has more than a quarter of these.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { lookup, type LookupAddress, type LookupAllOptions } from "node:dns";

export class NoTurnError extends Error {
  override readonly name = "NoTurnError";
  readonly code = "EAI_AGAIN";
}

export type ToldAddresses = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;
interface Asker {
  readonly told: ToldAddresses;
  /** Its turn has come. */
  readonly asked?: () => void;
}
/** Tells a `NoTurnError` where its turn does not come in time. */
type LookUp = (hostname: string, options: LookupAllOptions, asker: Asker) => void;
type Resolve = (hostname: string, options: LookupAllOptions, told: ToldAddresses) => void;
interface LookupLimits {
  readonly maxInAll: number;
  readonly maxPerNamespace: number;
}

/** Whoever asked has given up by then. */
const maxWaitMs = 10_000;

interface Question {
  readonly namespace: string;
  readonly sinceMs: number;
  readonly ask: () => void;
  readonly giveUp: () => void;
}

const askedFor = new AsyncLocalStorage<string>();

/** The namespace for whose request this code runs; empty: for none. */
export function askingNamespace(): string {
  return askedFor.getStore() ?? "";
}
/** Names that are resolved because of `action` count as this namespace's. */
export function forNamespace<T>(namespace: string, action: () => T): T {
  return askedFor.getStore() === namespace ? action() : askedFor.run(namespace, action);
}

/** First come, first served, of those whose namespace may ask. */
export function createLookups({ maxInAll, maxPerNamespace }: LookupLimits, resolve: Resolve): LookUp {
  const row = new Set<Question>();
  const asking = new Map<string, number>();
  let inAll = 0;

  function count(namespace: string, change: 1 | -1): void {
    inAll += change;
    const now = (asking.get(namespace) ?? 0) + change;
    if (now === 0) asking.delete(namespace);
    else asking.set(namespace, now);
  }
  function advance(): void {
    for (const question of row) {
      const isLate = performance.now() - question.sinceMs > maxWaitMs;
      if (!isLate && inAll >= maxInAll) return;
      if (!isLate && (asking.get(question.namespace) ?? 0) >= maxPerNamespace) continue;
      row.delete(question);
      if (isLate) question.giveUp();
      else question.ask();
    }
  }
  return (hostname, options, { told, asked }) => {
    const namespace = askingNamespace();
    row.add({
      namespace,
      sinceMs: performance.now(),
      ask() {
        count(namespace, 1);
        asked?.();
        resolve(hostname, options, (error, addresses) => {
          count(namespace, -1);
          told(error, addresses);
          advance();
        });
      },
      giveUp: () => told(new NoTurnError("its namespace asks for too many names"), []),
    });
    advance();
  };
}

/** libuv lets half of its threads, rounded up, wait for a network; some are left to the API server's name. */
export function limitsFor(threads: number): LookupLimits {
  const slow = Math.floor((threads + 1) / 2);
  const maxInAll = Math.max(2, slow - 2);
  return { maxInAll, maxPerNamespace: Math.ceil(maxInAll / 4) };
}

/** Of the whole process, as its threads are. */
export const lookUpName: LookUp = createLookups(limitsFor(Number(process.env["UV_THREADPOOL_SIZE"]) || 4), lookup);
