import { describe, expect, test } from "@jest/globals";
import type { Resource } from "../../src/core/resource.ts";
import { createCache, type Cache } from "../../src/engine/cache.ts";
import { array, assert, asyncProperty, constantFrom, integer, nat, record, uniqueArray } from "fast-check";
import { sameJSON } from "../../src/core/tools/json.ts";
import { toResource } from "../../src/kubernetes/objects.ts";

describe("cache", () => {
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
    test("takes an object as a later listing has it, though it was known from after that: the store was restored from a copy", () => {
      const cache = createCache(isNewer);
      cache.apply(listed(7, resource("a", 7), resource("b", 6)));
      cache.apply(listed(9, resource("a", 3), resource("b", 6)));
      expect([...cache.all()].map(({ metadata }) => metadata.resourceVersion)).toEqual(["3", "6"]);
    });
    test("keeps what is newer than its part of a listing that was put together of several", () => {
      const cache = createCache(isNewer);
      const versions = new Map([["ns", "5"]]);
      cache.apply(listed(7, resource("a", 7)));
      cache.apply({ ...listed(9, resource("a", 3)), versions });
      cache.apply({ ...listed(9, resource("a", 6)), versions });
      expect([...cache.all()].map(({ metadata }) => metadata.resourceVersion)).toEqual(["7"]);
    });
    test("keeps nothing of a future that was lost, where several namespaces are listed at different times", () => {
      const cache = createCache(isNewer);
      cache.apply(listed(7, resource("a", 7), resource("b", 6), resource("lost", 7)));
      cache.apply({ ...listed(3, resource("a", 3), resource("b", 6)), versions: new Map([["ns", "1000"]]) });
      expect([...cache.all()].map(({ metadata }) => metadata.resourceVersion)).toEqual(["3", "6"]);
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
    test("takes out what the answer to a write shows as ended, though it has the resourceVersion from before", () => {
      const cache = createCache(isNewer);
      const ending = { ...resource("a", 3).metadata, deletionTimestamp: "2026-11-01T00:00:00Z" };
      const held = { ...resource("a", 3), metadata: { ...ending, finalizers: ["x/mine", "x/other"] } };
      cache.apply({ type: "applied", resource: held });
      const left = { ...held, metadata: { ...ending, resourceVersion: "4", finalizers: ["x/other"] } };
      expect(cache.learn(left)).toEqual([{ before: held, after: left }]);
      const ended = { ...held, metadata: { ...ending, resourceVersion: "4" } };
      expect(cache.learn(ended)).toEqual([{ before: left, after: undefined }]);
      expect(
        cache.apply({ type: "applied", resource: { ...left, metadata: { ...left.metadata, resourceVersion: "5" } } }),
      ).toEqual([]);
      expect(cache.size).toBe(0);
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
});

// A long listing is taken in with pauses, in which others write; nobody sees a half of it, and it ends as if it had come at once.
describe("cache in pieces", () => {
  const isNewer = (a: string, b: string): boolean => Number(a) > Number(b);
  function resource(name: string, version: number, uid = name): Resource {
    return { metadata: { namespace: "ns", name, uid, generation: 1, resourceVersion: String(version) }, spec: {} };
  }
  const versions = (cache: Cache): Record<string, string> =>
    Object.fromEntries(
      [...cache.all()]
        .map(({ metadata }) => [`${metadata.name}/${metadata.uid}`, metadata.resourceVersion] as const)
        .toSorted(([a], [b]) => a.localeCompare(b)),
    );
  const areAlike = (one: Cache, other: Cache): boolean => sameJSON(versions(one), versions(other));

  test("nobody sees a half of a listing, whenever they look", async () => {
    const cache = createCache(isNewer);
    cache.apply({ type: "listed", resources: [resource("old", 1)], resourceVersion: "1" });
    const listed = { type: "listed", resources: ["a", "b", "c"].map((name) => resource(name, 5)), resourceVersion: "9" } as const;
    const seen = new Set<string>();
    const changes = await cache.list(listed, async () => void seen.add(Object.keys(versions(cache)).join()));
    expect([...seen]).toEqual(["old/old"]);
    expect(Object.keys(versions(cache))).toEqual(["a/a", "b/b", "c/c"]);
    expect([...changes].map(({ before, after }) => [before?.metadata.name, after?.metadata.name])).toEqual([
      ["old", undefined],
      [undefined, "a"],
      [undefined, "b"],
      [undefined, "c"],
    ]);
  });

  test("tells what has changed again since as it is by then, and not what was there all the time", async () => {
    const cache = createCache(isNewer);
    const same = resource("same", 3);
    cache.apply({ type: "listed", resources: [same, resource("a", 1)], resourceVersion: "3" });
    const listed = { type: "listed", resources: [same, resource("a", 5), resource("b", 6)], resourceVersion: "9" } as const;
    const changes = await cache.list(listed, async () => {});
    cache.apply({ type: "applied", resource: resource("a", 10) });
    cache.apply({ type: "deleted", resource: resource("b", 11) });
    expect([...changes].map(({ before, after }) => [before?.metadata.resourceVersion, after?.metadata.resourceVersion])).toEqual([
      ["1", "10"],
    ]);
  });

  const names = constantFrom("a", "b", "c", "d");
  const objects = record({ name: names, version: integer({ min: 1, max: 30 }), uid: constantFrom("1", "2") });
  const toResource = ({ name, version, uid }: { name: string; version: number; uid: string }): Resource =>
    resource(name, version, `${name}${uid}`);
  const listing = uniqueArray(objects, { selector: ({ name }) => name, maxLength: 4 });
  const write = record({ type: constantFrom("learn", "forget", "applied"), object: objects, at: nat({ max: 12 }) });

  test("ends as it would if all that was written meanwhile had been written before", async () => {
    await assert(
      asyncProperty(listing, listing, integer({ min: 1, max: 30 }), array(write, { maxLength: 6 }), async (...given) => {
        const [before, after, version, writes] = given;
        const [pieces, whole] = [createCache(isNewer), createCache(isNewer)];
        for (const cache of [pieces, whole])
          cache.apply({ type: "listed", resources: before.map(toResource), resourceVersion: String(version) });
        const left = writes.toSorted((a, b) => a.at - b.at);
        const listed = { type: "listed", resources: after.map(toResource), resourceVersion: String(version + 5) } as const;
        let piece = 0;
        function make({ type, object }: (typeof left)[number]): void {
          for (const cache of [pieces, whole])
            if (type === "applied") cache.apply({ type, resource: toResource(object) });
            else cache[type === "learn" ? "learn" : "forget"](toResource(object));
        }
        await pieces.list(listed, async () => {
          while (left[0] && left[0].at <= piece) make(left.shift()!);
          piece += 1;
        });
        whole.apply(listed);
        if (!areAlike(pieces, whole)) return false;
        // What is gone is remembered alike: what happened to it before does not bring it back.
        for (const object of [...before, ...after, ...writes.map((one) => one.object)].map(toResource)) {
          const late = { ...object, metadata: { ...object.metadata, resourceVersion: "99" } };
          for (const cache of [pieces, whole]) cache.apply({ type: "applied", resource: late });
        }
        return areAlike(pieces, whole);
      }),
      { numRuns: 2_000 },
    );
  });
});

// What is held of an object as the API server sends it.
describe("lean objects", () => {
  const copyAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
  const annotationsOf = (spec: object, copy = "{}"): object | undefined => {
    const annotations = { [copyAnnotation]: copy, other: "kept" };
    return toResource({ metadata: { name: "a", uid: "u", resourceVersion: "1", annotations }, spec }).metadata.annotations;
  };

  test("kubectl's copy of the manifest is not held", () => {
    expect(annotationsOf({ url: "https://example.com/${ .metadata.name }/${ .metadata.labels.app }" })).toEqual({
      other: "kept",
    });
  });

  test.each([
    { url: "https://example.com/${ .metadata.annotations.x }" },
    { body: { json: { all: "${ .metadata }" } } },
    { body: { json: ["${ .metadata | tojson }"] } },
    { body: { text: '${ .metadata["annotations"] }' } },
    { inputs: { x: { fieldRef: { fieldPath: "metadata.annotations['x']" } } } },
  ])("it is held where the spec may read it: %j", (spec) => {
    expect(annotationsOf(spec)).toEqual({ [copyAnnotation]: "{}", other: "kept" });
  });

  test("it is held where it is long, since the size of the object counts", () => {
    expect(annotationsOf({ url: "x" }, "x".repeat(4097))).toHaveProperty([copyAnnotation]);
  });

  test("equal parts of two objects are one", () => {
    const objectOf = (name: string): Resource =>
      toResource({
        metadata: { name, uid: name, resourceVersion: "1", labels: { "app.kubernetes.io/name": "users" } },
        spec: { observe: { url: "https://users.example.com/${ .externalID }" }, parameters: { name } },
        status: { conditions: [{ type: "Ready", status: "True", message: "the remote object is as declared" }] },
      });
    const [a, b] = [objectOf("a"), objectOf("b")] as const;
    expect(a.metadata.labels).toBe(b.metadata.labels);
    expect((a.spec as { observe: object }).observe).toBe((b.spec as { observe: object }).observe);
    expect((a.status as { conditions: object }).conditions).toBe((b.status as { conditions: object }).conditions);
    expect(b.spec).toMatchObject({ parameters: { name: "b" } });
  });
});
