/** SIGTERM and SIGINT as two signals: stop taking work now, and give up what is under way later. */

export interface Shutdown extends Disposable {
  /** Aborts with the first signal, or with `begin`. */
  readonly stop: AbortSignal;
  /** Aborts `timeoutMs` after that. */
  readonly drain: AbortSignal;
  begin(): void;
}

/** A second signal ends the process at once, with exit code 130. */
export function createShutdown(timeoutMs: number): Shutdown {
  const stop = new AbortController();
  const drain = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let isTold = false;

  function beginShutdown(): void {
    if (stop.signal.aborted) return;
    stop.abort(new Error("shutting down"));
    timer = setTimeout(() => drain.abort(new Error("the time to shut down is over")), timeoutMs);
  }
  /** One that comes after `begin` is still the first: what is under way is left its time. */
  function onSignal(): void {
    if (isTold) process.exit(130);
    isTold = true;
    beginShutdown();
  }
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return {
    stop: stop.signal,
    drain: drain.signal,
    begin: beginShutdown,
    [Symbol.dispose]() {
      clearTimeout(timer);
      process.off("SIGTERM", onSignal);
      process.off("SIGINT", onSignal);
    },
  };
}
