/** The API client: which connections it opens, where its credentials go, and how its calls end. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createHTTPSServer } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TelemetryEvent } from "../../src/core/telemetry-event.ts";
import { createApiClient, type ApiClientSettings, type ApiRequest } from "../../src/kubernetes/api-client.ts";
import { loadKubeConfig } from "../../src/kubernetes/credentials.ts";
import { createAuthority } from "../support/certificates.ts";
import { until } from "../support/fault-world.ts";
import { loopbackServer } from "../support/loopback.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

const getCRDs: ApiRequest = { method: "GET", path: "/apis/holdfast.dev/v1alpha1/httprequests", query: { limit: "1" } };

interface KubeconfigFile {
  clusters: [{ cluster: Record<string, unknown> }];
  users: [{ user: Record<string, unknown> }];
}

describeWithControlPlane("the API client", (plane) => {
  let folder: string;
  const { signal } = new AbortController();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-api-client-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** The controller's kubeconfig, changed, in a file of its own. */
  async function kubeconfig(url: string, change: (config: KubeconfigFile) => void = () => {}): Promise<string> {
    const path = await plane.kubeconfigVia("holdfast", url);
    const config = JSON.parse(await readFile(path, "utf8")) as KubeconfigFile;
    change(config);
    await writeFile(path, JSON.stringify(config));
    return path;
  }
  function clientOf(path: string, settings: Partial<ApiClientSettings> = {}) {
    const occurrences: TelemetryEvent[] = [];
    const emit = (occurrence: TelemetryEvent): void => void occurrences.push(occurrence);
    const client = createApiClient({ loadKubeConfig: () => loadKubeConfig(path), emit, ...settings });
    return { ...client, occurrences };
  }
  async function viaProxy() {
    const proxy = await startTcpProxy(plane.url);
    return { proxy, path: await kubeconfig(`https://127.0.0.1:${proxy.port}`) };
  }

  describe("and its connections", () => {
    test("makes 100 calls one after another over at most two connections, and 100 at once over four", async () => {
      const { proxy, path } = await viaProxy();
      await using _ = proxy;
      await using client = clientOf(path);
      for (let count = 0; count < 100; count += 1) await client.call(getCRDs, signal);
      expect(proxy.accepted).toBeLessThanOrEqual(2); // undici frees a socket one turn after its body has been read
      await Promise.all(Array.from({ length: 100 }, () => client.call(getCRDs, signal)));
      expect(proxy.accepted).toBeLessThanOrEqual(4);
      expect(client.occurrences).toHaveLength(200);
      expect(client.occurrences[0]).toEqual({ type: "apiCalled", method: "GET", code: "200", host: `127.0.0.1:${proxy.port}` });
    });

    test("ends a call at its deadline, destroys its socket, and makes the next one over a new socket", async () => {
      const { proxy, path } = await viaProxy();
      await using _ = proxy;
      await using client = clientOf(path, { callTimeoutMs: 10_000 }); // a call that is answered has to end within it
      await client.call(getCRDs, signal);
      await sleep(10); // undici frees a socket one turn after its body has been read
      proxy.blackHole();
      await expect(client.call(getCRDs, signal)).rejects.toMatchObject({ name: "ApiUnreachableError", code: "TIMEOUT" });
      await until("no connection is open", () => proxy.open === 0);
      await client.call(getCRDs, signal);
      expect(proxy.accepted).toBe(2);
      expect(client.occurrences.map((occurrence) => "code" in occurrence && occurrence.code)).toEqual(["200", "TIMEOUT", "200"]);
    });

    test("does not let a call wait for a watch", async () => {
      const { proxy, path } = await viaProxy();
      await using _ = proxy;
      await using client = clientOf(path);
      const watch = { ...getCRDs, query: { watch: "true" } };
      using first = await client.stream(watch, signal);
      using second = await client.stream(watch, signal);
      await Promise.all(Array.from({ length: 10 }, () => client.call(getCRDs, signal)));
      expect([first, second]).toHaveLength(2);
      expect(proxy.open).toBeLessThanOrEqual(2 + 4);
    });

    test("says what went wrong with a connection by its code", async () => {
      const { proxy, path } = await viaProxy();
      await using client = clientOf(path);
      await proxy[Symbol.asyncDispose]();
      await expect(client.call(getCRDs, signal)).rejects.toMatchObject({ name: "ApiUnreachableError", code: "ECONNREFUSED" });
    });

    test("breaks off what is under way when it is disposed, or when the signal aborts", async () => {
      const { proxy, path } = await viaProxy();
      await using _ = proxy;
      const client = clientOf(path);
      const reason = new Error("enough");
      await expect(client.call(getCRDs, AbortSignal.abort(reason))).rejects.toBe(reason);
      await Promise.all([client.call(getCRDs, signal), client.call(getCRDs, signal)]);
      await sleep(10);
      proxy.blackHole();
      const ending = new AbortController();
      const aborted = client.call(getCRDs, ending.signal);
      const disposed = client.call(getCRDs, signal);
      disposed.catch(() => {});
      await sleep(50);
      ending.abort(reason);
      await expect(aborted).rejects.toBe(reason);
      await client[Symbol.asyncDispose]();
      await expect(disposed).rejects.toMatchObject({ name: "ApiUnreachableError" });
      await until("no connection is open", () => proxy.open === 0);
    });

    test("ends a call at once when the signal aborts, or the deadline passes, while it is still connecting", async () => {
      const { proxy, path } = await viaProxy();
      await using _ = proxy;
      proxy.newConnections = "blackHole";
      await using client = clientOf(path, { callTimeoutMs: 300 });
      await using patient = clientOf(path, { callTimeoutMs: 600_000 }); // longer than this test may take
      const ending = new AbortController();
      const aborted = patient.call(getCRDs, ending.signal);
      const late = client.call(getCRDs, signal);
      late.catch(() => {});
      await sleep(50);
      ending.abort(new Error("enough"));
      await expect(aborted).rejects.toMatchObject({ message: "enough" });
      await expect(late).rejects.toMatchObject({ code: "TIMEOUT" });
    });
  });

  describe("and where it goes", () => {
    test("takes no proxy from the environment", async () => {
      await using proxy = await loopbackServer((_request, response) => void response.writeHead(502).end());
      const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "NODE_USE_ENV_PROXY"];
      const before = names.map((name) => process.env[name]);
      for (const name of names) process.env[name] = name === "NODE_USE_ENV_PROXY" ? "1" : proxy.url;
      try {
        await using client = clientOf(await kubeconfig(plane.url));
        await client.call(getCRDs, signal);
        expect(proxy.accepted).toBe(0);
      } finally {
        for (const [index, name] of names.entries()) {
          const value = before[index];
          if (value === undefined) delete process.env[name];
          else process.env[name] = value;
        }
      }
    });

    test("goes through the kubeconfig's proxy-url", async () => {
      const tunnels: string[] = [];
      const proxy = createServer();
      proxy.on("connect", (request, near) => {
        tunnels.push(request.url ?? "");
        const [host, port] = (request.url ?? "").split(":");
        const far = connect(Number(port), host, () => near.write("HTTP/1.1 200 OK\r\n\r\n"));
        near.pipe(far).pipe(near);
        for (const socket of [near, far]) socket.on("error", () => far.destroy());
      });
      await once(proxy.listen(0, "127.0.0.1"), "listening");
      const proxyURL = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const path = await kubeconfig(plane.url, (config) => (config.clusters[0].cluster["proxy-url"] = proxyURL));
      {
        await using client = clientOf(path);
        for (let count = 0; count < 5; count += 1) await client.call(getCRDs, signal);
        using _ = await client.stream({ ...getCRDs, query: { watch: "true" } }, signal);
      }
      proxy.close();
      expect(new Set(tunnels)).toEqual(new Set([new URL(plane.url).host]));
      expect(tunnels.length).toBeLessThanOrEqual(3); // one or two for the calls, one for the watch
    });

    test("follows no redirect, so no other server sees its token", async () => {
      await using other = await loopbackServer((_request, response) => void response.end("{}"));
      const redirect = (status: number) =>
        loopbackServer((_request, response) => void response.writeHead(status, { location: other.url }).end(), {
          ...plane.certificate,
        });
      for (const status of [301, 302, 307, 308]) {
        await using server = await redirect(status);
        await using client = clientOf(await kubeconfig(server.url));
        await expect(client.call(getCRDs, signal)).rejects.toMatchObject({ name: "ApiError", status });
        expect(server.requests[0]?.headers.authorization).toBe("Bearer holdfast-token");
      }
      expect(other.accepted).toBe(0);
    });

    test("keeps the path that the kubeconfig's server has", async () => {
      await using server = await loopbackServer((_request, response) => void response.end("{}"), { ...plane.certificate });
      await using client = clientOf(await kubeconfig(`${server.url}/k8s/clusters/c-1/`));
      await client.call(getCRDs, signal);
      expect(server.requests[0]?.url).toBe("/k8s/clusters/c-1/apis/holdfast.dev/v1alpha1/httprequests?limit=1");
    });

    test("trusts nobody but the kubeconfig's authority", async () => {
      await using client = clientOf(
        await kubeconfig(plane.url, (config) => delete config.clusters[0].cluster["certificate-authority-data"]),
      );
      await expect(client.call(getCRDs, signal)).rejects.toMatchObject({
        name: "ApiUnreachableError",
        code: expect.stringMatching(/CERT|SELF_SIGNED|UNABLE_TO/),
      });
    });
  });

  describe("and its credentials", () => {
    test("runs the kubeconfig's plugin once for all that wait for it, and sends what it says", async () => {
      const runs = join(folder, "runs");
      const credential = JSON.stringify({
        apiVersion: "client.authentication.k8s.io/v1",
        kind: "ExecCredential",
        status: { token: "holdfast-token" },
      });
      const exec = {
        apiVersion: "client.authentication.k8s.io/v1",
        command: "sh",
        args: ["-c", `echo run >> ${runs}; echo '${credential}'`],
        interactiveMode: "Never",
      };
      await using client = clientOf(await kubeconfig(plane.url, (config) => (config.users[0].user = { exec })));
      await Promise.all([client.call(getCRDs, signal), client.call(getCRDs, signal), client.call(getCRDs, signal)]);
      await client.call(getCRDs, signal);
      expect(await readFile(runs, "utf8")).toBe("run\n");
    });

    test("tells a plugin of the cluster where it wants to know, and that there is nobody whom it could ask", async () => {
      const told = join(folder, "told");
      const answer = JSON.stringify({ status: { token: "holdfast-token" } });
      const exec = {
        apiVersion: "client.authentication.k8s.io/v1",
        command: "sh",
        args: ["-c", `cat; printf %s "$KUBERNETES_EXEC_INFO $REGION" > ${told}; echo '${answer}'`],
        env: [{ name: "REGION", value: "here" }],
        provideClusterInfo: true,
      };
      const path = await kubeconfig(plane.url, ({ clusters, users }) => {
        clusters[0].cluster["extensions"] = [{ name: "client.authentication.k8s.io/exec", extension: { audience: "a" } }];
        users[0].user = { exec };
      });
      await using client = clientOf(path);
      await client.call(getCRDs, signal);
      const text = await readFile(told, "utf8");
      expect(text.endsWith(" here")).toBe(true);
      expect(JSON.parse(text.slice(0, -" here".length))).toEqual({
        apiVersion: "client.authentication.k8s.io/v1",
        kind: "ExecCredential",
        spec: {
          interactive: false,
          cluster: {
            server: plane.url,
            "certificate-authority-data": expect.stringMatching(/^[\w+/]+=*$/),
            config: { audience: "a" },
          },
        },
      });
    });

    test("kills a plugin that hangs, and asks it again with the next call, or when what it gave has expired", async () => {
      const runs = join(folder, "hanging-runs");
      const expirationTimestamp = new Date(Date.now() - 1_000).toISOString();
      const answer = JSON.stringify({ status: { token: "holdfast-token", expirationTimestamp } });
      const exec = {
        apiVersion: "client.authentication.k8s.io/v1",
        command: "sh",
        args: ["-c", `echo $$ >> ${runs}; [ "$(wc -l < ${runs})" -gt 1 ] || exec sleep 600; echo '${answer}'`],
      };
      const path = await kubeconfig(plane.url, (config) => (config.users[0].user = { exec }));
      await using client = clientOf(path, { loadKubeConfig: () => loadKubeConfig(path, 5_000) });
      const calls = [client.call(getCRDs, signal), client.call(getCRDs, signal)];
      for (const call of calls) await expect(call).rejects.toMatchObject({ code: "NO_CREDENTIALS" });
      const [hung] = (await readFile(runs, "utf8")).split("\n");
      expect(() => process.kill(Number(hung), 0)).toThrow("ESRCH");
      await client.call(getCRDs, signal);
      await client.call(getCRDs, signal);
      expect((await readFile(runs, "utf8")).trim().split("\n")).toHaveLength(3);
    });

    test("does not repeat what a broken plugin said", async () => {
      const exec = {
        apiVersion: "client.authentication.k8s.io/v1",
        command: "sh",
        args: ["-c", "echo token-4711; echo token-4711 >&2"],
        interactiveMode: "Never",
      };
      await using client = clientOf(await kubeconfig(plane.url, (config) => (config.users[0].user = { exec })));
      const error: unknown = await client.call(getCRDs, signal).catch((error: unknown) => error);
      expect(error).toMatchObject({ name: "ApiUnreachableError", code: "NO_CREDENTIALS" });
      expect(everythingIn(error)).not.toContain("4711");
    });

    test("reads the kubeconfig again when the server does not accept its token", async () => {
      const path = await kubeconfig(plane.url, (config) => (config.users[0].user = { token: "expired-token" }));
      await using client = clientOf(path, { credentialReloadMs: 0 });
      await expect(client.call(getCRDs, signal)).rejects.toMatchObject({ status: 401, reason: "Unauthorized" });
      await writeFile(path, await readFile(await kubeconfig(plane.url), "utf8"));
      await expect(client.call(getCRDs, signal)).rejects.toMatchObject({ status: 401 });
      await client.call(getCRDs, signal);
    });

    test("F29: trusts another authority once the kubeconfig has it, though the one before is inline", async () => {
      using before = createAuthority("before");
      using after = createAuthority("after");
      let accepted = 0;
      const server = createHTTPSServer(before.issue("IP:127.0.0.1"), (_request, response) => {
        accepted += 1;
        response.setHeader("content-type", "application/json").end("{}");
      });
      await once(server.listen(0, "127.0.0.1"), "listening");
      await using _server = { [Symbol.asyncDispose]: async () => void (await once(server.close(), "close")) };
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const trusting =
        (ca: string) =>
        ({ clusters }: KubeconfigFile): void => {
          clusters[0].cluster["certificate-authority-data"] = Buffer.from(ca).toString("base64");
        };
      const other = await readFile(await kubeconfig(url, trusting(after.ca)), "utf8");
      const path = join(folder, "inline");
      await writeFile(path, await readFile(await kubeconfig(url, trusting(before.ca)), "utf8"));
      await using client = clientOf(path, { credentialReloadMs: 0 });
      await client.call(getCRDs, signal);
      server.setSecureContext(after.issue("IP:127.0.0.1"));
      server.closeAllConnections();
      await sleep(100);
      await expect(client.call(getCRDs, signal)).rejects.toMatchObject({ name: "ApiUnreachableError" });
      await writeFile(path, other);
      await expect(client.call(getCRDs, signal)).rejects.toMatchObject({ name: "ApiUnreachableError" });
      await client.call(getCRDs, signal);
      expect(accepted).toBe(2);
    });

    test("takes the token from the user's tokenFile, beside the kubeconfig, and what it has later when that is no longer accepted", async () => {
      const tokenFile = "token-4712";
      await writeFile(join(folder, tokenFile), "expired-token\n");
      const path = await kubeconfig(plane.url, (config) => (config.users[0].user = { tokenFile, token: "never-taken" }));
      const moved = join(folder, "with-token-file");
      await writeFile(moved, await readFile(path, "utf8"));
      await using client = clientOf(moved, { credentialReloadMs: 0 });
      await expect(client.call(getCRDs, signal)).rejects.toMatchObject({ status: 401, reason: "Unauthorized" });
      await writeFile(join(folder, tokenFile), "holdfast-token\n");
      await client.call(getCRDs, signal);
    });

    test("refuses a kubeconfig without quoting it, and one that would send a token in the clear", async () => {
      const path = join(folder, "broken");
      await writeFile(path, "users: [{user: {token: token-4711]");
      expect(() => loadKubeConfig(path)).toThrow(`the kubeconfig ${path} cannot be read: it is not a kubeconfig`);
      await writeFile(path, "token-4711");
      expect(() => loadKubeConfig(path)).toThrow(/the kubeconfig .* (cannot be read|has no current context)/);
      expect(() => loadKubeConfig(join(folder, "missing"))).toThrow("cannot be read: ENOENT");
      const plain = await kubeconfig("http://127.0.0.1:1");
      expect(() => loadKubeConfig(plain)).toThrow("names a server without https");
    });
  });

  describe("and its errors", () => {
    test("give the status and the reason that the server gave", async () => {
      await using client = clientOf(plane.kubeconfigs.holdfast);
      const absent = client.call({ method: "GET", path: "/api/v1/namespaces/default/secrets/nowhere" }, signal);
      await expect(absent).rejects.toMatchObject({ name: "ApiError", status: 404, reason: "NotFound" });
      const forbidden = client.call({ method: "GET", path: "/api/v1/nodes" }, signal);
      await expect(forbidden).rejects.toMatchObject({ name: "ApiError", status: 403, reason: "Forbidden" });
      expect(client.occurrences).toMatchObject([{ code: "404" }, { code: "403" }]);
    });

    test("say when to come back", async () => {
      const answer = JSON.stringify({ kind: "Status", reason: "TooManyRequests", details: { retryAfterSeconds: 9 } });
      await using server = await loopbackServer(
        (_request, response) => void response.writeHead(429, { "retry-after": "7" }).end(answer),
        { ...plane.certificate },
      );
      await using client = clientOf(await kubeconfig(server.url));
      await expect(client.call(getCRDs, signal)).rejects.toMatchObject({
        status: 429,
        reason: "TooManyRequests",
        retryAfterMs: 7_000,
      });
    });

    test("are those of the header where the text of a refusal breaks off, or does not come", async () => {
      for (const endText of [(socket: Socket) => void socket.destroy(), () => {}]) {
        await using server = await loopbackServer(
          (_request, response) => {
            response.writeHead(429, { "retry-after": "7", "content-length": "100" }).write("{");
            setTimeout(() => endText(response.socket as Socket), 50);
          },
          { ...plane.certificate },
        );
        await using client = clientOf(await kubeconfig(server.url), { callTimeoutMs: 5_000 });
        await expect(client.call(getCRDs, signal)).rejects.toMatchObject({ name: "ApiError", status: 429, retryAfterMs: 7_000 });
        expect(client.occurrences).toMatchObject([{ code: "429" }]);
      }
    });

    test("quote nothing of an answer that is no JSON", async () => {
      await using server = await loopbackServer((_request, response) => void response.end("<p>page-4711</p>"), {
        ...plane.certificate,
      });
      await using client = clientOf(await kubeconfig(server.url));
      const error: unknown = await client.call(getCRDs, signal).catch((error: unknown) => error);
      expect(error).toMatchObject({ name: "ApiUnreachableError", code: "UNREADABLE_ANSWER" });
      expect(everythingIn(error)).not.toContain("4711");
    });
  });
});

/** An error and its causes, as a log would print them. */
function everythingIn(error: unknown): string {
  return Error.isError(error)
    ? `${error.message} ${error.stack} ${JSON.stringify(error)} ${everythingIn(error.cause)}`
    : String(error);
}
