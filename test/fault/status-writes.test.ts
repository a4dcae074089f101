/** Statuses that cannot be written after a request has succeeded: nothing is sent again, and nothing is forgotten. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Answer, InterposedRequest } from "../support/api-interposer.ts";
import type { ControlPlaneClient } from "../support/control-plane-client.ts";
import { isReady } from "../support/declared-requests.ts";
import { faultWorld, inSoak, until } from "../support/fault-world.ts";
import { describeWithControlPlane, sharedControlPlane } from "../support/shared-control-plane.ts";

const outageMs = inSoak(10_000, 60_000);

const declared = {
  get: { method: "GET" },
  put: { method: "PUT", body: { json: 1 } },
  delete: { method: "DELETE" },
  post: { method: "POST", body: { json: 1 } },
  keyed: { method: "POST", body: { json: 1 }, idempotencyKey: {} },
  "keyed-now": { method: "POST", body: { json: "${ .now }" }, idempotencyKey: {} },
};
const names = Object.keys(declared);

function isOutcome({ method, path, body }: InterposedRequest): boolean {
  return method === "PATCH" && path.includes("/status") && !body.includes('"phase":"InFlight"');
}

describeWithControlPlane("statuses that cannot be written", () => {
  let plane: ControlPlaneClient;
  beforeAll(async () => {
    plane = await sharedControlPlane();
  });
  afterAll(async () => {
    await plane[Symbol.asyncDispose]();
  });

  test.each<[string, Answer | "reset"]>([
    ["answers 500", { status: 500 }],
    ["answers 429", { status: 429, headers: { "retry-after": "1" } }],
    ["acts and loses its reply", { status: 504, afterwards: true }],
    ["resets the connection", "reset"],
  ])(
    `after a success nothing is sent again, and the outcome is recorded when the API is well again: it %s for ${outageMs / 1000} s`,
    async (_what, trouble) => {
      await using world = await faultWorld(plane, "status");
      const { origin, api, requests } = world;
      await using _controller = await world.start();
      api.answer = (request) => (isOutcome(request) ? trouble : undefined);
      for (const [name, spec] of Object.entries(declared)) await requests.create(name, { url: `${origin.url}/${name}`, ...spec });
      await until("all have been sent", () => names.every((name) => origin.count(`/${name}`) > 0));
      await sleep(outageMs);
      expect(names.map((name) => [name, origin.count(`/${name}`)])).toEqual(names.map((name) => [name, 1]));
      api.answer = () => undefined;
      await requests.until("all are Ready", (all) => names.every((name) => isReady(all.get(name))), 40_000);
      expect(names.map((name) => [name, origin.count(`/${name}`)])).toEqual(names.map((name) => [name, 1]));
    },
    outageMs + 80_000,
  );
});
