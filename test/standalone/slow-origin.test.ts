/** One origin that does not answer must not keep the others waiting (F14): neither workers nor places are all its own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { holdfast } from "../support/holdfast.ts";
import { loopbackServer } from "../support/loopback.ts";

function manifest(name: string, url: string, timeout = "60s"): string {
  const spec = { url, timeout, retry: { limit: 0 } };
  return JSON.stringify({ apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPRequest", metadata: { name }, spec });
}
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

test("F14, wish 22: 24 requests to an origin that never answers hold up none of 60 to another", async () => {
  let stuck = 0;
  let mostStuck = 0;
  let givenUp = 0;
  await using silent = await loopbackServer((_request, response) => {
    stuck += 1;
    mostStuck = Math.max(mostStuck, stuck);
    response.on("close", () => {
      stuck -= 1;
      givenUp += 1;
    });
  });
  /** How many of the silent ones had been given up when each arrived. */
  const after: number[] = [];
  await using quick = await loopbackServer((_request, response) => {
    after.push(givenUp);
    response.end("ok");
  });
  const folder = await mkdtemp(join(tmpdir(), "holdfast-slow-"));
  try {
    const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`.padStart(2, "0"));
    // In the order of their names the silent ones come first.
    const manifests = [
      ...names(24).map((name) => manifest(`a-silent-${name}`, `${silent.url}/${name}`, "2s")),
      ...names(60).map((name) => manifest(`b-quick-${name}`, `${quick.url}/${name}`)),
    ];
    await writeFile(join(folder, "all.yaml"), manifests.join("\n---\n"));
    const ended = await holdfast(["run", "--once", "-f", folder, "--concurrency", "8", "--max-in-flight-per-origin", "4"]);
    expect(ended.stdout).toContain("24 of 84 did not end as declared");
    expect(new Set(silent.requests.map(({ url }) => url)).size).toBe(24); // each had its turn
    expect(silent.requests).toHaveLength(24);
    expect(quick.requests).toHaveLength(60);
    expect(mostStuck).toBe(3); // of four places one namespace has three
    expect(median(after)).toBeLessThan(24); // nobody waits for all of the silent ones, which take 16 s
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("run --once waits for a turn under a rate limit, though the status has told of the wait", async () => {
  await using origin = await loopbackServer((_request, response) => void response.end("ok"));
  const folder = await mkdtemp(join(tmpdir(), "holdfast-slow-"));
  try {
    const of = (kind: string, name: string, spec: object): string =>
      JSON.stringify({ apiVersion: "holdfast.dev/v1alpha1", kind, metadata: { name }, spec });
    const spec = { endpointRef: { name: "slow" }, path: "/" };
    const manifests = [
      of("HTTPEndpoint", "slow", { baseURL: origin.url, rateLimit: { requests: 1, per: "16s" } }),
      ...["a", "b"].map((name) => of("HTTPRequest", name, spec)),
    ];
    await writeFile(join(folder, "all.yaml"), manifests.join("\n---\n"));
    const ended = await holdfast(["run", "--once", "-f", folder]);
    expect([ended.code, origin.requests.length]).toEqual([0, 2]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
