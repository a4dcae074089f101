/** What an HTTPResource does where another slot decides how long an endpoint of the cluster stays. */
import { describe, expect, test } from "@jest/globals";
import type { Resource } from "../../src/core/resource.ts";
import { createHolds } from "../../src/engine/holds.ts";
import { clusterHTTPEndpointType } from "../../src/kinds/types.ts";
import { answer, drive, held, resource, values } from "../support/resource-plan.ts";

const inUse = "holdfast.dev/in-use";
const path = "/users/${ .externalID }";
const written = {
  endpointRef: { kind: "ClusterHTTPEndpoint", name: "api" },
  externalID: ".response.body.id",
  observe: { path },
  create: { path: "/users", body: { json: {} } },
  delete: { path },
};
function endpoint(metadata: object = {}): Resource {
  const own = { namespace: "", name: "api", uid: "e", generation: 1, resourceVersion: "1" };
  return {
    metadata: { ...own, ...metadata },
    spec: { baseURL: "https://users.example.com", allowedNamespaces: { from: "All" } },
  };
}
const leaving = { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [inUse] };
const inSlots = (one: Resource) => ({ references: [one], slots: 4 });

describe("what is created by an endpoint of the cluster", () => {
  const made = [answer(201), values("7")];
  function keptBy(one: Resource, how: object): { readonly holds?: unknown; readonly stays?: unknown } | undefined {
    return drive(resource(written), made, { references: [one], ...how }).steps.find(({ type }) => type === "exchange") as never;
  }
  test("puts a finalizer on it, and has it looked at once more where another slot may let it go", () => {
    expect(keptBy(endpoint(), inSlots(endpoint()))).toMatchObject({
      holds: [{ finalizer: inUse }],
      stays: [{ resource: { metadata: { name: "api" } } }],
    });
    expect(keptBy(endpoint({ finalizers: [inUse] }), { slots: 4 })).toMatchObject({ stays: [{}] });
    expect(keptBy(endpoint(), {})).not.toHaveProperty("stays");
  });
  test("does not begin once it is being deleted, though its own finalizer is on", () => {
    const beginning = resource(written, { finalizers: held });
    expect(drive(beginning, [], inSlots(endpoint(leaving))).state).toBe("False/EndpointNotFound Reconciling");
    expect(drive(beginning, made, { references: [endpoint(leaving)] }).state).toBe("True/Created");
    const { status } = drive(resource(written), made, inSlots(endpoint()));
    const there = resource(written, { status, finalizers: held });
    const later = { ...inSlots(endpoint(leaving)), at: new Date("2026-01-01T01:00:00Z") };
    expect(drive(there, [answer(200)], later).sent).toHaveLength(1);
  });
});

test.each<[string, Resource | undefined, object | undefined]>([
  ["is there", endpoint({ resourceVersion: "2" }), undefined],
  ["is being deleted", endpoint(leaving), { type: "conflict" }],
  ["is gone", undefined, { type: "conflict" }],
])("one that %s by then is known as it is", async (_what, live, expected) => {
  const told: Resource[] = [];
  const nothing = (): never => {
    throw new Error("not asked for here");
  };
  const holds = createHolds(
    {
      store: { hold: nothing, read: nothing, readLive: () => Promise.resolve(live) },
      waitFor: (awaited) => awaited,
      mayAct: () => true,
      held: (_type, one) => void told.push(one),
      kept: nothing as never,
    },
    { acting: { read: nothing }, current: nothing, signal: new AbortController().signal },
  );
  expect(await holds.confirm([{ type: clusterHTTPEndpointType, resource: endpoint() }])).toEqual(expected);
  expect(told).toEqual(live ? [live] : []);
});
