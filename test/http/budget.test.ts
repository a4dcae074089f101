import * as fc from "fast-check";
import { expect, test } from "@jest/globals";
import { unlessAborted } from "../../src/core/tools/deadline.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { ResponseCancelledError } from "../../src/http/limits/budget.ts";
import type { HTTPPrepared, HTTPRequests } from "../../src/http/requests.ts";
import type { Opened } from "../../src/http/send/send.ts";
import { abortedAfter, exchange, never, reader, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer, rawServer, type LoopbackServer } from "../support/loopback.ts";
import { eventually, socketsTo } from "../support/tcp-table.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function prepared(requests: HTTPRequests, url: string, timeoutMs = 20_000): Promise<HTTPPrepared> {
  const made = await requests.prepare(exchange({ url, timeoutMs }), reader({}), never);
  if (made.type !== "prepared") throw new Error(made.type);
  return made;
}

interface Counting extends LoopbackServer {
  /**
   * Most requests at once whose answer had not been finished, and whose connection was open, for `lastingMs`: a connection that
   * its client has closed is seen to be a moment later, when the next request may be there already.
   */
  readonly most: number;
}
/** Answers `/BYTES/MS` with so many bytes after so long. */
async function countingServer(lastingMs = 50): Promise<Counting> {
  const levels: NodeJS.Timeout[] = [];
  let most = 0;
  const server = await loopbackServer(({ url }, response) => {
    const [, bytes, ms] = url.split("/").map(Number);
    const level = levels.length + 1;
    levels.push(setTimeout(() => (most = Math.max(most, level)), lastingMs));
    const timer = setTimeout(() => response.end(Buffer.alloc(bytes ?? 0, "x")), ms);
    response.on("close", () => {
      clearTimeout(timer);
      clearTimeout(levels.pop());
    });
  });
  return Object.defineProperty(Object.create(server) as Counting, "most", { get: () => most });
}

/** What becomes of an exchange: read at once, read after a while, never read, closed, or given up by its caller. */
type Use = "send" | "read" | "abandon" | "close" | "abort";
interface Step {
  readonly use: Use;
  readonly bytes: number;
  readonly serverMs: number;
  readonly holdMs: number;
  readonly startMs: number;
}
const step: fc.Arbitrary<Step> = fc.record({
  use: fc.constantFrom<Use>("send", "send", "read", "read", "abandon", "close", "abort"),
  bytes: fc.constantFrom(0, 10, 5_000, 100_000, 400_000),
  serverMs: fc.constantFrom(0, 10, 40, 80),
  holdMs: fc.constantFrom(0, 5, 50, 2_000), // the last is far longer than others wait
  startMs: fc.integer({ min: 0, max: 300 }),
});

type Ended = { readonly step: Step; readonly outcome: Outcome | "cancelled" | "closed" | "abandoned" };

async function perform(requests: HTTPRequests, url: string, step: Step): Promise<Ended> {
  await pause(step.startMs);
  const request = await prepared(requests, `${url}/${step.bytes}/${step.serverMs}`);
  try {
    return await use(request, step);
  } finally {
    request[Symbol.dispose](); // one long answer at a time: the next is read when this one is not needed any more
  }
}
async function use(request: HTTPPrepared, step: Step): Promise<Ended> {
  if (step.use === "send") return { step, outcome: await request.send(never) };
  const signal = step.use === "abort" ? abortedAfter(step.holdMs + 1) : never;
  const opened = await request.open(signal);
  if (opened.type !== "opened") return { step, outcome: opened };
  if (step.use === "abandon") return { step, outcome: "abandoned" };
  await pause(step.holdMs);
  if (step.use === "close") {
    opened.close();
    return { step, outcome: "closed" };
  }
  try {
    return { step, outcome: await opened.read() };
  } catch (error) {
    if (!(error instanceof ResponseCancelledError)) throw error;
    return { step, outcome: "cancelled" };
  }
}

test("200 exchanges with random hold, read, abandon and abort: never more than 6 in flight, never a stuck promise", async () => {
  let cancelled = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 200, maxLength: 200 }), async (steps) => {
      await using server = await countingServer();
      await using http = testRequester({ maxExchangesPerReconcile: 1_000, connectionsPerOrigin: 50 });
      using requests = http.requester.begin("reconcile");
      const all = Promise.all(steps.map((step) => perform(requests, server.url, step)));
      // Responses that are never read are cancelled by whoever waits; the last few have nobody after them.
      const stuck = AbortSignal.timeout(90_000);
      const ended = await unlessAborted(stuck, all);
      expect(server.most).toBeLessThanOrEqual(6);
      for (const { step, outcome } of ended) {
        if (step.use === "send" || step.use === "read")
          expect(outcome === "cancelled" ? step.use : outcome).toEqual(
            outcome === "cancelled" ? "read" : expect.objectContaining({ type: "response" }),
          );
        if (typeof outcome === "object" && outcome.type === "response") expect(outcome.response.sizeBytes).toBe(step.bytes);
      }
      requests[Symbol.dispose](); // closes those of the abandoned that are left
      const seen = (type: string): number => http.occurrences.filter((occurrence) => occurrence.type === type).length;
      expect(server.requests.length).toBeLessThanOrEqual(200);
      expect(seen("responseCancelled")).toBeGreaterThan(0);
      expect(seen("exchanged")).toBe(200);
      cancelled += ended.filter(({ outcome }) => outcome === "cancelled").length;
    }),
    { seed: 4, numRuns: 3, endOnFailure: true }, // what is told of the first is of more use than a minute of shrinking
  );
  expect(cancelled).toBeGreaterThan(0); // else the property was not put to the test
});

test("the total holds, whatever is in flight; the fifty-first is a clear failure", async () => {
  await using server = await countingServer();
  await using http = testRequester();
  using requests = http.requester.begin("reconcile");
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, async () => (await prepared(requests, `${server.url}/10/1`)).send(never)),
  );
  const failures = outcomes.filter(({ type }) => type === "failure");
  expect(failures).toHaveLength(10);
  for (const failure of failures) expect(failure).toMatchObject({ reason: "BudgetExhausted", sent: false });
  expect(server.requests).toHaveLength(50);
  using others = http.requester.begin("another");
  expect(await (await prepared(others, `${server.url}/10/1`)).send(never)).toMatchObject({ type: "response" });
});

test("redirects count", async () => {
  await using server = await loopbackServer(({ url }, response) => response.writeHead(302, { location: `${url}x` }).end());
  await using http = testRequester({ maxExchangesPerReconcile: 3 });
  expect(await http.send(exchange({ url: server.url }))).toMatchObject({ reason: "BudgetExhausted", sent: true });
  expect(server.requests).toHaveLength(3);
});

async function opened(requests: HTTPRequests, url: string, count: number): Promise<Opened[]> {
  const answers: Opened[] = [];
  for (let index = 0; index < count; index += 1) {
    const request = await prepared(requests, url);
    const answer = await request.open(never);
    if (answer.type !== "opened") throw new Error(answer.reason);
    answers.push({ ...answer, read: () => answer.read().finally(() => request[Symbol.dispose]()) });
  }
  return answers;
}

test("the least recently used response that nobody reads gives its socket to who waits; reading it throws", async () => {
  await using server = await countingServer();
  await using http = testRequester({ connectionsPerOrigin: 50 });
  using requests = http.requester.begin("reconcile");
  const answers = await opened(requests, `${server.url}/400000/0`, 6);
  const reading = answers[0]?.read();
  const waiting = (await prepared(requests, `${server.url}/10/0`)).send(never);
  expect(await reading).toMatchObject({ type: "response", response: { sizeBytes: 400_000 } });
  expect(await waiting).toMatchObject({ type: "response" });
  expect(http.occurrences.filter(({ type }) => type === "responseCancelled")).toEqual([]); // a place came free by itself

  await (await prepared(requests, `${server.url}/400000/0`)).open(never);
  expect(await (await prepared(requests, `${server.url}/10/0`)).send(never)).toMatchObject({ type: "response" });
  expect(http.occurrences.filter(({ type }) => type === "responseCancelled")).toEqual([
    { type: "responseCancelled", reason: "reconcile" },
  ]);
  await expect(answers[1]?.read()).rejects.toThrow(ResponseCancelledError);
  expect(await answers[2]?.read()).toMatchObject({ type: "response", response: { sizeBytes: 400_000 } });
  for (const answer of answers) answer.close();
  expect(
    await eventually(
      () => http.sockets().active,
      (active) => active <= 1,
    ),
  ).toBeLessThanOrEqual(1);
});

test("a response that nobody reads ends with its deadline, and its socket with it", async () => {
  await using server = await countingServer();
  await using http = testRequester();
  using requests = http.requester.begin("reconcile");
  const answer = await (await prepared(requests, `${server.url}/400000/0`, 1_500)).open(never);
  if (answer.type !== "opened") throw new Error(answer.reason);
  await pause(1_800);
  expect(await answer.read()).toMatchObject({ type: "failure", reason: "Timeout", sent: true });
  expect(http.occurrences.filter(({ type }) => type === "exchanged")).toMatchObject([{ reason: "Timeout" }]);
  expect(
    await eventually(
      async () => (await socketsTo(server.port))["established"] ?? 0,
      (count) => count === 0,
    ),
  ).toBe(0);
});

test("who is led to a slow origin gives its place back where it was, and tells that it waits, so that no worker need to", async () => {
  await using slow = await rawServer(() => {});
  await using front = await loopbackServer(({ url }, response) =>
    response.writeHead(url === "/go" ? 302 : 200, url === "/go" ? { location: `${slow.url}/` } : {}).end(),
  );
  await using http = testRequester({ maxInFlightPerOrigin: 3 }); // the last one is for another namespace
  const stop = new AbortController();
  let waiting = 0;
  const waitFor = async <T>(place: Promise<T>): Promise<T> => {
    waiting += 1;
    return place;
  };
  await using ended = new AsyncDisposableStack();
  async function sent(name: string, path: string): Promise<Outcome> {
    const requests = ended.use(http.requester.begin(`HTTPRequest/team-a/${name}`, () => true, waitFor));
    const made = await requests.prepare(exchange({ url: `${front.url}${path}` }), reader({}), never);
    if (made.type !== "prepared") throw new Error(made.type === "busy" ? "it has to wait" : made.message);
    return made.send(stop.signal);
  }
  const led: Promise<Outcome>[] = [];
  for (const name of ["a", "b", "c", "d"]) {
    const before = http.occurrences.length;
    led.push(sent(name, "/go"));
    await eventually(
      () => http.occurrences.slice(before).some(({ type }) => type === "redirected"),
      (isSo) => isSo,
    );
  }
  expect(
    await eventually(
      () => [slow.accepted, waiting],
      ([accepted]) => accepted === 2,
    ),
  ).toEqual([2, 2]);
  expect(await sent("e", "/other")).toMatchObject({ type: "response", response: { statusCode: 200 } });
  stop.abort(new Error("enough"));
  expect((await Promise.all(led)).map(({ type }) => type)).toEqual(["failure", "failure", "failure", "failure"]);
});

test("an origin has its own limit, which holds for all reconciles together", async () => {
  await using server = await countingServer();
  await using other = await countingServer();
  await using http = testRequester({ maxInFlightPerOrigin: 5, connectionsPerOrigin: 50 }); // the last one is for another namespace
  const send = (url: string): Promise<Outcome> => http.send(exchange({ url }));
  let ended = 0;
  const many = Promise.all(Array.from({ length: 40 }, () => send(`${server.url}/10/400`).finally(() => (ended += 1))));
  await send(`${other.url}/10/0`);
  expect(ended).toBeLessThan(20); // whoever waited for them all would see 36 at least
  expect((await many).every(({ type }) => type === "response")).toBe(true);
  expect(server.most).toBe(4);
});
