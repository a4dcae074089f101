/** Tells when a request starts on its socket. Before that, not a byte of it has left. */
import type { Dispatcher } from "undici";

const onStarts = new WeakMap<AbortSignal, () => void>();

/**
 * `onStart` is called when the request that is given this signal starts, and never after the signal has aborted: such a
 * request ends where it would have started, with 0 bytes written.
 */
export function observeStart(signal: AbortSignal, onStart: () => void): void {
  onStarts.set(signal, onStart);
}

/** An undici interceptor. */
export function startObserved(dispatch: Dispatcher.Dispatch): Dispatcher.Dispatch {
  return (options, handler) => {
    const signal = (options as Dispatcher.RequestOptions).signal as AbortSignal;
    const onStart = onStarts.get(signal);
    return dispatch(options, onStart ? observed(handler, () => signal.aborted || onStart()) : handler);
  };
}

function observed(handler: Dispatcher.DispatchHandler, onStart: () => unknown): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller, context) {
      onStart();
      handler.onRequestStart?.(controller, context);
    },
    onResponseStarted: () => handler.onResponseStarted?.(),
    onResponseStart: (...parameters) => handler.onResponseStart?.(...parameters),
    onResponseData: (...parameters) => handler.onResponseData?.(...parameters),
    onResponseEnd: (...parameters) => handler.onResponseEnd?.(...parameters),
    onResponseError: (...parameters) => handler.onResponseError?.(...parameters),
  };
}
