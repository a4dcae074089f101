/**
 * Translates an object of the peer: pure, but for the jq that it runs, which sees the object and nothing else.
 *
 * Invariant: what cannot be exact is among the findings; nothing is guessed.
 */
import { apiVersion } from "../api/kind-definition.ts";
import { httpRequest } from "../api/http-request.ts";
import { httpResource } from "../api/http-resource.ts";
import { validator } from "../api/validate.ts";
import { findTooMany } from "../core/object-size.ts";
import { tellAsync } from "./async.ts";
import { authorizes, connectionOf } from "./connection.ts";
import { requestSpec } from "./disposable.ts";
import { withEndpoint } from "./endpoint.ts";
import { copyText } from "./endpoints.ts";
import { takenDelivery, takenIdentity, type Taken } from "./live.ts";
import { createFindings, type Level } from "./findings.ts";
import { holdsMarks } from "./examine.ts";
import { writeByHand } from "./idiomatic.ts";
import type { PeerDisposable, PeerRequest } from "./peer-object.ts";
import { createInputNames, placeholdersIn, textsOf } from "./placeholders.ts";
import { mixedText } from "./together.ts";
import { createPrograms } from "./programs.ts";
import { resourceSpec } from "./request.ts";
import { durationHere, isDeep, mostDeep } from "./root.ts";
import type { Manifest, TranslateOptions, Translating, Translation } from "./translation.ts";

/** Every object of the kinds is named by one finding for each thing that is otherwise. Throws StarvedError. */
export async function translate(object: PeerRequest | PeerDisposable, options: TranslateOptions): Promise<Translation> {
  const findings = createFindings();
  tellAsync(object, findings);
  const { evaluator, signal, form, config, reach, choices = {} } = options;
  const interval = durationHere(object.metadata.annotations?.[pollAnnotation] ?? "") ?? options.interval ?? "1m";
  const namespace = reach?.namespace ?? namespaceOf(object, options, findings);
  const programs = createPrograms(evaluator, signal, namespace);
  const inputs = createInputNames(reach?.nameOf);
  const connection = connectionOf({ object, namespace, config, findings, reach });
  const isWholeURL = form === "exact";
  const one = { form, choices, isWholeURL, reach, namespace, interval, programs, findings, inputs, connection };
  tellLeftOut(object, findings);
  const refused = whyNot(object);
  if (refused !== undefined) findings.add("HARD", "forProvider", refused);
  const made = refused === undefined ? await makeOf(object, one) : undefined;
  // Where it is served it is deleted as it was; here nothing but its own deletion would say so.
  const isGoing = !reach && object.metadata.deletionTimestamp !== undefined;
  if (isGoing) findings.add("WARN", "metadata.deletionTimestamp", "it is being deleted there: it is suspended here");
  const plain = made && manifestOf(object, namespace, isGoing ? { ...made, suspend: true } : made);
  const whole = plain && choices.idiomatic ? writeByHand(plain, findings) : plain;
  const joined = whole && config && options.endpoints && mayShare(object) ? withEndpoint(whole, config, connection) : undefined;
  const manifest = joined?.manifest ?? whole;
  if (manifest)
    for (const problem of problemsOf(manifest))
      findings.add("HARD", problem.path, `what it becomes would be refused: ${problem.message}`);
  const { inputs: read = {} } = (manifest?.spec ?? {}) as { readonly inputs?: object };
  const secrets = [...inputs.secrets(read), ...(joined ? [] : connection.secrets)];
  // An endpoint of the cluster reads where its Secret is, which is known when all are looked at together.
  const placed = Map.groupBy(
    reach ? [] : [...secrets, ...(joined && !config?.clusterScoped ? joined.endpoint.secrets : [])],
    ({ name }) => name,
  );
  for (const [name, same] of placed)
    if (new Set(same.map((secret) => secret.namespace)).size > 1) findings.add("HARD", "Secret", mixedText(name, namespace));
  const foreign = reach ? [] : secrets.filter((secret) => secret.namespace !== namespace);
  for (const keys of Map.groupBy(foreign, (secret) => `${secret.namespace}/${secret.name}`).values())
    if (keys[0])
      findings.add(
        "STEP",
        "Secret",
        copyText(
          keys[0].namespace,
          keys[0].name,
          keys.map(({ key }) => key),
          namespace,
        ),
      );
  return { manifest, findings: findings.all(), secrets, ...(joined && { endpoint: joined.endpoint }) };
}

/** Whether it says nothing itself of how it connects, and of who asks. */
function mayShare({ spec: { forProvider } }: PeerRequest | PeerDisposable): boolean {
  const { headers, tlsConfig, insecureSkipTLSVerify = false } = forProvider;
  const mappings = "mappings" in forProvider ? forProvider.mappings : [];
  return !tlsConfig && !insecureSkipTLSVerify && ![headers, ...mappings.map((one) => one.headers)].some(authorizes);
}

function tellLeftOut({ spec }: PeerRequest | PeerDisposable, findings: Translating["findings"]): void {
  for (const field of ["writeConnectionSecretToRef", "publishConnectionDetailsTo"] as const)
    if (spec[field] !== undefined) findings.add("DROP", field, "what was written there was empty");
}

/** Why it is not looked at any closer. */
function whyNot({ spec: { forProvider } }: PeerRequest | PeerDisposable): string | undefined {
  if (holdsMarks(JSON.stringify(forProvider))) return "it holds U+E000 or U+E001, which stand for parts of answers meanwhile";
  const body = "payload" in forProvider ? (forProvider.payload?.body ?? "") : "";
  return isDeep(body) ? `its body is nested more than ${mostDeep} levels deep` : undefined;
}

/** Its own word for how often it is looked at. */
export const pollAnnotation = "crossplane.io/poll-interval";

interface Made extends Taken {
  readonly spec: Manifest["spec"];
}
async function makeOf(object: PeerRequest | PeerDisposable, shared: Omit<Translating, "object">): Promise<Made | undefined> {
  switch (object.type) {
    case "request": {
      const one = { ...shared, object };
      const made = await resourceOf(one);
      return made?.look === "other" ? resourceOf({ ...one, isWholeURL: true }) : made;
    }
    case "disposable": {
      const one = { ...shared, object };
      return { spec: await requestSpec(one), ...takenDelivery(object, one) };
    }
  }
}

async function resourceOf(one: Translating & { readonly object: PeerRequest }): Promise<Made | undefined> {
  const { object, isWholeURL, form } = one;
  const spec = await resourceSpec(one);
  const taken = spec && (await takenIdentity(object, spec, one));
  if (!spec || !taken) return undefined;
  const tell = (level: Level, message: string): void => one.findings.add(level, "observe.url", message);
  if (taken.look === "same") {
    if (isWholeURL && form !== "exact") tell("INFO", "one expression as a whole, since the id is encoded otherwise within one");
    tell("INFO", "verified: with the id it is the URL that was observed there");
  }
  if (taken.look === "unknown") tell("WARN", "by its status nothing was observed there: hold the id against what its server has");
  if (taken.look !== "other" || !isWholeURL) return { spec, ...taken }; // there may be another way to write it
  tell("HARD", "with the id of its status it is not the URL that was observed there: it is suspended");
  return { spec, ...taken, suspend: true };
}

function manifestOf({ type, metadata, spec: given }: PeerRequest | PeerDisposable, namespace: string, made: Made): Manifest {
  const { name = "", labels, annotations: all = {} } = metadata;
  const annotations = { ...Object.fromEntries(Object.entries(all).filter(([key]) => !ofTheirs.test(key))), ...made.annotations };
  const isPaused = all["crossplane.io/paused"] === "true" || given.managementPolicies?.length === 0;
  return {
    apiVersion,
    kind: type === "request" ? "HTTPResource" : "HTTPRequest",
    metadata: { name, namespace, ...(labels && { labels }), ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: isPaused || made.suspend ? { ...made.spec, suspend: true } : made.spec,
  };
}
const ofTheirs = /^([^/]*\.)?(crossplane\.io|upbound\.io|kubectl\.kubernetes\.io)\/|^uptest\.|^gotemplating\./;

const validators = { HTTPResource: validator(httpResource.spec), HTTPRequest: validator(httpRequest.spec) };
function problemsOf({ kind, spec }: Manifest): readonly { readonly path: string; readonly message: string }[] {
  const tooMany = findTooMany({ spec });
  return [...validators[kind](spec, ["spec"]).problems, ...(tooMany ? [{ path: "spec", message: tooMany.message }] : [])];
}

/** An object of the cluster gets the namespace of the Secrets that it speaks of, where that is one. */
function namespaceOf(
  { clusterScoped, metadata, spec }: PeerRequest | PeerDisposable,
  { namespace, config }: TranslateOptions,
  findings: Translating["findings"],
): string {
  if (!clusterScoped) return metadata.namespace ?? namespace;
  const { forProvider } = spec;
  const spoken = new Set([
    ...placeholdersIn(textsOf(forProvider)).map((secret) => secret.namespace),
    ...(forProvider.secretInjectionConfigs ?? []).flatMap(({ secretRef }) => secretRef.namespace ?? []),
    ...Object.values(forProvider.tlsConfig ?? {}).flatMap((reference) =>
      typeof reference === "object" ? (reference.namespace ?? []) : [],
    ),
    ...[config?.spec.credentials?.secretRef?.namespace ?? []].flat(),
  ]);
  const [only = namespace] = spoken.size === 1 ? spoken : [];
  findings.add(
    "CHOOSE",
    "metadata.namespace",
    `it belonged to the cluster; here it is in namespace ${only}${spoken.size === 1 ? ", where the Secrets are of which it speaks" : ""}`,
  );
  return only;
}
