/** The far side of a socket is looked at once more when it is connected, whoever has led it there. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, test } from "@jest/globals";
import type { buildConnector } from "undici";
import { network } from "../../src/core/tools/address.ts";
import { closedFloor, publicOnly, type EgressFloor } from "../../src/core/egress.ts";
import { denialIn, guardedConnector } from "../../src/http/connect/egress-connector.ts";
import { rawServer } from "../support/loopback.ts";

type Result = Parameters<buildConnector.Callback>;

test.each([
  ["is closed, ends before a byte is sent", closedFloor, "floor"],
  ["is open, is used", { opened: [network("127.0.0.0/8")] }, undefined],
] as const)("a socket that is connected to an address that %s", async (_what, floor: EgressFloor, rule) => {
  const seen: string[] = [];
  const closed = Promise.withResolvers<void>();
  await using server = await rawServer((socket) => {
    socket.on("data", (data) => seen.push(data.toString()));
    socket.on("close", () => closed.resolve());
  });
  /** Dials another address than the one that it is given, as a name that was resolved again would. */
  const elsewhere: buildConnector.connector = (_options, callback) => {
    const socket: Socket = connect(server.port, "127.0.0.1", () => callback(null, socket));
  };
  const guarded = guardedConnector(elsewhere, { addresses: publicOnly, floor }, true);
  const options = { hostname: "api.example.com", host: "api.example.com", protocol: "http:", port: "80" };
  const [error, socket] = await new Promise<Result>((resolve) => guarded(options, (...result) => resolve(result)));
  expect(denialIn(error)?.rule).toBe(rule);
  if (rule === undefined) {
    socket?.end("x");
    await once(socket as Socket, "close");
  } else expect(socket).toBe(null);
  await closed.promise;
  expect(seen).toEqual(rule === undefined ? ["x"] : []);
});
