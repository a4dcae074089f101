import { expect, jest, test } from "@jest/globals";
import * as fc from "fast-check";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";
import { withoutManagedFields } from "../../src/kubernetes/managed-fields.ts";

jest.setTimeout(fuzzTimeoutMs);

const managedFields = [{ manager: "a", fieldsV1: { "f:spec": { 'v:"]\\"': {}, 'k:{"type":"["}': { ".": {} } } } }];
const metadata = { generation: 1, labels: { app: "a" }, managedFields, name: "a", uid: "u" };
const { managedFields: _, ...bare } = metadata;

test("takes managedFields out of an object, a metadata-only answer and a watch's event", () => {
  const answer = { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: { ...bare, managedFields } };
  expect(JSON.parse(withoutManagedFields(JSON.stringify(answer)))).toEqual({ ...answer, metadata: bare });
  const event = { type: "MODIFIED", object: { kind: "HTTPRequest", metadata, spec: { url: "x" } } };
  expect(JSON.parse(withoutManagedFields(JSON.stringify(event)))).toEqual({
    ...event,
    object: { ...event.object, metadata: bare },
  });
});

test.each([
  { metadata: bare, spec: { body: { json: { a: 1, managedFields } } } },
  { metadata: bare, status: { response: { body: { a: 1, managedFields } } } },
  { metadata: { labels: { a: ',"managedFields":[{}]', status: "x" }, managedFields: [] } },
  { metadata: { name: "a", managedFields: [["a"]] } },
])("leaves what is not surely metadata's as it is: %j", (object) => {
  expect(withoutManagedFields(JSON.stringify(object))).toBe(JSON.stringify(object));
});

/** As many steps as characters, and no more than the longest text has. */
test.each([60_000, 3_000_000])("takes %i characters of them, or leaves them, in one pass", (length) => {
  const open = `{"metadata":{"name":"a","managedFields":[${'{"a":"\\"]"},'.repeat(length / 13)}`;
  expect(withoutManagedFields(open)).toBe(open);
  const closed = JSON.stringify({ metadata: { name: "a", managedFields: [{ a: "]".repeat(length) }] } });
  expect(withoutManagedFields(closed)).toBe(length > 64 * 1024 ? closed : '{"metadata":{"name":"a"}}');
});

test("changes nothing else, whatever an object and its texts hold", () => {
  const text = fc
    .array(
      fc.constantFrom(
        '"',
        "\\",
        "[",
        "]",
        "{",
        "}",
        ",",
        ':"',
        "spec",
        "status",
        "managedFields",
        ',"managedFields":[',
        "\n",
        "ü",
        "1",
      ),
    )
    .map((parts) => parts.join(""));
  const key = fc.oneof(text, fc.constantFrom("managedFields", "spec", "status", "metadata"));
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(key, tie("tree"), { maxKeys: 3 }),
    ),
  }));
  const texts = fc.dictionary(key, text, { maxKeys: 3 });
  const fields = fc.record(
    { annotations: texts, labels: texts, managedFields: fc.array(tree, { maxLength: 3 }), name: text },
    { requiredKeys: [] },
  );
  const object = fc.record({ metadata: fields, spec: tree, status: tree }, { requiredKeys: ["metadata"] });
  const without = (whole: { metadata: { managedFields?: unknown } }): unknown => {
    const { managedFields: _managed, ...others } = whole.metadata;
    return { ...whole, metadata: others };
  };
  fc.assert(
    fc.property(object, (given) => {
      const whole = JSON.stringify(given);
      const after = JSON.parse(withoutManagedFields(whole)) as typeof given;
      expect(without(after)).toEqual(without(JSON.parse(whole) as typeof given));
    }),
    runs(1_000),
  );
});
