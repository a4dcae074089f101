/** Tells how the connection to a proxy failed from how that to the server behind it did: undici gives both with the same codes. */
import type { buildConnector } from "undici";

const mark = Symbol("of the proxy");

/** The connector to a proxy, whose errors are known as such. */
export function markingErrors(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    connect(options, (...[error, socket]) => {
      if (!error) return callback(null, socket);
      Object.defineProperty(error, mark, { value: true, configurable: true });
      callback(error, null);
    });
  };
}

export function isOfProxy(error: unknown): boolean {
  return Error.isError(error) && (mark in error || isOfProxy(error.cause));
}
