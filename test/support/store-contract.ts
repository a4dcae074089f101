/**
 * What every ResourceStore guarantees, whatever is behind it: the same suite runs against each.
 *
 * It waits for what it expects and never for a time to pass, so a store may be slow.
 */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { redact } from "../../src/core/redacted.ts";
import { parseJSON } from "../../src/core/tools/json.ts";
import type { OutputData, OutputObject, Owner } from "../../src/core/output.ts";
import type { ResourceStore, WatchEvent } from "../../src/core/ports.ts";
import { configMapType, secretType, type Resource, type ResourceType } from "../../src/core/resource.ts";
import { watching, type Watching } from "./watching.ts";

/** A store, and a way around it to change what it serves, as a user would. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ResourceStore;
  /** Where the objects go; nobody else's are there. */
  readonly namespace: string;
  /** Creates or changes an HTTPRequest. Without annotations it has none. */
  applyRequest(name: string, spec: object, annotations?: Readonly<Record<string, string>>): Promise<void>;
  deleteRequest(name: string): Promise<void>;
  /** Creates or changes a Secret or ConfigMap. */
  applyData(kind: "Secret" | "ConfigMap", name: string, data: Readonly<Record<string, Uint8Array>>): Promise<void>;
  deleteData(kind: "Secret" | "ConfigMap", name: string): Promise<void>;
}
export interface StoreContractOptions {
  /** What is behind a name after a delete and an apply: an object with another uid, or the one that was there before. */
  readonly recreated: "anotherObject" | "sameObject";
}

const requests: ResourceType = { group: "holdfast.dev", version: "v1alpha1", kind: "HTTPRequest", plural: "httprequests" };

/** `make` opens a store with nothing in it. */
export function storeContract(name: string, make: () => Promise<StoreUnderTest>, { recreated }: StoreContractOptions): void {
  describe(`the contract of stores: ${name}`, () => {
    let resources = new AsyncDisposableStack();
    let under: StoreUnderTest;
    beforeEach(async () => {
      resources = new AsyncDisposableStack();
      under = resources.use(await make());
    }, 60_000);
    afterEach(async () => resources.disposeAsync(), 60_000);

    /** Ends with the test. */
    function watch(): Watching {
      return resources.use(watching((signal) => under.store.watch(requests, signal)));
    }
    function isOurs({ metadata }: Resource, name: string): boolean {
      return metadata.name === name && metadata.namespace === under.namespace;
    }
    function isOf(name: string, also: (resource: Resource) => boolean = () => true) {
      return (event: WatchEvent): boolean => event.type === "applied" && isOurs(event.resource, name) && also(event.resource);
    }
    function isGone(name: string) {
      return (event: WatchEvent): boolean => event.type === "deleted" && isOurs(event.resource, name);
    }
    /** Creates a request and reads it back. */
    async function created(watch: Watching, name: string, spec: object = plainSpec): Promise<Resource> {
      await under.applyRequest(name, spec);
      return watch.until(isOf(name));
    }
    async function write(resource: Resource, status: object, attempt?: { id: string; sender: string }) {
      const precondition = attempt ? ({ type: "attempt", ...attempt } as const) : ({ type: "unchanged" } as const);
      return under.store.writeStatus(requests, resource, status, precondition, new AbortController().signal);
    }
    /** What a fresh look shows. */
    async function lookAt(name: string): Promise<Resource | undefined> {
      await using fresh = watching((signal) => under.store.watch(requests, signal));
      const listed = await fresh.listed();
      return listed.find((resource) => isOurs(resource, name));
    }

    test("lists first what is there, with its spec, uid and first generation", async () => {
      await under.applyRequest("there", plainSpec);
      const watched = watch();
      const resource = (await watched.listed()).find((one) => isOurs(one, "there"));
      expect(resource).toMatchObject({ metadata: { namespace: under.namespace, generation: 1 }, spec: plainSpec });
      expect(resource?.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(resource?.status).toBeUndefined();
    });

    test("tells what is applied after the listing", async () => {
      const watched = watch();
      await watched.listed();
      await created(watched, "later");
      expect(watched.seen[0]?.type).toBe("listed");
      expect(watched.seen.at(-1)).toMatchObject({ type: "applied", resource: { spec: plainSpec } });
    });

    test("tells every watcher", async () => {
      const watchers = [watch(), watch()];
      await Promise.all(watchers.map((watched) => watched.listed()));
      await under.applyRequest("both", plainSpec);
      const [one, other] = await Promise.all(watchers.map((watched) => watched.until(isOf("both"))));
      expect(one).toEqual(other);
    });

    test("counts a generation for a changed spec, and keeps the uid", async () => {
      const watched = watch();
      const before = await created(watched, "changing");
      await under.applyRequest("changing", { ...plainSpec, method: "PUT" });
      const after = await watched.until(isOf("changing", (one) => one.metadata.generation === 2));
      expect(after.metadata.uid).toBe(before.metadata.uid);
      expect(after.spec).toMatchObject({ method: "PUT" });
      expect(under.store.isNewer(after.metadata.resourceVersion, before.metadata.resourceVersion)).toBe(true);
      expect(under.store.isNewer(before.metadata.resourceVersion, after.metadata.resourceVersion)).toBe(false);
      expect(under.store.isNewer(after.metadata.resourceVersion, after.metadata.resourceVersion)).toBe(false);
    });

    test("counts no generation for a changed annotation, and tells it", async () => {
      const watched = watch();
      await created(watched, "noted");
      await under.applyRequest("noted", plainSpec, { "holdfast.dev/reconcile-at": "now" });
      const after = await watched.until(
        isOf("noted", (one) => one.metadata.annotations?.["holdfast.dev/reconcile-at"] === "now"),
      );
      expect(after.metadata.generation).toBe(1);
    });

    test("keeps integers beyond 2^53 exactly as they were declared", async () => {
      const spec = parseJSON('{"url":"http://localhost/","method":"POST","body":{"json":{"id":9007199254740993}}}') as object;
      const resource = await created(watch(), "exact", spec);
      expect(JSON.stringify((resource.spec as { body: object }).body)).toBe('{"json":{"id":9007199254740993}}');
    });

    test("answers a status write with the object, tells it, and counts no generation for it", async () => {
      const watched = watch();
      const before = await created(watched, "written");
      const result = await write(before, saying("hello"));
      expect(result).toMatchObject({ type: "written", resource: { spec: plainSpec, status: saying("hello") } });
      const told = await watched.until(isOf("written", (one) => one.status !== undefined));
      expect(told.status).toEqual(saying("hello"));
      expect(told.metadata).toMatchObject({ uid: before.metadata.uid, generation: 1 });
      expect(under.store.isNewer(told.metadata.resourceVersion, before.metadata.resourceVersion)).toBe(true);
    });

    test("replaces the whole status: a field that is gone is gone", async () => {
      const first = await write(await created(watch(), "replaced"), inFlight("one", "me"));
      if (first.type === "conflict") throw new Error("the first write must land");
      const second = await write(first.resource, saying("done"));
      expect(second).toMatchObject({ type: "written" });
      expect((await lookAt("replaced"))?.status).toEqual(saying("done"));
    });

    test("refuses a status when somebody else wrote one meanwhile", async () => {
      const stale = await created(watch(), "contested");
      await write(stale, saying("first"));
      expect(await write(stale, saying("second"))).toEqual({ type: "conflict" });
      expect((await lookAt("contested"))?.status).toEqual(saying("first"));
    });

    test("takes a status when only the spec changed meanwhile, and leaves the new spec alone", async () => {
      const watched = watch();
      const stale = await created(watched, "moving");
      await under.applyRequest("moving", { ...plainSpec, method: "PUT" });
      await watched.until(isOf("moving", (one) => one.metadata.generation === 2));
      expect(await write(stale, saying("landed"))).toMatchObject({ type: "written" });
      expect(await lookAt("moving")).toMatchObject({ spec: { method: "PUT" }, status: saying("landed") });
    });

    test("refuses an intent when the spec changed meanwhile, and takes it when only an annotation did", async () => {
      const watched = watch();
      const stale = await created(watched, "intended");
      const { generation } = stale.metadata;
      const intend = (resource: Resource, status: object) =>
        under.store.writeStatus(requests, resource, status, { type: "unchanged", generation }, new AbortController().signal);
      await under.applyRequest("intended", plainSpec, { "holdfast.dev/reconcile-at": "1" });
      const annotated = await watched.until(isOf("intended", (one) => one.metadata.annotations !== undefined));
      expect(await intend(stale, inFlight("one", "me"))).toMatchObject({ type: "written" });
      const written = await watched.until(isOf("intended", ({ status }) => status !== undefined));
      await under.applyRequest("intended", { ...plainSpec, method: "PUT" });
      await watched.until(isOf("intended", (one) => one.metadata.generation === 2));
      expect(await intend(written, inFlight("two", "me"))).toEqual({ type: "conflict" });
      expect(annotated.metadata.generation).toBe(generation);
      expect((await lookAt("intended"))?.status).toEqual(inFlight("one", "me"));
    });

    test("takes the outcome of an attempt that is in flight, whatever changed meanwhile", async () => {
      const watched = watch();
      const declared = await write(await created(watched, "flying"), inFlight("one", "me"));
      if (declared.type === "conflict") throw new Error("the intent must land");
      await under.applyRequest("flying", { ...plainSpec, method: "PUT" });
      await watched.until(isOf("flying", (one) => one.metadata.generation === 2));
      expect(await write(declared.resource, saying("sent"), { id: "one", sender: "me" })).toMatchObject({ type: "written" });
      expect((await lookAt("flying"))?.status).toEqual(saying("sent"));
    });

    test.each([
      ["another attempt", { id: "two", sender: "me" }],
      ["another sender", { id: "one", sender: "you" }],
    ])("refuses the outcome of %s", async (_, attempt) => {
      const declared = await write(await created(watch(), "guarded"), inFlight("one", "me"));
      if (declared.type === "conflict") throw new Error("the intent must land");
      expect(await write(declared.resource, saying("sent"), attempt)).toEqual({ type: "conflict" });
      expect((await lookAt("guarded"))?.status).toEqual(inFlight("one", "me"));
    });

    test("refuses a second outcome, and takes one where the attempt was taken away with the status", async () => {
      const declared = await write(await created(watch(), "twice"), inFlight("one", "me"));
      if (declared.type === "conflict") throw new Error("the intent must land");
      expect(await write(declared.resource, saying("sent"), { id: "one", sender: "me" })).toMatchObject({ type: "written" });
      expect(await write(declared.resource, saying("again"), { id: "one", sender: "me" })).toEqual({ type: "conflict" });
      expect((await lookAt("twice"))?.status).toEqual(saying("sent"));
      const wiped = await created(watch(), "wiped");
      expect(await write(wiped, saying("sent"), { id: "one", sender: "me" })).toMatchObject({ type: "written" });
      expect((await lookAt("wiped"))?.status).toEqual(saying("sent"));
    });

    test("writes a status and a finalizer only for who may, asked as it writes", async () => {
      const resource = await created(watch(), "deposed");
      const never = new AbortController().signal;
      const finalizer = { name: "holdfast.dev/release", present: true };
      let asked = 0;
      const mayWrite = (): boolean => {
        asked += 1;
        return false;
      };
      const status = under.store.writeStatus(requests, resource, saying("late"), { type: "unchanged" }, never, mayWrite);
      expect(await status).toEqual({ type: "conflict" });
      expect(await under.store.setFinalizer(requests, resource, finalizer, never, mayWrite)).toEqual({ type: "conflict" });
      expect(asked).toBe(2);
      const seen = await lookAt("deposed");
      expect([seen?.status, seen?.metadata.finalizers]).toEqual([undefined, undefined]);
    });

    test("refuses the status of an object with another uid", async () => {
      const resource = await created(watch(), "mistaken");
      const other = { ...resource, metadata: { ...resource.metadata, uid: randomUUID() } };
      expect(await write(other, saying("hello"))).toEqual({ type: "conflict" });
      expect((await lookAt("mistaken"))?.status).toBeUndefined();
    });

    test("tells what is deleted, and refuses its status from then on", async () => {
      const watched = watch();
      const declared = await write(await created(watched, "gone"), inFlight("one", "me"));
      if (declared.type === "conflict") throw new Error("the intent must land");
      await under.deleteRequest("gone");
      await watched.until(isGone("gone"));
      expect(await write(declared.resource, saying("late"))).toEqual({ type: "conflict" });
      expect(await write(declared.resource, saying("late"), { id: "one", sender: "me" })).toEqual({ type: "conflict" });
      expect(await lookAt("gone")).toBeUndefined();
    });

    test("never lets an outcome land on another object of the same name", async () => {
      const watched = watch();
      const declared = await write(await created(watched, "phoenix"), inFlight("one", "me"));
      if (declared.type === "conflict") throw new Error("the intent must land");
      await under.deleteRequest("phoenix");
      await watched.until(isGone("phoenix"));
      const risen = await created(watched, "phoenix");
      const isSame = risen.metadata.uid === declared.resource.metadata.uid;
      expect(isSame).toBe(recreated === "sameObject");
      expect(risen.status).toEqual(isSame ? inFlight("one", "me") : undefined);
      const outcome = await write(declared.resource, saying("sent"), { id: "one", sender: "me" });
      expect(outcome.type).toBe(isSame ? "written" : "conflict");
      expect((await lookAt("phoenix"))?.status).toEqual(isSame ? saying("sent") : undefined);
    });

    test.each([
      ["Secret", secretType, Uint8Array.of(0, 255, 10, 195, 40)],
      ["ConfigMap", configMapType, Uint8Array.from(Buffer.from("größer"))],
    ] as const)("reads the bytes of a %s as they are now", async (kind, type, bytes) => {
      const reference = { type, key: { namespace: under.namespace, name: `data-${randomUUID().slice(0, 8)}` } };
      const read = async () => under.store.read(reference, new AbortController().signal);
      expect(await read()).toEqual({ type: "absent" });
      for (const value of [bytes, Uint8Array.of(49)]) {
        await under.applyData(kind, reference.key.name, { value });
        const found = await read();
        if (found.type !== "found") throw new Error(`${kind} must be found, not ${found.type}`);
        expect(found.resource.metadata).toMatchObject(reference.key);
        expect(Object.keys(found.resource.data)).toEqual(["value"]);
        expect([...(found.resource.data["value"] ?? [])]).toEqual([...value]);
      }
      await under.deleteData(kind, reference.key.name);
      expect(await read()).toEqual({ type: "absent" });
    });

    describe.each([
      ["Secret", secretType],
      ["ConfigMap", configMapType],
    ] as const)("an output %s", (kind, type) => {
      const never = new AbortController().signal;
      const object = (name: string): OutputObject => ({
        field: "spec.outputs[0]",
        type,
        name,
        ...(kind === "Secret" && { secretType: "Opaque" }),
        labels: {},
        annotations: {},
      });
      async function owner(name: string): Promise<Owner> {
        return { type: requests, metadata: (await created(watch(), name)).metadata };
      }
      async function values(name: string): Promise<Record<string, string> | undefined> {
        const found = await under.store.read({ type, key: { namespace: under.namespace, name } }, never);
        if (found.type !== "found") return undefined;
        return Object.fromEntries(
          Object.entries(found.resource.data).map(([key, bytes]) => [key, Buffer.from(bytes).toString()]),
        );
      }
      const put = (owner: Owner, name: string, data: OutputData): ReturnType<ResourceStore["writeOutput"]> =>
        under.store.writeOutput(owner, object(name), redact(data), never);

      test("is made, changed where something differs, and read as it is", async () => {
        const mine = await owner("maker");
        expect(await under.store.checkOutput(mine, object("made"), never)).toBeUndefined();
        expect(await values("made")).toBeUndefined();
        expect(await put(mine, "made", { a: "größer\n", b: "1", gone: "x" })).toEqual({ type: "written" });
        expect(await put(mine, "made", { a: "größer\n", b: "1", gone: "x" })).toEqual({ type: "unchanged" });
        expect(await values("made")).toEqual({ a: "größer\n", b: "1", gone: "x" });
        expect(await under.store.checkOutput(mine, object("made"), never)).toBeUndefined();
        expect(await put(mine, "made", { a: "2", b: null, c: "", new: null })).toEqual({ type: "written" });
        expect(await values("made")).toEqual({ a: "2", b: "1", c: "" });
        expect(await put(mine, "made", { a: null, b: null, c: "" })).toEqual({ type: "unchanged" });
      });

      test("is not touched where it is somebody else's", async () => {
        const [first, second] = [await owner("first"), await owner("second")];
        await put(first, "shared", { a: "1" });
        await under.applyData(kind, "foreign", { a: Buffer.from("theirs") });
        for (const [whose, name] of [
          [second, "shared"],
          [first, "foreign"],
        ] as const) {
          const refused = {
            type: "refusal",
            reason: "OutputConflict",
            heals: true,
            message: expect.stringContaining(`"${name}"`),
          };
          expect(await under.store.checkOutput(whose, object(name), never)).toMatchObject(refused);
          expect(await put(whose, name, { a: "mine" })).toMatchObject(refused);
        }
        expect([await values("shared"), await values("foreign")]).toEqual([{ a: "1" }, { a: "theirs" }]);
      });
    });

    test.each([secretType, configMapType])(
      "tells which $kind there is, made, changed or deleted, and not what it holds",
      async (type) => {
        const kind = type.kind as "Secret" | "ConfigMap";
        await under.applyData(kind, "there", { a: Buffer.from("held-1") });
        const { store } = under;
        const watched = resources.use(watching((signal) => store.watchData?.(type, under.namespace, signal) ?? nothing()));
        const before = (await watched.listed()).find((one) => isOurs(one, "there"));
        await under.applyData(kind, "other", { a: Buffer.from("held-2") });
        await watched.until(isOf("other"));
        await under.applyData(kind, "there", { a: Buffer.from("held-3") });
        const after = await watched.until(isOf("there"));
        expect(under.store.isNewer(after.metadata.resourceVersion, before?.metadata.resourceVersion ?? "")).toBe(true);
        expect(watched.seen.filter(isOf("other"))).toHaveLength(1); // what does not differ is not told
        await under.deleteData(kind, "there");
        const gone = await watched.until(isGone("there"));
        expect(under.store.isNewer(gone.metadata.resourceVersion, after.metadata.resourceVersion)).toBe(true);
        expect(JSON.stringify(watched.seen)).not.toContain("held");
      },
    );

    test("ends a watch when it is aborted", async () => {
      const watched = watch();
      await watched.listed();
      await watched[Symbol.asyncDispose]();
      expect(watched.ended).toBe(true);
    });
  });
}

async function* nothing(): AsyncGenerator<WatchEvent, void> {
  yield await Promise.reject(new Error("data is not watched"));
}

const plainSpec = { url: "http://localhost:1/", method: "POST" };

function saying(message: string): object {
  const ready = { type: "Ready", status: "False", reason: "Testing", message, lastTransitionTime: "2026-01-02T03:04:05Z" };
  return { observedGeneration: 1, conditions: [ready] };
}
function inFlight(id: string, sender: string): object {
  const attempt = { id, digest: "0".repeat(64), phase: "InFlight", sender, startedAt: "2026-01-02T03:04:05Z", tries: 1 };
  return { ...saying("on its way"), attempt };
}
