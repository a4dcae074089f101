/** Manifests as text that kubectl reads as they were meant. */
import { stringify } from "yaml";
import { sameJSON } from "../core/tools/json.ts";
import { readYAML } from "../standalone/yaml.ts";

/** YAML; where kubectl would read that otherwise, whose YAML is older than the writer's, JSON. */
export function manifestText(manifest: object): string {
  const yaml = stringify(manifest, { lineWidth: 0, version: "1.1", aliasDuplicateObjects: false, customTags: [exactInteger] });
  const { documents, errors } = readYAML(yaml);
  const isRead = errors.length === 0 && yaml.search(special) === -1 && sameJSON(documents[0]?.value, manifest);
  return isRead ? yaml : `${JSON.stringify(manifest, null, 2).replaceAll(special, escape)}\n`;
}

/**
 * What JSON leaves as it is, and YAML does not: line breaks, what it takes for the beginning of a text, and what kubectl's reader
 * refuses where it is not escaped.
 */
const special = /[\u007F-\u009F\u2028\u2029\uFEFF\uFFFE\uFFFF]/g;
function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const exactInteger = {
  tag: "tag:yaml.org,2002:int",
  default: true,
  identify: (value: unknown) => (JSON as unknown as { isRawJSON(value: unknown): boolean }).isRawJSON(value),
  resolve: (text: string) => text,
  stringify: ({ value }: { readonly value?: unknown }) => JSON.stringify(value),
} as const;
