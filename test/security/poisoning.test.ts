/** A server that sends more answers than it was asked for: none of them is the answer to somebody else's request. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import type { Outcome } from "../../src/core/outcome.ts";
import { exchange, scope, testRequester, type TestRequester } from "../support/loopback-requester.ts";

const answer = (text: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;

interface Poisoner extends AsyncDisposable {
  readonly url: string;
  /** The paths that each connection was asked for. */
  readonly connections: readonly (readonly string[])[];
  /** When all that was for the latest `/evil…` has been sent. */
  allSent(): Promise<unknown>;
}
/** Answers each request with its path, and one for `/evil…` as `reply` says, whose promise is for what comes later. */
async function poisoner(reply: (socket: Socket) => void | Promise<unknown>): Promise<Poisoner> {
  let sent: unknown;
  const connections: string[][] = [];
  const server = createServer((socket) => {
    const paths: string[] = [];
    connections.push(paths);
    socket.setNoDelay();
    socket.on("error", () => {}); // what it sent unasked is answered with a reset
    socket.on("data", (data) => {
      for (const [, path = ""] of data.toString("latin1").matchAll(/^GET (\S+) HTTP/gm)) {
        paths.push(path);
        if (path.startsWith("/evil")) sent = reply(socket);
        else socket.write(answer(path));
      }
    });
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections,
    allSent: () => Promise.resolve(sent),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const ways: Readonly<Record<string, (socket: Socket) => void>> = {
  "in one piece": (socket) => socket.write(answer("evil") + answer("POISON")),
  "one byte over, the rest later": (socket) => {
    const second = answer("POISON");
    socket.write(answer("evil") + second.slice(0, 1));
    setTimeout(() => socket.write(second.slice(1)), 5);
  },
  "behind an answer to HEAD's rules": (socket) => socket.write(`HTTP/1.1 204 No Content\r\n\r\n${answer("POISON")}`),
  "in a longer body than was told": (socket) =>
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil${answer("POISON")}`),
  "by two lengths": (socket) =>
    socket.write(
      `HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n${answer("POISON")}`,
    ),
  "after an informational one": (socket) => socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${answer("evil")}${answer("POISON")}`),
};
/** These come while the connection is idle, where the next request is later than they are. */
const idle: Readonly<Record<string, (socket: Socket) => Promise<void>>> = {
  "while the connection is idle": (socket) => laterOn(socket, answer("POISON")),
  "while it is idle, the first byte only": (socket) => laterOn(socket, "H"),
  "while it is idle, as an empty line": (socket) => laterOn(socket, "\r\n", answer("POISON")),
};
async function laterOn(socket: Socket, ...more: readonly string[]): Promise<void> {
  socket.write(answer("evil"));
  for (const text of more) {
    await pause(5);
    await new Promise((resolve) => socket.write(text, resolve)); // also where it was refused
  }
}
/** Whether these come before the next request or after it nobody on this side can know: here only the connection tells tenants apart. */
const late: Readonly<Record<string, (socket: Socket) => void>> = {
  "in the next turn": (socket) => {
    socket.write(answer("evil"));
    setImmediate(() => socket.write(answer("POISON")));
  },
  "a little later": (socket) => {
    socket.write(answer("evil"));
    setTimeout(() => socket.write(answer("POISON")), 3);
  },
};
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const bodyOf = (outcome: Outcome): string => (outcome.type === "response" ? outcome.response.body.open() : outcome.type);
const asked = (http: TestRequester, url: string, namespace: string): Promise<Outcome> =>
  http.send({ ...exchange({ url }), scope: { ...scope, metadata: { ...scope.metadata, namespace } } });

describe("attack 9: an answer that nobody asked for is not another tenant's, sent", () => {
  test.each(Object.entries(ways))("%s", async (_way, reply) => {
    await using server = await poisoner(reply);
    await using http = testRequester({ connectionsPerOrigin: 1 });
    let answered = 0;
    for (let round = 0; round < 12; round += 1) {
      const [, ...others] = await Promise.all([
        asked(http, `${server.url}/evil`, "attacker"),
        asked(http, `${server.url}/victim-${round}`, "victim"),
        asked(http, `${server.url}/victim-${round}`, "victim"),
      ]);
      // A connection that was cut under a request is a failure that is seen; another's answer would not be.
      for (const outcome of others) {
        expect([`/victim-${round}`, "failure"]).toContain(bodyOf(outcome));
        if (outcome.type === "response") answered += 1;
      }
    }
    expect(answered).toBeGreaterThan(0);
  });

  test.each(Object.entries(idle))("%s", async (_way, reply) => {
    await using server = await poisoner(reply);
    await using http = testRequester({ connectionsPerOrigin: 1 });
    for (let round = 0; round < 12; round += 1) {
      expect(bodyOf(await asked(http, `${server.url}/evil`, "attacker"))).toBe("evil");
      await server.allSent();
      await pause(60);
      expect(bodyOf(await asked(http, `${server.url}/victim-${round}`, "victim"))).toBe(`/victim-${round}`); // and no failure either
    }
    const mixed = server.connections.filter((paths) => paths.indexOf("/evil") < paths.length - 1 && paths.includes("/evil"));
    expect(mixed).toEqual([]); // nothing goes out where something unasked has come in
  });

  test.each(Object.entries({ ...ways, ...late }))("%s, where each namespace has connections of its own", async (_way, reply) => {
    await using server = await poisoner(reply);
    await using http = testRequester({ connectionsPerOrigin: 1, clientIsolation: "namespace" });
    for (let round = 0; round < 12; round += 1) {
      const [, victims] = await Promise.all([
        asked(http, `${server.url}/evil`, "attacker"),
        asked(http, `${server.url}/victim`, "victim"),
      ]);
      expect(bodyOf(victims)).toBe("/victim"); // and no failure either
    }
    const mixed = server.connections.filter((paths) => new Set(paths).size > 1);
    expect([mixed, server.connections.flat().filter((path) => path === "/victim").length]).toEqual([[], 12]);
  });
});
