/** Notices without a cluster: each end is told of once, a restart repeats none, and the exit code is that of the runs. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { holdfast } from "../support/holdfast.ts";
import { loopbackServer } from "../support/loopback.ts";

test("wish 26: run --once waits for the notices of its runs, and a restart sends none again", async () => {
  await using origin = await loopbackServer(({ url }, response) => {
    response.writeHead(url === "/job" ? 404 : 200).end("{}");
  });
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-notices-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const request = (name: string, spec: object): object => ({
    apiVersion: "holdfast.dev/v1alpha1",
    kind: "HTTPRequest",
    metadata: { name },
    spec,
  });
  const notice = (name: string, trigger: object): object =>
    request(name, { url: `${origin.url}/${name}`, method: "POST", body: { json: "${ .trigger }" }, trigger });
  const manifests = [
    request("job", { url: `${origin.url}/job`, method: "POST" }),
    notice("named", { name: "job", when: ["Failed"] }),
    notice("silent", { name: "job", when: ["Succeeded"] }),
    notice("of-notice", { name: "named", when: ["Succeeded"] }),
  ];
  const file = join(folder, "a.yaml");
  await writeFile(file, manifests.map((one) => JSON.stringify(one)).join("\n---\n"));
  const args = ["run", "--once", "-f", file, "--data", join(folder, "state.db")];
  const first = await holdfast(args);
  expect(first.code).toBe(1);
  expect(first.stdout).toContain("1 of 4 did not end as declared");
  const sent = origin.requests.map(({ url }) => url);
  expect(sent).toEqual(["/job", "/named", "/of-notice"]);
  const told = JSON.parse(origin.requests[1]?.body ?? "") as object;
  expect(told).toMatchObject({ when: "Failed", name: "job", reason: "UnexpectedStatus", statusCode: 404, attempt: { tries: 1 } });
  await holdfast(args);
  expect(origin.requests).toHaveLength(3);
});
