/** A registry of container images that wants a token for each thing that is done there, and verifies who signed it. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { declare, endpoint, request, resource, secret, until, type Declared, type Manifest } from "./declared.ts";
import { leewaySeconds, password, startRegistryTokens, type RegistryTokens } from "./registry-tokens.ts";
import type { RealServer } from "./server.ts";
import { startRegistry } from "./servers.ts";

const indexType = "application/vnd.oci.image.index.v1+json";
const ownLife = { expiresIn: 3_600, validFor: 3_600 };
/** `brief`: the answers say that a token lives for 20 s. `early`: the registry refuses the first ones after 10 s, and nobody said so. */
const lives: Readonly<Record<string, (count: number) => typeof ownLife>> = {
  brief: () => ({ ...ownLife, expiresIn: 20 }),
  early: (count) => ({ ...ownLife, validFor: count === 0 ? 10 - leewaySeconds : 3_600 }),
};

let tokens: RegistryTokens;
let server: RealServer;
let declared: Declared;
const started = new AsyncDisposableStack();

/** An endpoint of a user's own, and an image's index that is kept in the repository of the user's name. */
function keptBy(username: string): readonly Manifest[] {
  const headers = [{ name: "Accept", value: indexType }];
  const typed = [...headers, { name: "Content-Type", value: indexType }];
  const path = `/v2/${username}/manifests/stable`;
  return [
    endpointOf(username),
    resource(`${username}-index`, {
      endpointRef: { name: username },
      parameters: { schemaVersion: 2, mediaType: indexType, manifests: [] },
      externalID: '.response.headers["docker-content-digest"]',
      observe: { path, headers },
      create: { method: "PUT", path, headers: typed, body: { json: "${ .parameters }" } },
      delete: { path: `/v2/${username}/manifests/\${ .externalID }` },
      interval: "1s",
    }),
  ];
}
function endpointOf(username: string, key = "password"): Manifest {
  const user = { username: { value: username }, password: { secretKeyRef: { name: "registry", key } } };
  const registry = { tokenURL: tokens.auth.realm, ...(username !== "" && user) };
  return endpoint(username === "" ? "nobody" : username, { baseURL: server.url, auth: { registry } });
}
const got = (name: string, username: string, path: string, more: object = {}): Manifest =>
  request(name, { endpointRef: { name: username }, path, ...more });
function manifests(): readonly Manifest[] {
  const tags = { outputs: [{ configMap: { name: "tags" }, data: { tags: ".response.body.tags | tojson" } }] };
  return [
    secret("registry", { password, wrong: "another password" }),
    ...keptBy("ada"),
    got("base", "ada", "/v2/"),
    got("tags", "ada", "/v2/ada/tags/list", { ...tags, dependsOn: [{ kind: "HTTPResource", name: "ada-index" }] }),
    ...keptBy("brief"),
    ...keptBy("early"),
    endpointOf("mallory", "wrong"),
    got("wrong-password", "mallory", "/v2/ada/tags/list"),
    endpointOf(""),
    got("anonymous", "nobody", "/v2/ada/tags/list"),
  ];
}
/** Statuses of the answers to requests that begin so. */
async function answers(line: string): Promise<readonly string[]> {
  const lines = (await server.lines("output")).filter((one) => one.includes(`"${line}`));
  return lines.map((one) => / HTTP\/1\.1" (\d{3}) /.exec(one)?.[1] ?? one);
}

beforeAll(async () => {
  tokens = started.use(await startRegistryTokens((username, count) => lives[username]?.(count) ?? ownLife));
  server = started.use(await startRegistry(tokens.auth));
  declared = started.use(await declare(manifests()));
  await declared.ready("base", "ada-index", "tags", "brief-index", "early-index");
});
afterAll(() => started.disposeAsync());

test("whoever has no token is not let in", async () => {
  const answer = await fetch(`${server.url}/v2/ada/tags/list`);
  expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([
    401,
    `Bearer realm="${tokens.auth.realm}",service="registry.example",scope="repository:ada:pull"`,
  ]);
});

test("a wrong password is told, and is not sent again and again", async () => {
  await until(
    () => declared.state("wrong-password").includes("/CredentialRefused "),
    () => declared.state("wrong-password"),
  );
  expect(declared.state("wrong-password")).toContain("the token server answered 401; check the user's name and password");
  expect([tokens.asked("mallory"), tokens.scopes("mallory")]).toEqual([1, []]);
});

test("nobody's token opens nothing, and the condition says what was answered", async () => {
  await until(
    () => declared.state("anonymous").startsWith("False/"),
    () => declared.state("anonymous"),
  );
  expect(declared.state("anonymous")).toContain("False/UnexpectedStatus answered 401, which asks for Bearer");
  expect(new Set(tokens.scopes(""))).toEqual(new Set(["repository:ada:pull"]));
});

test("wish 29: with tokens an index is put, and its tag is listed", () => {
  expect(declared.output("tags")).toEqual({ tags: '["stable"]' });
});

test("a token is asked for once for each scope, and shared by all that need the same", async () => {
  await until(
    async () => (await answers("GET /v2/ada/manifests/")).filter((status) => status === "200").length >= 5,
    () => declared.state("ada-index"),
  );
  expect(tokens.scopes("ada").toSorted()).toEqual(["", "repository:ada:pull", "repository:ada:pull,push"]);
  // Only the first request to a place goes without.
  expect((await answers("GET /v2/ada/manifests/")).filter((status) => status === "401")).toHaveLength(1);
  expect(await answers("PUT /v2/ada/")).toEqual(["401", "201"]);
  expect(await answers("GET /v2/ HTTP")).toEqual(["401", "200"]);
});

test("a token is renewed before its life is over, and nothing is refused meanwhile", async () => {
  const pulls = (): number => tokens.scopes("brief").filter((scope) => scope === "repository:brief:pull").length;
  await until(
    () => pulls() >= 2,
    () => declared.state("brief-index"),
  );
  await declared.ready("brief-index");
  expect((await answers("GET /v2/brief/manifests/")).filter((status) => status === "401")).toHaveLength(1);
});

test("a token that the registry refuses, for it has expired, is renewed", async () => {
  await until(
    async () => {
      const all = await answers("GET /v2/early/manifests/");
      return all.filter((status) => status === "401").length === 2 && all.at(-1) === "200";
    },
    () => declared.state("early-index"),
  );
  await declared.ready("early-index");
  const pull = "repository:early:pull";
  expect(tokens.scopes("early").filter((scope) => scope === pull)).toEqual([pull, pull]);
});

test("no status has a token or the password in it", () => {
  const named = manifests().map(({ metadata }) => JSON.stringify(declared.object(metadata.name)?.status ?? ""));
  const secrets = [...tokens.given, ...tokens.given.map((token) => token.split(".")[2] ?? "?"), password, "another password"];
  expect(tokens.given.length).toBeGreaterThan(5);
  expect(named.some((status) => status.includes("sha256:"))).toBe(true);
  expect(secrets.filter((one) => named.some((status) => status.includes(one)))).toEqual([]);
});

test("what is declared no more is deleted, with a token for that", async () => {
  const without = manifests().filter(({ metadata }) => metadata.name !== "ada-index" && metadata.name !== "tags");
  await declared.change(without);
  await until(
    async () => (await answers("DELETE /v2/ada/")).includes("202"),
    () => declared.state("ada-index"),
  );
  expect(tokens.scopes("ada")).toContain("repository:ada:delete");
});
