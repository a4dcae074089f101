/** Which shadows may act, and what their names stand for. */
import { expect, test } from "@jest/globals";
import { configMapType, secretType, type Reference, type Resource } from "../../src/core/resource.ts";
import { reachFrom, secretsOf } from "../../src/serve/reach.ts";
import { createRegistry, type OpenShadow } from "../../src/serve/registry.ts";
import { choose, markIn, statusMark, textOf, withMark } from "../../src/serve/serving.ts";
import { standsForLabel } from "../../src/serve/shadow.ts";
import { peerObject, peerRequest } from "../support/peer-objects.ts";

const key = { namespace: "here", name: "one" };
const metadata = { ...key, uid: "u1", generation: 1, resourceVersion: "1", labels: { [standsForLabel]: "u0" } };
const shadow: Resource = { metadata, spec: {} };
const open: OpenShadow = { uid: "u1", mayEnd: false, reads: new Map(), writes: new Map() };

test("a shadow acts only while it is open, is itself, and nobody else serves; all else always may", () => {
  let mayServe = true;
  const registry = createRegistry(() => mayServe);
  const { labels: _, ...unlabelled } = metadata;
  expect(registry.turnOf("HTTPResource", { metadata: unlabelled, spec: {} })).toBe(0);
  expect(registry.turnOf("HTTPResource", shadow)).toBeUndefined();
  expect(registry.open("HTTPResource", key, open)).toBe(true);
  expect(registry.open("HTTPResource", key, open)).toBe(false);
  expect(registry.turnOf("HTTPResource", shadow)).toBe(1);
  expect(registry.turnOf("HTTPRequest", shadow)).toBeUndefined();
  expect(registry.turnOf("HTTPResource", { ...shadow, metadata: { ...metadata, uid: "u2" } })).toBeUndefined();
  mayServe = false;
  expect(registry.turnOf("HTTPResource", shadow)).toBeUndefined();
  mayServe = true;
  registry.closeAll();
  expect(registry.turnOf("HTTPResource", shadow)).toBeUndefined();
  registry.open("HTTPResource", key, open);
  expect(registry.turnOf("HTTPResource", shadow)).toBe(2); // what began in the turn before sends nothing in this one
  registry.close("HTTPResource", key);
  expect(registry.turnOf("HTTPResource", shadow)).toBeUndefined();
});

test("one that is deleted on its own does not take its remote object along", () => {
  const registry = createRegistry(() => true);
  const deleted = { ...shadow, metadata: { ...metadata, deletionTimestamp: "t" } };
  registry.open("HTTPResource", key, open);
  expect(registry.turnOf("HTTPResource", deleted)).toBeUndefined();
  expect(registry.open("HTTPResource", key, { ...open, mayEnd: true })).toBe(true);
  expect(registry.turnOf("HTTPResource", deleted)).toBe(1);
});

test("a name stands for a Secret of elsewhere for the shadow that may act and has it, and for nobody else", () => {
  const registry = createRegistry(() => true);
  const place = { namespace: "vault", name: "key" };
  const name = reachFrom("here").nameOf(place);
  const named = (namespace = "here", type = secretType): Reference => ({ type, key: { namespace, name } });
  const other: Resource = { ...shadow, metadata: { ...metadata, name: "two", uid: "u2" } };
  const { labels: _, ...unlabelled } = metadata;
  registry.open("HTTPResource", key, { ...open, reads: new Map([[name, place]]) });
  registry.open("HTTPResource", other.metadata, { ...open, uid: "u2" });
  expect(registry.placeOf("HTTPResource", shadow, named())).toEqual({ type: secretType, key: place });
  for (const [kind, reader, what] of [
    ["HTTPResource", other, named()],
    ["HTTPResource", { metadata: { ...unlabelled, name: "plain", uid: "u3" }, spec: {} }, named()],
    ["HTTPResource", { ...shadow, metadata: { ...metadata, uid: "u4" } }, named()],
    ["HTTPRequest", shadow, named()],
    ["HTTPResource", shadow, named("there")],
    ["HTTPResource", shadow, named("here", configMapType)],
    ["HTTPResource", shadow, { type: secretType, key: { namespace: "here", name: "key" } }],
  ] as const)
    expect(registry.placeOf(kind, reader, what)).toBe(what);
  registry.close("HTTPResource", key);
  expect(registry.placeOf("HTTPResource", shadow, named())).toEqual(named());
  expect(name).not.toContain("vault");
  expect(reachFrom("vault").nameOf(place)).toBe("key");
});

test("every Secret that an object speaks of is found, wherever it stands", () => {
  const object = peerObject(
    peerRequest({
      headers: { A: ["{{ a:n1:k }} {{ b:n2:k }}"] },
      payload: { body: '{"deep": ["{{ c:n1:k }}"]}' },
      mappings: [{ action: "OBSERVE", url: '"http://x.example/{{ d:n3:k }}"' }],
      expectedResponseCheck: { type: "CUSTOM", logic: '.a == "{{ e:n1:k }}"' },
      tlsConfig: { caCertSecretRef: { name: "f", namespace: "n4", key: "k" }, clientKeySecretRef: { name: "g", key: "k" } },
      secretInjectionConfigs: [{ secretRef: { name: "h", namespace: "n5" } }, { secretRef: { name: "a", namespace: "n1" } }],
    }),
  );
  const config = peerObject({
    apiVersion: "http.m.crossplane.io/v1alpha2",
    kind: "ProviderConfig",
    metadata: { name: "c", namespace: "here" },
    spec: {
      credentials: { source: "Secret", secretRef: { name: "i", namespace: "n6", key: "k" } },
      tls: { caCertSecretRef: { name: "j", namespace: "n7", key: "k" } },
    },
  });
  if (object.type === "config" || config.type !== "config") throw new Error("read otherwise");
  const found = secretsOf(object, config, "here").map(({ namespace, name }) => `${namespace}/${name}`);
  expect(found.toSorted()).toEqual(["here/g", "n1/a", "n1/c", "n1/e", "n2/b", "n3/d", "n4/f", "n5/h", "n6/i", "n7/j"]);
});

test.each([
  [{}, "all", "served"],
  [{}, "annotated", "away"],
  [{ "crossplane.io/paused": "true" }, "all", "paused"],
  [{ "crossplane.io/paused": "true" }, "annotated", "away"],
  [{ "holdfast.dev/serve": "true" }, "annotated", "unpaused"],
  [{ "holdfast.dev/serve": "true" }, "all", "served"],
  [{ "holdfast.dev/serve": "true", "crossplane.io/paused": "true" }, "annotated", "served"],
  [{ "holdfast.dev/serve": "true", "crossplane.io/paused": "true" }, "all", "served"],
  [{ "holdfast.dev/serve": "false" }, "all", "away"],
  [{ "holdfast.dev/serve": "false", "crossplane.io/paused": "true" }, "annotated", "away"],
] as const)("annotations %j, with %s: %s", (annotations, mode, choice) => {
  const { labels: _, ...rest } = metadata;
  expect(choose({ metadata: { ...rest, annotations }, spec: {} }, mode)).toBe(choice);
});

test("an object without any management policy is as one that is paused", () => {
  expect(choose({ metadata, spec: { managementPolicies: [] } }, "all")).toBe("paused");
  expect(choose({ metadata, spec: { managementPolicies: ["Observe"] } }, "all")).toBe("served");
});

test("a mark is of all of a status but itself, and leaves the message as it was", () => {
  const condition = { type: "Served", status: "True", reason: "Exactly", message: "", lastTransitionTime: "t" } as const;
  const others = [{ type: "Ready", status: "True" }];
  const mark = statusMark({ response: { statusCode: 200 }, conditions: others });
  const message = withMark("by it; status of old", mark);
  expect(markIn({ ...condition, message })).toBe(mark);
  expect(textOf({ ...condition, message })).toBe("by it; status of old");
  expect(statusMark({ response: { statusCode: 200 }, conditions: [...others, { ...condition, message }] })).toBe(mark);
  expect(statusMark({ response: { statusCode: 201 }, conditions: others })).not.toBe(mark);
  expect(markIn({ ...condition, message: "none" })).toBeUndefined();
});
