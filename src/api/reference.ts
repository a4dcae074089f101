/** The reference page of a kind, in Markdown, made from its definition. */
import { apiVersion, type KindDefinition } from "./kind-definition.ts";
import type { ObjectSchema, Schema } from "./schema.ts";

export function referencePage({ kind, shortName, scope, description, spec, status }: KindDefinition): string {
  return [
    `# ${kind}`,
    "",
    `${description} \`${apiVersion}\`, ${scope === "Cluster" ? "cluster-wide" : "namespaced"}, short name \`${shortName}\`.`,
    "",
    "This page is generated from the schema: change that, and run `make generate`.",
    "",
    "## spec",
    "",
    ...section(spec),
    "## status",
    "",
    ...section(status),
  ].join("\n");
}

function section(schema: ObjectSchema): string[] {
  const rules = schema["x-kubernetes-validations"] ?? [];
  return [
    "| field | type | default | what it says |",
    "| --- | --- | --- | --- |",
    ...rows(schema, ""),
    "",
    ...(rules.length > 0 ? [...rules.map(({ message }) => `- ${capital(message)}.`), ""] : []),
  ];
}

function rows(schema: ObjectSchema, prefix: string): string[] {
  return Object.entries(schema.properties).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const required = schema.required?.includes(name) ? " (required)" : "";
    const fallback = field.default === undefined ? "" : code(JSON.stringify(field.default));
    return [
      `| \`${path}\`${required} | ${typeText(field)} | ${fallback} | ${cell(describe(field))} |`,
      ...describeNested(field, path),
    ];
  });
}

function describeNested(field: Schema, path: string): string[] {
  if (!("type" in field)) return [];
  if (field.type === "array") return describeNested(field.items, `${path}[]`);
  if (field.type !== "object") return [];
  return "properties" in field ? rows(field, `${path}.`) : describeNested(field.additionalProperties, `${path}.NAME`);
}

function typeText(field: Schema): string {
  if (!("type" in field) || field.type === undefined) return "any JSON";
  switch (field.type) {
    case "string":
      return field.enum ? field.enum.map(code).join(", ") : (field.format ?? "string");
    case "integer":
    case "boolean":
      return field.type;
    case "array":
      return `list of ${typeText(field.items)}`;
    case "object":
      return "properties" in field ? "object" : `map of ${typeText(field.additionalProperties)}`;
  }
}

function describe(field: Schema): string {
  const rules = (field["x-kubernetes-validations"] ?? []).map(({ message }) => `${capital(message)}.`);
  return [field.description ?? "", bounds(field), ...rules].filter((text) => text !== "").join(" ");
}

function bounds(field: Schema): string {
  if (!("type" in field) || field.type === undefined) return "";
  switch (field.type) {
    case "string":
      return field.maxLength === undefined || field.enum ? "" : `At most ${field.maxLength} characters.`;
    case "integer":
      return field.maximum === undefined ? "" : `From ${field.minimum ?? 0} to ${field.maximum}.`;
    case "array":
      return `At most ${field.maxItems} ${field.maxItems === 1 ? "item" : "items"}.`;
    case "object":
      return "maxProperties" in field && !("properties" in field) ? `At most ${field.maxProperties} entries.` : "";
    case "boolean":
      return "";
  }
}

function code(text: string): string {
  return `\`${text}\``;
}
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
