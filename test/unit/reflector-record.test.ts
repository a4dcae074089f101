/** Readiness of a watch whose streams open and end: what tells that the API server is there. */
import { expect, jest, test } from "@jest/globals";
import type { ApiClient } from "../../src/kubernetes/api-client.ts";
import { createReflectorRecord } from "../../src/kubernetes/reflector-record.ts";
import { watchOnce } from "../../src/kubernetes/reflector-session.ts";
import type { Listing, Watching } from "../../src/kubernetes/reflector-state.ts";
import { type } from "../support/memory-store.ts";

const metadata = { name: "a", namespace: "n", uid: "a", resourceVersion: "6" };
const changed = `${JSON.stringify({ type: "MODIFIED", object: { metadata } })}\n`;
const { signal } = new AbortController();

test.each([
  ["are a gateway's pages", "<html>\n<body>down for maintenance</body>\n</html>\n", 0, false],
  ["end at once", "", 0, false],
  ["end after a moment, each time", "", 2_000, false],
  ["are quiet, and cut by something in between after a while", "", 50_000, true],
  ["end at once, but for a change", changed, 0, true],
])("a watch whose streams %s (%j, %d ms) stays ready for ten minutes: %j", async (_, said, lastsMs, isReady) => {
  let nowMs = 1_000_000;
  using _clock = jest.spyOn(performance, "now").mockImplementation(() => nowMs);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    nowMs += lastsMs;
    yield Buffer.from(said);
  }
  const stream: ApiClient["stream"] = async () => ({ chunks: chunks() as never, [Symbol.dispose]: () => {} });
  const client = { stream } as Partial<ApiClient> as ApiClient;
  const settings = { client, type, emit: () => {}, idleTimeoutMs: 180_000, random: () => 0, initialState: "watchList" } as const;
  const record = createReflectorRecord(settings);
  record.listed({ type: "listing", reason: "start", failures: 0 }, { resources: [], resourceVersion: "5" }, nowMs);
  let state: Listing | Watching = { type: "watching", resourceVersion: "5", isFresh: true, failures: 0 };
  let unready = 0;
  for (const endMs = nowMs + 600_000; nowMs < endMs;) {
    const session = watchOnce(state, { settings, record }, signal);
    let step = await session.next();
    while (step.done !== true) step = await session.next();
    if (step.value === "unsupported" || step.value.type !== "backingOff") throw new Error("a pause was to follow");
    nowMs += step.value.delayMs;
    unready += record.readiness().ready ? 0 : 1;
    state = step.value.next;
  }
  expect(unready === 0).toBe(isReady);
  expect(record.readiness().ready).toBe(isReady);
});
