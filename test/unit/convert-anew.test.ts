/** What convert says of objects as they stand in Git, which do not say whether anything has been sent for them. */
import { expect, test } from "@jest/globals";
import { lookForAnew } from "../../src/convert/anew.ts";
import type { Manifest } from "../../src/convert/translation.ts";

type Made = Pick<Manifest, "kind" | "spec"> & { readonly annotations?: Readonly<Record<string, string>> };
const told = ({ annotations, ...made }: Made, status?: object): readonly string[] =>
  lookForAnew(
    { ...(status && { status }) },
    {
      apiVersion: "holdfast.dev/v1alpha1",
      ...made,
      metadata: { name: "a", namespace: "b", ...(annotations && { annotations }) },
    },
  ).map(({ level, field, message }) => `${level} ${field}: ${message}`);

const post: Made = { kind: "HTTPRequest", spec: { method: "POST" } };
const made: Made = { kind: "HTTPResource", spec: { create: { url: "u" }, externalID: ".response.body.id" } };
const live = "convert the live object, if there is one (kubectl get … -o yaml)";

test.each([
  ["a request is sent", post, `none was given, so it is sent, even if it has been sent there: ${live}`],
  ["an object is created", made, `none was given, so its object is created, even if there is one: ${live}`],
])("without a status it is told that %s once more", (_, one, message) => {
  expect(told(one)).toEqual([`WARN status: ${message}`]);
  expect(told(one, {})).toEqual([`WARN status: ${message}`]);
});

test.each<[string, Made]>([
  ["is a look", { kind: "HTTPRequest", spec: { method: "GET" } }],
  ["is said to be done", { ...post, annotations: { "holdfast.dev/assume-done": "true" } }],
  ["has an id", { ...made, annotations: { "holdfast.dev/external-id": "41" } }],
  ["is found under a URL of its own", { ...made, spec: { create: { url: "u" } } }],
  ["is never created", { ...made, spec: { externalID: ".response.body.id" } }],
  ["is suspended", { ...made, spec: { ...made.spec, suspend: true } }],
])("nothing is told of what %s", (_, one) => {
  expect(told(one)).toEqual([]);
});

test("nothing is told of what has a status, which was looked at", () => {
  expect([post, made].flatMap((one) => told(one, { conditions: [] }))).toEqual([]);
});
