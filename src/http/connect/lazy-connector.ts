/** Opens connections, and makes a TLS context only where one is needed. */
import { buildConnector } from "undici";
import type { HeldContext } from "./tls-contexts.ts";

/** A connector whose TLS context is made for its first TLS connection, and never where there is none. */
export function lazyConnector(options: buildConnector.BuildOptions, context: HeldContext): buildConnector.connector {
  const plain = buildConnector(options);
  let secure: buildConnector.connector | undefined;
  return (target, callback) => {
    if (target.protocol !== "https:") return plain(target, callback);
    try {
      secure ??= buildConnector({ ...options, secureContext: context.get() });
    } catch (error) {
      return queueMicrotask(() => callback(error as Error, null));
    }
    secure(target, callback);
  };
}
