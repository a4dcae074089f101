/**
 * Connections to one server over HTTP/1.1, each for one request at a time; the one that was used last is the next to be used.
 *
 * undici's Pool hands a connection on only when the event loop has come round once more, and whoever asks before that waits in its
 * queue. Here it is free with the last byte of an answer. undici's Client opens it, keeps it, looks before each request whether it has
 * been closed, and opens another in its place.
 */
import { Client, type buildConnector, type Dispatcher } from "undici";

/** Of one request: what undici tells of it, and that undici has done with it, whatever came of it. */
export interface RequestHandler extends Dispatcher.DispatchHandler {
  /** Set by whoever sends it. To be called as `onResponseEnd` and `onResponseError` are. */
  onDone: ((hasFailed: boolean) => void) | undefined;
  /** Ends it before undici has it, unless it has ended. */
  fail(error: unknown): void;
  /** Runs what opens a connection for it, or may, where that is not known: most go over one that is open, and need nothing around them. */
  opening(open: () => void): void;
}
/** What requests are sent over: connections, or a choice of them. undici's own dispatchers are such, too. */
export interface Wire {
  dispatch(request: Dispatcher.DispatchOptions, handler: RequestHandler): unknown;
}

interface Connection {
  readonly client: Client;
  /** Of the request that is under way. */
  handler: RequestHandler | undefined;
  /** From its opening to its end, which is later than that of a request that was broken off. */
  isOpen: boolean;
  readonly onDone: (hasFailed: boolean) => void;
}
interface Waiting {
  readonly request: Dispatcher.DispatchOptions;
  readonly handler: RequestHandler;
}

/** undici's Client opens a connection when its turn has come, which is later than its request where another is still being closed. */
type KeepingOptions = Client.Options & { readonly connect: buildConnector.connector };

export class KeptConnections implements Wire {
  readonly #open: (connect: buildConnector.connector) => Client;
  readonly #connect: buildConnector.connector;
  readonly #most: number;
  readonly #onUnused: () => void;
  readonly #all: Connection[] = [];
  /** Those that carry no request, the one that was used last at the end. */
  readonly #free: Connection[] = [];
  /** Those that came while all were in use, in their order. */
  readonly #waiting: Waiting[] = [];
  /** Resolves when nobody waits any more. */
  #noneWaits: PromiseWithResolvers<void> | undefined;
  #isOver = false;

  /** Opens `most` at most. `onUnused`: nothing is connected, and nothing under way. */
  constructor(origin: string | URL, options: KeepingOptions, most: number, onUnused: () => void = () => {}) {
    this.#open = (connect) => new Client(origin, { ...options, connect });
    this.#connect = options.connect;
    this.#most = most;
    this.#onUnused = onUnused;
  }

  /** In the turn of the event loop in which an answer has ended it is not known yet whether its connection was closed with it. */
  dispatch(request: Dispatcher.DispatchOptions, handler: RequestHandler): void {
    const one = this.#free.pop() ?? (this.#all.length < this.#most ? this.#another() : undefined);
    if (one) start(one, { request, handler });
    else this.#waiting.push({ request, handler });
  }
  /** Connections that are open, those of them that are free, and requests that wait for one. */
  count(): { readonly connected: number; readonly free: number; readonly waiting: number } {
    const open = this.#all.filter(({ isOpen }) => isOpen);
    const opening = this.#all.reduce((sum, { client }) => sum + client.stats.pending, 0);
    const free = open.filter((one) => this.#free.includes(one)).length;
    return { connected: open.length, free, waiting: this.#waiting.length + opening };
  }
  /** Ends when what is under way has ended. What comes later fails. */
  async close(): Promise<void> {
    this.#isOver = true;
    if (this.#waiting.length > 0) await (this.#noneWaits ??= Promise.withResolvers<void>()).promise;
    // One that has been destroyed would reject: nothing is under way there any more.
    await Promise.all(this.#all.map(({ client }) => (client.destroyed ? client.destroy() : client.close())));
  }
  /** Breaks off whatever is under way. What comes later fails. */
  async destroy(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#all.map(({ client }) => client.destroy()));
  }

  #another(): Connection {
    const connect = this.#connect;
    const client = this.#open((target, callback) => {
      const open = (): void => connect(target, callback);
      if (one.handler) one.handler.opening(open);
      else open();
    });
    if (this.#isOver) void client.destroy(); // which refuses it
    const one: Connection = {
      client,
      handler: undefined,
      isOpen: false,
      onDone: (hasFailed) => {
        one.handler = undefined;
        // In the midst of what undici does when a connection is lost it is given nothing new.
        if (hasFailed) queueMicrotask(() => this.#letGo(one));
        // What waits may be a request that cannot be repeated: whether the connection was closed with the answer has to be known.
        else if (this.#waiting.length > 0) setImmediate(() => this.#letGo(one));
        else this.#free.push(one);
      },
    };
    client.on("connect", () => (one.isOpen = true));
    client.on("disconnect", () => {
      one.isOpen = false;
      queueMicrotask(() => this.#checkUse());
    });
    this.#all.push(one);
    return one;
  }
  #letGo(one: Connection): void {
    const next = this.#waiting.shift();
    if (!next) {
      this.#free.push(one);
      return this.#checkUse();
    }
    start(one, next);
    if (this.#waiting.length === 0) this.#noneWaits?.resolve();
  }
  #checkUse(): void {
    if (this.#free.length === this.#all.length && !this.#all.some(({ isOpen }) => isOpen)) this.#onUnused();
  }
}

function start(one: Connection, { request, handler }: Waiting): void {
  one.handler = handler;
  handler.onDone = one.onDone;
  one.client.dispatch(request, handler);
}
