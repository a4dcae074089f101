/** A server that is away for an hour: a thousand requests of every kind wait for it, none is given up, and none is sent twice. */
import { createServer } from "node:http";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { until } from "../support/fault-world.ts";
import { freePorts } from "../support/free-ports.ts";
import { ending, holdfast, start } from "../support/holdfast.ts";

/** The process's hour is this much shorter. */
const faster = Number(process.env["HOLDFAST_FASTER"] ?? 40);
const hourMs = 3_600_000;
const each = Number(process.env["HOLDFAST_EACH"] ?? 125);
/** What a kind adds to the request, in YAML's flow style. */
const kinds: Readonly<Record<string, string>> = {
  post: "method: POST",
  keyed: "method: POST, idempotencyKey: {}",
  put: "method: PUT",
  get: "method: GET",
  delete: "method: DELETE",
  patch: "method: PATCH, idempotent: true",
  list: "method: POST, idempotencyKey: {}, forEach: {items: [1]}",
  tick: "method: POST, schedule: {every: 20m}",
};
const paths = Object.keys(kinds).flatMap((kind) => Array.from({ length: each }, (_, index) => `${kind}-${index}`));

test(
  "an hour's outage heals: each of 1,000 ends as declared, and arrives once",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-outage-"));
    try {
      const [port = 0] = await freePorts(1);
      // The limits of time are for an hour that is short, not for the machine.
      const manifests = paths.map((name) => {
        const spec = `{url: "http://127.0.0.1:${port}/${name}", timeout: 20m, ${kinds[name.split("-")[0] ?? ""]}}`;
        return `{apiVersion: holdfast.dev/v1alpha1, kind: HTTPRequest, metadata: {name: ${name}}, spec: ${spec}}`;
      });
      const [file, data] = [join(folder, "all.yaml"), join(folder, "state")];
      await writeFile(file, manifests.join("\n---\n"));
      const preloaded = join(import.meta.dirname, "../support/faster-time.ts");
      const env = { NODE_OPTIONS: `--import ${preloaded}`, HOLDFAST_TEST_FASTER: String(faster) };
      const flags = ["--log-format", "json", "--log-level", "debug", "--reconcile-timeout", "30m"];
      const fromMs = Date.now();
      await using running = ending(start(["run", "-f", file, "--data", data, ...flags], env));
      await new Promise((resolve) => setTimeout(resolve, hourMs / faster));

      const seen = new Map<string, number>();
      const server = createServer((request, response) => {
        const { url = "" } = request.resume();
        seen.set(url, (seen.get(url) ?? 0) + 1);
        response.end("{}");
      }).listen(port, "127.0.0.1");
      await using _closing = { [Symbol.asyncDispose]: () => (server.close(), server.closeAllConnections(), Promise.resolve()) };
      await until("all have arrived", () => seen.size === paths.length, 120_000);
      const stored = async (): Promise<readonly Stored[]> => {
        const { stdout } = await holdfast(["get", "HTTPRequest", "-o", "json", "--data", data]);
        return (JSON.parse(stdout) as { items: readonly Stored[] }).items;
      };
      let all: readonly Stored[] = [];
      await until("all are Ready", async () => (all = await stored()).every(isReady) && all.length === paths.length, 120_000);
      running.kill("SIGTERM");
      const { stderr } = await running.ended;

      const once = paths.filter((name) => !name.startsWith("tick-"));
      expect(once.filter((name) => seen.get(`/${name}`) !== 1)).toEqual([]);
      // A tick may have come since; none is run twice.
      const ticks = ((Date.now() - fromMs) * faster - hourMs) / (20 * 60_000) + 2;
      expect(paths.filter((name) => (seen.get(`/${name}`) ?? 0) > ticks)).toEqual([]);

      const tries = triesByMinute(stderr);
      process.stderr.write(`tries in vain, by minute of the hour: ${tries.join(" ")}\n`);
      const total = tries.reduce((sum, count) => sum + count, 0);
      // Eight or nine until the pause is five minutes, and then one in 225 to 300 seconds; a tick begins anew. A machine that
      // cannot keep up with an hour that is so short makes fewer, and more than one.
      expect(total / paths.length).toBeGreaterThan(1);
      expect(total / paths.length).toBeLessThan(32);
      // They come spread over the five minutes: all at once, they would leave four of five minutes empty.
      expect(tries.slice(20, 58).filter((count) => count > 0).length).toBeGreaterThan(19);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  (hourMs / faster) * 2 + 240_000,
);

interface Stored {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}
function isReady({ status }: Stored): boolean {
  return status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;
}

/** How many requests found nobody, in each minute of the process's time. */
function triesByMinute(log: string): readonly number[] {
  const lines = log
    .split("\n")
    .filter((line) => line.includes('"exchanged"') && line.includes("ConnectionRefused"))
    .map((line) => Date.parse((JSON.parse(line) as { timestamp: string }).timestamp));
  const firstMs = Math.min(...lines);
  const counts: number[] = [];
  for (const atMs of lines) {
    const minute = Math.floor((atMs - firstMs) / 60_000);
    counts[minute] = (counts[minute] ?? 0) + 1;
  }
  return Array.from(counts, (count) => count ?? 0);
}
