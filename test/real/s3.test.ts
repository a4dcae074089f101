/** An S3 server: a bucket and an object in it. It reads whose key signed a request, and does not check version 4 of a signature. */
import { request as send } from "node:http";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import aws4 from "aws4";
import { declare, endpoint, resource, secret, until, type Declared, type Manifest } from "./declared.ts";
import { startNpmServer, type NpmServer } from "./npm-servers.ts";

let server: NpmServer;
let declared: Declared;
const started = new AsyncDisposableStack();

async function ask(method: string, path: string, body = ""): Promise<{ readonly status: number; readonly text: string }> {
  const { hostname, port } = new URL(server.url);
  const options = {
    method,
    path,
    service: "s3",
    region: "us-east-1",
    body,
    host: hostname,
    hostname,
    port,
    headers: { Host: `${hostname}:${port}`, "Content-Type": "application/json" },
  };
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const signed = send(aws4.sign(options, { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" }), (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
  });
  signed.on("error", reject);
  signed.end(body);
  return promise;
}

const file = "/${ .inputs.bucket }/settings/site.json";
const manifests = (motd: string, accessKeyID = "S3RVER"): readonly Manifest[] => [
  secret("aws", { key: "S3RVER" }),
  endpoint("s3", {
    baseURL: server.url,
    auth: {
      awsSigV4: {
        region: "us-east-1",
        service: "s3",
        accessKeyID: { value: accessKeyID },
        secretAccessKey: { secretKeyRef: { name: "aws", key: "key" } },
      },
    },
  }),
  resource("bucket", {
    endpointRef: { name: "s3" },
    externalID: ".metadata.name",
    observe: { path: "/${ .externalID }", method: "HEAD" },
    create: { path: "/${ .externalID }", method: "PUT" },
    delete: { path: "/${ .externalID }" },
    interval: "1s",
  }),
  resource("site", {
    endpointRef: { name: "s3" },
    parameters: { motd },
    inputs: { bucket: { objectRef: { kind: "HTTPResource", name: "bucket", expression: ".status.externalID" } } },
    observe: { path: file },
    create: { path: file, method: "PUT", body: { json: "${ .parameters }" } },
    update: { path: file, body: { json: "${ .parameters }" } },
    delete: { path: file },
    values: { etag: ".response.headers.etag" },
    interval: "1s",
  }),
];
const object = "/bucket/settings/site.json";
const holds = (motd: string, name: string): Promise<void> =>
  until(
    async () => (await ask("GET", object)).text === JSON.stringify({ motd }),
    () => declared.state(name),
  );

beforeAll(async () => {
  server = started.use(await startNpmServer("s3"));
  declared = started.use(await declare(manifests("hello")));
  await declared.ready("bucket", "site");
});
afterAll(() => started.disposeAsync());

test("a bucket is made before its object, each once", async () => {
  expect(await server.writes()).toEqual(["PUT /bucket 200", `PUT ${object} 200`]);
  expect(await ask("GET", object)).toEqual({ status: 200, text: '{"motd":"hello"}' });
});
test("an object that somebody overwrote or removed is put right, and follows what is declared", async () => {
  await ask("PUT", object, '{"motd":"by hand"}');
  await holds("hello", "site");
  await ask("DELETE", object);
  await holds("hello", "site");
  await declared.change(manifests("good evening"));
  await holds("good evening", "site");
  await declared.ready("bucket", "site");
});
test("with a key that the server does not know nothing is taken for gone, and nothing is made", async () => {
  const before = await server.writes();
  await declared.change(manifests("good evening", "another"));
  await until(
    () => declared.state("site").includes("NotAuthorized") && declared.state("bucket").includes("NotAuthorized"),
    () => `${declared.state("bucket")}; ${declared.state("site")}`,
  );
  expect(await server.writes()).toEqual(before);
  await declared.change(manifests("good evening"));
  await declared.ready("bucket", "site");
});
test("both go, the object first, though the endpoint and its key go at once", async () => {
  await declared.change([]);
  await until(
    async () => (await ask("GET", "/bucket")).status === 404,
    () => `${declared.state("bucket")}; ${declared.state("site")}`,
  );
  const gone = `DELETE ${object} 204,DELETE /bucket 204`;
  await until(
    async () => (await server.writes()).slice(-2).join() === gone, // the log comes later
    () => "they did not go in this order",
  );
});
test("what is there already is adopted, and not sent", async () => {
  await ask("PUT", "/bucket");
  await ask("PUT", object, '{"motd":"hello"}');
  const before = await server.writes();
  await using another = await declare(manifests("hello"));
  await another.ready("bucket", "site");
  expect(another.state("site")).toMatch(/^True\/Adopted/);
  expect(await server.writes()).toEqual(before);
});
