/** An endpoint stays until nobody needs it to delete what they have made. */
import { describe, expect, test } from "@jest/globals";
import type { Situation, Verdict } from "../../src/core/plan.ts";
import type { Metadata, Resource } from "../../src/core/resource.ts";
import { clusterHTTPEndpointKind, httpEndpointKind } from "../../src/kinds/http-endpoint.ts";
import type { Endpoint } from "../../src/kinds/types.ts";

const inUse = "holdfast.dev/in-use";
const base = { uid: "e", generation: 1, resourceVersion: "1" };
const going = { deletionTimestamp: "2026-01-01T00:00:00Z" };
function endpoint(more: Partial<Metadata> = {}, namespace = "n"): Endpoint {
  return { metadata: { ...base, namespace, name: "api", ...more }, spec: { baseURL: "https://api.example" } } as Endpoint;
}
function user(finalizers: readonly string[] = ["holdfast.dev/release"], kind = "HTTPResource", spec: object = {}) {
  const resource: Resource = { metadata: { ...base, uid: "u", namespace: "n", name: "ada", finalizers }, spec };
  return { kind, resource };
}
function verdictOf(resource: Endpoint, referrers: readonly ReturnType<typeof user>[], isPartial = false): Verdict {
  const kind = resource.metadata.namespace === "" ? clusterHTTPEndpointKind : httpEndpointKind;
  const now = new Date("2026-01-02T03:04:05Z");
  const situation: Situation<Endpoint> = {
    resource,
    references: [],
    now,
    instanceId: "me",
    isPartial,
    referrers: () => referrers,
  };
  const steps = kind.plan(situation);
  let step = steps.next();
  while (!step.done) step = steps.next({ type: "usable" });
  return step.value;
}
const condition = (verdict: Verdict, type: string) =>
  (verdict.status as { conditions?: { type: string; reason: string; message: string }[] }).conditions?.find(
    (one) => one.type === type,
  );
const off = { finalizer: { name: inUse, present: false } };

describe("an endpoint", () => {
  test("is held for what holds the release finalizer and names it, whoever put that on, and for nothing else", () => {
    expect(verdictOf(endpoint(), [user()]).holds).toMatchObject([{ finalizer: inUse, resource: { metadata: { name: "api" } } }]);
    for (const others of [[], [user([])], [user(["holdfast.dev/release"], "HTTPRequest")]])
      expect(verdictOf(endpoint(), others).holds).toBeUndefined();
    expect(verdictOf(endpoint({ finalizers: [inUse] }), [user()]).holds).toBeUndefined();
    expect(verdictOf(endpoint(going), [user()]).holds).toBeUndefined();
  });

  test("that is being deleted waits for them, says for whom, and is usable meanwhile", () => {
    const waits = verdictOf(endpoint({ ...going, finalizers: [inUse] }), [user([]), user()]);
    expect(waits.finalizer).toBeUndefined();
    expect(condition(waits, "InUse")).toMatchObject({ reason: "InUse", message: expect.stringMatching(/^HTTPResource "ada" /) });
    expect(condition(waits, "Ready")?.reason).toBe("Accepted");
  });

  test("goes when nobody needs it any more, or somebody says so", () => {
    expect(verdictOf(endpoint({ ...going, finalizers: [inUse] }), [user([])])).toMatchObject(off);
    const annotations = { "holdfast.dev/orphan": "true" };
    expect(verdictOf(endpoint({ ...going, finalizers: [inUse], annotations }), [user()])).toMatchObject(off);
    expect(verdictOf(endpoint({ finalizers: [inUse], annotations }), [user()]).finalizer).toBeUndefined();
  });

  test("that is there to stay is let go of when nobody is left who deletes anything, so that it waits for no controller later", () => {
    expect(verdictOf(endpoint({ finalizers: [inUse] }), [user([])])).toMatchObject({ ...off, requeueAfterMs: 0 });
    const orphan = user([], "HTTPResource", { delete: { url: "https://api.example/" }, deletionPolicy: "Orphan" });
    expect(verdictOf(endpoint({ finalizers: [inUse] }), [orphan])).toMatchObject(off);
    // One that has nothing to delete yet may be about to make it.
    const beginning = user([], "HTTPResource", { delete: { url: "https://api.example/" } });
    for (const others of [[user()], [beginning], [user([]), beginning]])
      expect(verdictOf(endpoint({ finalizers: [inUse] }), others).finalizer).toBeUndefined();
  });

  test("of the cluster is neither held nor let go by who sees a part of it, and tells no names", () => {
    expect(verdictOf(endpoint({}, ""), [user()], true).holds).toBeUndefined();
    expect(verdictOf(endpoint({ ...going, finalizers: [inUse] }, ""), [], true).finalizer).toBeUndefined();
    expect(verdictOf(endpoint({}, ""), [user()]).holds).toHaveLength(1);
    // It may have been held by one who saw all of it.
    const kept = verdictOf(endpoint({ ...going, finalizers: [inUse] }, ""), [user()], true);
    expect(condition(kept, "InUse")?.message).toMatch(/holdfast\.dev\/in-use.*holdfast\.dev\/orphan: "true".*holdfast orphan$/);
    expect(condition(kept, "InUse")?.message).not.toContain("ada");
    const annotations = { "holdfast.dev/orphan": "true" };
    expect(verdictOf(endpoint({ ...going, finalizers: [inUse], annotations }, ""), [user()], true)).toMatchObject(off);
    expect(verdictOf(endpoint({ finalizers: [inUse], annotations }, ""), [], true).finalizer).toBeUndefined();
    const waits = verdictOf(endpoint({ ...going, finalizers: [inUse] }, ""), [user()]);
    expect(condition(waits, "InUse")?.message).toMatch(/^an HTTPResource of the namespace "n" /);
    expect(verdictOf(endpoint({ ...going, finalizers: [inUse] }, ""), [])).toMatchObject(off);
  });
});
