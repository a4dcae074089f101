/** An OIDC provider: a client that is registered is kept by the token that only its registration was answered with. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { declare, endpoint, request, resource, secret, until, type Declared, type Manifest } from "./declared.ts";
import { startNpmServer, type NpmServer } from "./npm-servers.ts";

let server: NpmServer;
let declared: Declared;
const started = new AsyncDisposableStack();

const bearer = (input: string): object[] => [{ name: "Authorization", value: `Bearer \${ .inputs.${input} }` }];
const fromSecret = (name: string, key: string): object => ({ secretKeyRef: { name, key } });
const metadata = { grant_types: ["client_credentials"], redirect_uris: [], response_types: [] };

const client = (name: string, more: object = {}): Manifest =>
  resource("client", {
    endpointRef: { name: "provider" },
    parameters: { client_name: name, ...metadata },
    inputs: { initial: fromSecret("initial", "token"), own: fromSecret("client", "token") },
    externalID: ".response.body.client_id",
    // A client that is not there any more is answered 401, as its token is none then (RFC 7592, section 2.1).
    observe: {
      path: "/reg/${ .externalID }",
      headers: bearer("own"),
      expect: { status: ["2xx", "401"] },
      object: ".response | select(.statusCode != 401) | .body",
    },
    create: { path: "/reg", headers: bearer("initial"), body: { json: "${ .parameters }" } },
    update: {
      path: "/reg/${ .externalID }",
      headers: bearer("own"),
      body: { json: "${ .parameters + {client_id: .externalID} }" },
    },
    delete: { path: "/reg/${ .externalID }", headers: bearer("own") },
    outputs: [
      {
        secret: { name: "client" },
        data: {
          id: ".response.body.client_id",
          secret: ".response.body.client_secret",
          token: ".response.body.registration_access_token",
        },
        whenMissing: "Keep",
      },
    ],
    interval: "1s",
    ...more,
  });
const manifests = (name: string): readonly Manifest[] => [
  secret("initial", { token: "register-here" }),
  endpoint("provider", { baseURL: server.url }),
  client(name),
  endpoint("as-client", {
    baseURL: server.url,
    auth: {
      oauth2: {
        tokenURL: `${server.url}/token`,
        clientID: fromSecret("client", "id"),
        clientSecret: fromSecret("client", "secret"),
      },
    },
  }),
  request("uses-it", { endpointRef: { name: "as-client" }, path: "/.well-known/openid-configuration" }),
];
interface Registered {
  readonly client_name?: string;
}
async function registered(): Promise<Registered & { readonly status: number }> {
  const { id, token } = declared.output("client");
  const response = await fetch(`${server.url}/reg/${id}`, { headers: { authorization: `Bearer ${token}` } });
  return { ...((await response.json()) as Registered), status: response.status };
}

beforeAll(async () => {
  server = started.use(await startNpmServer("oidc"));
  declared = started.use(await declare(manifests("first")));
  await declared.ready("client", "uses-it");
});
afterAll(() => started.disposeAsync());

test("a client is registered once, and its credentials get a token", async () => {
  const writes = await server.writes();
  expect(writes.filter((line) => line.startsWith("POST /reg"))).toEqual(["POST /reg 201"]);
  expect(writes).toContain("POST /token 200");
  expect(await registered()).toMatchObject({ status: 200, client_name: "first" });
});
test("a client that somebody changed is put right, and follows what is declared", async () => {
  const { id, token } = declared.output("client");
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ ...metadata, client_id: id, client_name: "by hand" });
  expect((await fetch(`${server.url}/reg/${id}`, { method: "PUT", headers, body })).status).toBe(200);
  await until(
    async () => (await registered()).client_name === "first",
    () => declared.state("client"),
  );
  await declared.change(manifests("second"));
  await until(
    async () => (await registered()).client_name === "second",
    () => declared.state("client"),
  );
  await declared.ready("client");
});
test("a client that somebody removed is registered again, with credentials of its own", async () => {
  const before = declared.output("client");
  const headers = { authorization: `Bearer ${before["token"]}` };
  expect((await fetch(`${server.url}/reg/${before["id"]}`, { method: "DELETE", headers })).status).toBe(204);
  await until(
    () => declared.output("client")["id"] !== before["id"],
    () => declared.state("client"),
  );
  await declared.ready("client");
  expect(await registered()).toMatchObject({ status: 200, client_name: "second" });
});
test("it goes when nothing is declared any more", async () => {
  const { id } = declared.output("client");
  await declared.change([]);
  await until(
    async () => (await server.writes()).includes(`DELETE /reg/${id} 204`),
    () => declared.state("client"),
  );
});
