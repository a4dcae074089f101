/** Requests that say how long they stay when they have finished, on a real API server. */
import { expect, test } from "@jest/globals";
import { isReady, stateOf } from "../support/declared-requests.ts";
import { faultWorld, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const isRemoval = ({ method }: { method: string }): boolean => method === "DELETE";

describeWithControlPlane("a request with ttlSecondsAfterFinished", (plane) => {
  test("goes when it has finished, well or badly; one of which nobody knows what came, and one that was never sent, stay", async () => {
    await using world = await faultWorld(plane, "expiry");
    await using _controller = await world.start();
    const { origin, requests } = world;
    origin.reply = ({ path }) => (path === "/lost" ? { type: "reset" } : { type: "answer", status: path === "/bad" ? 404 : 200 });
    const ttl = { ttlSecondsAfterFinished: 1 };
    for (const [name, more] of [
      ["good", {}],
      ["bad", {}],
      ["lost", { method: "POST" }],
    ] as const)
      await requests.create(name, { url: `${origin.url}/${name}`, ...ttl, ...more });
    await requests.create("denied", { url: "http://169.254.169.254/", ...ttl });
    await requests.create("kept", { url: `${origin.url}/kept` });
    const all = await requests.until(
      "what has finished is gone, and of the other nobody knows",
      (seen) => !seen.has("good") && !seen.has("bad") && stateOf(seen.get("lost")) === "Stalled/OutcomeUnknown",
    );
    expect([...all.keys()].toSorted()).toEqual(["denied", "kept", "lost"]);
    await requests.annotate("lost", { "holdfast.dev/arrived": all.get("lost")?.status?.attempt?.id ?? "" });
    const left = await requests.until("it is told what came of it", (seen) => !seen.has("lost"), 60_000);
    expect([...left.keys()].toSorted()).toEqual(["denied", "kept"]);
    expect(["/good", "/bad", "/lost", "/kept"].map((path) => origin.count(path))).toEqual([1, 1, 1, 1]);
  });

  test("stays where somebody edits it in the moment before it is deleted", async () => {
    await using world = await faultWorld(plane, "expiry");
    const { origin, requests, api } = world;
    let removals = 0;
    api.hold = async (request, what) => {
      if (!isRemoval(request) || what !== "request") return;
      removals += 1;
      if (removals === 1) await requests.change("edited", { ttlSecondsAfterFinished: null });
    };
    await using _controller = await world.start();
    await requests.create("edited", { url: `${origin.url}/edited`, ttlSecondsAfterFinished: 0 });
    const isEdited = (generation = 0): boolean => generation === 2;
    const all = await requests.until(
      "the edit has been seen",
      (seen) => isEdited(seen.get("edited")?.status?.observedGeneration) && isReady(seen.get("edited")),
      60_000,
    );
    expect([all.size, removals, origin.count("/edited")]).toEqual([1, 1, 1]);
  });

  test("says that Holdfast may not delete it, and asks once", async () => {
    await using world = await faultWorld(plane, "expiry");
    const { origin, requests, api } = world;
    await using _controller = await world.start();
    const forbidden = { kind: "Status", apiVersion: "v1", status: "Failure", reason: "Forbidden", code: 403 };
    let removals = 0;
    api.answer = (request) => {
      if (!isRemoval(request)) return undefined;
      removals += 1;
      return { status: 403, headers: { "content-type": "application/json" }, body: JSON.stringify(forbidden) };
    };
    await requests.create("kept", { url: `${origin.url}/kept`, ttlSecondsAfterFinished: 0 });
    const message = (seen: Awaited<ReturnType<typeof requests.all>>): string =>
      seen.get("kept")?.status?.conditions?.find(({ type }) => type === "Ready")?.message ?? "";
    const all = await requests.until(
      "it is told",
      (seen) => message(seen).endsWith("forbids Holdfast to delete HTTPRequests"),
      60_000,
    );
    expect(stateOf(all.get("kept"))).toBe("Ready/Succeeded");
    // Whatever comes after it is worked off, and asks for nothing either.
    await requests.create("next", { url: `${origin.url}/next` });
    await until("the next is sent", async () => isReady((await requests.all()).get("next")));
    expect(removals).toBe(1);
  });

  test.each([
    ["schedule", { schedule: { every: "1h" } }],
    ["trigger", { trigger: { kind: "HTTPRequest", name: "other", when: ["Failed"] } }],
    ["rerunOn", { rerunOn: { inputs: ["*"] } }],
  ])("is not taken with %s", async (_, more) => {
    await using world = await faultWorld(plane, "expiry");
    const { origin, requests } = world;
    const taken = requests.create("both", { url: origin.url, ttlSecondsAfterFinished: 1, ...more });
    await expect(taken).rejects.toThrow("ttlSecondsAfterFinished does not go with schedule, trigger or rerunOn");
    await expect(requests.create("less", { url: origin.url, ttlSecondsAfterFinished: -1 })).rejects.toThrow("ttlSeconds");
  });
});
