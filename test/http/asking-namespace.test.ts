/** Guards against a name that is resolved for nobody: one whose server does not answer would then hold up every namespace. */
import { expect, test } from "@jest/globals";
import { network } from "../../src/core/tools/address.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { createClientPool } from "../../src/http/connect/client-pool.ts";
import { createEgress } from "../../src/http/connect/egress.ts";
import { askingNamespace } from "../../src/http/connect/name-lookups.ts";
import { createSockets } from "../../src/http/connect/sockets.ts";
import { createRequester } from "../../src/http/requester.ts";
import { exchange, never, reader } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";
import { proxyServer } from "../support/proxy-server.ts";

/** GETs one after another, each over a connection of its own; for whom each connection was opened. */
async function openedFor(url: string, changes: Partial<Parameters<typeof exchange>[0]>, proxy?: string): Promise<string[]> {
  const asking: string[] = [];
  const emit = (): void => {};
  const floor = { opened: [network("127.0.0.0/8")] };
  using sockets = createSockets(emit);
  const seen: typeof sockets = {
    ...sockets,
    counted: (connector) =>
      sockets.counted((target, callback) => {
        asking.push(askingNamespace());
        connector(target, callback);
      }),
  };
  await using clients = createClientPool({ clients: new Map(), sockets: seen, floor, emit, proxyFor: () => proxy });
  await using evaluator = createEvaluator({ deadlineMs: 5_000, threads: 1 });
  const limits = { maxResponseBytes: 1_000, userAgent: "test" };
  using requester = createRequester({ ...limits, clients, evaluator, emit, egress: createEgress({ floor }) });
  for (const namespace of ["one", "other"]) {
    const asked = exchange({ url, ...changes });
    const sent = { ...asked, scope: { ...asked.scope, metadata: { ...asked.scope.metadata, namespace } } };
    using requests = requester.begin(`HTTPRequest/${namespace}/x`);
    const prepared = await requests.prepare(sent, reader({}), never);
    if (prepared.type !== "prepared") throw new Error(prepared.type);
    expect((await prepared.send(never)).type).toBe("response");
  }
  return asking;
}

test.each<[string, Partial<Parameters<typeof exchange>[0]>, "" | "through a proxy"]>([
  ["over HTTP/1.1", {}, ""],
  ["over HTTP/1.1, of what may not be repeated", { repeatable: false }, ""],
  ["where HTTP/2 may be agreed on", { http2: true }, ""],
  ["over HTTP/1.1", {}, "through a proxy"],
])("a connection is opened for the namespace whose request needs it, %s %p %s", async (_, changes, how) => {
  await using server = await loopbackServer((_request, response) => void response.setHeader("connection", "close").end("{}"));
  await using proxy = await proxyServer();
  expect(await openedFor(server.url, changes, how === "" ? undefined : proxy.url)).toEqual(["one", "other"]);
});
