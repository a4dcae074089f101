/** A registry of container images: a blob that is uploaded in two requests, and a manifest that is kept under a tag. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { declare, endpoint, request, resource, until, type Declared, type Manifest } from "./declared.ts";
import type { RealServer } from "./server.ts";
import { startRegistry } from "./servers.ts";

const manifestType = "application/vnd.docker.distribution.manifest.v2+json";
const digestOf = (content: string | Buffer): string => `sha256:${createHash("sha256").update(content).digest("hex")}`;
const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');

let server: RealServer;
let declared: Declared;
const started = new AsyncDisposableStack();

const asked = (path: string, method = "GET", body?: string): Promise<Response> =>
  fetch(`${server.url}${path}`, {
    method,
    headers: { accept: manifestType, ...(body !== undefined && { "content-type": manifestType }) },
    ...(body !== undefined && { body }),
  });
const manifest = (annotation: string): object => ({
  schemaVersion: 2,
  mediaType: manifestType,
  config: { mediaType: "application/vnd.docker.container.image.v1+json", size: config.length, digest: digestOf(config) },
  layers: [],
  annotations: { made: annotation },
});

function manifests(annotation: string): readonly Manifest[] {
  const headers = [{ name: "Accept", value: manifestType }];
  const typed = [...headers, { name: "Content-Type", value: manifestType }];
  const json = { json: "${ .parameters }" };
  const upload = { location: { configMapKeyRef: { name: "upload", key: "location" } } };
  return [
    endpoint("registry", { baseURL: server.url }),
    request("begin", {
      endpointRef: { name: "registry" },
      method: "POST",
      path: "/v2/app/blobs/uploads/",
      expect: { status: ["202"] },
      outputs: [{ configMap: { name: "upload" }, data: { location: ".response.headers.location" } }],
    }),
    // Where to send it is a link of the server's own, with a query that it signed.
    request("upload", {
      endpointRef: { name: "registry" },
      method: "PUT",
      path: "${ .inputs.location }",
      query: [{ name: "digest", value: digestOf(config) }],
      headers: [{ name: "Content-Type", value: "application/octet-stream" }],
      body: { base64: config.toString("base64") },
      inputs: upload,
      expect: { status: ["201"] },
      dependsOn: [{ kind: "HTTPRequest", name: "begin" }],
    }),
    resource("image", {
      endpointRef: { name: "registry" },
      parameters: manifest(annotation),
      externalID: '.response.headers["docker-content-digest"]',
      observe: { path: "/v2/app/manifests/stable", headers },
      create: { method: "PUT", path: "/v2/app/manifests/stable", headers: typed, body: json },
      update: { path: "/v2/app/manifests/stable", headers: typed, body: json },
      delete: { path: "/v2/app/manifests/${ .externalID }" },
      dependsOn: [{ kind: "HTTPRequest", name: "upload" }],
      interval: "1s",
    }),
  ];
}

beforeAll(async () => {
  server = started.use(await startRegistry());
  declared = started.use(await declare(manifests("first")));
  await declared.ready("begin", "upload", "image");
});
afterAll(() => started.disposeAsync());

test("a blob arrives byte by byte, at the place that the registry gave for it", async () => {
  const blob = await asked(`/v2/app/blobs/${digestOf(config)}`);
  expect(Buffer.from(await blob.arrayBuffer()).equals(config)).toBe(true);
  expect(declared.output("upload")["location"]).toContain("/v2/app/blobs/uploads/");
});

test("a manifest is there under its tag, and its digest is its id", async () => {
  const answer = await asked("/v2/app/manifests/stable");
  expect(await answer.json()).toMatchObject({ annotations: { made: "first" } });
  expect(declared.object("image")?.status).toMatchObject({ externalID: answer.headers.get("docker-content-digest") });
});

test("a tag that somebody moved by hand is moved back", async () => {
  expect((await asked("/v2/app/manifests/stable", "PUT", JSON.stringify(manifest("by hand")))).status).toBe(201);
  await until(
    async () => /first/.test(await (await asked("/v2/app/manifests/stable")).text()),
    () => declared.state("image"),
  );
});

test("another manifest takes the tag once it is declared", async () => {
  await declared.change(manifests("second"));
  await until(
    async () => /second/.test(await (await asked("/v2/app/manifests/stable")).text()),
    () => declared.state("image"),
  );
  await declared.ready("image");
});

test("what was uploaded was uploaded once, through all of that", async () => {
  const posts = (await server.lines("output")).filter((line) => line.includes('"POST /v2/app/blobs/uploads/'));
  expect(posts).toHaveLength(1);
});

test("it goes when it is declared no more", async () => {
  await declared.change(manifests("second").slice(0, 1));
  await until(
    async () => (await asked("/v2/app/manifests/stable")).status === 404,
    () => "it is still there",
  );
});
