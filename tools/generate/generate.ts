/**
 * Writes the files that are made from the code: `crds/`, `schemas/`, `gitops/argocd/argocd-cm.yaml`, `docs/api/`, `docs/metrics.md`, the pages of
 * `docs/developers/`, the tables of attacks in `docs/threat-model.md` and of error codes in `docs/http-client.md`, the guide's manifests, the list of runbooks, and the chart's CRDs, values,
 * alerts and dashboards. `make verify` fails where one is out of date.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { definitions } from "../../src/api/definitions.ts";
import { jsonSchema } from "../../src/api/json-schema.ts";
import { group, version } from "../../src/api/kind-definition.ts";
import { referencePage } from "../../src/api/reference.ts";
import { crdYAML } from "../../src/cli/crds.ts";
import { errorCodesTable } from "../../src/http/error-codes.ts";
import { chartReadme, crdTemplate, generatedHelpers, valuesSchema, valuesYAML } from "./chart/files.ts";
import { argoSettings } from "./argo-settings.ts";
import { attacksTable } from "./coverage/attacks.ts";
import { faultsPage } from "./coverage/faults.ts";
import { coveragePage } from "./coverage/page.ts";
import { alertsYAML, runbookIndex } from "./monitoring/files.ts";
import { dashboards } from "./monitoring/dashboards.ts";
import { grafanaJSON } from "./monitoring/grafana.ts";
import { withManifests } from "./guide-manifests.ts";
import { metricsPage } from "./monitoring/metrics.ts";
import { withTable } from "./tables.ts";

function writeAll(folder: URL, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  for (const stale of readdirSync(folder)) if (!Object.hasOwn(files, stale)) rmSync(fileURLToPath(new URL(stale, folder)));
  for (const [name, text] of Object.entries(files)) writeFileSync(new URL(name, folder), text);
}

writeAll(
  new URL("../../crds/", import.meta.url),
  Object.fromEntries(definitions.map((definition) => [`${group}_${definition.plural}.yaml`, crdYAML(definition)])),
);
writeAll(
  new URL("../../schemas/holdfast.dev/", import.meta.url),
  Object.fromEntries(
    definitions.map((definition) => [
      `${definition.kind.toLowerCase()}_${version}.json`,
      `${JSON.stringify(jsonSchema(definition), undefined, 2)}\n`,
    ]),
  ),
);
writeFileSync(new URL("../../gitops/argocd/argocd-cm.yaml", import.meta.url), argoSettings());
writeAll(
  new URL("../../docs/api/", import.meta.url),
  Object.fromEntries(definitions.map((definition) => [`${definition.kind.toLowerCase()}.md`, referencePage(definition)])),
);
writeFileSync(new URL("../../docs/developers/coverage.md", import.meta.url), coveragePage());
writeFileSync(new URL("../../docs/developers/faults.md", import.meta.url), faultsPage());
const pages = { "threat-model.md": ["attacks", attacksTable()], "http-client.md": ["error codes", errorCodesTable()] } as const;
for (const [name, [title, table]] of Object.entries(pages)) {
  const page = new URL(`../../docs/${name}`, import.meta.url);
  writeFileSync(page, withTable(readFileSync(page, "utf8"), title, table));
}
const guide = new URL("../../docs/guide/", import.meta.url);
for (const page of readdirSync(guide)) {
  const text = readFileSync(new URL(page, guide), "utf8");
  const example = (file: string): string => readFileSync(new URL(`../../examples/${file}`, import.meta.url), "utf8");
  writeFileSync(new URL(page, guide), withManifests(text, example));
}
writeFileSync(new URL("../../docs/metrics.md", import.meta.url), await metricsPage());
writeFileSync(new URL("../../docs/runbooks/README.md", import.meta.url), runbookIndex());

const chart = new URL("../../charts/holdfast/", import.meta.url);
writeAll(
  new URL("templates/crds/", chart),
  Object.fromEntries(definitions.map((definition) => [`${definition.plural}.yaml`, crdTemplate(definition)])),
);
writeFileSync(new URL("templates/_generated.tpl", chart), generatedHelpers());
writeFileSync(new URL("alerts.yaml", chart), alertsYAML());
writeAll(
  new URL("dashboards/", chart),
  Object.fromEntries(dashboards.map((dashboard) => [`${dashboard.title.toLowerCase()}.json`, grafanaJSON(dashboard)])),
);
writeFileSync(new URL("values.schema.json", chart), valuesSchema());
writeFileSync(new URL("values.yaml", chart), valuesYAML());
const [introduction = ""] = readFileSync(new URL("README.md", chart), "utf8").split("## Values");
writeFileSync(new URL("README.md", chart), chartReadme(introduction));
