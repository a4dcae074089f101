/**
 * Connectors that reach nothing but what is allowed: what a name resolves to is checked before it is dialled, an address in the
 * URL before that, and the far side of the socket once more when it is connected.
 *
 * Invariant: the addresses that were checked are the ones that are dialled: nobody resolves the name again. One that is denied
 * denies the name, so that what is reached does not depend on which of them answers.
 */
import { portNumber, withoutBrackets } from "../../core/tools/host.ts";
import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import type { buildConnector } from "undici";
import { addressDenial, type AddressRules, type EgressDenial, type EgressFloor } from "../../core/egress.ts";
import { lookUpName } from "./name-lookups.ts";

export class EgressDeniedError extends Error {
  override readonly name = "EgressDeniedError";
  readonly code = "HOLDFAST_EGRESS_DENIED";
  readonly denial: EgressDenial;
  constructor(denial: EgressDenial) {
    super(denial.message);
    this.denial = denial;
  }
}

/** The denial that an error, or what caused it, is about. */
export function denialIn(error: unknown): EgressDenial | undefined {
  for (let one = error; Error.isError(one); one = one.cause) if (one instanceof EgressDeniedError) return one.denial;
  return undefined;
}

export interface ConnectorRules {
  readonly addresses: AddressRules;
  readonly floor: EgressFloor;
}

/** For `lookup` of node:net, which is not called for an address. */
export function guardedLookup({ addresses: rules, floor }: ConnectorRules): LookupFunction {
  return (hostname, options, callback) => {
    lookUpName(
      hostname,
      { ...options, all: true },
      {
        told(error, addresses) {
          if (error) return callback(error, []);
          const denial = firstDenial(addresses, rules, floor);
          if (denial) return callback(new EgressDeniedError(denial), []);
          if (options.all) return callback(null, addresses);
          const [first] = addresses;
          return callback(null, first?.address ?? "", first?.family);
        },
      },
    );
  };
}
function firstDenial(addresses: readonly LookupAddress[], rules: AddressRules, floor: EgressFloor): EgressDenial | undefined {
  for (const { address } of addresses) {
    const denial = addressDenial(address, undefined, rules, floor);
    if (denial) return denial;
  }
  return undefined;
}

/** The same connector. `isTarget`: it dials the host that it is given, and not a proxy in its place. */
export function guardedConnector(
  connector: buildConnector.connector,
  { addresses, floor }: ConnectorRules,
  isTarget: boolean,
): buildConnector.connector {
  return (options, callback) => {
    const port = portNumber(options);
    const host = withoutBrackets(options.hostname);
    const denial = isTarget && isIP(host) !== 0 ? addressDenial(host, port, addresses, floor) : undefined;
    if (denial) return queueMicrotask(() => callback(new EgressDeniedError(denial), null));
    connector(options, (...result) => {
      const [, socket] = result;
      const reached = socket?.remoteAddress;
      const wrong =
        reached === undefined ? undefined : addressDenial(reached, isTarget ? port : socket?.remotePort, addresses, floor);
      if (!socket || !wrong) return callback(...result);
      socket.destroy();
      callback(new EgressDeniedError(wrong), null);
    });
  };
}
