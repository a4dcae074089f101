/** Servers between Holdfast and a server: Squid, a proxy with a password, and HAProxy, which looks like the server. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { declare, endpoint, request, resource, secret, until, type Manifest } from "./declared.ts";
import type { RealServer } from "./server.ts";
import { startHAProxy, startNginx, startSquid } from "./servers.ts";

let nginx: RealServer;
const started = new AsyncDisposableStack();
beforeAll(async () => {
  nginx = started.use(await startNginx());
  await writeFile(join(nginx.folder, "dav/hello.json"), '{"hello": "world"}');
});
afterAll(() => started.disposeAsync());

describe("Squid", () => {
  let squid: RealServer;
  beforeAll(async () => {
    squid = started.use(await startSquid());
  });

  const through = (password: string, url = squid.url): readonly Manifest[] => [
    secret("proxy", { url: url.replace("//", `//ada:${password}@`) }),
    endpoint("web", { baseURL: nginx.url, proxy: { secretKeyRef: { name: "proxy", key: "url" } } }),
    request("hello", {
      endpointRef: { name: "web" },
      path: "/hello.json",
      retry: { limit: 0 },
      expect: { that: '.response.body.hello == "world"' },
    }),
  ];

  test("forwards for whom it knows, and its log says who asked for what", async () => {
    await using declared = await declare(through("secret"));
    await declared.ready("hello");
    await until(
      async () => (await squid.lines("log/access.log")).includes(`GET ${nginx.url}/hello.json 200 ada`), // the log comes later
      () => "the proxy has not logged it",
    );
  });
  test("refuses a wrong password, which is said to be the proxy's", async () => {
    await using declared = await declare(through("wrong"));
    await until(
      () => declared.state("hello").startsWith("False/"),
      () => declared.state("hello"),
    );
    expect(declared.state("hello")).toMatch(/ProxyRefused|407/);
  });
  test("that is not there is not taken for the server", async () => {
    await using declared = await declare(through("secret", "http://127.0.0.1:9"));
    await until(
      () => declared.state("hello").startsWith("False/"),
      () => declared.state("hello"),
    );
    expect(declared.state("hello")).toContain("ConnectionRefused nothing accepts connections at the address of the proxy");
  });
});

describe("HAProxy", () => {
  let haproxy: RealServer;
  beforeAll(async () => {
    haproxy = started.use(await startHAProxy(nginx.url));
    await mkdir(join(nginx.folder, "dav/many"));
  });

  test("gets all that is kept through it over few connections, HEAD as well as PUT", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `file-${index}`);
    const resources = names.map((name) =>
      resource(name, {
        endpointRef: { name: "web" },
        observe: { path: `/many/${name}.json` },
        create: { method: "PUT", path: `/many/${name}.json`, body: { json: { name } } },
        interval: "1s",
      }),
    );
    const heads = names.map((name) =>
      request(`head-${name}`, { endpointRef: { name: "web" }, method: "HEAD", path: "/hello.json" }),
    );
    await using declared = await declare([endpoint("web", { baseURL: haproxy.url }), ...resources, ...heads]);
    await declared.ready(...names, ...names.map((name) => `head-${name}`));
    expect(JSON.parse(await readFile(join(nginx.folder, "dav/many/file-7.json"), "utf8"))).toEqual({ name: "file-7" });
    const logged = async (): Promise<readonly string[]> =>
      (await haproxy.lines("output")).filter((line) => /^(GET|HEAD|PUT) \/(many|hello)/.test(line));
    await until(
      async () => (await logged()).filter((line) => !line.startsWith("GET ")).length >= 24, // the log comes later
      () => "the proxy has not logged them all",
    );
    const lines = await logged();
    expect(lines.filter((line) => line.startsWith("PUT "))).toHaveLength(12);
    expect(lines.filter((line) => line.startsWith("HEAD "))).toHaveLength(12);
    expect(new Set(lines.map((line) => line.split(" ")[3])).size).toBeLessThanOrEqual(6);
  });
});
