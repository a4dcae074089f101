/**
 * A script that takes live objects over: each of its steps can be run again, and all but the last can be undone.
 *
 * Invariant: whatever a step is interrupted by, no two act on a remote object at once, and nothing is sent before `observe`.
 */
import { assumeDoneAnnotation, externalIdAnnotation } from "../core/resource.ts";
import { group } from "../api/kind-definition.ts";
import { digest } from "../core/tools/digest.ts";
import { checks, quote } from "./handover-checks.ts";
import { helpers } from "./handover-functions.ts";
import type { HandedOver, HandoverParts } from "./handover-parts.ts";
import { isSuccess } from "./peer-schema.ts";
import { commentOf } from "./report.ts";
import { outputsIn } from "./together.ts";
import type { Manifest } from "./translation.ts";

/** What is printed first is suspended, and only reports what it finds. */
export function inWaiting(manifest: Manifest): Manifest {
  const reports = manifest.kind === "HTTPResource" && { drift: "Report" };
  return { ...manifest, spec: { ...manifest.spec, ...reports, suspend: true } };
}

/** Why it is not taken over; undefined: it is. */
function whyLeft({ object, manifest }: HandedOver): string | undefined {
  const { labels, deletionTimestamp } = object.metadata;
  // A patch of it would be undone at once.
  if (labels?.["crossplane.io/composite"] !== undefined) return "which a Composition makes: change that";
  if (deletionTimestamp !== undefined) return "which is being deleted: let that end first";
  if (!isKnown({ object, manifest }))
    return "of which it is not known what has been sent: export it again once its status says so";
  // Measured: an API server that is sent them by a server-side apply reads them as YAML.
  if (/[\u007F-\u0084\u0086-\u009F\uFFFE\uFFFF]/.test(JSON.stringify(manifest)))
    return "which has characters that kubectl apply --server-side refuses (U+007F to U+009F, U+FFFE, U+FFFF): apply it without that";
  if (manifest.spec["suspend"] === true && !wasPaused(object)) return "which is suspended, as its report says why";
  return undefined;
}
/** Whether a look is all that it sends: what was never sent, or whose id is not known, would be sent a second time. */
function isKnown({ object: { status }, manifest: { kind, metadata, spec } }: HandedOver): boolean {
  const { annotations = {} } = metadata;
  if (kind === "HTTPRequest") return annotations[assumeDoneAnnotation] === "true";
  if (spec["create"] === undefined) return true;
  if (spec["externalID"] !== undefined || spec["lookup"] !== undefined) return annotations[externalIdAnnotation] !== undefined;
  // A create that failed is tried again where a look finds nothing.
  return [status?.response, status?.cache?.response].some((answer) => answer && isSuccess(answer));
}

export function handoverScript(parts: HandoverParts): string {
  const { handed, endpoints, copies, textOf } = parts;
  const own = handed.filter((one) => whyLeft(one) === undefined);
  const left = handed.flatMap((one) => leftOut(one));
  const manifests = [...endpoints.map(({ manifest }) => manifest), ...copies, ...own.map(({ manifest }) => inWaiting(manifest))]
    .map(textOf)
    .join("---\n");
  // No text of theirs may end what the shell reads as text.
  const marker = `END_${digest(manifests)}`;
  const steps: readonly (readonly [string, string, readonly string[]])[] = [
    [
      "check",
      "asks whether the kinds are there, and whether Holdfast may read, write and reach what it will",
      [...left.map((text) => `echo ${quote(text)} >&2`), ...checks({ ...parts, handed: own })],
    ],
    [
      "apply",
      "creates the new objects, suspended; nothing is sent",
      manifests === ""
        ? []
        : [`kubectl apply --server-side --field-manager=holdfast-convert -f - <<'${marker}'\n${manifests}${marker}`],
    ],
    ["pause", "stops provider-http from acting on the old ones; nothing is sent", together(own, olds).flatMap(pauses)],
    ["secrets", "gives Secrets that the old ones made to the new ones", givesSecrets(own)],
    ["observe", "lets the new ones look: one GET for each HTTPResource, and nothing else", observes(own)],
    ["correct", "lets the new ones change what is not as declared", together(resources(own), news).flatMap(corrects)],
    [
      "finish",
      "deletes the old ones, which sends nothing; there is no way back from it",
      // With the old one would go all that is known of its object.
      [...together(own, news).flatMap(withNames("all_there")), ...together(own, olds).flatMap(deletesOld)],
    ],
    ["undo", "goes back, as long as finish has not begun", goBack(own.toReversed())],
  ];
  const usage = steps.map(([name, what]) => `#   ${name.padEnd(8)} ${what}`);
  const functions = steps.map(([name, , lines]) => `step_${name}() {\n${[...lines, ":"].join("\n")}\n}`);
  const names = steps.map(([name]) => name).join("|");
  return `${[
    "#!/usr/bin/env bash",
    `# Takes ${own.length} objects over from provider-http. Run it with one step after the other, each as often as needed:`,
    ...usage,
    ...left.map(commentOf),
    "set -euo pipefail",
    "HOLDFAST=${HOLDFAST:-system:serviceaccount:holdfast:holdfast} # who Holdfast is in this cluster",
    helpers,
    ...functions,
    `case "\${1:-}" in\n  ${names}) "step_$1" ;;\n  *) sed -n '2,${usage.length + 2}p' "$0" >&2; exit 2 ;;\nesac`,
  ].join("\n")}\n`;
}

function leftOut(one: HandedOver): readonly string[] {
  const why = whyLeft(one);
  const { kind, metadata } = one.object;
  return why === undefined ? [] : [`left out: ${kind} ${metadata.name ?? ""}, ${why}`];
}

function resourceOf({ kind }: Manifest): string {
  return `${kind.toLowerCase()}s.${group}`;
}
interface Place {
  /** `-n here requests.http.m.crossplane.io`. */
  readonly place: string;
  readonly name: string;
}
function olds({ object: { apiVersion, kind, clusterScoped, metadata }, manifest }: HandedOver): Place {
  const where = clusterScoped ? "" : `-n ${quote(manifest.metadata.namespace)} `;
  return { place: `${where}${kind.toLowerCase()}s.${apiVersion.split("/")[0]}`, name: metadata.name ?? "" };
}
function news({ manifest }: HandedOver): Place {
  return { place: `-n ${quote(manifest.metadata.namespace)} ${resourceOf(manifest)}`, name: manifest.metadata.name };
}

function wasPaused({ metadata }: HandedOver["object"]): boolean {
  return metadata.annotations?.[paused] === "true";
}

interface Group {
  readonly place: string;
  /** Sets what the functions of the script act on. */
  readonly these: string;
}
/** Those of one kind and namespace, which the script lists and changes together. */
function together(handed: readonly HandedOver[], namesIn: (one: HandedOver) => Place): readonly Group[] {
  const places = Map.groupBy(handed.map(namesIn), ({ place }) => place);
  return [...places].map(([place, all]) => ({ place, these: `these ${all.map(({ name }) => quote(name)).join(" ")}` }));
}
function withNames(command: string): (group: Group) => readonly string[] {
  return ({ place, these }) => [these, `${command} ${place}`];
}
function changes(patch: object): (group: Group) => readonly string[] {
  return withNames(`change ${quote(JSON.stringify(patch))}`);
}
function resources(handed: readonly HandedOver[]): readonly HandedOver[] {
  return handed.filter(({ manifest }) => manifest.kind === "HTTPResource");
}

const paused = "crossplane.io/paused";
/** A Composition, a delete or a hand that takes the pause off is to find nothing that may be sent. */
const pauses = changes({ metadata: { annotations: { [paused]: "true" } }, spec: { managementPolicies: ["Observe"] } });
const corrects = changes({ spec: { drift: "Correct" } });

function secretsOf({ manifest: { metadata, spec } }: HandedOver): readonly string[] {
  return outputsIn(spec).map((secret) => quote(`${metadata.name} ${secret}`));
}
function givesSecrets(handed: readonly HandedOver[]): readonly string[] {
  const calls = Map.groupBy(handed, ({ manifest }) =>
    [manifest.metadata.namespace, resourceOf(manifest), manifest.apiVersion, manifest.kind].map(quote).join(" "),
  );
  return [...calls].flatMap(([call, all]) => {
    const secrets = all.flatMap(secretsOf);
    return secrets.length === 0 ? [] : [`secrets=(${secrets.join(" ")})`, `give_secrets ${call}`];
  });
}

/** What is suspended for a reason of its own stays so. All look before any is waited for: one that differs is never Ready. */
function observes(handed: readonly HandedOver[]): readonly string[] {
  const isLeft = ({ manifest }: HandedOver): boolean => manifest.spec["suspend"] === true;
  const looking = handed.filter((one) => !isLeft(one));
  const left = handed.filter(isLeft).map(({ manifest }) => quote(`${manifest.kind} ${manifest.metadata.name}`));
  return [
    ...left.map((one) => `echo left suspended: ${one} >&2`),
    ...together(looking, olds).flatMap(withNames("at_rest")),
    ...together(looking, news).flatMap(changes({ spec: { suspend: false } })),
    ...together(resources(looking), news).flatMap(withNames("look")),
  ];
}
/** A paused one keeps its finalizer; one that is being deleted and may only be observed sends nothing. */
function deletesOld({ place, these }: Group): readonly string[] {
  return [these, `at_rest ${place}`, `remove --wait=false ${place}`, `unpause ${place}`];
}
/** Those that go back in the same way, together. */
function goBack(handed: readonly HandedOver[]): readonly string[] {
  const ways = Map.groupBy(handed, (one) => {
    const spec = { managementPolicies: one.object.spec.managementPolicies ?? null };
    const patch = JSON.stringify({ spec, ...(!wasPaused(one.object) && { metadata: { annotations: { [paused]: null } } }) });
    const namespace = quote(one.manifest.metadata.namespace);
    return `old=(${olds(one).place}) new=(${news(one).place}) namespace=${namespace}\ngo_back ${quote(patch)}`;
  });
  return [...ways].flatMap(([way, all]) => {
    const [places = "", call = ""] = way.split("\n");
    const names = all.map(({ manifest }) => quote(manifest.metadata.name));
    return [places, `names=(${names.join(" ")}) secrets=(${all.flatMap(secretsOf).join(" ")})`, call];
  });
}
