/** Writes the files that are made from the schemas: `crds/` and `docs/api/`. `make verify` fails where one is out of date. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { definitions } from "../src/api/definitions.ts";
import { group } from "../src/api/kind-definition.ts";
import { referencePage } from "../src/api/reference.ts";
import { crdYAML } from "../src/cli/crds.ts";

function writeAll(folder: URL, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  for (const stale of readdirSync(folder)) if (!Object.hasOwn(files, stale)) rmSync(fileURLToPath(new URL(stale, folder)));
  for (const [name, text] of Object.entries(files)) writeFileSync(new URL(name, folder), text);
}

writeAll(
  new URL("../crds/", import.meta.url),
  Object.fromEntries(definitions.map((definition) => [`${group}_${definition.plural}.yaml`, crdYAML(definition)])),
);
writeAll(
  new URL("api/", import.meta.url),
  Object.fromEntries(definitions.map((definition) => [`${definition.kind.toLowerCase()}.md`, referencePage(definition)])),
);
