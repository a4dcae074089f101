/** `run --once` and a deletion that its server accepts by 202, or refuses, and never carries out. */
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { holdfast } from "../support/holdfast.ts";
import { loopbackServer } from "../support/loopback.ts";
import { temporaryFolder } from "../support/standalone-store.ts";

const preloaded = join(import.meta.dirname, "../support/faster-time.ts");
const env = { NODE_OPTIONS: `--import ${preloaded}`, HOLDFAST_TEST_FASTER: "100" };

test.each(["what is to be made anew", "what was taken out"])("of %s: it ends, and says what is still there", async (what) => {
  let made = 0;
  let name = "";
  await using server = await loopbackServer(({ method, body }, response) => {
    if (method === "POST") {
      made += 1;
      ({ name } = JSON.parse(body) as { name: string });
    }
    const status = method === "DELETE" ? 202 : 200;
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ id: `${made}`, name }));
  });
  await using folder = await temporaryFolder();
  const url = `${server.url}/things`;
  const manifest = (given: string): string =>
    JSON.stringify({
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "HTTPResource",
      metadata: { name: "one" },
      spec: {
        timeout: "10m", // six seconds, as its clocks run
        parameters: { name: given },
        externalID: ".response.body.id",
        observe: { url: `${url}/\${ .externalID }` },
        create: { url, body: { json: "${ .parameters }" } },
        update: { url: `${url}/\${ .externalID }`, body: { json: "${ .parameters }" } },
        delete: { url: `${url}/\${ .externalID }` },
        replace: [".name"],
      },
    });
  await folder.write("one.yaml", manifest("ada"));
  await folder.write(
    "other.yaml",
    JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "other" }, data: {} }),
  );
  const args = ["run", "--once", "-f", folder.path, "--data", `${folder.path}/state.db`];
  // The second looks at what the first has made: what differs at the first sight does so by its server's doing.
  for (const _ of ["made", "seen"]) expect((await holdfast(args)).code).toBe(0);
  await folder.write("one.yaml", what === "what was taken out" ? "" : manifest("eve"));
  const { code, stdout } = await holdfast(args, env);
  expect(code).toBe(1);
  expect(stdout).toMatch(/NotDeleted .*still shown/);
  expect(server.requests.filter(({ method }) => method !== "GET").map(({ method }) => method)).toEqual(["POST", "DELETE"]);
});

test.each(["answers 503", "is not there"])(
  "of what was taken out, where its server %s: it ends after its tries",
  async (what) => {
    const server = await loopbackServer(({ method }, response) => {
      const status = method === "DELETE" ? 503 : 200;
      response.writeHead(status, { "content-type": "application/json" }).end('{"id":"1"}');
    });
    await using folder = await temporaryFolder();
    const url = `${server.url}/things`;
    const spec = {
      externalID: ".response.body.id",
      create: { url, body: { json: {} } },
      delete: { url: `${url}/\${ .externalID }` },
    };
    const manifest = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata: { name: "one" }, spec };
    await folder.write("one.yaml", JSON.stringify(manifest));
    const other = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "other" }, data: {} };
    await folder.write("other.yaml", JSON.stringify(other));
    const args = ["run", "--once", "-f", folder.path, "--data", `${folder.path}/state.db`];
    try {
      expect((await holdfast(args)).code).toBe(0);
      if (what === "is not there") await server[Symbol.asyncDispose]();
      await folder.write("one.yaml", "");
      for (const tries of [6, 7]) {
        const { code, stdout } = await holdfast(args, env);
        expect([code, stdout]).toEqual([1, expect.stringMatching(new RegExp(`not ready .*spec\\.delete: .*; try ${tries}; `))]);
        if (what === "answers 503") expect(server.requests.filter(({ method }) => method === "DELETE")).toHaveLength(tries);
      }
    } finally {
      if (what === "answers 503") await server[Symbol.asyncDispose]();
    }
  },
);
