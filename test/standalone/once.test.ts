/** `run --once` where the next try cannot be made: it ends, and says why. */
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { holdfast } from "../support/holdfast.ts";
import { loopbackServer } from "../support/loopback.ts";
import { temporaryFolder } from "../support/standalone-store.ts";

const apiVersion = "holdfast.dev/v1alpha1";
const preloaded = join(import.meta.dirname, "../support/faster-time.ts");
const faster = { NODE_OPTIONS: `--import ${preloaded}`, HOLDFAST_TEST_FASTER: "40" };

test("of a request: the token server fails since the first try", async () => {
  let tokens = 0;
  await using server = await loopbackServer(({ url }, response) => {
    tokens += url === "/token" ? 1 : 0;
    const status = url === "/token" && tokens === 1 ? 200 : 503;
    const token = { access_token: "a", token_type: "Bearer", expires_in: 60 };
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(token));
  });
  const oauth2 = {
    tokenURL: `${server.url}/token`,
    clientID: { value: "me" },
    clientSecret: { secretKeyRef: { name: "s", key: "s" } },
  };
  const objects = [
    { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { s: "of-the-client" } },
    { apiVersion, kind: "HTTPEndpoint", metadata: { name: "e" }, spec: { baseURL: server.url, auth: { oauth2 } } },
    {
      apiVersion,
      kind: "HTTPRequest",
      metadata: { name: "r" },
      spec: { endpointRef: { name: "e" }, path: "/r", retry: { backoff: { initial: "5m", max: "5m" } } },
    },
  ];
  await using folder = await temporaryFolder();
  const file = await folder.write("all.json", JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  const { code, stdout } = await holdfast(["run", "--once", "-f", file], faster);
  expect([code, stdout]).toEqual([1, expect.stringMatching(/not ready .*TokenRequestFailed/)]);
  expect(server.requests.filter(({ url }) => url === "/r")).toHaveLength(1);
});

test("of an object: looks say nothing since a create was turned away", async () => {
  await using server = await loopbackServer(({ method }, response) => {
    const isAway = server.requests.some((one) => one.method === "POST");
    response.writeHead(method === "POST" ? 429 : isAway ? 503 : 404).end();
  });
  const url = `${server.url}/one`;
  const spec = { observe: { url }, create: { url, method: "POST" } };
  await using folder = await temporaryFolder();
  const file = await folder.write(
    "one.json",
    JSON.stringify({ apiVersion, kind: "HTTPResource", metadata: { name: "one" }, spec }),
  );
  const { code, stdout } = await holdfast(["run", "--once", "-f", file], faster);
  expect([code, stdout]).toEqual([1, expect.stringMatching(/not ready .*UnexpectedStatus .*503/)]);
  expect(server.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
});
