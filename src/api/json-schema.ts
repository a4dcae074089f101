/** JSON Schemas of the kinds, for editors and for tools that check manifests without a cluster. */
import { apiVersion, type KindDefinition } from "./kind-definition.ts";
import type { Schema } from "./schema.ts";

type JSONSchema = Readonly<Record<string, unknown>>;

/**
 * As strict as the API server with strict field validation, but for the rules across fields (CEL), which JSON Schema cannot say.
 * https://json-schema.org/draft-07
 */
export function jsonSchema({ kind, description, spec, status }: KindDefinition): JSONSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: kind,
    description,
    type: "object",
    required: ["apiVersion", "kind", "metadata", "spec"],
    additionalProperties: false,
    properties: {
      apiVersion: { const: apiVersion },
      kind: { const: kind },
      metadata: { type: "object", anyOf: [{ required: ["name"] }, { required: ["generateName"] }] },
      spec: convert(spec),
      status: convert(status),
    },
  };
}

function convert(schema: Schema): JSONSchema {
  const { description, default: value } = schema;
  const common = { ...(description !== undefined && { description }), ...(value !== undefined && { default: value }) };
  if (schema.type === undefined) return common;
  switch (schema.type) {
    case "string":
    case "boolean": {
      const { "x-kubernetes-validations": _, ...rest } = schema;
      return rest;
    }
    case "integer": {
      const { "x-kubernetes-validations": _, format: __, ...rest } = schema;
      return rest;
    }
    case "array": {
      const { minItems, maxItems, items } = schema;
      const isSet = schema["x-kubernetes-list-type"] === "set";
      return {
        ...common,
        type: "array",
        items: convert(items),
        ...(minItems !== undefined && { minItems }),
        maxItems,
        ...(isSet && { uniqueItems: true }),
      };
    }
    case "object": {
      const { minProperties, maxProperties } = schema;
      const size = {
        ...(minProperties !== undefined && { minProperties }),
        ...(maxProperties !== undefined && { maxProperties }),
      };
      if ("additionalProperties" in schema)
        return { ...common, type: "object", additionalProperties: convert(schema.additionalProperties), ...size };
      const properties = Object.fromEntries(Object.entries(schema.properties).map(([name, field]) => [name, convert(field)]));
      const required = schema.required ? { required: schema.required } : {};
      return { ...common, type: "object", properties, ...required, additionalProperties: false, ...size };
    }
  }
}
