/** What every field of every kind must have, so that `kubectl explain` reads well and nothing is without a bound. */
import { expect, test } from "@jest/globals";
import { definitions } from "../../src/api/definitions.ts";
import type { Schema } from "../../src/api/schema.ts";

interface Field {
  readonly path: string;
  readonly schema: Schema;
  /** A property that users name, and no item of a list or value of a map. */
  readonly isNamed: boolean;
}
function fieldsOf(schema: Schema, path: string, isNamed = true): readonly Field[] {
  return [{ path, schema, isNamed }, ...below(schema, path)];
}
function below(schema: Schema, path: string): readonly Field[] {
  if (schema.type === "array") return fieldsOf(schema.items, `${path}[]`, false);
  if (schema.type !== "object") return [];
  if ("additionalProperties" in schema) return fieldsOf(schema.additionalProperties, `${path}.*`, false);
  return Object.entries(schema.properties).flatMap(([name, field]) => fieldsOf(field, `${path}.${name}`));
}

const fields = definitions.flatMap(({ kind, spec, status }) => [
  ...fieldsOf(spec, `${kind}.spec`),
  ...fieldsOf(status, `${kind}.status`),
]);
const wrong = (isWrong: (field: Field) => boolean): readonly string[] => fields.filter(isWrong).map(({ path }) => path);

test("there are hundreds of fields", () => {
  expect(fields.length).toBeGreaterThan(500);
});

test("every field is described, in sentences that end", () => {
  expect(wrong(({ schema, isNamed }) => isNamed && !/^.{3,}[.`]$/su.test(schema.description ?? ""))).toEqual([]);
});

test("every text is bounded: by its length, a list of values, or its format", () => {
  expect(wrong(({ schema: s }) => s.type === "string" && !(s.maxLength ?? s.enum ?? s.format))).toEqual([]);
});

test("every number in a spec is bounded on both sides, and one in a status not below zero", () => {
  const isUnbounded = ({ path, schema: s }: Field): boolean =>
    s.type === "integer" && (s.minimum === undefined || (path.includes(".spec") && s.maximum === undefined));
  expect(wrong(isUnbounded)).toEqual([]);
});

test("every list has a bound and says how it is merged, and every map has a bound", () => {
  const isOpen = ({ schema: s }: Field): boolean =>
    (s.type === "array" && !(s.maxItems > 0 && s["x-kubernetes-list-type"])) ||
    (s.type === "object" && "additionalProperties" in s && !(s.maxProperties > 0));
  expect(wrong(isOpen)).toEqual([]);
});

test("a list that is a map names its keys, and each of them is required", () => {
  const isWrong = ({ schema: s }: Field): boolean =>
    s.type === "array" &&
    s["x-kubernetes-list-type"] === "map" &&
    !(
      s.items.type === "object" &&
      (s["x-kubernetes-list-map-keys"] ?? []).length > 0 &&
      s["x-kubernetes-list-map-keys"]?.every((key) => "required" in s.items && s.items.required?.includes(key))
    );
  expect(wrong(isWrong)).toEqual([]);
});

test("every pattern stands for the whole text", () => {
  expect(wrong(({ schema: s }) => s.type === "string" && s.pattern !== undefined && !s.pattern.startsWith("^"))).toEqual([]);
});

test("every rule across fields says what to do", () => {
  const isMute = ({ schema: s }: Field): boolean =>
    (s["x-kubernetes-validations"] ?? []).some(({ message }) => message.length < 10);
  expect(wrong(isMute)).toEqual([]);
});

test("a kind of the whole cluster speaks of no namespace that it is in", () => {
  const clusterWide = definitions.filter(({ scope }) => scope === "Cluster").map(({ kind }) => `${kind}.`);
  const isIn = ({ path, schema }: Field): boolean =>
    clusterWide.some((kind) => path.startsWith(kind)) && /(same|this) namespace/.test(schema.description ?? "");
  expect(wrong(isIn)).toEqual([]);
});

test("no field has a name, and no text of a spec a value, that YAML 1.1, as kubectl and Helm read it, takes for a boolean", () => {
  const isBoolean = (text: unknown): boolean => /^(y|n|yes|no|on|off|true|false)$/i.test(String(text));
  const mayBe = ({ path, schema }: Field): boolean => path.includes(".spec.") && "enum" in schema && schema.enum.some(isBoolean);
  expect(wrong((field) => isBoolean(field.path.split(".").at(-1)) || mayBe(field))).toEqual([]);
});
