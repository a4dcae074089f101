/** Files and folders of WebDAV servers: nginx without a password, Apache with one. */
import { access, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { declare, endpoint, resource, secret, until, type Declared, type Manifest } from "./declared.ts";
import type { RealServer } from "./server.ts";
import { startApache, startNginx } from "./servers.ts";

const basic = { basic: { username: { value: "ada" }, password: { secretKeyRef: { name: "ada", key: "password" } } } };
const json = { json: "${ .parameters }" };

/** A file by itself, and a folder with a file in it. */
function manifests(url: string, auth: object, motd: string): readonly Manifest[] {
  const file = (path: string, more: object): object => ({
    endpointRef: { name: "dav" },
    observe: { path },
    create: { method: "PUT", path, body: json },
    update: { path, body: json },
    delete: { path },
    interval: "1s",
    ...more,
  });
  return [
    secret("ada", { password: "secret" }),
    endpoint("dav", { baseURL: url, ...auth }),
    resource("settings", file("/settings.json", { parameters: { motd } })),
    resource("folder", {
      endpointRef: { name: "dav" },
      observe: { path: "/team/" },
      create: { method: "MKCOL", path: "/team/" },
      delete: { path: "/team/" },
      interval: "1s",
    }),
    resource("inside", file("/team/notes.json", { parameters: { motd }, dependsOn: [{ kind: "HTTPResource", name: "folder" }] })),
  ];
}

describe.each([
  ["nginx", startNginx, {}],
  ["Apache", startApache, { auth: basic }],
] as const)("a folder of %s", (_name, startIt, auth) => {
  let server: RealServer;
  let declared: Declared;
  const started = new AsyncDisposableStack();
  const path = (file: string): string => join(server.folder, "dav", file);
  const contentOf = async (file: string): Promise<unknown> => JSON.parse(await readFile(path(file), "utf8")) as unknown;
  const isThere = (file: string): Promise<boolean> =>
    access(path(file)).then(
      () => true,
      () => false,
    );
  /** Method, path and status of what was not only asked for. */
  const writes = async (): Promise<readonly string[]> =>
    (await server.lines("access.log"))
      .map((line) => line.split(" ").slice(0, 3).join(" "))
      .filter((line) => !line.startsWith("GET"));

  beforeAll(async () => {
    server = started.use(await startIt());
    declared = started.use(await declare(manifests(server.url, auth, "hello")));
    await declared.ready("settings", "folder", "inside");
  });
  afterAll(() => started.disposeAsync());

  test("is made, each thing of it once, and in order", async () => {
    expect(await contentOf("settings.json")).toEqual({ motd: "hello" });
    expect(await contentOf("team/notes.json")).toEqual({ motd: "hello" });
    let made: readonly string[] = [];
    await until(
      async () => (made = await writes()).length >= 3, // the log comes later
      () => made.join(),
    );
    expect(made.toSorted()).toEqual(["MKCOL /team/ 201", "PUT /settings.json 201", "PUT /team/notes.json 201"]);
    expect(made.indexOf("MKCOL /team/ 201")).toBeLessThan(made.indexOf("PUT /team/notes.json 201"));
  });
  test("is only looked at while it is as declared, over few connections", async () => {
    const before = await writes();
    await sleep(3_000);
    expect(await writes()).toEqual(before);
    await until(
      async () => (await server.lines("access.log")).length > 9,
      () => "it is not looked at",
    );
    const lines = await server.lines("access.log");
    expect(new Set(lines.map((line) => line.split(" ")[3])).size).toBeLessThanOrEqual(6);
  });
  test("that somebody changed by hand is put right, once; one that somebody removed is made again", async () => {
    const before = (await writes()).length;
    await writeFile(path("settings.json"), '{"motd": "mine now"}');
    await until(
      async () => /hello/.test(await readFile(path("settings.json"), "utf8")),
      () => declared.state("settings"),
    );
    await rm(path("team"), { recursive: true });
    await until(
      () => isThere("team/notes.json"),
      () => `${declared.state("folder")}; ${declared.state("inside")}`,
    );
    await sleep(2_500);
    const since = (await writes()).slice(before).filter((line) => / 20\d$/.test(line));
    expect(since.map((line) => line.replace(/ \d+$/, "")).toSorted()).toEqual([
      "MKCOL /team/",
      "PUT /settings.json",
      "PUT /team/notes.json",
    ]);
  });
  test("follows what is declared", async () => {
    await declared.change(manifests(server.url, auth, "good evening"));
    await until(
      async () => /evening/.test(await readFile(path("settings.json"), "utf8")),
      () => declared.state("settings"),
    );
    await until(
      async () => /evening/.test(await readFile(path("team/notes.json"), "utf8")),
      () => declared.state("inside"),
    );
    await declared.ready("settings", "folder", "inside");
  });
  test("goes when all of it is declared no more, at once", async () => {
    await declared.change(manifests(server.url, auth, "").slice(0, 2)); // the endpoint and its Secret
    await until(
      async () => !(await isThere("settings.json")) && !(await isThere("team")),
      () => "it is still there",
    );
    const deleted = async (): Promise<string> => (await writes()).filter((line) => line.startsWith("DELETE")).join();
    await until(
      async () => /^(?=.*\/settings\.json 204)(?=.*\/team\/ 204)/.test(await deleted()), // the log comes later
      () => "nothing was deleted",
    );
  });
  test("that is there already is adopted, and not sent", async () => {
    await writeFile(path("settings.json"), '{"motd": "hello", "more": 1}');
    const before = await writes();
    const [ada, dav, settings] = manifests(server.url, auth, "hello");
    await using another = await declare([ada, dav, settings].filter((one) => one !== undefined));
    await another.ready("settings");
    expect(another.state("settings")).toMatch(/^True\/Adopted/);
    expect(await writes()).toEqual(before);
  });
});

test("wish 29: a folder of Apache that asks for Digest is written once its challenge has been answered, each file once", async () => {
  await using server = await startApache("Digest");
  const digest = { ...basic.basic, algorithms: ["MD5"], realm: "dav" };
  await using declared = await declare(manifests(server.url, { auth: { digest } }, "hello"));
  await declared.ready("settings", "folder", "inside");
  const content = JSON.parse(await readFile(join(server.folder, "dav", "team", "notes.json"), "utf8")) as unknown;
  expect(content).toEqual({ motd: "hello" });
  let lines: readonly string[] = [];
  const logged = (code: number): readonly string[] => lines.filter((line) => line.endsWith(` ${code}`));
  await until(
    async () => {
      lines = (await server.lines("access.log")).map((line) => line.split(" ").slice(0, 3).join(" "));
      return logged(201).length >= 3; // the log comes later
    },
    () => lines.join(),
  );
  const written = logged(201);
  expect(written.toSorted()).toEqual(["MKCOL /team/ 201", "PUT /settings.json 201", "PUT /team/notes.json 201"]);
  // One nonce serves them all: only what began before it was known was challenged.
  expect(logged(401).length).toBeLessThanOrEqual(3);
});

test("a digest by MD5 is not answered where nobody has named that, and the condition says what to do", async () => {
  await using server = await startApache("Digest");
  await using declared = await declare(manifests(server.url, { auth: { digest: basic.basic } }, "hello"));
  await until(
    () => declared.state("settings").includes("ChallengeRefused"),
    () => declared.state("settings"),
  );
  expect(declared.state("settings")).toContain("auth.digest.algorithms: the server asks for a digest by MD5");
});

test("a server that wants another credential says so in the condition, by name", async () => {
  await using server = await startApache("Digest");
  await using declared = await declare(manifests(server.url, { auth: basic }, "hello"));
  await until(
    () => declared.state("settings").includes("NotAuthorized"),
    () => declared.state("settings"),
  );
  expect(declared.state("settings")).toContain("answered 401, which asks for Digest");
});
