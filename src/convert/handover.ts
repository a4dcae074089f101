/**
 * A script that takes live objects over: each of its steps can be run again, and all but the last can be undone.
 *
 * Invariant: whatever a step is interrupted by, no two act on a remote object at once, and nothing is sent before `observe`.
 */
import { group } from "../api/kind-definition.ts";
import { digest } from "../core/tools/digest.ts";
import { checks, quote } from "./handover-checks.ts";
import type { HandedOver, HandoverParts } from "./handover-parts.ts";
import { commentOf } from "./report.ts";
import type { PeerDisposable, PeerRequest } from "./peer-object.ts";
import { outputsIn } from "./together.ts";
import type { Manifest } from "./translation.ts";

/** What is printed first is suspended, and only reports what it finds. */
export function inWaiting(manifest: Manifest): Manifest {
  const reports = manifest.kind === "HTTPResource" && { drift: "Report" };
  return { ...manifest, spec: { ...manifest.spec, ...reports, suspend: true } };
}

/** Why it is not taken over; undefined: it is. */
function whyLeft({ metadata }: PeerRequest | PeerDisposable): string | undefined {
  // A patch of it would be undone at once.
  if (metadata.labels?.["crossplane.io/composite"] !== undefined) return "which a Composition makes: change that";
  return metadata.deletionTimestamp === undefined ? undefined : "which is being deleted: let that end first";
}

export function handoverScript(parts: HandoverParts): string {
  const { handed, endpoints, copies, textOf } = parts;
  const own = handed.filter(({ object }) => whyLeft(object) === undefined);
  const manifests = [...endpoints.map(({ manifest }) => manifest), ...copies, ...own.map(({ manifest }) => inWaiting(manifest))]
    .map(textOf)
    .join("---\n");
  // No text of theirs may end what the shell reads as text.
  const marker = `END_${digest(manifests)}`;
  const steps: readonly (readonly [string, string, readonly string[]])[] = [
    [
      "check",
      "asks whether the kinds are there, and whether Holdfast may read, write and reach what it will",
      checks({ ...parts, handed: own }),
    ],
    [
      "apply",
      "creates the new objects, suspended; nothing is sent",
      [`kubectl apply --server-side --field-manager=holdfast-convert -f - <<'${marker}'\n${manifests}${marker}`],
    ],
    ["pause", "stops provider-http from acting on the old ones; nothing is sent", own.flatMap(pauses)],
    ["secrets", "gives Secrets that the old ones made to the new ones", own.flatMap(takesSecrets)],
    ["observe", "lets the new ones look: one GET for each HTTPResource, and nothing else", own.flatMap(observes)],
    ["correct", "lets the new ones change what is not as declared", own.flatMap(corrects)],
    ["finish", "deletes the old ones, which sends nothing; there is no way back from it", own.flatMap(deletesOld)],
    ["undo", "goes back, as long as finish has not begun", own.toReversed().flatMap(goesBack)],
  ];
  const usage = steps.map(([name, what]) => `#   ${name.padEnd(8)} ${what}`);
  const functions = steps.map(([name, , lines]) => `step_${name}() {\n${[...lines, ":"].join("\n")}\n}`);
  const names = steps.map(([name]) => name).join("|");
  return `${[
    "#!/usr/bin/env bash",
    `# Takes ${own.length} objects over from provider-http. Run it with one step after the other, each as often as needed:`,
    ...usage,
    ...handed.flatMap(({ object }) => {
      const why = whyLeft(object);
      return why === undefined ? [] : [commentOf(`left out: ${object.kind} ${object.metadata.name ?? ""}, ${why}`)];
    }),
    "set -euo pipefail",
    "HOLDFAST=${HOLDFAST:-system:serviceaccount:holdfast:holdfast} # who Holdfast is in this cluster",
    helpers,
    ...functions,
    `case "\${1:-}" in\n  ${names}) "step_$1" ;;\n  *) sed -n '2,${usage.length + 2}p' "$0" >&2; exit 2 ;;\nesac`,
  ].join("\n")}\n`;
}

/**
 * Functions of the script. A Secret is given to an object, whose uid is only known then; who owned it before is written on it. Each
 * ends the script where kubectl cannot say what is there: what is not known is never taken for nothing.
 */
const helpers = `exists() { local found; found=$(kubectl get "$@" --ignore-not-found -o name) || exit 1; [ -n "$found" ]; }
going() { local since; since=$(kubectl get "$@" --ignore-not-found -o jsonpath='{.metadata.deletionTimestamp}') || exit 1; [ -n "$since" ]; }
may() { kubectl auth can-i "$@" --as="$HOLDFAST" --quiet || { echo "Holdfast may not: $*" >&2; missing=1; }; }
at_rest() { # who acts no more
  exists "$@" || return 0
  local paused; paused=$(kubectl get "$@" -o jsonpath='{.metadata.annotations.crossplane\\.io/paused}') || exit 1
  [ "$paused" = true ] || going "$@" || { echo "not paused, run the step pause first: $*" >&2; exit 1; }
}
give_secret() { # NAMESPACE SECRET RESOURCE NAME API_VERSION KIND
  exists secret -n "$1" "$2" || return 0
  local uid before
  uid=$(kubectl get -n "$1" "$3" "$4" -o jsonpath='{.metadata.uid}')
  before=$(kubectl get secret -n "$1" "$2" -o jsonpath='{.metadata.annotations.holdfast\\.dev/owners-before}')
  [ -n "$before" ] || { before=$(kubectl get secret -n "$1" "$2" -o jsonpath='{.metadata.ownerReferences}'); before=\${before:-[]}
    kubectl annotate secret -n "$1" "$2" "holdfast.dev/owners-before=$before"; }
  kubectl patch secret -n "$1" "$2" --type=merge -p '{"metadata":{"ownerReferences":[{"apiVersion":"'"$5"'","kind":"'"$6"'","name":"'"$4"'","uid":"'"$uid"'","controller":true,"blockOwnerDeletion":true}]}}'
}
return_secret() { # NAMESPACE SECRET
  exists secret -n "$1" "$2" || return 0
  local before
  before=$(kubectl get secret -n "$1" "$2" -o jsonpath='{.metadata.annotations.holdfast\\.dev/owners-before}')
  [ -n "$before" ] || return 0
  kubectl patch secret -n "$1" "$2" --type=merge -p '{"metadata":{"ownerReferences":'"$before"',"annotations":{"holdfast.dev/owners-before":null}}}'
}`;

interface Names {
  /** As kubectl takes it, with the namespace: `-n here requests.http.m.crossplane.io one`. */
  readonly old: string;
  readonly now: string;
  readonly resource: string;
}
function namesOf({ object, manifest }: HandedOver): Names {
  const { apiVersion, kind, clusterScoped, metadata } = object;
  const where = clusterScoped ? "" : `-n ${quote(manifest.metadata.namespace)} `;
  const resource = `${manifest.kind.toLowerCase()}s.${group}`;
  return {
    old: `${where}${kind.toLowerCase()}s.${apiVersion.split("/")[0]} ${quote(metadata.name ?? "")}`,
    resource,
    now: `-n ${quote(manifest.metadata.namespace)} ${resource} ${quote(manifest.metadata.name)}`,
  };
}
function wasPaused({ metadata }: HandedOver["object"]): boolean {
  return metadata.annotations?.["crossplane.io/paused"] === "true";
}

function pauses(one: HandedOver): readonly string[] {
  const { old } = namesOf(one);
  return [
    `kubectl annotate ${old} --overwrite crossplane.io/paused=true`,
    // A Composition, a delete or a hand that takes the pause off is to find nothing that may be sent.
    `kubectl patch ${old} --type=merge -p '{"spec":{"managementPolicies":["Observe"]}}'`,
  ];
}

function secretsOf({ manifest: { spec } }: HandedOver): readonly string[] {
  return outputsIn(spec);
}
function takesSecrets(one: HandedOver): readonly string[] {
  const { apiVersion, kind, metadata } = one.manifest;
  return secretsOf(one).map((secret) =>
    ["give_secret", metadata.namespace, secret, namesOf(one).resource, metadata.name, apiVersion, kind].map(quote).join(" "),
  );
}

/** What is suspended for a reason of its own stays so. */
function observes(one: HandedOver): readonly string[] {
  const { manifest } = one;
  const { now, old } = namesOf(one);
  if (manifest.spec["suspend"] === true)
    return [`echo left suspended: ${quote(`${manifest.kind} ${manifest.metadata.name}`)} >&2`];
  const resume = `kubectl patch ${now} --type=merge -p '{"spec":{"suspend":false}}'`;
  const wait = `kubectl wait ${now} --for=condition=Ready --timeout=2m || kubectl get ${now} -o wide`;
  const first = `at_rest ${old}`;
  return manifest.kind === "HTTPResource" ? [first, resume, wait] : [first, resume];
}
function corrects(one: HandedOver): readonly string[] {
  return one.manifest.kind === "HTTPResource"
    ? [`kubectl patch ${namesOf(one).now} --type=merge -p '{"spec":{"drift":"Correct"}}'`]
    : [];
}
/** A paused one keeps its finalizer; one that is being deleted and may only be observed sends nothing. */
function deletesOld(one: HandedOver): readonly string[] {
  const { old } = namesOf(one);
  return [
    `at_rest ${old}`,
    `kubectl delete ${old} --ignore-not-found --wait=false`,
    `if exists ${old}; then kubectl annotate ${old} crossplane.io/paused-; fi`,
  ];
}
function goesBack(one: HandedOver): readonly string[] {
  const { old, now } = namesOf(one);
  const policies = JSON.stringify(one.object.spec.managementPolicies ?? null);
  return [
    `if ! exists ${old} || going ${old}; then`,
    `  echo finish has begun, left as it is: ${quote(`${one.manifest.kind} ${one.manifest.metadata.name}`)} >&2`,
    "else",
    `  if exists ${now}; then`,
    `    kubectl annotate ${now} --overwrite ${group}/orphan=true`,
    `    kubectl patch ${now} --type=merge -p '{"spec":{"suspend":true}}'`,
    ...secretsOf(one).map((secret) => `    return_secret ${quote(one.manifest.metadata.namespace)} ${quote(secret)}`),
    `    kubectl delete ${now} --wait=true --timeout=2m`,
    "  fi",
    `  kubectl patch ${old} --type=merge -p ${quote(`{"spec":{"managementPolicies":${policies}}}`)}`,
    ...(wasPaused(one.object) ? [] : [`  kubectl annotate ${old} crossplane.io/paused-`]),
    "fi",
  ];
}
