/** Argo CD's settings, made of the Lua files that stand as its repository has them. */
import { readdirSync, readFileSync } from "node:fs";
import { stringify } from "yaml";
import { group } from "../../src/api/kind-definition.ts";

const folder = new URL(`../../gitops/argocd/${group}/`, import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, folder), "utf8");

/** No line is folded. */
const whole = { lineWidth: 0 };

/** A patch of the ConfigMap `argocd-cm`. https://argo-cd.readthedocs.io/en/stable/operator-manual/health/ */
export function argoSettings(): string {
  const kinds = readdirSync(folder).filter((name) => name !== "_");
  const customizations = stringify({ [`${group}/*`]: { "health.lua": read("_/health.lua") } }, whole);
  const data = Object.fromEntries([
    ["resource.customizations", customizations],
    ...kinds.map((kind) => [`resource.customizations.actions.${group}_${kind}`, actionsOf(kind)]),
  ]);
  const head =
    "# Generated from the files beside it: `kubectl patch configmap argocd-cm -n argocd --patch-file argocd-cm.yaml`.\n";
  return head + stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "argocd-cm" }, data }, whole);
}

function actionsOf(kind: string): string {
  const scripts = readdirSync(new URL(`${kind}/actions/`, folder), { recursive: true, encoding: "utf8" });
  const names = scripts.filter((path) => path.endsWith("/action.lua")).map((path) => path.split("/")[0] ?? "");
  const definitions = names.map((name) => ({ name, "action.lua": read(`${kind}/actions/${name}/action.lua`) }));
  return stringify({ "discovery.lua": read(`${kind}/actions/discovery.lua`), definitions }, whole);
}
