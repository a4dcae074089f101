/** What the shadow of a DisposableRequest has sent is not sent again, whatever has been told of it and whatever is written since. */
import { expect, test } from "@jest/globals";
import { createKeeping, type KeepingDeps } from "../../src/cli/serve/keeping.ts";
import type { Manifest } from "../../src/convert/translation.ts";
import type { Resource } from "../../src/core/resource.ts";
import { sameJSON } from "../../src/core/tools/json.ts";
import { managedTypes } from "../../src/serve/kinds.ts";
import { readServed, type ServedObject } from "../../src/serve/served-object.ts";
import { statusMark, withMark } from "../../src/serve/serving.ts";
import { makeShadow, madeOfAnnotation, standsForLabel, type ServeSettings } from "../../src/serve/shadow.ts";
import { openTranslator } from "../support/peer-objects.ts";

const { evaluator } = openTranslator(20_000);
const { signal } = new AbortController();
const settings: ServeSettings = { namespace: "cluster-things", secretNamespaces: ["*"], version: "1" };
const [, , , type] = managedTypes;

function once(forProvider: object, status: object, annotations: Readonly<Record<string, string>> = {}): ServedObject {
  if (!type) throw new Error("no type");
  const metadata = { namespace: "here", name: "one", uid: "u0", generation: 1, resourceVersion: "1", annotations };
  const spec = { forProvider: { url: "http://origin.example/do", method: "POST", body: "first", ...forProvider } };
  const read = readServed(type, { metadata, spec, status });
  if (read.type === "invalid") throw new Error(read.message);
  return read.object;
}
/** With the condition that says that it is served, as Holdfast writes it. */
function marked(status: object, served = "True"): object {
  if (served === "none") return status;
  const message = withMark("by HTTPRequest here/one", served === "another's" ? "of-before" : statusMark(status));
  const isServed = served !== "False";
  const reason = isServed ? "Exactly" : "Refused";
  return { ...status, conditions: [{ type: "Served", status: isServed ? "True" : "False", reason, message }] };
}
interface Acted {
  readonly status: object;
  /** Of the object, as it was before the shadow came to this. */
  readonly told?: object;
  /** Of the condition that says that it is served. */
  readonly served?: string;
  /** What is written on the object now. */
  readonly now?: object;
  readonly before?: object;
}
const change = { body: "second" };
/** What serving does about a shadow that has acted. */
async function kept({ status, told = {}, served = "True", now = change, before = {} }: Acted): Promise<readonly unknown[]> {
  const made = await makeShadow(once(before, {}), undefined, settings, { evaluator, signal });
  if (made.type === "refused") throw new Error(made.message);
  const { metadata, spec } = made.manifest;
  const shadow: Resource = {
    metadata: { ...metadata, uid: "u1", generation: 1, resourceVersion: "1", namespace: "here" },
    spec,
    status,
  };
  const done: unknown[] = [];
  const keeping = createKeeping({
    settings,
    evaluator,
    registry: { open: () => done.push("open") > 0, close: () => done.push("closed") },
    writes: {
      adopt: (_type: object, resource: Resource) => Promise.resolve(resource),
      letGo: () => Promise.resolve(done.push("again")),
      replace: (_type: object, _shadow: Resource, manifest: Manifest) => {
        const isDone = manifest.metadata.annotations?.["holdfast.dev/assume-done"] === "true";
        const isAsked = manifest.metadata.annotations?.["holdfast.dev/reconcile-at"] !== undefined;
        const { schedule, ...sent } = spec;
        if (schedule !== undefined && sameJSON(manifest.spec, sent)) return Promise.resolve((done.push("stopped"), shadow));
        const way = manifest.spec["suspend"] === true ? "suspended" : isDone ? "taken for done" : "written";
        done.push(isAsked ? `${way}, asked` : way);
        return Promise.resolve({ ...shadow, spec: manifest.spec });
      },
    },
    telling: { shadow: (object: ServedObject) => Promise.resolve(object), refused: () => Promise.resolve() },
    learn: () => {},
    look: () => {},
  } as unknown as KeepingDeps);
  await keeping.keep(once({ ...before, ...now }, marked(told, served)), { shadow, config: undefined }, signal);
  expect(shadow.metadata.labels?.[standsForLabel]).toBe("u0");
  expect(shadow.metadata.annotations).toHaveProperty([madeOfAnnotation]);
  return done.filter((one) => one !== "open" && one !== "closed");
}
const ran = (status: string, reason: string): object => ({ conditions: [{ type: "Succeeded", status, reason, message: "" }] });
const done = (status: string, reason: string): object => ({ attempt: { phase: "Done", tries: 2 }, ...ran(status, reason) });

test.each([
  ["after a failure", { failed: 1, error: "no", requestDetails: { method: "POST" } }, "True"],
  ["at once", {}, "True"],
  ["while it was refused", {}, "False"],
  ["after a failure, while it was refused", { failed: 1, error: "no", requestDetails: { method: "POST" } }, "False"],
])("what was sent %s, and is not told of yet, is sent", async (_, told, served) => {
  for (const reason of ["Succeeded", "AcknowledgedAsDelivered"])
    expect(await kept({ status: done("True", reason), told, served })).toEqual([]);
});

test("what another has sent is taken for done by a shadow that has not begun", async () => {
  expect(await kept({ status: {}, told: { synced: true }, served: "False", now: {} })).toEqual(["again"]);
  expect(await kept({ status: {}, told: { synced: true }, served: "none" })).toEqual(["taken for done"]);
});

test("what another has sent meanwhile is taken for done, whatever has become of it here", async () => {
  const of = (status: object): Promise<unknown> => kept({ status, told: { synced: true }, served: "False" });
  expect(await of(done("True", "AssumedDone"))).toEqual([]);
  expect(await of(done("False", "UnexpectedStatus"))).toEqual(["again"]);
});

test("what is no longer to be sent at each tick is sent no more, told of or not, ours all the time or not", async () => {
  const before = { shouldLoopInfinitely: true, nextReconcile: "1m" };
  const now = { shouldLoopInfinitely: false };
  for (const served of ["True", "False"])
    for (const told of [{}, { synced: true }])
      for (const change of [now, { ...now, body: "second" }])
        expect(await kept({ status: done("True", "Succeeded"), told, served, before, now: change })).toEqual(["stopped"]);
});

test("what another has tried, or given up, is as if it were taken over anew", async () => {
  const told = { failed: 1, error: "no", requestDetails: { method: "POST" } };
  const of = (status: object, served: string, given = {}, failed = 1): Promise<unknown> =>
    kept({ status, told: { ...told, failed }, served, before: given, now: {} });
  for (const status of [{}, { attempt: { phase: "Retrying", tries: 1 } }]) {
    expect(await of(status, "another's")).toEqual(["again"]);
    expect(await of(status, "another's", { rollbackRetriesLimit: 3 }, 3)).toEqual(["again"]);
    // It was us who tried it.
    expect(await of(status, "True")).toEqual([]);
    expect(await of(status, "False")).toEqual([]);
  }
});

test("a loop without a pause, and with a limit, ends with its success", async () => {
  const before = { shouldLoopInfinitely: true, rollbackRetriesLimit: 3 };
  const of = (status: object): Promise<unknown> => kept({ status, before });
  expect(await of(done("True", "Succeeded"))).toEqual([]);
  expect(await of({ attempt: { phase: "InFlight", tries: 1 } })).toEqual([]);
  expect(await of({ attempt: { phase: "Unknown", tries: 1 } })).toEqual(["suspended"]);
});

test("what has failed, or loops, is done as it is written by now", async () => {
  expect(await kept({ status: done("False", "UnexpectedStatus"), told: { failed: 1 } })).toEqual(["written, asked"]);
  const before = { shouldLoopInfinitely: true, nextReconcile: "1m" };
  expect(await kept({ status: done("True", "Succeeded"), before })).toEqual(["written"]);
});

test("what may have arrived is not sent again as it is written by now, told of or not", async () => {
  const of = (phase: string, before: object): Promise<unknown> => kept({ status: { attempt: { phase, tries: 1 } }, before });
  expect(await of("Unknown", {})).toEqual(["suspended"]);
  // What comes of it is waited for, but where it is as well sent twice.
  expect(await of("InFlight", {})).toEqual([]);
  expect(await of("InFlight", { method: "PUT" })).toEqual(["written"]);
  const told = { failed: 1, error: "no", requestDetails: { method: "PUT" } };
  const trying = { attempt: { phase: "InFlight", tries: 2 } };
  expect(await kept({ status: trying, before: { method: "PUT" }, told })).toEqual(["written"]);
  const refused = (phase: string): Promise<unknown> => kept({ status: { attempt: { phase, tries: 1 } }, served: "False" });
  expect(await refused("Unknown")).toEqual(["suspended"]);
  expect(await refused("InFlight")).toEqual([]);
});

test("what had been given up before it was taken over is sent where it may be tried more often by now", async () => {
  const told = { failed: 3, error: "as it was", requestDetails: { method: "POST" }, response: { statusCode: 500 } };
  const status = done("True", "AssumedDone");
  const of = (limit: number, synced?: true): Promise<unknown> =>
    kept({ status, told: { ...told, ...(synced && { synced }) }, now: { rollbackRetriesLimit: limit } });
  expect(await of(5)).toEqual(["written, asked"]);
  expect(await of(3)).toEqual(["written"]);
  expect(await of(5, true)).toEqual([]);
});
