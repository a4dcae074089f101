/** `secretInjectionConfigs`: Secrets that are made of answers. */
import type { PeerInjection } from "./peer-schema.ts";
import { jqString } from "./pieces.ts";
import { asThere } from "./wrapper.ts";
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
  if (last.size > mostKeys || last.size === 0) {
    findings.add("HARD", found[0]?.field ?? "", `an output here has from 1 to ${mostKeys} keys, and this one has ${last.size}`);
    return undefined;
  }
  const labels = await metadataOf("labels", found, one);
  const annotations = await metadataOf("annotations", found, one);
  return {
    secret: { name, ...(labels && { labels }), ...(annotations && { annotations }) },
    ...withStrategy([...last.values()], (key) =>
      findings.add("CHANGE", found[0]?.field ?? "", `${key} is kept where the answer has none; there it was deleted`),
    ),
  };
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

/** What becomes of a key that is missing is said of each there, of all of an output here; of an empty one jq can say it. */
function withStrategy(keys: readonly Key[], tellKept: (key: string) => void): Pick<Output, "data" | "whenMissing"> {
  const strategies = new Set(keys.map(({ strategy }) => strategy));
  const base: Strategy = strategies.has("preserve") ? "preserve" : strategies.has("delete") ? "delete" : "setEmpty";
  const data = keys.map(({ name, program, strategy }): readonly [string, string] => {
    if (strategy === "delete" && base === "preserve") tellKept(name);
    const value = overAnswer(program);
    return [name, strategy === "setEmpty" && base !== "setEmpty" ? `(${value}) // ""` : value];
  });
  const whenMissing = ({ preserve: undefined, delete: "Delete", setEmpty: "Empty" } as const)[base];
  return { data: Object.fromEntries(data), ...(whenMissing && { whenMissing }) };
}

/** A program whose document is the answer. */
export function overAnswer(program: string): string {
  const text = program.trim();
  const [, dotted, quoted, word] = /^\.headers(?:\.?"([^"\\]+)"|\["([^"\\]+)"\]|\.([A-Za-z_]\w*))\[0\]$/.exec(text) ?? [];
  const field = dotted ?? quoted ?? word;
  if (field !== undefined) return `.response.headers[${jqString(field.toLowerCase())}]`;
  // A plain path needs no pipe.
  const isPath = /^\.(body|statusCode)(\.[A-Za-z_]\w*|\["[^"\\]+"\]|\."[^"\\]+"|\[\d+\])*$/.test(text);
  return isPath && text !== ".body" ? `.response${text}` : `${asThere(text, ".response")} | (${text})`;
}

/** One that jq makes of the answer cannot be written here: an output's labels are text. */
async function metadataOf(
  kind: "labels" | "annotations",
  found: readonly Found[],
  { programs, findings }: Translating,
): Promise<object | undefined> {
  const kept: [string, string][] = [];
  for (const { config, field } of found)
    for (const [key, value] of Object.entries(config.metadata?.[kind] ?? {}).slice(0, mostKeys)) {
      const at = `${field}.metadata.${kind}.${key}`;
      if (key.includes("/")) findings.add("DROP", at, "a name with a domain belongs to another program, and is not set here");
      else if (/^\s*\./.test(value) && (await programs.compiles(value)))
        findings.add("DROP", at, "its value was taken from the answer; here it is text");
      else kept.push([key, value]);
    }
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}
