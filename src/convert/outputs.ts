/** `secretInjectionConfigs`: Secrets that are made of answers. */
import type { PeerInjection } from "./peer-schema.ts";
import { isLabelValue, isMadeKey, madeEntry, type MetadataKind } from "./made-metadata.ts";
import { overAnswer, valueThere } from "./over-answer.ts";
import type { Translating } from "./translation.ts";

interface Output {
  readonly secret: { readonly name: string; readonly labels?: object; readonly annotations?: object };
  readonly data: Readonly<Record<string, string>>;
  readonly whenMissing?: "Empty" | "Delete";
}

type Strategy = "preserve" | "setEmpty" | "delete";
interface Key {
  readonly name: string;
  readonly program: string;
  readonly strategy: Strategy;
}

const mostOutputs = 8;
const mostKeys = 64;

export async function outputsOf(one: Translating): Promise<readonly Output[]> {
  const { secretInjectionConfigs: configs = [] } = one.object.spec.forProvider;
  const { namespace, reach } = one;
  const nameOf = ({ name, namespace: where = namespace }: PeerInjection["secretRef"]): string =>
    reach?.nameOf({ namespace: where, name }) ?? name;
  const names = [...new Set(configs.map(({ secretRef }) => nameOf(secretRef)))];
  if (names.length > mostOutputs) {
    one.findings.add(
      "HARD",
      "secretInjectionConfigs",
      `${names.length} Secrets are written; an object here has ${mostOutputs} outputs at most`,
    );
    return [];
  }
  const outputs: Output[] = [];
  for (const name of names) {
    const same = configs.flatMap((config, index) =>
      nameOf(config.secretRef) === name ? [{ config, field: `secretInjectionConfigs[${index}]` }] : [],
    );
    const output = await outputOf(name, same, one);
    if (output) outputs.push(output);
  }
  return outputs;
}

interface Found {
  readonly config: PeerInjection;
  readonly field: string;
}

async function outputOf(name: string, found: readonly Found[], one: Translating): Promise<Output | undefined> {
  const { findings, namespace, reach } = one;
  const keys = found.flatMap(({ config }) => keysOf(config));
  for (const { config, field } of found) {
    const { namespace: where = namespace } = config.secretRef;
    if (reach) continue; // it is written where it was, and stays as it did
    if (where !== namespace) {
      findings.add("CHANGE", field, `the Secret ${where}/${name} is written to ${namespace}/${name}`);
      findings.add("STEP", field, `whoever reads Secret ${where}/${name} has to read ${namespace}/${name}, or have it copied`);
    }
    if (config.setOwnerReference !== true)
      findings.add("CHANGE", `${field}.setOwnerReference`, "the Secret goes when the object goes; there it stayed");
  }
  const last = new Map(keys.map((key) => [key.name, key]));
  if (last.size < keys.length)
    findings.add("INFO", found[0]?.field ?? "", "a key is written more than once; the last one counts");
  const labels = await metadataOf("labels", found, one);
  const annotations = await metadataOf("annotations", found, one);
  const made = [...labels.made, ...annotations.made];
  const count = last.size + made.length;
  if (count > mostKeys || last.size === 0 || [...last.keys()].some(isMadeKey)) {
    findings.add("HARD", found[0]?.field ?? "", `an output here has from 1 to ${mostKeys} keys, and this one has ${count}`);
    return undefined;
  }
  const { data, ...strategy } = withStrategy([...last.values()], reach ? valueThere : overAnswer);
  const kept = strategy.whenMissing || reach ? [] : [...last.values()].filter((key) => key.strategy === "delete");
  for (const key of kept)
    findings.add("CHANGE", found[0]?.field ?? "", `${key.name} is kept where the answer has none; there it was deleted`);
  return {
    secret: {
      name,
      ...(isAny(labels.kept) && { labels: labels.kept }),
      ...(isAny(annotations.kept) && { annotations: annotations.kept }),
    },
    data: { ...data, ...Object.fromEntries(made) },
    ...strategy,
  };
}

/** Those that a Secret loses where an answer has none of it. */
export function lostKeys(injections: readonly PeerInjection[]): readonly string[] {
  const last = new Map(injections.flatMap(keysOf).map(({ name, strategy }) => [name, strategy]));
  return [...last].flatMap(([name, strategy]) => (strategy === "delete" ? [name] : []));
}

function keysOf({ secretKey, responsePath, keyMappings }: PeerInjection): readonly Key[] {
  const old =
    secretKey !== undefined && responsePath !== undefined
      ? [{ name: secretKey, program: responsePath, strategy: "delete" as const }]
      : [];
  const mapped = (keyMappings ?? []).map(
    ({ secretKey: name, responseJQ: program, missingFieldStrategy: strategy = "delete" }) => ({ name, program, strategy }),
  );
  return mapped.length > 0 ? mapped : old;
}

/**
 * What becomes of a key that is missing is said of each there, of all of an output here; of an empty one jq can say it, and where it
 * is served, of one that is deleted whoever writes it knows.
 */
function withStrategy(keys: readonly Key[], valueOf: (program: string) => string): Pick<Output, "data" | "whenMissing"> {
  const strategies = new Set(keys.map(({ strategy }) => strategy));
  const base: Strategy = strategies.has("preserve") ? "preserve" : strategies.has("delete") ? "delete" : "setEmpty";
  const data = keys.map(({ name, program, strategy }): readonly [string, string] => {
    const value = valueOf(program);
    return [name, strategy === "setEmpty" && base !== "setEmpty" ? `[${value}][0] | if . == null then "" else . end` : value];
  });
  const whenMissing = ({ preserve: undefined, delete: "Delete", setEmpty: "Empty" } as const)[base];
  return { data: Object.fromEntries(data), ...(whenMissing && { whenMissing }) };
}

interface Metadata {
  readonly kept: Readonly<Record<string, string>>;
  /** As further data. */
  readonly made: readonly (readonly [string, string])[];
}
/** One that jq makes of the answer is for whoever writes the Secret: an output's labels are text. */
async function metadataOf(kind: MetadataKind, found: readonly Found[], one: Translating): Promise<Metadata> {
  const { programs, findings, reach } = one;
  const kept = new Map<string, string>();
  const made = new Map<string, string>();
  for (const { config, field } of found)
    for (const [key, value] of Object.entries(config.metadata?.[kind] ?? {}).slice(0, mostKeys)) {
      const at = `${field}.metadata.${kind}.${key}`;
      if (key.includes("/")) findings.add("DROP", at, "a name with a domain belongs to another program, and is not set here");
      else if (key === "" || !isLabelValue(key)) findings.add("INFO", at, "it is no name of a label, and no Secret had it there");
      else if (readsAnswer(value) && (await programs.compiles(value))) {
        if (reach) made.set(...madeEntry(kind, key, value));
        else findings.add("DROP", at, "its value was taken from the answer; here it is text");
      } else if (isLabelValue(value)) kept.set(key, value);
      else findings.add("INFO", at, "it is no value of a label, and was not set there either");
    }
  return { kept: Object.fromEntries(kept), made: [...made] };
}
function isAny(texts: Readonly<Record<string, string>>): boolean {
  return Object.keys(texts).length > 0;
}
function readsAnswer(value: string): boolean {
  return /^\s*\.|\.(?:body|headers|statusCode)\b/.test(value);
}
