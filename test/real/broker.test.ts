/** RabbitMQ by its management API: queues, vhosts and what is in them, whose names have to be encoded. */
import { readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { declare, endpoint, resource, secret, until, type Declared, type Manifest } from "./declared.ts";
import type { RealServer } from "./server.ts";
import { startRabbitMQ } from "./servers.ts";

const headers = { authorization: `Basic ${Buffer.from("guest:guest").toString("base64")}`, "content-type": "application/json" };
const connection = {
  auth: { basic: { username: { value: "guest" }, password: { secretKeyRef: { name: "guest", key: "password" } } } },
};

let server: RealServer;
let declared: Declared;
const started = new AsyncDisposableStack();

async function ask(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`${server.url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : (JSON.parse(text) as unknown) };
}
const isThere = async (path: string): Promise<boolean> => (await ask("GET", path)).status === 200;

/** By PUT at a path of its own. */
function kept(path: string, parameters: object, more: object = {}): object {
  return {
    endpointRef: { name: "broker" },
    parameters,
    observe: { path },
    create: { method: "PUT", path, body: { json: "${ .parameters.body }" } },
    update: { path, body: { json: "${ .parameters.body }" } },
    delete: { path },
    interval: "1s",
    ...more,
  };
}
const broker = (): readonly Manifest[] => [
  secret("guest", { password: "guest" }),
  endpoint("broker", { baseURL: server.url, ...connection }),
];
function manifests(maxLength: number): readonly Manifest[] {
  const jobs = { durable: true, auto_delete: false, arguments: { "x-queue-type": "classic" } };
  return [
    ...broker(),
    resource("jobs", kept('/queues/${ "/" }/${ .parameters.name }', { name: "jobs/urgent", body: jobs })),
    resource(
      "policy",
      kept('/policies/${ "/" }/${ .metadata.name }', {
        body: { pattern: "^jobs", definition: { "max-length": maxLength }, priority: 1, "apply-to": "queues" },
      }),
    ),
    resource("team", kept("/vhosts/${ .parameters.name }", { name: "team/a", body: {} })),
    resource(
      "events",
      kept(
        "/exchanges/${ .parameters.vhost }/events",
        { vhost: "team/a", body: { type: "topic", durable: true } },
        { dependsOn: [{ kind: "HTTPResource", name: "team" }] },
      ),
    ),
  ];
}
const policy = "/policies/%2F/policy";

beforeAll(async () => {
  server = started.use(await startRabbitMQ());
  declared = started.use(await declare(manifests(100)));
  await declared.ready("jobs", "policy", "team", "events");
});
afterAll(() => started.disposeAsync());

test("are made under the names that they have", async () => {
  expect(await ask("GET", "/queues/%2F/jobs%2Furgent")).toMatchObject({
    status: 200,
    body: { name: "jobs/urgent", vhost: "/", durable: true },
  });
  expect(await ask("GET", "/exchanges/team%2Fa/events")).toMatchObject({ status: 200, body: { type: "topic", vhost: "team/a" } });
});

test("are only looked at while they are as declared", async () => {
  // A file for each hour.
  async function writes(): Promise<readonly string[]> {
    const logs = (await readdir(`${server.folder}/access`)).toSorted();
    const lines = (await Promise.all(logs.map((log) => server.lines(`access/${log}`)))).flat();
    return lines.filter((line) => !line.includes('"GET '));
  }
  const puts = async (): Promise<number> => (await writes()).filter((line) => line.includes('"PUT ')).length;
  await until(
    async () => (await puts()) === 4, // the log comes later
    () => "there are no four PUTs in the log",
  );
  const before = await writes();
  await sleep(3_000);
  expect(await writes()).toEqual(before);
});

test("are put right where somebody changed them by hand, and made again where they were removed", async () => {
  await ask("PUT", policy, { pattern: "^jobs", definition: { "max-length": 7 }, priority: 1, "apply-to": "queues" });
  await until(
    async () => JSON.stringify(await ask("GET", policy)).includes('"max-length":100'),
    () => declared.state("policy"),
  );
  await ask("DELETE", "/queues/%2F/jobs%2Furgent");
  await until(
    () => isThere("/queues/%2F/jobs%2Furgent"),
    () => declared.state("jobs"),
  );
});

test("follow what is declared", async () => {
  await declared.change(manifests(200));
  await until(
    async () => JSON.stringify(await ask("GET", policy)).includes('"max-length":200'),
    () => declared.state("policy"),
  );
});

test("go at once, a vhost with what is in it", async () => {
  await declared.change(broker());
  for (const path of ["/queues/%2F/jobs%2Furgent", policy, "/vhosts/team%2Fa"])
    await until(
      async () => !(await isThere(path)),
      () => `${path} is still there`,
    );
});

test("that are there already are adopted, and nothing is sent", async () => {
  await ask("PUT", policy, { pattern: "^jobs", definition: { "max-length": 5 }, priority: 1, "apply-to": "queues" });
  const [guest, endpointOf, , policyOf] = manifests(5);
  await using another = await declare([guest, endpointOf, policyOf].filter((one) => one !== undefined));
  await another.ready("policy");
  expect(another.state("policy")).toMatch(/^True\/Adopted/);
});
