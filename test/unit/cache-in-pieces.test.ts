/** A long listing is taken in with pauses, in which others write; nobody sees a half of it, and it ends as if it had come at once. */
import { expect, test } from "@jest/globals";
import { array, assert, asyncProperty, constantFrom, integer, nat, record, uniqueArray } from "fast-check";
import type { Resource } from "../../src/core/resource.ts";
import { sameJSON } from "../../src/core/tools/json.ts";
import { createCache, type Cache } from "../../src/engine/cache.ts";

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
