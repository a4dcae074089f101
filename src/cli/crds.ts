/** `holdfast crds`: the CustomResourceDefinitions, one YAML document each. */
import { stringify } from "yaml";
import { customResourceDefinition } from "../api/crd.ts";
import { definitions } from "../api/definitions.ts";
import type { KindDefinition } from "../api/kind-definition.ts";

/** One document, without aliases and folded lines: what people read and compare. */
export function crdYAML(definition: KindDefinition): string {
  return stringify(customResourceDefinition(definition), { aliasDuplicateObjects: false, lineWidth: 0 });
}

export function printCRDs(): void {
  process.stdout.write(definitions.map(crdYAML).join("---\n"));
}
