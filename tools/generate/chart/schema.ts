/** The JSON Schema of the chart's values, in the few shapes that it takes. Every value says what it does, and its default. */

import types from "./kubernetes-types.json" with { type: "json" };

/** A value: what JSON Schema says of it, and what the value is for. */
export interface Value {
  readonly description: string;
  readonly type?: string | readonly string[];
  /** What stands in values.yaml; a value without one is left to the controller. */
  readonly default?: unknown;
  /** In place of a default that stands nowhere in the chart: what the controller takes then. */
  readonly defaultText?: string;
  readonly properties?: Readonly<Record<string, Value>>;
  readonly [keyword: string]: unknown;
}

/** An object of ours: a name that is not in it is refused. */
export function section(description: string, properties: Readonly<Record<string, Value>>): Value {
  return { description, type: "object", properties };
}
export function text(description: string, value: string | null = "", keywords: object = {}): Value {
  return { description, type: "string", default: value, ...keywords };
}
export function toggle(description: string, value: boolean): Value {
  return { description, type: "boolean", default: value };
}
export function integer(description: string, value: number | null, minimum = 0, keywords: object = {}): Value {
  return { description, type: value === null ? ["integer", "null"] : "integer", minimum, default: value, ...keywords };
}
export function list(description: string, items: object, keywords: object = {}): Value {
  return { description, type: "array", items, default: [], ...keywords };
}
/** Names and their texts: annotations. */
export function texts(description: string, value: Readonly<Record<string, string>> = {}): Value {
  return { description, type: "object", additionalProperties: { type: "string" }, default: value };
}
/** Labels: Kubernetes refuses a value that is long, or no word. */
export function labels(description: string, value: Readonly<Record<string, string>> = {}): Value {
  const word = { type: "string", pattern: "^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$" };
  return { ...texts(description, value), additionalProperties: word };
}
/** A part of a Kubernetes object, as Kubernetes has it: its API server judges it. */
export function kubernetes(description: string, value: object = {}): Value {
  return { description, type: Array.isArray(value) ? "array" : "object", default: value };
}

/** The same, of a type of Kubernetes' own: what is of another type is refused before anything is installed. */
export function typed(value: Value, type: string): Value {
  const rules = Array.isArray(value["allOf"]) ? (value["allOf"] as readonly object[]) : [];
  return { ...value, allOf: [...rules, reference(type)] };
}
/** A list of such. `items`: what else is said of each. */
export function typedItems(value: Value, type: string): Value {
  return { ...value, items: { allOf: [...(value["items"] ? [value["items"]] : []), reference(type)] } };
}
function reference(type: string): object {
  if (!Object.hasOwn(types.definitions, type))
    throw new Error(`kubernetes-types.json does not have ${type}: take-types.ts takes it`);
  return { $ref: `#/definitions/${type}` };
}

/** A draft that every Helm since version 3 reads. */
export function jsonSchema(values: Readonly<Record<string, Value>>): object {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    ...strict(section("Values of the Holdfast chart.", values)),
    definitions: types.definitions,
  };
}

function strict({ properties, ...keywords }: Value): object {
  return {
    ...Object.fromEntries(Object.entries(keywords).filter(([name]) => name !== "defaultText")),
    ...(properties && {
      additionalProperties: false,
      properties: Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, strict(value)])),
    }),
  };
}
