/** How many calls to the API server there are at once, and what waits behind what. */
import { expect, test } from "@jest/globals";
import { isReady } from "../support/declared-requests.ts";
import { faultWorld, never, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

describeWithControlPlane("calls to an API server that is far away", (plane) => {
  test("F24: are as many at once as are reconciled at once", async () => {
    await using world = await faultWorld(plane, "far");
    const { api, origin, requests } = world;
    await using _controller = await world.start(["--concurrency", "16", "--max-in-flight-per-origin", "16"]);
    let [held, most] = [0, 0];
    const gate = Promise.withResolvers<void>();
    api.hold = ({ method, path, body }, what) => {
      if (what !== "request" || method !== "PATCH" || !path.includes("/status") || !body.includes("InFlight")) return undefined;
      held += 1;
      most = Math.max(most, held);
      return gate.promise.finally(() => (held -= 1));
    };
    const names = Array.from({ length: 16 }, (_, index) => `post${index}`);
    for (const name of names) await requests.create(name, { url: `${origin.url}/${name}`, method: "POST" });
    await until("a namespace's share of the workers waits for its intents", () => most >= 12);
    gate.resolve();
    await requests.until("all are Ready", (all) => names.every((name) => isReady(all.get(name))));
    for (const name of names) expect([name, origin.count(`/${name}`)]).toEqual([name, 1]);
  });

  test("F24: hold up no outcome, however few they may be", async () => {
    await using world = await faultWorld(plane, "few");
    const { api, origin, requests } = world;
    await using _controller = await world.start(["--api-connections", "1"]);
    let isHeld = false;
    api.hold = ({ method, body }, what) => {
      if (what !== "request" || method !== "PATCH" || !body.includes("InFlight")) return undefined;
      isHeld = true;
      return never();
    };
    const answered = Promise.withResolvers<void>();
    origin.reply = async () => (await answered.promise, { type: "answer" });
    await requests.create("put", { url: `${origin.url}/put`, method: "PUT" });
    await until("it is on its way", () => origin.count("/put") === 1);
    await requests.create("post", { url: `${origin.url}/post`, method: "POST" });
    await until("the only call is under way", () => isHeld);
    answered.resolve();
    await requests.until("what came of the other is recorded", (all) => isReady(all.get("put")), 25_000); // a call ends after 30 s
    expect(origin.count("/post")).toBe(0);
  });
});
