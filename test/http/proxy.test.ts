import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterAll, afterEach, expect, test } from "@jest/globals";
import { createAuthority } from "../support/certificates.ts";
import { at, exchange, literal, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";
import { eventually, socketsTo } from "../support/tcp-table.ts";

const authority = createAuthority("Proxied");
afterAll(() => authority[Symbol.dispose]());
const variables = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
afterEach(() => variables.forEach((name) => delete process.env[name]));

/** A forward and CONNECT proxy that counts what it is asked. */
async function proxyServer(): Promise<AsyncDisposable & { url: string; port: number; asked: string[] }> {
  const asked: string[] = [];
  const tunnels = new Set<Socket>();
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const forwarded = httpRequest(request.url ?? "", { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
    });
    request.pipe(forwarded);
  });
  server.on("connect", (request, client: Socket) => {
    asked.push(`CONNECT ${request.url}`);
    const [host = "", port = ""] = (request.url ?? "").split(":");
    const upstream = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [client, upstream]) tunnels.add(socket.on("error", () => {}));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of tunnels) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

test("HTTP_PROXY is honoured, repeated headers arrive, and sockets to the proxy are counted", async () => {
  await using server = await loopbackServer((_request, response) => response.end("ok"));
  await using proxy = await proxyServer();
  process.env["HTTP_PROXY"] = proxy.url;
  await using http = testRequester();
  const headers = ["one", "two"].map((text, index) => ({ ...at(`spec.headers[${index}].value`, text), name: "X-Many" }));
  expect(await http.send(exchange({ url: `${server.url}/a`, request: { headers } }))).toMatchObject({ type: "response" });
  expect(proxy.asked).toEqual([`GET ${server.url}/a`]);
  expect(server.requests[0]?.headers["x-many"]).toBe("one, two");
  expect(
    await eventually(
      () => http.sockets(),
      ({ active }) => active === 0,
    ),
  ).toEqual({ active: 0, idle: 1 });
  expect(await socketsTo(proxy.port)).toMatchObject({ established: 1 });
});

test("HTTPS_PROXY is honoured with the origin's own TLS, and a tunnel is one socket", async () => {
  await using server = await loopbackServer((_request, response) => response.end("ok"), authority.issue("IP:127.0.0.1"));
  await using proxy = await proxyServer();
  process.env["HTTPS_PROXY"] = proxy.url;
  await using http = testRequester();
  const trusted = exchange({ url: server.url, tls: { ca: literal(authority.ca) } });
  for (let round = 0; round < 3; round += 1) {
    expect(await http.send(trusted)).toMatchObject({ type: "response", response: { statusCode: 200 } });
    await new Promise(setImmediate);
  }
  expect(proxy.asked).toEqual([`CONNECT 127.0.0.1:${server.port}`]);
  expect(
    await eventually(
      () => http.sockets(),
      ({ active }) => active === 0,
    ),
  ).toEqual({ active: 0, idle: 1 });
  expect(await socketsTo(proxy.port)).toEqual({ established: 1 });
  expect(await http.send(exchange({ url: server.url }))).toMatchObject({ reason: "CertificateInvalid", sent: false });
  expect(http.occurrences.filter(({ type }) => type === "socketOpened")).toHaveLength(2);
});

test("NO_PROXY is honoured", async () => {
  await using server = await loopbackServer((_request, response) => response.end("ok"));
  await using proxy = await proxyServer();
  process.env["HTTP_PROXY"] = proxy.url;
  process.env["NO_PROXY"] = `127.0.0.1:${server.port}`;
  await using http = testRequester();
  expect(await http.send(exchange({ url: server.url }))).toMatchObject({ type: "response" });
  expect(proxy.asked).toEqual([]);
});
