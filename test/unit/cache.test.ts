import { describe, expect, test } from "@jest/globals";
import type { Resource } from "../../src/core/resource.ts";
import { createCache } from "../../src/engine/cache.ts";

const isNewer = (a: string, b: string): boolean => Number(a) > Number(b);
function resource(name: string, resourceVersion: number): Resource {
  return { metadata: { namespace: "ns", name, uid: name, generation: 1, resourceVersion: String(resourceVersion) }, spec: {} };
}
function listed(resourceVersion: number, ...resources: Resource[]) {
  return { type: "listed", resources, resourceVersion: String(resourceVersion) } as const;
}

describe("the cache", () => {
  test("never lets an older event replace a newer object", () => {
    const cache = createCache(isNewer);
    cache.apply({ type: "applied", resource: resource("a", 5) });
    expect(cache.apply({ type: "applied", resource: resource("a", 4) })).toEqual([]);
    const another = { ...resource("a", 4).metadata, uid: "another" };
    expect(cache.apply({ type: "deleted", resource: { ...resource("a", 4), metadata: another } })).toEqual([]);
    expect(cache.get({ namespace: "ns", name: "a" })?.metadata.resourceVersion).toBe("5");
  });
  test("keeps the very spec that it has where that has not changed", () => {
    const cache = createCache(isNewer);
    const before = { ...resource("a", 5), spec: { url: "x", list: [1] } };
    cache.apply({ type: "applied", resource: before });
    cache.apply({ type: "applied", resource: { ...resource("a", 6), spec: { list: [1], url: "x" } } });
    expect(cache.get({ namespace: "ns", name: "a" })).toMatchObject({ metadata: { resourceVersion: "6" } });
    expect(cache.get({ namespace: "ns", name: "a" })?.spec).toBe(before.spec);
    cache.apply({ type: "applied", resource: { ...resource("a", 7), spec: { list: [2], url: "x" } } });
    expect(cache.get({ namespace: "ns", name: "a" })?.spec).toEqual({ list: [2], url: "x" });
  });
  test("takes what a listing lacks for deleted", () => {
    const cache = createCache(isNewer);
    cache.apply(listed(3, resource("a", 1), resource("b", 2)));
    const changes = cache.apply(listed(9, resource("b", 2)));
    expect(changes.filter(({ after }) => !after).map(({ before }) => before?.metadata.name)).toEqual(["a"]);
    expect(cache.size).toBe(1);
  });
  test("keeps what is newer than a listing that lags behind", () => {
    const cache = createCache(isNewer);
    cache.apply({ type: "applied", resource: resource("a", 7) });
    cache.apply({ type: "applied", resource: resource("new", 8) });
    cache.apply(listed(5, resource("a", 4)));
    expect([...cache.all()].map(({ metadata }) => metadata.resourceVersion).toSorted()).toEqual(["7", "8"]);
  });
  test("does not bring back what is known to be gone for what happened to it before", () => {
    const cache = createCache(isNewer);
    cache.apply(listed(3, resource("a", 1)));
    expect(cache.forget(resource("a", 1))).toHaveLength(1);
    expect(cache.apply({ type: "applied", resource: resource("a", 4) })).toEqual([]);
    expect(cache.apply({ type: "deleted", resource: resource("a", 5) })).toEqual([]);
    const other = resource("a", 6);
    cache.apply({ type: "applied", resource: { ...other, metadata: { ...other.metadata, uid: "another" } } });
    expect(cache.forget(resource("a", 4))).toEqual([]);
    expect(cache.size).toBe(1);
  });
  test("does not bring back what is known to be gone for a listing from before that", () => {
    const cache = createCache(isNewer);
    cache.apply(listed(3, resource("a", 1), resource("b", 2)));
    cache.forget(resource("a", 1));
    cache.apply(listed(4, resource("a", 1), resource("b", 2)));
    expect(cache.size).toBe(1);
    expect(cache.apply({ type: "applied", resource: resource("a", 4) })).toEqual([]);
    expect(cache.apply({ type: "deleted", resource: resource("a", 5) })).toEqual([]);
    expect([...cache.all()].map(({ metadata }) => metadata.name)).toEqual(["b"]);
  });
  test("does not keep what is gone because a write of it was answered later, or landed after it left what is watched", () => {
    const cache = createCache(isNewer);
    const another = { ...resource("a", 9), metadata: { ...resource("a", 9).metadata, uid: "another" } };
    cache.apply(listed(3, resource("a", 1)));
    expect(cache.learn(resource("a", 6))).toHaveLength(1);
    expect(cache.apply({ type: "deleted", resource: resource("a", 5) })).toHaveLength(1);
    expect(cache.learn(resource("a", 7))).toEqual([]);
    cache.apply({ type: "applied", resource: another });
    expect(cache.learn(resource("a", 10))).toEqual([]);
    expect([...cache.all()]).toEqual([another]);
  });
  test("is warm with the first listing, an empty one included", () => {
    const cache = createCache(isNewer);
    expect(cache.isWarm).toBe(false);
    cache.apply(listed(1));
    expect(cache.isWarm).toBe(true);
  });
});
