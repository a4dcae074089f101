/** Answers that the real API server gives too seldom to wait for, given by a server on loopback. */
import { expect, test } from "@jest/globals";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { TelemetryEvent } from "../../src/core/telemetry-event.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { loadKubeConfig } from "../../src/kubernetes/credentials.ts";
import { createKubernetesStore, type KubernetesStoreSettings } from "../../src/kubernetes/store.ts";
import { loopbackServer } from "../support/loopback.ts";
import { requestType } from "../support/request-objects.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { recordWatch } from "../support/watch-recorder.ts";

type Query = URLSearchParams;
type Answer = (response: ServerResponse, query: Query) => void | Promise<void>;

function object(name: string, resourceVersion: string, label = ""): object {
  return { metadata: { name, namespace: "n", uid: `uid-${name}`, generation: 1, resourceVersion, labels: { label } }, spec: {} };
}
function page(items: readonly object[], resourceVersion: string, token = ""): Answer {
  return (response) => void response.end(JSON.stringify({ items, metadata: { resourceVersion, continue: token } }));
}
function status(code: number, reason: string, headers: Record<string, string> = {}): Answer {
  return (response) => void response.writeHead(code, headers).end(JSON.stringify({ kind: "Status", code, reason }));
}
function line(type: string, event: object): string {
  return `${JSON.stringify({ type, object: event })}\n`;
}
function bookmark(resourceVersion: string): string {
  return line("BOOKMARK", { metadata: { resourceVersion } });
}
/** Sends the chunks and then ends the stream, or leaves it open. */
function stream(chunks: readonly (string | Uint8Array)[], end: "ended" | "open" = "ended"): Answer {
  return async (response) => {
    response.writeHead(200).flushHeaders();
    for (const chunk of chunks) {
      response.write(chunk);
      await sleep(5); // each in a packet of its own
    }
    if (end === "ended") response.end();
  };
}

describeWithControlPlane("a watch, given", (plane) => {
  /** A watch of a server that gives these answers, one after another, and the last one from then on. */
  async function watching(
    answers: readonly Answer[],
    settings: Partial<KubernetesStoreSettings> & { readonly takesMs?: number } = {},
  ) {
    await using cleanup = new AsyncDisposableStack();
    const queries: Query[] = [];
    const left = [...answers];
    const listener = ({ url }: { readonly url: string }, response: ServerResponse): void => {
      const query = new URL(url, "http://x").searchParams;
      queries.push(query);
      const answer = left.length > 1 ? left.shift() : left[0];
      void answer?.(response, query);
    };
    const server = cleanup.use(await loopbackServer(listener, { ...plane.certificate }));
    const kubeconfig = await plane.kubeconfigVia("holdfast", server.url);
    const occurrences: TelemetryEvent[] = [];
    const emit = (occurrence: TelemetryEvent): void => void occurrences.push(occurrence);
    const client = cleanup.use(createApiClient({ loadKubeConfig: () => loadKubeConfig(kubeconfig), emit }));
    const store = createKubernetesStore({ client, emit, random: () => 0, initialState: "pagedLists", ...settings });
    const watch = cleanup.use(
      recordWatch(async function* (signal) {
        for await (const event of store.watch(requestType, signal)) {
          yield event;
          await sleep(settings.takesMs ?? 0);
        }
      }),
    );
    const running = cleanup.move();
    return {
      watch,
      queries,
      ends: () => occurrences.filter((occurrence) => occurrence.type === "watchEnded"),
      lists: () => occurrences.filter((occurrence) => occurrence.type === "listed"),
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  }

  test("a bookmark and then the end, resumes from the bookmark", async () => {
    const answers = [
      page([object("a", "5")], "10"),
      stream([line("MODIFIED", object("a", "12")), bookmark("40")]),
      stream([bookmark("41")], "open"),
    ];
    await using run = await watching(answers);
    while (run.queries.length < 3) await sleep(20);
    expect(run.queries.map((query) => query.get("resourceVersion"))).toEqual([null, "10", "40"]);
    expect(run.queries[1]?.get("allowWatchBookmarks")).toBe("true");
    expect(run.watch.events.map(({ type }) => type)).toEqual(["listed", "applied"]);
    expect(run.ends()).toMatchObject([{ reason: "closed", delayMs: 500 }]);
  });

  test("silence from the first moment, opens another one after the idle timeout", async () => {
    await using run = await watching([page([], "10"), stream([], "open")], { idleTimeoutMs: 200 });
    while (run.queries.length < 3) await sleep(20);
    expect(run.ends()).toMatchObject([{ reason: "silent", delayMs: 500 }]);
    expect(run.lists()).toHaveLength(1);
  });

  test("events faster than they are taken, does not take that for silence", async () => {
    const events = [line("ADDED", object("a", "11")), line("ADDED", object("b", "12"))];
    await using run = await watching([page([], "10"), stream(events, "open")], { idleTimeoutMs: 500, takesMs: 800 });
    await run.watch.until("both objects", () => run.watch.resources.size === 2);
    expect(run.ends()).toEqual([]);
  });

  test("events cut anywhere, puts them together again", async () => {
    const bytes = Buffer.from(line("ADDED", object("ä", "11", "größer 😀")) + line("ADDED", object("b", "12")) + bookmark("13"));
    const pieces = [...bytes].map((_, index) => bytes.subarray(index, index + 1));
    await using run = await watching([page([], "10"), stream([...pieces.slice(0, 200), bytes.subarray(200)], "open")]);
    await run.watch.until("both objects", () => run.watch.resources.size === 2);
    expect(run.watch.resources.get("ä")?.metadata.labels).toEqual({ label: "größer 😀" });
  });

  test("half an event and then the end, resumes from before it", async () => {
    const half = line("ADDED", object("b", "12")).slice(0, 30);
    await using run = await watching([
      page([], "10"),
      stream([line("ADDED", object("a", "11")), half]),
      stream([line("ADDED", object("b", "12"))], "open"),
    ]);
    await run.watch.until("the object", () => run.watch.resources.has("b"));
    expect(run.queries.at(-1)?.get("resourceVersion")).toBe("11");
  });

  test("something that is no event, resumes from before it", async () => {
    const answers = [
      page([], "10"),
      stream([line("ADDED", object("a", "11")), "{nonsense-4711\n"]),
      stream([line("ADDED", object("b", "12"))], "open"),
    ];
    await using run = await watching(answers);
    await run.watch.until("the object", () => run.watch.resources.has("b"));
    expect(run.queries.at(-1)?.get("resourceVersion")).toBe("11");
    expect(JSON.stringify(run.ends())).not.toContain("4711");
  });

  test("an error in the stream, lists again only when its resourceVersion has expired", async () => {
    const error = (code: number, reason: string): string => line("ERROR", { kind: "Status", code, reason });
    const answers = [
      page([object("a", "5"), object("b", "6")], "10"),
      stream([error(500, "InternalError")]),
      stream([error(410, "Expired")]),
      page([object("a", "5")], "50"),
      stream([], "open"),
    ];
    await using run = await watching(answers);
    while (run.queries.length < 5) await sleep(20);
    expect(run.queries.map((query) => query.get("resourceVersion"))).toEqual([null, "10", "10", null, "50"]);
    expect(run.ends()).toMatchObject([{ reason: "refused" }, { reason: "expired", delayMs: 500 }]);
    expect(run.lists()).toMatchObject([{ reason: "start" }, { reason: "expired", count: 1 }]);
    expect([...run.watch.resources.keys()]).toEqual(["a"]);
  });

  test("pages that expire, begins the listing anew once, then pauses", async () => {
    const expired = status(410, "Expired");
    const first = page([object("old", "1")], "10", "token");
    const answers = [
      first,
      expired,
      first,
      expired,
      page([object("a", "5")], "20", "other"),
      page([object("b", "6")], "20"),
      stream([], "open"),
    ];
    await using run = await watching(answers);
    while (run.queries.length < 7) await sleep(20);
    const tokens = run.queries.slice(0, 6).map((query) => query.get("continue"));
    expect(tokens).toEqual([null, "token", null, "token", null, "other"]);
    expect(run.queries.at(-1)?.get("resourceVersion")).toBe("20");
    expect(run.ends()).toMatchObject([{ reason: "expired", delayMs: 500 }]);
    expect([...run.watch.resources.keys()]).toEqual(["a", "b"]);
    expect(run.lists()).toMatchObject([{ count: 2, reason: "start" }]);
  });

  test("too many requests, comes back when it is told to", async () => {
    const tooMany = status(429, "TooManyRequests", { "retry-after": "1" });
    await using run = await watching([tooMany, page([], "10"), tooMany, stream([line("ADDED", object("a", "11"))], "open")]);
    await run.watch.until("the object", () => run.watch.resources.has("a"));
    expect(run.ends()).toMatchObject([
      { reason: "throttled", delayMs: 1_000 },
      { reason: "throttled", delayMs: 1_000 },
    ]);
    expect(run.lists()).toHaveLength(1);
  });

  test("a refusal of streamed lists, reads pages from then on", async () => {
    const answers = [status(422, "Invalid"), page([object("a", "5")], "10"), stream([], "open")];
    await using run = await watching(answers, { initialState: "watchList" });
    while (run.queries.length < 3) await sleep(20);
    expect(run.queries[0]?.get("sendInitialEvents")).toBe("true");
    expect(run.queries[0]?.get("resourceVersionMatch")).toBe("NotOlderThan");
    expect(run.queries[1]?.get("limit")).toBe("500");
    expect(run.queries[2]?.get("resourceVersion")).toBe("10");
    expect(run.ends()).toEqual([]);
    expect([...run.watch.resources.keys()]).toEqual(["a"]);
  });

  test("a streamed list that breaks off, tells nothing of it and begins anew", async () => {
    const end = line("BOOKMARK", { metadata: { resourceVersion: "10", annotations: { "k8s.io/initial-events-end": "true" } } });
    const answers = [
      stream([line("ADDED", object("gone", "5"))]),
      stream([line("ADDED", object("a", "6")), end, line("ADDED", object("b", "11"))], "open"),
    ];
    await using run = await watching(answers, { initialState: "watchList" });
    await run.watch.until("the object", () => run.watch.resources.has("b"));
    expect(run.watch.events).toMatchObject([
      { type: "listed", resources: [{ metadata: { name: "a" } }], resourceVersion: "10" },
      { type: "applied" },
    ]);
    expect(run.queries.map((query) => query.get("sendInitialEvents"))).toEqual(["true", "true"]);
  });
});
