/** The texts of the chart's generated files. */
import { stringify } from "yaml";
import { definitions } from "../../../src/api/definitions.ts";
import type { KindDefinition } from "../../../src/api/kind-definition.ts";
import { crdYAML } from "../../../src/cli/crds.ts";
import { canBeOff, flags } from "./flags.ts";
import { jsonSchema, type Value } from "./schema.ts";
import { values } from "./values.ts";

const width = 118;

export function valuesSchema(): string {
  return `${JSON.stringify(jsonSchema(values), undefined, 2)}\n`;
}

export function valuesYAML(): string {
  const head = "# Made by `make generate` from tools/generate/chart/values.ts. `helm show readme` has the same as a table.";
  return `${[head, "", ...lines(values, "")].join("\n").trimEnd()}\n`;
}

/** A top-level value is set apart by an empty line. */
function lines(properties: Readonly<Record<string, Value>>, indent: string): readonly string[] {
  return Object.entries(properties).flatMap(([name, value]) => [
    ...wrapped(value.description, width - indent.length).map((line) => `${indent}# ${line}`),
    ...valueLines(name, value).map((line) => `${indent}${line}`),
    ...(indent === "" ? [""] : []),
  ]);
}

function valueLines(name: string, value: Value): readonly string[] {
  if (value.properties) return [`${name}:`, ...lines(value.properties, "  ")];
  if (!Object.hasOwn(value, "default")) return [`# ${name}: ${quoted(value.defaultText ?? "")}`.trimEnd()];
  return stringify({ [name]: value.default }, { lineWidth: 0 })
    .trimEnd()
    .split("\n");
}

/** What Helm would not read as a text. */
function quoted(text: string): string {
  return /^(on|off|yes|no|y|n)$/i.test(text) ? JSON.stringify(text) : text;
}

function wrapped(text: string, columns: number): readonly string[] {
  const rows: string[] = [];
  for (const word of text.split(" ")) {
    const last = rows.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns) rows[rows.length - 1] = `${last} ${word}`;
    else rows.push(word);
  }
  return rows;
}

/** `introduction` is what people write by hand, above the table. */
export function chartReadme(introduction: string): string {
  const rows = tableRows(values, "").map((cells) => `| ${cells.join(" | ")} |`);
  return `${introduction.trimEnd()}\n\n## Values\n\n| value | default | what it is |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}

function tableRows(properties: Readonly<Record<string, Value>>, prefix: string): readonly (readonly string[])[] {
  return Object.entries(properties).flatMap(([name, value]) => {
    const path = `${prefix}${name}`;
    const description = value.description.replaceAll("|", "\\|");
    if (value.properties) return [[`**\`${path}\`**`, "", `**${description}**`], ...tableRows(value.properties, `${path}.`)];
    return [[`\`${path}\``, defaultCell(value), description]];
  });
}

function defaultCell({ default: value, defaultText = "" }: Value): string {
  if (value === undefined) return defaultText;
  return value === "" || value === null ? "" : `\`${JSON.stringify(value)}\``;
}

/** Flags and kinds for the templates, which must not name them a second time. */
export function generatedHelpers(): string {
  const plurals = (scope: KindDefinition["scope"]): readonly string[] =>
    definitions.filter((definition) => definition.scope === scope).map(({ plural }) => plural);
  const flagNames = Object.fromEntries(flags.map((option) => [option.attributeName(), option.long]));
  const kinds = { namespaced: plurals("Namespaced"), cluster: plurals("Cluster") };
  const offs = { flags: flags.filter(canBeOff).map((option) => option.attributeName()) };
  return `{{/* Made by \`make generate\` from src/config.ts and src/api. */}}
{{- define "holdfast.flags" -}}
${stringify(flagNames).trimEnd()}
{{- end }}
{{- define "holdfast.canBeOff" -}}
${stringify(offs).trimEnd()}
{{- end }}
{{- define "holdfast.kinds" -}}
${stringify(kinds).trimEnd()}
{{- end }}
`;
}

/** A CRD as a template: it belongs to the release, is upgraded with it, and outlives it where that is asked for. */
export function crdTemplate(definition: KindDefinition): string {
  const manifest = crdYAML(definition).replaceAll("{{", '{{ "{{" }}');
  return `{{- if .Values.crds.install }}\n${manifest.replace(/^( {2}name: .*)$/m, '$1\n  {{- include "holdfast.crdMetadata" . | nindent 2 }}')}{{- end }}\n`;
}
