/** The end of an object that is served: its shadow goes first, and not before its own end is worked on. */
import { expect, test } from "@jest/globals";
import { createKeeping, isToBeEnded, type KeepingDeps } from "../../src/cli/serve/keeping.ts";
import { ChangedError } from "../../src/cli/serve/writes.ts";
import { orphanAnnotation, type Resource } from "../../src/core/resource.ts";
import { managedTypes, shadowTypes } from "../../src/serve/kinds.ts";
import { readServed, type ServedObject } from "../../src/serve/served-object.ts";
import { createRegistry } from "../../src/serve/registry.ts";
import { standsForLabel } from "../../src/serve/shadow.ts";

const metadata = { namespace: "here", name: "one", uid: "u0", generation: 1, resourceVersion: "1" };
const [, , type] = managedTypes;

function ending(status: object): ServedObject {
  const forProvider = { payload: {}, mappings: [{ action: "OBSERVE", url: '"http://a.example"' }] };
  const finalizers = ["finalizer.managedresource.crossplane.io"];
  const resource: Resource = {
    metadata: { ...metadata, finalizers, deletionTimestamp: "2026-11-30T00:00:00Z" },
    spec: { forProvider },
    status,
  };
  if (!type) throw new Error("no type");
  const read = readServed(type, resource);
  if (read.type === "invalid") throw new Error(read.message);
  return read.object;
}
/** What is done about the shadow. */
async function end(
  status: object,
  spec: object,
  { notReady, ...more }: { readonly notReady?: string } & object = {},
): Promise<readonly string[]> {
  const done: string[] = [];
  const keeping = createKeeping({
    settings: { namespace: "own", secretNamespaces: [], version: "1" },
    registry: {
      open: (_kind: string, _key: object, { mayEnd }: { readonly mayEnd: boolean }) =>
        done.push(mayEnd ? "may end" : "may act") > 0,
      close: () => {},
    },
    writes: { remove: () => Promise.resolve(void done.push("removed")) },
    telling: { shadow: (object: ServedObject) => Promise.resolve(object) },
    look: () => {},
  } as unknown as KeepingDeps);
  const conditions = notReady === undefined ? [] : [{ type: "Ready", status: "False", reason: notReady }];
  const shadow: Resource = {
    metadata: { ...metadata, uid: "u1", labels: { [standsForLabel]: "u0" }, ...more },
    spec,
    status: { conditions },
  };
  const ended = keeping.end(ending(status), { shadow, config: undefined }, new AbortController().signal);
  await ended.catch((error: unknown) => {
    expect(error).toBeInstanceOf(ChangedError);
    done.push("again");
  });
  return done;
}
const made = { response: { statusCode: 200 } };
const deletes = { delete: { url: "http://a.example" } };

test("a shadow that has not begun, of what may be there, is looked at first", async () => {
  expect(await end(made, deletes)).toEqual(["may act", "again"]);
});

test.each([
  ["its end is worked on", made, deletes, { finalizers: ["holdfast.dev/release"] }],
  ["nothing was made", {}, deletes, {}],
  ["it deletes nothing", made, {}, {}],
  ["a look found nothing", made, { ...deletes }, { notReady: "ImportNotFound" }],
  ["a look found another's", made, { ...deletes }, { notReady: "NotMine" }],
  ["it leaves what it made", made, { ...deletes, deletionPolicy: "Orphan" }, {}],
])("it goes where %s", async (_why, status, spec, more) => {
  expect(await end(status, spec, more)).toEqual(["may end", "removed"]);
});

test("nothing more is to be ended once that has begun, nor of what was sent once", () => {
  const of = (kind: "Request" | "DisposableRequest", status: object): boolean => {
    const object = ending({ response: { statusCode: 200 }, ...status });
    return isToBeEnded(
      kind === "Request" ? object : ({ ...object, peer: { ...object.peer, type: "disposable" } } as ServedObject),
    );
  };
  const conditions = (reason: string): object => ({ conditions: [{ type: "Served", status: "True", reason }] });
  expect(of("Request", {})).toBe(true);
  expect(of("Request", conditions("Refused"))).toBe(true);
  expect(of("Request", conditions("Deleting"))).toBe(false);
  expect(of("Request", { response: undefined })).toBe(false);
  expect(of("DisposableRequest", {})).toBe(false);
});

test("one that is let go ends when it is seen to be let go, and not as it was seen before", async () => {
  const registry = createRegistry(() => true);
  const looked: object[] = [];
  const keeping = createKeeping({
    registry,
    writes: { letGo: () => Promise.resolve() },
    look: (_kind: string, key: object) => looked.push(key),
  } as unknown as KeepingDeps);
  const shadow: Resource = {
    metadata: { ...metadata, labels: { [standsForLabel]: "u9" }, deletionTimestamp: "2026-11-30T00:00:00Z" },
    spec: deletes,
  };
  registry.open("HTTPResource", shadow.metadata, { uid: "u0", mayEnd: false, reads: new Map(), writes: new Map() });
  await keeping.letGo(shadowTypes.HTTPResource, shadow, new AbortController().signal);
  expect(registry.turnOf("HTTPResource", shadow)).toBeUndefined();
  const annotations = { [orphanAnnotation]: "true" };
  expect(registry.turnOf("HTTPResource", { ...shadow, metadata: { ...shadow.metadata, annotations } })).toBe(0);
  expect(looked).toEqual([]);
});

test("one that is to be let go does nothing more, though that cannot be written now", async () => {
  const registry = createRegistry(() => true);
  const keeping = createKeeping({
    registry,
    writes: { letGo: () => Promise.reject(new Error("busy")) },
  } as unknown as KeepingDeps);
  const shadow: Resource = { metadata: { ...metadata, labels: { [standsForLabel]: "u9" } }, spec: deletes };
  registry.open("HTTPResource", shadow.metadata, { uid: "u0", mayEnd: false, reads: new Map(), writes: new Map() });
  expect(registry.turnOf("HTTPResource", shadow)).toBe(1);
  await expect(keeping.letGo(shadowTypes.HTTPResource, shadow, new AbortController().signal)).rejects.toThrow("busy");
  expect(registry.turnOf("HTTPResource", shadow)).toBeUndefined();
});
