/** Statuses that cannot be written after a request has succeeded: nothing is sent again, and nothing is forgotten. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { Answer, InterposedRequest } from "../support/api-interposer.ts";
import { isReady } from "../support/declared-requests.ts";
import { faultWorld, inSoak, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const outageMs = inSoak(10_000, 60_000);

const methods = {
  get: { method: "GET" },
  put: { method: "PUT", body: { json: 1 } },
  delete: { method: "DELETE" },
  post: { method: "POST", body: { json: 1 } },
  keyed: { method: "POST", body: { json: 1 }, idempotencyKey: {} },
  "keyed-now": { method: "POST", body: { json: "${ .now }" }, idempotencyKey: {} },
};
const troubles: Readonly<Record<string, Answer | "reset">> = {
  failing: { status: 500 },
  throttling: { status: 429, headers: { "retry-after": "1" } },
  "acting-and-losing-the-reply": { status: 504, afterwards: true },
  resetting: "reset",
};
/** One request of each method for each trouble; the object's name says which. */
const names = Object.keys(troubles).flatMap((trouble) => Object.keys(methods).map((method) => `${trouble}.${method}`));

function troubleOf({ method, path, body }: InterposedRequest): Answer | "reset" | undefined {
  const isOutcome = method === "PATCH" && path.includes("/status") && !body.includes('"phase":"InFlight"');
  return isOutcome ? troubles[/\/httprequests\/([^.]+)\./.exec(path)?.[1] ?? ""] : undefined;
}

describeWithControlPlane("statuses that cannot be written", (plane) => {
  test(
    `F10: after a success nothing is sent again, and the outcome is recorded when the API is well again, ${outageMs / 1000} s later`,
    async () => {
      await using world = await faultWorld(plane, "status");
      const { origin, api, requests } = world;
      await using _controller = await world.start(["--concurrency", String(names.length), "--max-in-flight-per-origin", "100"]);
      api.answer = troubleOf;
      for (const name of names) {
        const method = methods[name.split(".")[1] as keyof typeof methods];
        await requests.create(name, { url: `${origin.url}/${name}`, ...method });
      }
      const once = names.map((name) => [name, 1]);
      const counts = (): unknown[] => names.map((name) => [name, origin.count(`/${name}`)]);
      await until("all have been sent", () => names.every((name) => origin.count(`/${name}`) > 0));
      await sleep(outageMs);
      expect(counts()).toEqual(once);
      api.answer = () => undefined;
      await requests.until("all are Ready", (all) => names.every((name) => isReady(all.get(name))), 60_000);
      expect(counts()).toEqual(once);
    },
    outageMs + 120_000,
  );

  test("F10: hold up nobody else: neither a worker nor a place at their origin", async () => {
    await using world = await faultWorld(plane, "held-up");
    const { origin, api, requests } = world;
    await using _controller = await world.start(["--concurrency", "2", "--max-in-flight-per-origin", "2"]);
    api.answer = troubleOf;
    const held = names.filter((name) => name.startsWith("failing."));
    const others = ["other-get", "other-post", "other-keyed"];
    for (const name of [...held, ...others]) {
      const method = methods[name.split(/[.-]/).at(1) as keyof typeof methods];
      await requests.create(name, { url: `${origin.url}/${name}`, ...method });
    }
    const all = await requests.until("the others are Ready", (seen) => others.every((name) => isReady(seen.get(name))));
    expect(held.filter((name) => isReady(all.get(name)))).toEqual([]);
    api.answer = () => undefined;
    await requests.until("all are Ready", (seen) => [...seen.values()].every(isReady));
    for (const name of [...held, ...others]) expect([name, origin.count(`/${name}`)]).toEqual([name, 1]);
  });
});
