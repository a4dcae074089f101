/**
 * When a request is sent once more, on a connection of its own, since the one that it was given was dead.
 *
 * An idle connection can be closed by the far side at the very moment at which it is used again. Nobody is to blame for that, and
 * a request that may be repeated must not fail for it (RFC 9112, section 9.3.1). Once, and never after a byte of the answer.
 */
import type { SocketTrace, Trace } from "../connect/socket-trace.ts";
import { isConnectionLost } from "../failure.ts";

/** Each is a value of the metric label `reason`. `unsent`: not a byte had left, or an HTTP/2 server has not acted on it, so that any method may be sent. */
type RetryReason = "stale" | "unsent";

/** `repeatable`: an idempotent method, or an idempotency key that the server honours. */
export function retryReason(
  error: unknown,
  { trace, repeatable, connections }: { trace: Trace; repeatable: boolean; connections: SocketTrace },
): RetryReason | undefined {
  if (trace.answered || !isConnectionLost(error)) return undefined;
  switch (trace.connection) {
    case "none":
      return connections.isConnectError(error) ? undefined : "unsent";
    case "used":
      return repeatable ? "stale" : undefined;
    case "new":
      return undefined;
  }
}
