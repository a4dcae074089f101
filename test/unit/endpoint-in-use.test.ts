/** An endpoint stays until nobody needs it to delete what they have made. */
import { isDeepStrictEqual } from "node:util";
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
interface Seen {
  readonly isPartial?: boolean;
  /** What there is in other slots. */
  readonly elsewhere?: readonly Resource[];
  /** Why requests cannot use it. */
  readonly missing?: string;
}
/** `elsewhere`: the work is divided. */
function verdictOf(
  resource: Endpoint,
  referrers: readonly ReturnType<typeof user>[],
  { isPartial = false, elsewhere, missing }: Seen = {},
): Verdict {
  const kind = resource.metadata.namespace === "" ? clusterHTTPEndpointKind : httpEndpointKind;
  const now = new Date("2026-01-02T03:04:05Z");
  const situation: Situation<Endpoint> = {
    resource,
    references: [],
    now,
    instanceId: "me",
    isPartial,
    referrers: () => referrers,
    ...(elsewhere && { slots: 4 }),
  };
  const steps = kind.plan(situation);
  let step = steps.next();
  while (!step.done) {
    const asked = step.value;
    if (asked.type !== "find") {
      step = steps.next(
        missing === undefined ? { type: "usable" } : { type: "refusal", reason: "SecretNotFound", message: missing, heals: true },
      );
      continue;
    }
    const found = elsewhere?.find(asked.matches);
    step = steps.next({ type: "looked", ...(found && { resource: found }) });
  }
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

  test("whose finalizer may not be taken off says so, beside what it says already, and is usable; of anything else it says nothing", () => {
    const refusal = { type: "refusal", message: "metadata.finalizers: no", heals: true } as const;
    const seen = verdictOf(endpoint(), []);
    const held = { ...endpoint({ finalizers: [inUse] }), status: seen.status } as Endpoint;
    const situation = { resource: held, references: [], now: new Date("2026-01-03T00:00:00Z"), instanceId: "me" };
    const told = httpEndpointKind.heldBack?.(situation, { ...refusal, reason: "FinalizerRefused" });
    if (!told) throw new Error("nothing is told");
    expect(condition(told, "FinalizerRefused")).toMatchObject({ status: "True", message: refusal.message });
    expect(condition(told, "Ready")).toEqual(condition(seen, "Ready"));
    const again = { ...held, status: told.status } as Endpoint;
    const later = { ...situation, resource: again, now: new Date("2026-01-04T00:00:00Z") };
    expect(httpEndpointKind.heldBack?.(later, { ...refusal, reason: "FinalizerRefused" })?.status).toEqual(told.status);
    expect(httpEndpointKind.heldBack?.(situation, { ...refusal, reason: "RateLimited" })).toBeUndefined();
    // That it is tried again keeps nobody from looking at what is new, and what is over is said no more.
    expect(verdictOf(again, [user([])])).toMatchObject(off);
    const changed = verdictOf({ ...again, metadata: { ...again.metadata, generation: 2 } }, [user([])]);
    expect([changed.finalizer, changed.requeueAfterMs, condition(changed, "FinalizerRefused")]).toEqual([
      undefined,
      0,
      undefined,
    ]);
    expect(changed.status).toMatchObject({ observedGeneration: 2 });
    // So is what it refers to, which may have gone or come back meanwhile; what is said of it already is not written again.
    const gone = verdictOf(again, [user([])], { missing: "gone" });
    expect(gone.finalizer).toBeUndefined();
    expect(gone.requeueAfterMs).toBeGreaterThan(0);
    expect(condition(gone, "Ready")).toMatchObject({ status: "False", reason: "SecretNotFound" });
    const refused = httpEndpointKind.heldBack?.(
      { ...situation, resource: { ...held, status: gone.status } },
      { ...refusal, reason: "FinalizerRefused" },
    );
    const still = { ...held, status: refused?.status } as Endpoint;
    expect(condition({ ...gone, status: still.status ?? {} }, "FinalizerRefused")).toBeDefined();
    expect(verdictOf(still, [user([])], { missing: "gone, in other words" })).toMatchObject(off);
    const back = verdictOf(still, [user([])]);
    expect([back.finalizer, back.requeueAfterMs, condition(back, "Ready")?.reason]).toEqual([undefined, 0, "Accepted"]);
  });

  test("of the cluster is neither held nor let go by who sees a part of it, and tells no names", () => {
    expect(verdictOf(endpoint({}, ""), [user()], { isPartial: true }).holds).toBeUndefined();
    expect(verdictOf(endpoint({ ...going, finalizers: [inUse] }, ""), [], { isPartial: true }).finalizer).toBeUndefined();
    expect(verdictOf(endpoint({}, ""), [user()]).holds).toHaveLength(1);
    // It may have been held by one who saw all of it.
    const kept = verdictOf(endpoint({ ...going, finalizers: [inUse] }, ""), [user()], { isPartial: true });
    expect(condition(kept, "InUse")?.message).toMatch(/holdfast\.dev\/in-use.*holdfast\.dev\/orphan: "true".*holdfast orphan$/);
    expect(condition(kept, "InUse")?.message).not.toContain("ada");
    const annotations = { "holdfast.dev/orphan": "true" };
    expect(verdictOf(endpoint({ ...going, finalizers: [inUse], annotations }, ""), [user()], { isPartial: true })).toMatchObject(
      off,
    );
    expect(verdictOf(endpoint({ finalizers: [inUse], annotations }, ""), [], { isPartial: true }).finalizer).toBeUndefined();
    const waits = verdictOf(endpoint({ ...going, finalizers: [inUse] }, ""), [user()]);
    expect(condition(waits, "InUse")?.message).toMatch(/^an HTTPResource of the namespace "n" /);
    expect(verdictOf(endpoint({ ...going, finalizers: [inUse] }, ""), [])).toMatchObject(off);
  });

  test("of the cluster stays, where slots do the work, while one of any slot needs it", () => {
    const named = (finalizers: readonly string[], name = "api", kind = "ClusterHTTPEndpoint"): Resource =>
      user(finalizers, "HTTPResource", { observe: { path: "/", endpointRef: { kind, name } } }).resource;
    const leaving = endpoint({ ...going, finalizers: [inUse] }, "");
    const waits = verdictOf(leaving, [], { elsewhere: [named([]), named(["holdfast.dev/release"])] });
    expect(waits.finalizer).toBeUndefined();
    expect(waits.requeueAfterMs).toBeLessThanOrEqual(60_000);
    expect(condition(waits, "InUse")?.message).toMatch(/^an HTTPResource of the namespace "n" /);
    expect(verdictOf(leaving, [user()], { elsewhere: [] }).finalizer).toBeUndefined();
    const release = ["holdfast.dev/release"];
    for (const others of [[], [named([])], [named(release, "other")], [named(release, "api", "HTTPEndpoint")]])
      expect(verdictOf(leaving, [], { elsewhere: others })).toMatchObject(off);
    // Whoever looks after a part of the cluster finds no others either.
    expect(verdictOf(leaving, [], { isPartial: true, elsewhere: [] }).finalizer).toBeUndefined();
    // Not even to stay is it let go of: others may be about to need it.
    expect(verdictOf(endpoint({ finalizers: [inUse] }, ""), [], { elsewhere: [] }).finalizer).toBeUndefined();
    const annotations = { "holdfast.dev/orphan": "true" };
    const let_ = endpoint({ ...going, finalizers: [inUse], annotations }, "");
    expect(verdictOf(let_, [], { elsewhere: [named(release)] })).toMatchObject(off);
  });

  const forAll: readonly [string, Seen][] = [
    ["one for all of it", {}],
    ["one for all of it with slots", { elsewhere: [] }],
  ];
  test.each(forAll)("of the cluster is not written to and fro by %s and one for a part", (_whose, whole) => {
    const part = { isPartial: true };
    for (const metadata of [{}, { ...going, finalizers: [inUse] }])
      for (const looks of [
        [whole, part],
        [part, whole],
      ]) {
        const limited = { ...endpoint(metadata, ""), spec: { baseURL: "https://api.example", maxInFlight: 8 } } as Endpoint;
        let status: object | undefined;
        let writes = 0;
        for (const by of [...looks, ...looks, ...looks]) {
          const said = verdictOf({ ...limited, ...(status && { status }) }, [user()], by).status;
          if (!isDeepStrictEqual(said, status)) writes += 1;
          status = said;
        }
        expect(writes).toBeLessThanOrEqual(2);
      }
  });
});
