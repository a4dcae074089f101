/** What is held of an object as the API server sends it. */
import { expect, test } from "@jest/globals";
import type { Resource } from "../../src/core/resource.ts";
import { toResource } from "../../src/kubernetes/objects.ts";

const copyAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
const annotationsOf = (spec: object, copy = "{}"): object | undefined => {
  const annotations = { [copyAnnotation]: copy, other: "kept" };
  return toResource({ metadata: { name: "a", uid: "u", resourceVersion: "1", annotations }, spec }).metadata.annotations;
};

test("kubectl's copy of the manifest is not held", () => {
  expect(annotationsOf({ url: "https://example.com/${ .metadata.name }/${ .metadata.labels.app }" })).toEqual({ other: "kept" });
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
