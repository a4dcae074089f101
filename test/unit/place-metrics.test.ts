import { expect, test } from "@jest/globals";
import { createMetrics } from "../../src/telemetry/metrics.ts";

function resource(namespace: string, reason: string, status = "False") {
  return { kind: "HTTPRequest", namespace, name: "one", conditions: [{ type: "Ready", status, reason }] };
}
function observed(maxSeries: number, resources: readonly object[], slots: readonly number[] = []) {
  const metrics = createMetrics({ kinds: ["HTTPRequest"], concurrency: 1, maxSeries });
  const nothing = () => 0;
  metrics.observe({
    clients: nothing,
    sockets: () => ({ active: 0, idle: 0 }),
    requestsInFlight: nothing,
    requestsQueued: nothing,
    queue: () => ({ depth: 0, oldestSecs: 0, working: new Map() }),
    unrecorded: () => ({ count: 0, oldestSecs: 0 }),
    postponed: () => new Map(),
    unwatchedNamespaces: nothing,
    leads: () => new Map([["holdfast", true]]),
    slots: () => new Map(slots.map((slot) => [slot, { resources: 0, depth: 0, oldestSecs: 0 }])),
    resources: () => resources as ReturnType<typeof resource>[],
  });
  const series = async (name: string): Promise<readonly unknown[]> =>
    (await metrics.registry.getMetricsAsJSON())
      .filter((metric) => metric.name === name)
      .flatMap(({ values }) => values.map(({ labels, value }) => [...Object.values(labels), value].join(" ")))
      .toSorted();
  return { metrics, series };
}

test("what is not ready is counted by namespace and reason, those with the most first, and no more than there may be", async () => {
  const all = [
    ...["a", "a", "b"].map((namespace) => resource(namespace, "SecretNotFound")),
    resource("c", "NotAuthorized", "Unknown"),
    resource("a", "Succeeded", "True"),
    { kind: "HTTPRequest", namespace: "new", conditions: [] },
  ];
  const { series } = observed(10, all);
  expect(await series("holdfast_resources_not_ready")).toEqual([
    "HTTPRequest a SecretNotFound 2",
    "HTTPRequest b SecretNotFound 1",
    "HTTPRequest c NotAuthorized 1",
  ]);
  all.splice(0, 2); // what is well again has no series any more
  expect(await series("holdfast_resources_not_ready")).toEqual([
    "HTTPRequest b SecretNotFound 1",
    "HTTPRequest c NotAuthorized 1",
  ]);
  const bounded = observed(2, [...all, ...all, ...["x", "y", "z"].map((one) => resource(one, "Timeout"))]);
  expect(await bounded.series("holdfast_resources_not_ready")).toEqual([
    "HTTPRequest b SecretNotFound 2",
    "HTTPRequest c NotAuthorized 2",
    "HTTPRequest other other 3",
  ]);
});

test("requests are counted by endpoint, of as many as there may be", async () => {
  const { metrics, series } = observed(2, []);
  for (const endpoint of ["a/one", "/two", "a/three", "a/four", "a/one", ""])
    metrics.noteEndpointRequest(endpoint, { code: "2xx", reason: "" });
  expect(await series("holdfast_endpoint_requests_total")).toEqual([" 2xx  1", "/two 2xx  1", "a/one 2xx  2", "other 2xx  2"]);
});

test("an endpoint that is gone leaves its place to others, once its last requests have been shown", async () => {
  const endpoint = (namespace: string, name: string) => ({ kind: "HTTPEndpoint", namespace, name, conditions: [] });
  const all = [endpoint("a", "one"), endpoint("a", "two"), endpoint("b", "new")];
  const { metrics, series } = observed(3, all);
  const end = (...names: readonly string[]): void => {
    for (const name of names) metrics.noteEndpointRequest(name, { code: "2xx", reason: "" });
  };
  const counted = () => series("holdfast_endpoint_requests_total");
  end("a/one", "a/two", "/cluster", "b/new");
  expect(await counted()).toEqual(["/cluster 2xx  1", "a/one 2xx  1", "a/two 2xx  1", "other 2xx  1"]);
  all.splice(0, 1);
  end("a/one", "b/new");
  expect(await counted()).toEqual(["/cluster 2xx  1", "a/one 2xx  2", "a/two 2xx  1", "other 2xx  2"]);
  end("b/new", "a/two", "a/one");
  expect(await counted()).toEqual(["/cluster 2xx  1", "a/two 2xx  2", "b/new 2xx  1", "other 2xx  3"]);
  all.push(endpoint("a", "one"));
  all.splice(0, 1);
  await counted();
  end("a/one");
  expect(await counted()).toEqual(["/cluster 2xx  1", "a/one 2xx  1", "b/new 2xx  1", "other 2xx  3"]);
});

test("resources are counted by slot where the work is divided, also in one that has none", async () => {
  const { metrics } = observed(
    10,
    [1, 1, 2].map((slot) => ({ ...resource("n", "Failed"), slot })),
    [1, 3],
  );
  const counted = (await metrics.registry.metrics())
    .split("\n")
    .filter((line) => line.startsWith('holdfast_resources{kind="HTTPRequest",condition="Ready",status="False"'));
  expect(counted.map((line) => line.slice(line.indexOf("slot=")))).toEqual(['slot="1"} 2', 'slot="3"} 0', 'slot="2"} 1']);
});
