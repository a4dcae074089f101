/** A CouchDB API: a database and a document in it, which can be changed and deleted only with its latest revision. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { declare, endpoint, resource, until, type Declared, type Manifest } from "./declared.ts";
import { startNpmServer, type NpmServer } from "./npm-servers.ts";

let server: NpmServer;
let declared: Declared;
const started = new AsyncDisposableStack();

interface Document {
  readonly _rev?: string;
  readonly [field: string]: unknown;
}
async function ask(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly body: Document }> {
  const headers = { "content-type": "application/json", "x-by": "hand" };
  const response = await fetch(`${server.url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return { status: response.status, body: (await response.json()) as Document };
}
async function byHand(change: object): Promise<void> {
  const { body } = await ask("GET", "/settings/theme");
  expect((await ask("PUT", "/settings/theme", { ...body, ...change })).status).toBe(201);
}

const doc = "/settings/${ .externalID }";
const manifests = (colour: string): readonly Manifest[] => [
  endpoint("couch", { baseURL: server.url }),
  resource("settings", {
    endpointRef: { name: "couch" },
    externalID: ".metadata.name",
    observe: { path: "/${ .externalID }", method: "HEAD" },
    create: { path: "/${ .externalID }", method: "PUT" },
    delete: { path: "/${ .externalID }" },
    interval: "1s",
  }),
  resource("theme", {
    endpointRef: { name: "couch" },
    dependsOn: [{ kind: "HTTPResource", name: "settings" }],
    parameters: { colour, fonts: ["a", "b"] },
    externalID: ".metadata.name",
    observe: { path: doc },
    create: { path: doc, method: "PUT", body: { json: "${ .parameters }" } },
    update: { path: doc, body: { json: "${ .parameters + {_rev: .object._rev} }" } },
    delete: { path: doc, query: [{ name: "rev", value: "${ .object._rev }" }] },
    values: { revision: ".object._rev" },
    interval: "1s",
  }),
];
const revisionOf = async (): Promise<number> => Number((await ask("GET", "/settings/theme")).body._rev?.split("-")[0]);

beforeAll(async () => {
  server = started.use(await startNpmServer("couchdb"));
  declared = started.use(await declare(manifests("red")));
  await declared.ready("settings", "theme");
});
afterAll(() => started.disposeAsync());

test("a database is made before its document, each once", async () => {
  expect(await server.writes()).toEqual(["PUT /settings 201", "PUT /settings/theme 201"]);
  expect((await ask("GET", "/settings/theme")).body).toMatchObject({ colour: "red", fonts: ["a", "b"] });
});
test("a document that somebody changed is put right with the revision that it has now", async () => {
  await byHand({ colour: "by hand", more: 1 });
  await until(
    async () => (await ask("GET", "/settings/theme")).body["colour"] === "red",
    () => declared.state("theme"),
  );
  expect(await revisionOf()).toBe(3);
  await until(
    () => JSON.stringify(declared.object("theme")?.status).includes('"revision":"3-'),
    () => JSON.stringify(declared.object("theme")?.status),
  );
});
test("a revision of which nothing that is declared has changed is no reason for an update", async () => {
  await byHand({ more: 2 });
  await until(
    () => JSON.stringify(declared.object("theme")?.status).includes('"revision":"4-'),
    () => JSON.stringify(declared.object("theme")?.status),
  );
  expect(await revisionOf()).toBe(4);
  await declared.ready("theme");
});
test("another value is put once it is declared", async () => {
  await declared.change(manifests("blue"));
  await until(
    async () => (await ask("GET", "/settings/theme")).body["colour"] === "blue",
    () => declared.state("theme"),
  );
  await declared.ready("theme");
  expect(await revisionOf()).toBe(5);
});
test("a document that somebody deleted is made again", async () => {
  const { body } = await ask("GET", "/settings/theme");
  expect((await ask("DELETE", `/settings/theme?rev=${body._rev}`)).status).toBe(200);
  await until(
    async () => (await ask("GET", "/settings/theme")).status === 200,
    () => declared.state("theme"),
  );
});
test("both go with the latest revision, the document first, though the endpoint goes at once", async () => {
  await declared.change([]);
  // Nobody asks for the database meanwhile: whoever does while it is being deleted makes it again, now and then.
  await until(
    async () => (await server.writes()).at(-1)?.startsWith("DELETE /settings ") === true,
    () => `${declared.state("settings")}; ${declared.state("theme")}`,
  );
  expect((await server.writes()).slice(-2)).toEqual(["DELETE /settings/theme 200", "DELETE /settings 200"]);
  await until(
    () => declared.object("settings") === undefined,
    () => declared.state("settings"),
  );
  expect((await ask("GET", "/settings")).status).toBe(404);
});
test("a document that is there already is adopted, and not sent", async () => {
  await ask("PUT", "/settings");
  await ask("PUT", "/settings/theme", { colour: "red", fonts: ["a", "b"], more: 1 });
  const before = await server.writes();
  await using another = await declare(manifests("red"));
  await another.ready("settings", "theme");
  expect(another.state("theme")).toMatch(/^True\/Adopted/);
  expect(await server.writes()).toEqual(before);
});
