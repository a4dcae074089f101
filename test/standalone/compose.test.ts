/** The guide's Composition by patch and transform: what it composes runs, and its status has what the composite takes of it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { guideComposition, patched, takenFrom } from "../support/compositions.ts";
import { until } from "../support/fault-world.ts";
import { ending, holdfast, start } from "../support/holdfast.ts";
import { loopbackServer } from "../support/loopback.ts";

test("a composed object is Ready, and its facts and its Secret are there for the composite", async () => {
  const objects = new Map<string, object>();
  await using server = await loopbackServer(({ method, url, body }, response) => {
    if (method === "POST")
      objects.set("/v1/spaces/s-7", { ...(JSON.parse(body) as object), id: "s-7", host: "s-7.example", key: "a key" });
    const object = objects.get(method === "POST" ? "/v1/spaces/s-7" : url);
    response.writeHead(object ? 200 : 404, { "content-type": "application/json" }).end(JSON.stringify(object ?? {}));
  });
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-compose-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const resource = guideComposition("spaces").spec.pipeline[0]?.input?.resources?.[0];
  if (!resource) throw new Error("the guide's Composition has no resource");
  // Whatever a claim says is a value.
  const composite = { metadata: { name: "blue" }, spec: { name: '${ .inputs } "quoted"\n', size: 12 } };
  const made = patched(resource, composite) as { readonly spec: object };
  const object = { ...made, metadata: { name: "blue" }, spec: { ...made.spec, interval: "1s" } };
  const [file, state] = [join(folder, "blue.yaml"), join(folder, "state.db")];
  await writeFile(file, stringify(object).replaceAll("https://spaces.example", server.url));
  stack.use(ending(start(["run", "-f", file, "--data", state])));

  let seen: object = {};
  const look = async (): Promise<boolean> => {
    const { stdout } = await holdfast(["get", "hres", "blue", "--data", state, "-o", "json"]);
    if (stdout !== "") seen = takenFrom(resource, JSON.parse(stdout) as object);
    return JSON.stringify(seen).includes("host");
  };
  await until("it has been observed", look, 60_000);
  expect(seen).toEqual({ status: { id: "s-7", host: "s-7.example" } });
  expect(JSON.parse(server.requests.find(({ method }) => method === "POST")?.body ?? "")).toEqual({
    name: composite.spec.name,
    size: 12,
  });
  const kept = await holdfast(["outputs", "blue-key", "--data", state, "-o", "json", "--show-secrets"]);
  expect(JSON.parse(kept.stdout)).toMatchObject({ data: { key: Buffer.from("a key").toString("base64") } });
});
