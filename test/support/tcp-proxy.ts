/** A TCP proxy on loopback that does to connections what networks do. It counts them, and sees no more than bytes. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Connections open now. */
  readonly open: number;
  /** What happens to connections that arrive from now on. `blackHole`: accepted, then nothing. `refuse`: reset at once. */
  newConnections: "pass" | "blackHole" | "refuse";
  /** How much later each chunk is passed on, milliseconds, both ways. */
  delayMs: number;
  /** Resets every open connection. */
  reset(): void;
  /** Passes nothing more on the open connections, for ever, and keeps them open. */
  blackHole(): void;
}

interface Connection {
  readonly near: Socket;
  readonly far: Socket;
  isBlackHoled: boolean;
}

/** Passes to `host:port` of the URL. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const connections = new Set<Connection>();
  let accepted = 0;
  const server = createServer((near) => {
    accepted += 1;
    near.on("error", () => {});
    if (proxy.newConnections === "refuse") return void near.resetAndDestroy();
    const far = connect(Number(port), hostname);
    far.on("error", () => near.resetAndDestroy());
    const connection = { near, far, isBlackHoled: proxy.newConnections === "blackHole" };
    connections.add(connection);
    near.on("close", () => {
      connections.delete(connection);
      far.destroy();
    });
    void pump(connection, near, far);
    void pump(connection, far, near);
  });
  async function pump(connection: Connection, from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from) {
        if (proxy.delayMs > 0) await sleep(proxy.delayMs);
        if (!connection.isBlackHoled && !to.write(chunk as Buffer)) await once(to, "drain");
      }
      if (!connection.isBlackHoled) to.end();
    } catch {
      to.destroy(); // the other side was reset or destroyed, and so is this one
    }
  }
  function reset(): void {
    for (const { near, far } of connections) {
      near.resetAndDestroy();
      far.destroy();
    }
  }
  const proxy: TcpProxy = {
    get port() {
      return (server.address() as AddressInfo).port;
    },
    get accepted() {
      return accepted;
    },
    get open() {
      return connections.size;
    },
    newConnections: "pass",
    delayMs: 0,
    reset,
    blackHole() {
      for (const connection of connections) connection.isBlackHoled = true;
    },
    async [Symbol.asyncDispose]() {
      reset();
      server.close();
      await once(server, "close");
    },
  };
  await once(server.listen(0, "127.0.0.1"), "listening");
  return proxy;
}
