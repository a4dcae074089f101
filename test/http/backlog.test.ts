/**
 * A backlog at one origin, with the engine's queue and the HTTP side's rows as they are together: what somebody changes goes before
 * all of it. Guards against a second queue behind the first that knows nothing of lanes.
 */
import { expect, test } from "@jest/globals";
import { sendExchange, type Kind, type Plan, type Situation } from "../../src/core/plan.ts";
import { createController } from "../../src/engine/controller.ts";
import { exchange, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";
import { memoryStore, thing, type } from "../support/memory-store.ts";
import { eventually } from "../support/tcp-table.ts";

const maxInFlightPerOrigin = 10;

const traits = { key: { namespace: "n", name: "shared" }, credentialNamespace: "n", title: 'HTTPEndpoint "shared"' };
const rows = [
  { count: 20_000, where: "at their origin", reason: "OriginBusy", declared: {} },
  {
    count: 2_000,
    where: "under a rate limit",
    reason: "RateLimited",
    declared: { endpoint: { ...traits, rateLimit: { requests: 50, perMs: 1_000, burst: 5 } } },
  },
] as const;

test.each(rows)(
  "beside $count of a listing that wait $where, a new object and a changed one have the next turns",
  async (row) => {
    await using server = await loopbackServer((_request, response) => void setTimeout(() => response.end("ok"), 5));
    await using http = testRequester({ maxInFlightPerOrigin });
    function* plan({ resource: { metadata } }: Situation): Plan {
      const { name, generation } = metadata;
      const { scope, ...declared } = exchange({ url: `${server.url}/${name}/${generation}`, timeoutMs: 60_000, ...row.declared });
      const own = { ...scope, metadata: { name, namespace: "n", uid: name } };
      yield* sendExchange({ ...declared, scope: own }, { type: "nothing" });
      return { status: { generation }, result: "succeeded", reason: "Done" };
    }
    const kind: Kind = { type, references: () => [], plan };
    const { store, change, quietly } = memoryStore(Array.from({ length: row.count }, (_, index) => thing(`listed-${index}`)));
    const controller = createController({
      kinds: [kind],
      store,
      requester: http.requester,
      emit: () => {},
      concurrency: 20,
      reconcileTimeoutMs: 60_000,
      instanceId: "me",
    });
    const stop = new AbortController();
    const ended = controller.run(stop.signal, stop.signal);
    const waiting = (): number => controller.postponed.counts().get(row.reason) ?? 0;
    await eventually(waiting, (count) => count > row.count * 0.75); // nearly all have been looked at, and wait for no worker

    const before = server.requests.length;
    for (const changed of [thing("new"), thing(`listed-${row.count - 1}`, 2, 1_000_000)]) {
      quietly(changed);
      change(changed); // the second of them waits itself
    }
    const paths = ["/new/1", `/listed-${row.count - 1}/2`];
    const seen = (): number => paths.filter((path) => server.requests.some(({ url }) => url === path)).length;
    await eventually(seen, (count) => count === 2);
    // Before them are those on their way, those whose turn had come, and what came while the two were looked at.
    for (const path of paths) {
      const place = server.requests.findIndex(({ url }) => url === path);
      expect(place).toBeGreaterThanOrEqual(before);
      expect(place - before).toBeLessThan(20 * maxInFlightPerOrigin);
    }
    expect(waiting()).toBeGreaterThan(row.count / 2);
    stop.abort(new Error("enough"));
    await ended;
  },
);
