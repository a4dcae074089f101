/** What a person, or somebody's edit of what a request uses, ends: an outcome that nobody knows, and a long pause. */
import { expect, test } from "@jest/globals";
import { isReady, stateOf } from "../support/declared-requests.ts";
import { faultWorld } from "../support/fault-world.ts";
import { freePorts } from "../support/free-ports.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

describeWithControlPlane("a request that waits", (plane) => {
  test("for somebody to say what came of it goes on when they say that it has arrived, and so does what depends on it", async () => {
    await using world = await faultWorld(plane, "arrived");
    await using _controller = await world.start();
    const { origin, requests } = world;
    origin.reply = ({ path }) => (path === "/lost" ? { type: "reset" } : { type: "answer" });
    await requests.create("lost", { url: `${origin.url}/lost`, method: "POST" });
    await requests.create("next", { url: `${origin.url}/next`, dependsOn: [{ kind: "HTTPRequest", name: "lost" }] });
    const stuck = await requests.until("it is unknown", (all) => stateOf(all.get("lost")) === "Stalled/OutcomeUnknown");
    const id = stuck.get("lost")?.status?.attempt?.id ?? "";
    await requests.annotate("lost", { "holdfast.dev/arrived": "00000000-0000-5000-8000-000000000000" });
    await requests.annotate("lost", { "holdfast.dev/arrived": id });
    const all = await requests.until("the other has been sent", (seen) => isReady(seen.get("next")));
    expect(stateOf(all.get("lost"))).toBe("Ready/AcknowledgedAsDelivered");
    expect([origin.count("/lost"), origin.count("/next")]).toEqual([1, 1]);
  });

  test("for its next try is tried when its endpoint is mended, without waiting for that", async () => {
    await using world = await faultWorld(plane, "mended");
    await using _controller = await world.start();
    const { origin, requests, namespace } = world;
    const [nobody = 0] = await freePorts(1);
    const path = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httpendpoints`;
    const endpoint = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPEndpoint", metadata: { name: "api" } };
    await plane.admin("POST", path, { ...endpoint, spec: { baseURL: `http://127.0.0.1:${nobody}` } });
    const retry = { backoff: { initial: "1h", max: "1h" } };
    for (const method of ["POST", "PUT"])
      await requests.create(method.toLowerCase(), { endpointRef: { name: "api" }, path: `/${method}`, method, retry });
    await requests.until("both wait", (all) => [...all.values()].every(({ status }) => status?.attempt?.phase === "Retrying"));
    expect([...(await requests.all()).values()].map(({ status }) => status?.attempt?.unsent)).toEqual([1, 1]);
    await plane.adminPatch(`${path}/api`, { spec: { baseURL: origin.url } });
    await requests.until("both are sent", (all) => all.size === 2 && [...all.values()].every(isReady));
    expect([origin.count("/POST"), origin.count("/PUT")]).toEqual([1, 1]);
  });
});
