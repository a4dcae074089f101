/** `holdfast run` and `render`, as processes of their own, against a server that counts. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { startDemoOrigin } from "../support/demo-origin.ts";
import { examplesFor } from "../support/examples.ts";
import { until } from "../support/fault-world.ts";
import { holdfast, start } from "../support/holdfast.ts";

async function workFolder(): Promise<
  AsyncDisposable & { path: string; write(name: string, ...documents: readonly object[]): Promise<string> }
> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-run-"));
  return {
    path,
    async write(name, ...documents) {
      const file = join(path, name);
      await writeFile(file, documents.map((document) => stringify(document)).join("---\n"));
      return file;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}
function request(name: string, spec: object): object {
  return { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPRequest", metadata: { name }, spec };
}

/** Counts by path and method what it is asked. */
async function countingOrigin() {
  const requests = new Map<string, number>();
  const held: string[] = [];
  const server = createServer((incoming, response) => {
    const asked = `${incoming.method} ${incoming.url}`;
    requests.set(asked, (requests.get(asked) ?? 0) + 1);
    incoming.resume();
    if (origin.total() > origin.answers) held.push(asked);
    else response.end("{}");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const origin = {
    /** How many requests are answered; those that come after them are held, and never answered. */
    answers: Infinity,
    held,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    total: () => [...requests.values()].reduce((sum, count) => sum + count, 0),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return origin;
}

test("runs every example to its declared end, once, and says what it did", async () => {
  await using origin = await startDemoOrigin(0);
  await using examples = await examplesFor(origin.port);
  const { code, stdout, stderr } = await holdfast(["run", "--once", "-f", examples.path]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/default\/announce {2}POST {2}ready {2}Succeeded/);
  expect(stdout).toMatch(/requests declared {3}(\d+) \(all \1 ended as declared\)\n/);
  const sent = [...origin.requests.values()].reduce((sum, count) => sum + count, 0);
  expect(stdout).toContain(`\nrequests sent       ${sent}\n`);
  expect(stdout).toMatch(/clients in the Map {2}3\n/); // two timeouts, the endpoint's and the default, and one for tokens
  expect([...origin.requests.values()].every((count) => count <= 3)).toBe(true);
  expect(stdout).not.toContain("a-token-that-stays-secret");
});

test("nothing that the server of the examples is asked ends it", async () => {
  await using origin = await startDemoOrigin(0);
  const of = async (method: string, path: string, body?: string, type = "application/json"): Promise<number> => {
    const headers = { "content-type": type };
    const response = await fetch(`http://127.0.0.1:${origin.port}${path}`, { method, headers, ...(body && { body }) });
    await response.arrayBuffer();
    return response.status;
  };
  expect(await of("GET", "/users/ada")).toBe(200);
  expect(await of("POST", "/echo", "{bad")).toBe(400);
  expect(await of("POST", "/events", "null", "application/cloudevents+json")).toBe(400);
  expect(await of("POST", "/files", "x", "multipart/form-data")).toBe(400);
  for (const [method, path] of [...origin.requests.keys()].map((asked) => asked.split(" ") as [string, string]))
    for (const body of ["null", "1", '"a"', "[]", "{bad"])
      if (method !== "GET") expect([200, 202, 400]).toContain(await of(method, path, body));
  expect(await of("GET", "//")).toBe(400);
  expect(await of("POST", "/echo", "{}")).toBe(200);
});

test("the server of the examples keeps what is made, changed and deleted there", async () => {
  await using origin = await startDemoOrigin(0);
  const ask = async (method: string, path: string, body?: object, type = "application/json"): Promise<unknown> => {
    const content = body && { body: JSON.stringify(body), headers: { "content-type": type } };
    const response = await fetch(`http://127.0.0.1:${origin.port}${path}`, { method, ...content });
    return response.ok ? response.json() : (await response.text(), response.status);
  };
  const user = "/users/u-1001";
  expect(await ask("GET", user)).toBe(404);
  await ask("POST", "/users", { name: "Ada", age: 36 });
  expect(await ask("PATCH", user, { age: 37, name: null }, "application/merge-patch+json")).toMatchObject({ age: 37, serial: 7 });
  expect(await ask("GET", user)).toEqual({ id: "u-1001", age: 37, serial: 7 });
  await ask("DELETE", user);
  expect([await ask("GET", user), await ask("PATCH", user, { age: 38 }), await ask("DELETE", user)]).toEqual([404, 404, 404]);
  expect(await ask("PUT", "/teams/t-2", { members: 13 })).toMatchObject({ name: "platform", members: 13, rooms: 3 });
  await ask("POST", "/databases", { name: "orders", size: "small" });
  expect(await ask("PUT", "/databases/db-1", { size: "large" })).toMatchObject({ name: "orders", size: "large" });
  await ask("DELETE", "/databases/db-1");
  expect(await ask("GET", "/databases/db-1")).toBe(404);
});

test("what an example's object is changed to holds at the server of the examples", async () => {
  await using origin = await startDemoOrigin(0);
  await using folder = await workFolder();
  const spec = (age: number): object => ({
    externalID: ".response.body.id",
    parameters: { age },
    observe: { url: `http://127.0.0.1:${origin.port}/users/\${ .externalID }` },
    create: { url: `http://127.0.0.1:${origin.port}/users`, body: { json: "${ .parameters }" } },
    update: {
      url: `http://127.0.0.1:${origin.port}/users/\${ .externalID }`,
      method: "PATCH",
      body: { mergePatch: { age: "${ .parameters.age }" } },
    },
  });
  const run = async (age: number): Promise<string> => {
    const manifest = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata: { name: "ada" }, spec: spec(age) };
    const file = await folder.write("a.yaml", manifest);
    return (await holdfast(["run", "--once", "-f", file, "--data", join(folder.path, "state.db")])).stdout;
  };
  expect(await run(36)).toContain("Created");
  expect(await run(37)).toContain("Updated");
  for (let nth = 0; nth < 3; nth += 1) expect(await run(37)).toContain("all 1 ended as declared");
  expect(origin.requests.get("PATCH /users/u-1001")).toBe(1);
});

test("exits 1 when a request does not end as declared, and says which and why", async () => {
  await using origin = await startDemoOrigin(0);
  await using folder = await workFolder();
  const file = await folder.write("a.yaml", request("lost", { url: `http://127.0.0.1:${origin.port}/nowhere` }));
  const { code, stdout } = await holdfast(["run", "--once", "-f", file]);
  expect(code).toBe(1);
  expect(stdout).toContain("default/lost  GET  not ready  UnexpectedStatus  answered 404");
  expect(stdout).toContain("1 of 1 did not end as declared");
});

test("wish 24: render shows what would be sent, masks secrets and sends nothing", async () => {
  await using origin = await startDemoOrigin(0);
  await using examples = await examplesFor(origin.port);
  const { code, stdout } = await holdfast(["render", "-f", examples.path]);
  expect(code).toBe(0);
  expect(stdout).toContain("Bearer ***");
  expect(stdout).toContain(`http://127.0.0.1:${origin.port}/users/grace%2Fhopper`);
  expect(stdout).toContain("9007199254740993");
  expect(stdout).toContain("user=ada&password=***");
  expect(stdout).toMatch(
    /# HTTPRequest default\/login, what is made of the answer\noutputs:\n {2}- kind: Secret\n {4}name: session\n/,
  );
  expect(stdout).toMatch(/filename="pixel.gif"\n {2}Content-Type: image\/gif\n\n {2}\(42 bytes, SHA-256 [0-9a-f]{64}\)\n/);
  const login =
    /# HTTPEndpoint "portal": spec\.auth\.login\.requests\[0\]\nmethod: POST\n(.+\n)+body: user=ada&password=\*\*\*\n/;
  expect(stdout).toMatch(login);
  expect(stdout).toMatch(/x-csrf-token\n {4}value: "\*\*\*"\n {2}- name: cookie\n {4}value: "\*\*\*"\n/);
  expect(stdout).not.toMatch(/(token-that-stays|also-a)-secret/);
  expect(stdout).not.toContain("secret-path");
  expect(stdout).toContain("# HTTPRequest default/switch-features-on, item 2\nmethod: PUT\n");
  expect(stdout).toContain(`http://127.0.0.1:${origin.port}/features/dark%20mode`);
  expect(origin.requests.size).toBe(0);
});

test("wish 24: render shows what an HTTPResource makes of an answer, which may be what it reads itself", async () => {
  await using folder = await workFolder();
  const spec = {
    create: { url: "http://127.0.0.1:1/users", body: { json: { t: "${ .inputs.t }" } } },
    inputs: { t: { secretKeyRef: { name: "made", key: "token" } } },
    outputs: [{ secret: { name: "made" }, data: { token: ".response.body.token" } }],
  };
  const manifest = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata: { name: "ada" }, spec };
  const { code, stdout, stderr } = await holdfast(["render", "-f", await folder.write("a.yaml", manifest)]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(`body: '{"t":"***"}'`);
  expect(stdout).toMatch(/what is made of the answer\noutputs:\n {2}- kind: Secret\n {4}name: made\n/);
});

test("names the file, the line and the field of every mistake, and sends nothing", async () => {
  await using folder = await workFolder();
  const file = await folder.write(
    "bad.yaml",
    request("a", { url: "http://127.0.0.1:1/", timeout: "3 days" }),
    request("b", { url: "http://127.0.0.1:1/", nonsense: 1 }),
  );
  const { code, stderr } = await holdfast(["run", "--once", "-f", file]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/bad\.yaml:7: spec\.timeout: /);
  expect(stderr).toMatch(/bad\.yaml:15: spec\.nonsense: /);
});

test("after kill -9 in the middle of 100 requests: idempotent ones complete, no completed one is sent again, a POST in flight is unknown", async () => {
  await using folder = await workFolder();
  await using origin = await countingOrigin();
  origin.answers = 30;
  const names = Array.from({ length: 100 }, (_, n) => ({ name: `r${n}`, method: n % 2 === 0 ? "GET" : "POST" }));
  const file = await folder.write(
    "many.yaml",
    ...names.map(({ name, method }) => request(name, { url: `${origin.url}/${name}`, method })),
  );
  const args = ["run", "--once", "-f", file, "--data", join(folder.path, "state.db"), "--concurrency", "10"];

  const first = start(args);
  const isHeld = (method: string): boolean => origin.held.some((asked) => asked.startsWith(method));
  await until("a GET and a POST are on their way", () => isHeld("GET") && isHeld("POST"));
  first.kill("SIGKILL");
  const killed = await first.ended;
  origin.answers = Infinity;
  const done = [...killed.stdout.matchAll(/^default\/(r\d+) +(?:GET|POST) {2}ready/gm)].map(([, name]) => name);
  expect(done.length).toBeGreaterThan(0);
  expect(done.length).toBeLessThan(100);
  const sentBefore = new Map(origin.requests);

  const { code, stdout } = await holdfast(args);
  const unknown = [...stdout.matchAll(/^default\/(r\d+) +POST {2}not ready {2}OutcomeUnknown/gm)].map(([, name]) => name);
  expect(code).toBe(unknown.length > 0 ? 1 : 0);
  expect(unknown.length).toBeGreaterThan(0);
  for (const { name, method } of names) {
    const asked = `${method} /${name}`;
    const count = origin.requests.get(asked) ?? 0;
    if (method === "POST") expect([asked, count <= 1]).toEqual([asked, true]);
    if (done.includes(name)) expect([asked, count]).toEqual([asked, sentBefore.get(asked)]);
    expect([asked, count >= 1 || unknown.includes(name)]).toEqual([asked, true]);
  }

  const sent = origin.total();
  const third = await holdfast(args);
  expect(third.code).toBe(code);
  expect(origin.total()).toBe(sent);
});

test("says in a condition what is wrong, names the field, and sends none of it; one endless program stops nobody else", async () => {
  await using origin = await countingOrigin();
  await using folder = await workFolder();
  const url = `${origin.url}/x`;
  const cases: Readonly<Record<string, { spec: object; says: string }>> = {
    jq: { spec: { url, body: { json: { a: "${ .a[ }" } } }, says: "InvalidExpression  spec.body.json.a: " },
    expectation: { spec: { url, expect: { that: ".response.body ==" } }, says: "InvalidExpression  spec.expect.that: " },
    unclosed: { spec: { url: `${origin.url}/\${ .a` }, says: "InvalidExpression  spec.url: " },
    null: {
      spec: { url: `${origin.url}/\${ .inputs.nothing }` },
      says: `InvalidExpression  spec.url: .inputs.nothing: there is no input "nothing"`,
    },
    secret: {
      spec: { url, inputs: { a: { secretKeyRef: { name: "none", key: "k" } } } },
      says: 'SecretNotFound  spec.inputs.a: there is no Secret "none"',
    },
    key: {
      spec: { url, inputs: { a: { configMapKeyRef: { name: "some", key: "k" } } } },
      says: 'KeyNotFound  spec.inputs.a: ConfigMap "some" has no key "k"',
    },
    endpoint: {
      spec: { endpointRef: { name: "none" } },
      says: 'EndpointNotFound  spec.endpointRef: there is no HTTPEndpoint "none"',
    },
    cluster: {
      spec: { endpointRef: { kind: "ClusterHTTPEndpoint", name: "a" } },
      says: 'EndpointNotFound  spec.endpointRef: there is no ClusterHTTPEndpoint "a"',
    },
    endless: { spec: { url, body: { json: "${ until(false; .) }" } }, says: "ExpressionTimeout  spec.body.json: " },
    greedy: {
      spec: { url, body: { json: '${ "x" * 1000000000 | . + . + . + . + . }' } },
      says: "ExpressionOutOfMemory  spec.body.json: ",
    },
    newline: {
      spec: { url, headers: [{ name: "a", value: '${ "b\\r\\nc: d" }' }] },
      says: "InvalidRequest  spec.headers[0].value: ",
    },
  };
  const documents = Object.entries(cases).map(([name, { spec }]) => request(name, { method: "POST", ...spec }));
  const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "some" }, data: {} };
  const file = await folder.write(
    "wrong.yaml",
    config,
    request("fine", { url: `${origin.url}/fine`, method: "POST" }),
    ...documents,
  );
  const { code, stdout } = await holdfast(["run", "--once", "-f", file, "--expression-timeout", "8s"]);
  expect(code).toBe(1);
  expect(stdout).toContain("default/fine  POST  ready  Succeeded");
  for (const [name, { says }] of Object.entries(cases)) expect(stdout).toContain(`default/${name}  POST  not ready  ${says}`);
  expect([...origin.requests]).toEqual([["POST /fine", 1]]);
});

test("without --once it takes up changed files, keeps what was declared while one is wrong, and ends on SIGTERM", async () => {
  await using folder = await workFolder();
  await using origin = await countingOrigin();
  // Its value is also the name of a file that the log will speak of.
  const secret = "canary-4f1c8a06";
  await folder.write("secret.yaml", { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { s: secret } });
  const inputs = { s: { secretKeyRef: { name: "s", key: "s" } } };
  const file = await folder.write(`${secret}.yaml`, request("a", { url: `${origin.url}/first`, method: "POST", inputs }));
  const running = start(["run", "-f", folder.path]);
  await until("it is sent", () => origin.requests.get("POST /first") === 1);
  await writeFile(file, "a: [");
  await until("it is found to be wrong", () => running.saidSoFar().includes("a manifest is wrong"));
  await folder.write(`${secret}.yaml`, request("a", { url: `${origin.url}/second`, method: "POST" }));
  await until("what it says then is sent", () => origin.requests.get("POST /second") === 1);
  running.kill("SIGTERM");
  const { code, stdout, stderr } = await running.ended;
  expect(code).toBe(0);
  expect(stderr).toMatch(/a manifest is wrong; what was declared before stands .*\*\*\*\.yaml:1/);
  expect(stderr).not.toContain(secret);
  expect(stdout).toContain("requests sent       2\n");
  expect(origin.total()).toBe(2);
});
