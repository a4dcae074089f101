/** Servers that go on with a request after its sender has given up waiting: nothing is made twice. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { until } from "../support/fault-world.ts";
import { ending, holdfast, start } from "../support/holdfast.ts";
import { loopbackServer } from "../support/loopback.ts";
import { temporaryFolder } from "../support/standalone-store.ts";

const manifest = (kind: string, name: string, spec: object): string =>
  JSON.stringify({ apiVersion: "holdfast.dev/v1alpha1", kind, metadata: { name }, spec });

test("under a key that its server answers 409 while the first request runs, each is made once and ends as declared", async () => {
  const made = new Map<string, Set<string>>();
  const answers = new Map<string, { readonly id: string } | "busy">();
  await using server = await loopbackServer((request, response) => {
    const key = String(request.headers["idempotency-key"]);
    const answer = (status: number, body: object): void =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    const known = answers.get(key);
    if (known === "busy") return answer(409, { error: "idempotency_key_in_use" });
    if (known) return answer(201, known);
    answers.set(key, "busy");
    void sleep(3_000).then(() => {
      const all = made.get(request.url) ?? new Set();
      made.set(request.url, all.add(key));
      answers.set(key, { id: `${all.size}` });
      answer(201, { id: `${all.size}` });
    });
  });
  await using folder = await temporaryFolder();
  const slow = { timeout: "1s", idempotencyKey: {} };
  const create = { url: `${server.url}/resource`, body: { json: {} } };
  const file = await folder.write(
    "all.yaml",
    [
      manifest("HTTPRequest", "request", { ...slow, url: `${server.url}/request`, method: "POST" }),
      manifest("HTTPRequest", "items", { ...slow, url: `${server.url}/items`, method: "POST", forEach: { items: [1, 2] } }),
      manifest("HTTPResource", "resource", { ...slow, interval: "1s", externalID: ".response.body.id", create }),
    ].join("\n---\n"),
  );
  expect((await holdfast(["run", "--once", "-f", file])).code).toBe(0);
  const counts = Object.fromEntries([...made].map(([path, keys]) => [path, keys.size]));
  expect(counts).toEqual({ "/items": 2, "/request": 1, "/resource": 1 });
});

test("a proxy's 408 to a create, which its server carries out all the same, has nothing sent again", async () => {
  await using server = await loopbackServer((_request, response) => void response.writeHead(408).end());
  await using folder = await temporaryFolder();
  const create = { url: `${server.url}/things`, body: { json: {} } };
  await folder.write("one.yaml", manifest("HTTPResource", "one", { interval: "1s", externalID: ".response.body.id", create }));
  const data = `${folder.path}/state`;
  await using running = ending(start(["run", "-f", folder.path, "--data", data]));
  await until("it says so", async () => (await holdfast(["get", "hres", "--data", data])).stdout.includes("OutcomeUnknown"));
  await sleep(4_000);
  running.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
  expect(server.requests.map(({ method }) => method)).toEqual(["POST"]);
});

test("a create that takes longer than its timeout is found by a later lookup, and not sent again", async () => {
  const things: { readonly id: string; readonly name: string }[] = [];
  await using server = await loopbackServer(({ method, url }, response) => {
    const answer = (body: unknown): void =>
      void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (method === "POST") {
      void sleep(2_500).then(() => {
        things.push({ id: `${things.length + 1}`, name: "one" });
        answer(things.at(-1));
      });
      return;
    }
    const id = url.split("/")[2];
    answer(id === undefined ? { items: things } : things.find((one) => one.id === id));
  });
  await using folder = await temporaryFolder();
  const spec = {
    timeout: "10s", // a second, as its clocks run
    interval: "10s",
    externalID: ".response.body.id",
    observe: { url: `${server.url}/things/\${ .externalID }` },
    lookup: { url: `${server.url}/things`, items: ".response.body.items", match: '.item.name == "one"' },
    create: { url: `${server.url}/things`, body: { json: { name: "one" } } },
  };
  const file = await folder.write("one.yaml", manifest("HTTPResource", "one", spec));
  const preloaded = join(import.meta.dirname, "../support/faster-time.ts");
  const env = { NODE_OPTIONS: `--import ${preloaded}`, HOLDFAST_TEST_FASTER: "10" };
  expect((await holdfast(["run", "--once", "-f", file], env)).code).toBe(0);
  expect(server.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
  expect(server.requests.at(-1)?.url).toBe("/things/1");
});
