/** `holdfast get` and `outputs`: what a state file knows, read by a process of its own while another has it open, and afterwards. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { messages } from "../../src/cli/get.ts";
import { ageText, tableLines } from "../../src/cli/table.ts";
import { ending, holdfast, start, type Running } from "../support/holdfast.ts";
import { loopbackServer } from "../support/loopback.ts";

const manifests = (url: string): string => `
apiVersion: holdfast.dev/v1alpha1
kind: HTTPRequest
metadata: {name: login, namespace: team-a}
spec:
  url: ${url}/login
  outputs:
    - secret: {name: session, labels: {team: a}}
      data: {token: .response.body.token}
    - configMap: {name: facts}
      data: {expires: .response.body.expires}
---
apiVersion: holdfast.dev/v1alpha1
kind: HTTPRequest
metadata: {name: fails}
spec: {url: "${url}/401", retry: {limit: 0}}
---
apiVersion: holdfast.dev/v1alpha1
kind: HTTPResource
metadata: {name: ada}
spec:
  parameters: {age: 36}
  externalID: .response.body.id
  drift: Report
  interval: 1s
  observe: {url: "${url}/users/\${ .externalID }"}
  create: {url: "${url}/users", body: {json: "\${ .parameters }"}}
  update: {url: "${url}/users/\${ .externalID }", body: {json: "\${ .parameters }"}}
`;

async function until(look: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await look());)
    if (Date.now() > deadline) throw new Error("it does not come about");
}

let folder: string;
let data: string;
const started = new AsyncDisposableStack();
let running: Running;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-get-"));
  started.defer(() => rm(folder, { recursive: true }));
  data = join(folder, "state.db");
  const origin = started.use(
    await loopbackServer(({ method, url }, response) => {
      const status = url === "/401" ? 401 : method === "POST" ? 201 : 200;
      const body = url === "/login" ? { token: "t0k3n-of-ada", expires: 3600 } : { id: "u-7", age: 35 };
      response.writeHead(status, { "content-type": "application/json", "www-authenticate": "Basic" }).end(JSON.stringify(body));
    }),
  );
  await writeFile(join(folder, "all.yaml"), manifests(origin.url));
  running = started.use(ending(start(["run", "-f", join(folder, "all.yaml"), "--data", data])));
  await until(async () =>
    /(?=.*login\s+True)(?=.*fails\s+False)(?=.*ada\s+\S+\s+\S+\s+u-7\s+True)/s.test(
      (await holdfast(["get", "--data", data])).stdout,
    ),
  );
});
afterAll(() => started.disposeAsync());

const yaml = async (...args: string[]): Promise<unknown> =>
  parse((await holdfast([...args, "--data", data, "-o", "yaml"])).stdout) as unknown;

/** The same while `run` has the file, after it was killed, and after it has ended. */
function asserted(): void {
  test("as tables by kind", async () => {
    const { code, stdout, stderr } = await holdfast(["get", "--data", data]);
    expect([code, stderr]).toEqual([0, ""]);
    const [requests = "", resources = ""] = stdout.split("\n\n");
    expect(requests).toMatch(/^NAMESPACE +HTTPREQUEST +READY +REASON +CODE +LAST +NEXT\n/);
    expect(requests).toMatch(/\ndefault +fails +False +UnexpectedStatus +401 +\d+[smh]/);
    expect(requests).toMatch(/\nteam-a +login +True +Succeeded +200 +\d+[smh]/);
    expect(resources).toMatch(/^NAMESPACE +HTTPRESOURCE +READY +REASON +EXTERNAL-ID +DRIFTED +CODE/);
    expect(resources).toMatch(/\ndefault +ada +\S+ +\S+ +u-7 +True/);
  });
  test("of one kind, one namespace and one name, and with what is said of it", async () => {
    const { stdout } = await holdfast(["get", "hreq", "fails", "-n", "default", "-o", "wide", "--data", data]);
    expect(stdout.split("\n")).toHaveLength(3);
    expect(stdout).toContain("answered 401, which asks for Basic");
    expect((await holdfast(["get", "HTTPResource", "-o", "wide", "--data", data])).stdout).toContain("Drifted: ");
  });
  test("as objects, with status and conditions", async () => {
    expect(await yaml("get", "hres", "ada")).toMatchObject({
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "HTTPResource",
      metadata: { name: "ada", namespace: "default", generation: 1 },
      status: {
        externalID: "u-7",
        conditions: expect.arrayContaining([expect.objectContaining({ type: "Drifted", status: "True" })]),
      },
    });
    const { stdout } = await holdfast(["get", "all", "--data", data, "-o", "json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: "List",
      items: [{ kind: "HTTPRequest" }, { kind: "HTTPRequest" }, { kind: "HTTPResource" }],
    });
  });
  test("outputs: their keys, and whose they are", async () => {
    const { stdout } = await holdfast(["outputs", "--data", data]);
    expect(stdout).toMatch(/\nteam-a +ConfigMap +facts +expires +HTTPRequest\/login\n/);
    expect(stdout).toMatch(/\nteam-a +Secret +session +Opaque +token +HTTPRequest\/login\n/);
  });
  test("a Secret's values only if asked for; a ConfigMap's always", async () => {
    for (const args of [["outputs"], ["outputs", "session", "-o", "json"], ["outputs", "-o", "yaml"]]) {
      const { stdout } = await holdfast([...args, "--data", data]);
      expect(stdout).not.toContain("t0k3n");
      expect(stdout).not.toContain(Buffer.from("t0k3n-of-ada").toString("base64"));
    }
    expect(await yaml("outputs", "session")).toMatchObject({ kind: "Secret", type: "Opaque", data: { token: "***" } });
    expect(await yaml("outputs", "session", "--show-secrets")).toMatchObject({
      metadata: { name: "session", namespace: "team-a", labels: { team: "a" } },
      data: { token: Buffer.from("t0k3n-of-ada").toString("base64") },
    });
    expect(await yaml("outputs", "facts")).toMatchObject({ kind: "ConfigMap", data: { expires: "3600" } });
  });
  test("what is not there is said", async () => {
    expect(await holdfast(["get", "hreq", "nobody", "--data", data])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: `no object "nobody" in ${data}\n`,
    });
    expect(await holdfast(["outputs", "nothing", "-n", "x", "--data", data])).toMatchObject({
      code: 1,
      stderr: `no output "nothing" in namespace x in ${data}\n`,
    });
    expect(await holdfast(["get", "egresspolicies", "--data", data])).toMatchObject({
      code: 0,
      stderr: `no objects in ${data}\n`,
    });
  });
}

describe("while run has the file open", () => {
  asserted();
  test("and a second run still finds it in use", async () => {
    const second = await holdfast(["run", "--once", "-f", join(folder, "all.yaml"), "--data", data]);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining("in use by another process") });
  });
});
describe("after run was killed", () => {
  beforeAll(async () => {
    running.kill("SIGKILL");
    await running.ended;
  });
  asserted();
  test("nothing is written to it", async () => {
    const before = new DatabaseSync(data, { readOnly: true });
    const versions = (): unknown => before.prepare("SELECT max(resource_version) AS latest FROM objects").get();
    const first = versions();
    await holdfast(["get", "--data", data]);
    expect(versions()).toEqual(first);
    before.close();
  });
});

describe("a file that cannot be read", () => {
  test.each<[string, string, string]>([
    ["none", "", "there is no such state file"],
    ["text", "no database, and longer than the header of one would be, so that it cannot be taken for one", "not a database"],
  ])("%s", async (name, content, message) => {
    const file = join(folder, name);
    if (content !== "") await writeFile(file, content.repeat(20));
    for (const command of ["get", "outputs"])
      expect(await holdfast([command, "--data", file])).toMatchObject({
        code: 1,
        stdout: "",
        stderr: expect.stringMatching(new RegExp(`^error: ${file}: ${message}.*\\n$`)),
      });
  });
  test("another program's", async () => {
    const file = join(folder, "other.db");
    using other = new DatabaseSync(file);
    other.exec("CREATE TABLE t (a)");
    expect(await holdfast(["get", "--data", file])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("another program"),
    });
  });
  test("a kind that is none, and no file at all", async () => {
    expect(await holdfast(["get", "pods", "--data", data])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("httprequests, httpresources"),
    });
    expect(await holdfast(["get"])).toMatchObject({ code: 2, stderr: expect.stringContaining("--data") });
  });
});

test("tables hold nothing that a terminal would obey, and ages are kubectl's", () => {
  expect(
    tableLines([
      ["A", "B"],
      ["a\u001B[2J\nb", "c"],
    ]),
  ).toEqual(["A         B", "a [2J b   c"]);
  expect([0, 59, 250, 3_600, 90_000, 86_400 * 20].map(ageText)).toEqual(["0s", "59s", "4m10s", "1h", "1d1h", "20d"]);
});

test("what is said of an object is Ready's, and the difference that is there or was corrected", () => {
  const ready = { type: "Ready", status: "True", reason: "Updated", message: "answered 200" };
  const said = (status: string, reason: string, message: string): string =>
    messages({ status: { conditions: [ready, { type: "Drifted", status, reason, message }] } });
  expect(said("False", "Corrected", "corrected: .age (wanted: 36)")).toBe("answered 200; corrected: .age (wanted: 36)");
  expect(said("True", "NotAsDeclared", ".age (wanted: 36)")).toBe("answered 200; Drifted: .age (wanted: 36)");
  expect(said("False", "AsDeclared", "the remote object is as declared")).toBe("answered 200");
});
