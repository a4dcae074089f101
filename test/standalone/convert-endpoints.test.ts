/** A ProviderConfig's credential sends the same as an endpoint's as by each request's own header. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { holdfast } from "../support/holdfast.ts";
import { loopbackServer } from "../support/loopback.ts";
import { peerDisposable, peerRequest } from "../support/peer-objects.ts";

test("requests of an endpoint are those that each object sent by itself", async () => {
  await using stack = new AsyncDisposableStack();
  await using server = await loopbackServer((_request, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end('{"id":"a-7","name":"ada"}'),
  );
  const folder = await mkdtemp(join(tmpdir(), "holdfast-convert-endpoints-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const url = '.payload.baseUrl + "/" + .response.body.id';
  const forProvider = {
    payload: { baseUrl: `${server.url}/v1/things`, body: '{"name":"ada"}' },
    headers: { "X-Team": ["{{ team:here:name }}", "b"] },
    mappings: [
      { action: "CREATE", url: ".payload.baseUrl", body: ".payload.body" },
      { action: "OBSERVE", url, headers: {} },
      { action: "UPDATE", url, body: ".payload.body" },
    ],
  };
  const providerConfigRef = { name: "it", kind: "ProviderConfig" };
  const documents = [
    {
      apiVersion: "http.m.crossplane.io/v1alpha2",
      kind: "ProviderConfig",
      metadata: { name: "it", namespace: "here" },
      spec: { credentials: { source: "Secret", secretRef: { name: "cred", namespace: "here", key: "token" } } },
    },
    peerRequest({}, { spec: { providerConfigRef, forProvider } }),
    peerDisposable({}, { spec: { providerConfigRef, forProvider: { url: `${server.url}/do/%41`, method: "PUT", body: "x y" } } }),
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "cred", namespace: "here" },
      stringData: { token: 'Basic "quoted" \\x' },
    },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "team", namespace: "here" }, stringData: { name: "a team" } },
  ];
  const given = join(folder, "given.yaml");
  await writeFile(given, documents.map((one) => stringify(one)).join("---\n"));

  async function sentBy(flags: readonly string[]): Promise<readonly object[]> {
    const before = server.requests.length;
    const { code, stdout } = await holdfast(["convert", "-f", given, ...flags]);
    expect(code).toBe(0);
    expect(stdout.includes("kind: HTTPEndpoint")).toBe(flags.length === 0);
    const file = join(folder, `made${flags.join("")}.yaml`);
    await writeFile(file, stdout);
    expect(await holdfast(["run", "--once", "-f", file])).toMatchObject({ code: 0 });
    return server.requests
      .slice(before)
      .map(({ method, url: path, headers: { authorization, ...others }, body }) => ({
        method,
        path,
        authorization,
        team: others["x-team"],
        type: others["content-type"],
        body,
      }))
      .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  const byEndpoint = await sentBy([]);
  expect(byEndpoint).toEqual(await sentBy(["--verbatim"]));
  expect(byEndpoint).toHaveLength(2);
  for (const one of byEndpoint) expect(one).toMatchObject({ authorization: 'Basic "quoted" \\x' });
});
