/** What people ask for by annotations on an object that is served, and what of that its shadow is told when it is written anew. */
import { expect, test } from "@jest/globals";
import type { Resource } from "../../src/core/resource.ts";
import { managedTypes } from "../../src/serve/kinds.ts";
import { readServed, type ServedObject } from "../../src/serve/served-object.ts";
import { makeShadow, newlyAsked, type ServeSettings } from "../../src/serve/shadow.ts";
import { openTranslator } from "../support/peer-objects.ts";

type Annotations = Readonly<Record<string, string>>;

const { evaluator } = openTranslator(20_000);
const { signal } = new AbortController();
const settings: ServeSettings = { namespace: "cluster-things", secretNamespaces: ["*"], version: "1" };
const [, , requestType, disposableType] = managedTypes;
const [orphan, reconcileAt, externalId, asked] = ["orphan", "reconcile-at", "external-id", "asked"].map(
  (name) => `holdfast.dev/${name}`,
) as [string, string, string, string];

function served(type: typeof requestType, forProvider: object, annotations: Annotations, status: object = {}): ServedObject {
  if (!type) throw new Error("no type");
  const metadata = { namespace: "here", name: "one", uid: "u0", generation: 1, resourceVersion: "1", annotations };
  const read = readServed(type, { metadata, spec: { forProvider }, status });
  if (read.type === "invalid") throw new Error(read.message);
  return read.object;
}
const member = (annotations: Annotations, status: object = {}): ServedObject => {
  const url = '"http://a.example/" + (.response.body.id | tostring)';
  const mappings = [
    { action: "CREATE", url: '"http://a.example"' },
    { action: "OBSERVE", url },
  ];
  return served(requestType, { payload: {}, mappings }, annotations, status);
};
const once = (annotations: Annotations, status: object = {}): ServedObject =>
  served(disposableType, { url: "http://a.example", method: "POST", rollbackRetriesLimit: 3 }, annotations, status);
function handedOn(annotations: Annotations, before: Annotations): Annotations {
  const object = member(annotations);
  return newlyAsked(object, { metadata: { ...object.resource.metadata, annotations: before }, spec: {} });
}

test("what people ask for on the object is handed on to its shadow once, and what is taken back is not left", () => {
  expect(handedOn({}, { [externalId]: "9" })).toEqual({});
  const given = { [externalId]: "4", [reconcileAt]: "now", [orphan]: "true", "holdfast.dev/serve": "true" };
  const { "holdfast.dev/serve": _, ...handed } = given;
  const first = handedOn(given, { [externalId]: "3" });
  expect(first).toEqual({ ...handed, [asked]: expect.any(String) as unknown });
  expect(Object.keys(first).at(-1)).toBe(asked);
  // Holdfast has written another id meanwhile.
  expect(handedOn(given, { ...first, [externalId]: "9" })).toEqual({});
  expect(handedOn({}, first)).toEqual({ [orphan]: "false", [asked]: "" });
  expect(handedOn({ [reconcileAt]: "now" }, first)).toMatchObject({ [orphan]: "false", [reconcileAt]: "now" });
  // Where the peer's own annotation asks for a look, that is the one.
  expect(handedOn({ [reconcileAt]: "a", "crossplane.io/reconcile-requested-at": "b" }, {})).toEqual({});
});

test("what somebody has marked on the shadow itself is not taken back", () => {
  const first = handedOn({ [reconcileAt]: "a" }, {});
  for (const before of [{}, first]) {
    const later = handedOn({ [reconcileAt]: "b" }, { ...before, [orphan]: "true" });
    expect(later).toEqual({ [reconcileAt]: "b", [asked]: expect.any(String) as unknown });
    expect(handedOn({}, { ...before, ...later, [orphan]: "true" })).toEqual({ [asked]: "" });
  }
  // It was asked for not to be let go, and somebody has marked that otherwise on the shadow.
  const refused = handedOn({ [orphan]: "false" }, {});
  expect(handedOn({}, { ...refused, [orphan]: "true" })).toEqual({ [asked]: "" });
});

/** The annotations that a shadow that is there is written with. */
async function written(object: ServedObject, status: object, isOurs: boolean): Promise<Annotations> {
  const shadow: Resource = { ...object.resource, status };
  const made = await makeShadow(object, undefined, settings, { evaluator, signal, shadow, isOurs });
  if (made.type === "refused") throw new Error(made.message);
  return made.manifest.metadata.annotations ?? {};
}
const given = { [reconcileAt]: "x", [externalId]: "4", [orphan]: "true", "holdfast.dev/arrived": "a" };

test("a shadow is made with what is asked for, and one that is there is not told it again", async () => {
  const made = await makeShadow(once(given), undefined, settings, { evaluator, signal });
  expect(made).toMatchObject({ manifest: { metadata: { annotations: given } } });
  for (const isOurs of [true, false]) {
    const told = Object.keys(await written(once(given), {}, isOurs));
    expect(told.filter((name) => ![externalId].includes(name) && Object.hasOwn(given, name))).toEqual([]);
  }
});

test("a run that Holdfast itself has asked for stands", async () => {
  const status = { attempt: { phase: "Done", tries: 2 }, conditions: [{ type: "Succeeded", status: "False", reason: "R" }] };
  const annotations = await written(once({ [reconcileAt]: "x" }, { failed: 2, error: "no" }), status, true);
  expect(annotations[reconcileAt]).toEqual(expect.any(String));
  expect(annotations[reconcileAt]).not.toBe("x");
  expect(await written(once({ [reconcileAt]: "x" }, { failed: 3, error: "no" }), status, true)).not.toHaveProperty([reconcileAt]);
});

test("the id of the status is one for a shadow that another has served meanwhile, and not over the one that is asked for", async () => {
  const status = {
    response: { statusCode: 200, body: '{"id":7}' },
    requestDetails: { method: "GET", url: "http://a.example/7" },
  };
  expect(await written(member({ [externalId]: "4" }, status), {}, true)).not.toHaveProperty([externalId]);
  expect(await written(member({}, status), {}, false)).toMatchObject({ [externalId]: "7" });
});

test("an id that nothing else tells is that which somebody has written on the object", async () => {
  const status = { response: { statusCode: 500 }, requestDetails: { method: "GET", url: "http://a.example/4" } };
  const of = (annotations: Annotations): Promise<unknown> =>
    makeShadow(member(annotations, status), undefined, settings, { evaluator, signal });
  expect(await of({ [externalId]: "4" })).toMatchObject({ manifest: { metadata: { annotations: { [externalId]: "4" } } } });
  expect(await of({})).toMatchObject({ type: "refused" });
});
