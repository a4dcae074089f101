/** `holdfast convert`: manifests of provider-http's objects, and what is otherwise about them. Nothing is read from a cluster, and nothing sent. */
import { text } from "node:stream/consumers";
import { lookForAnew } from "../convert/anew.ts";
import { convertComposition } from "../convert/composition.ts";
import { copySecrets } from "../convert/copies.ts";
import { configOf, listPlaced, readDocument, type ReadDocument } from "../convert/documents.ts";
import { joinEndpoints, type MadeEndpoint } from "../convert/endpoints.ts";
import { handoverScript } from "../convert/handover.ts";
import type { PeerConfig, PeerDisposable, PeerRequest } from "../convert/peer-object.ts";
import { blockOf, commentOf, exitCodeOf, notesOf, sumOf, type Told } from "../convert/report.ts";
import { lookTogether } from "../convert/together.ts";
import { translate } from "../convert/translate.ts";
import type { TranslateOptions, Translation } from "../convert/translation.ts";
import { createEvaluator } from "../expressions/evaluator.ts";
import { readFiles } from "../standalone/files.ts";
import { readYAML } from "../standalone/yaml.ts";
import type { ConvertSettings } from "./convert-settings.ts";
import { manifestText } from "./manifest-text.ts";

/** Returns the exit code: 1 where an input is wrong or something could not be translated, 2 with `--strict` where something is not certain to be as it was. */
export async function convertManifests(settings: ConvertSettings): Promise<number> {
  const input = await readInput(settings);
  const { errors, passed } = input;
  await using evaluator = createEvaluator({ deadlineMs: 10_000 });
  const { namespace, poll: interval, verbatim } = settings;
  const form = verbatim ? "exact" : "readable";
  const { signal } = new AbortController();
  const one = (
    object: PeerRequest | PeerDisposable,
    more: Pick<TranslateOptions, "endpoints" | "choices">,
  ): Promise<Translation> => {
    const config = configOf(object, input.configs);
    return translate(object, { evaluator, signal, namespace, interval, form, ...more, ...(config && { config }) });
  };
  const { translated, endpoints, copies } = await translateAll(input, settings.secrets, (object) =>
    one(object, { endpoints: !verbatim, choices: settings }),
  );
  // What a Composition makes goes with it, and what it names does not; its values become parameters, each by itself.
  const compositions = await convertCompositions(input.compositions, (object) =>
    one(object, { endpoints: false, choices: { ...settings, idiomatic: false } }),
  );
  const objects = [...translated.map(toldOf), ...compositions.flatMap((composed) => composed.told)];
  const told = [...objects, ...endpoints.map(toldOfEndpoint)];
  const around = [...endpoints.map(({ manifest }) => manifest), ...copies];
  const notes = notesOf(translated.flatMap(({ translation: { manifest } }) => manifest ?? []));
  const { stdout, stderr } = process;
  if (settings.handover) {
    const handed = translated.flatMap(({ object, translation: { manifest } }) => (manifest ? [{ object, manifest }] : []));
    stdout.write(handoverScript({ handed, endpoints, copies, textOf: manifestText }));
  } else if (settings.output === "json") {
    const made = translated.flatMap(({ translation: { manifest } }) => manifest ?? []);
    const manifests = [...passed, ...around, ...made, ...compositions.map(({ composition }) => composition)];
    stdout.write(`${JSON.stringify({ manifests, report: told, notes }, null, 2)}\n`);
  } else {
    const texts = [
      ...[...passed, ...around].map(manifestText),
      ...translated.flatMap(annotate),
      ...compositions.map(({ composition }) => manifestText(composition)),
    ];
    stdout.write(texts.join("---\n"));
  }
  stderr.write([...errors, ...told.map(blockOf), ...notes, sumOf(objects), ""].join("\n"));
  return errors.length > 0 ? 1 : exitCodeOf(told, settings.strict);
}

interface Found {
  readonly object: PeerRequest | PeerDisposable;
  /** `FILE:LINE`. */
  readonly place: string;
}
type TranslateOne = (object: PeerRequest | PeerDisposable) => Promise<Translation>;
interface Input {
  readonly configs: readonly PeerConfig[];
  readonly compositions: readonly { readonly value: Readonly<Record<string, unknown>>; readonly place: string }[];
  readonly found: readonly Found[];
  readonly errors: readonly string[];
  /** Secrets and ConfigMaps, which stay as they are. */
  readonly passed: readonly object[];
}

async function readInput({ file: paths, originMap }: ConvertSettings): Promise<Input> {
  const { files, errors: unreadable } = await readFiles(paths.filter((path) => path !== "-"));
  const texts = [...files, ...(paths.includes("-") ? [{ path: "-", text: await text(process.stdin) }] : [])];
  const errors = [...unreadable];
  const documents: { readonly document: ReadDocument; readonly place: string }[] = [];
  for (const { path, text: content } of texts) {
    const yaml = readYAML(atOrigins(content, originMap));
    errors.push(...yaml.errors.map(({ line, message }) => `${path}:${line}: ${message}`));
    for (const document of yaml.documents)
      for (const one of listPlaced(document.value))
        documents.push({ document: readDocument(one), place: `${path}:${document.lineOf(one.at)}` });
  }
  const configs = documents.flatMap(({ document }) => (document.type === "config" ? [document.object] : []));
  const found: Found[] = [];
  const passed: object[] = [];
  const compositions: Input["compositions"][number][] = [];
  for (const { document, place } of documents)
    switch (document.type) {
      case "managed":
        found.push({ object: document.object, place });
        break;
      case "passed":
        passed.push(document.value);
        break;
      case "invalid":
        errors.push(...document.messages.map((message) => `${place}: ${message}`));
        break;
      case "composition":
        compositions.push({ value: document.value, place });
        break;
      case "ignored":
        process.stderr.write(`ignored: ${place}: ${document.what}\n`);
        break;
      case "config":
        break;
    }
  return { found, errors, passed, configs, compositions };
}

/** The same at other servers: for a trial. */
function atOrigins(content: string, origins: ConvertSettings["originMap"]): string {
  return origins.reduce((all, [from, to]) => all.replaceAll(from, () => to), content);
}

interface Translated extends Found {
  readonly translation: Translation;
}

interface TranslatedAll {
  readonly translated: readonly Translated[];
  readonly endpoints: readonly MadeEndpoint[];
  /** Secrets, where they are read. */
  readonly copies: readonly object[];
}
async function translateAll(
  { found, passed }: Input,
  secrets: ConvertSettings["secrets"],
  translateOne: TranslateOne,
): Promise<TranslatedAll> {
  const each: Translation[] = [];
  for (const { object } of found) each.push(await translateOne(object));
  const { translations, endpoints } = joinEndpoints(each);
  const together = lookTogether(translations);
  const { manifests: copies, settle } = copySecrets(translations, endpoints, secrets === "copy" ? passed : []);
  const translated = found.map((one, index) => {
    const { findings = [], ...rest } = translations[index] ?? { manifest: undefined, secrets: [] };
    const anew = lookForAnew(one.object, rest.manifest);
    return { ...one, translation: { ...rest, findings: settle([...findings, ...anew, ...(together[index] ?? [])]) } };
  });
  return { translated, copies, endpoints: endpoints.map((one) => ({ ...one, findings: settle(one.findings) })) };
}

interface Composed {
  readonly composition: object;
  readonly told: readonly Told[];
}
async function convertCompositions(
  compositions: Input["compositions"],
  translateOne: TranslateOne,
): Promise<readonly Composed[]> {
  const converted: Composed[] = [];
  for (const { value, place } of compositions) {
    const { composition, told } = await convertComposition(value, translateOne);
    converted.push({
      composition,
      told: told.map(({ name, kind, to, findings }) => ({ place, from: `${kind} ${name}`, to: to && `${to} ${name}`, findings })),
    });
  }
  return converted;
}

function toldOf({ object, place, translation: { manifest, findings } }: Translated): Told {
  const to = manifest && `${manifest.kind} ${nameOf(manifest.metadata)}`;
  return { place, from: `${object.kind} ${nameOf(object.metadata)}`, to, findings };
}
function toldOfEndpoint({ manifest: { kind, metadata }, need: { config }, findings }: MadeEndpoint): Told {
  return { place: "-", from: `${config.kind} ${nameOf(config.metadata)}`, to: `${kind} ${nameOf(metadata)}`, findings };
}
function nameOf({ namespace, name = "" }: { readonly namespace?: string; readonly name?: string }): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** With what is to be known of it above it. */
function annotate(one: Translated): readonly string[] {
  const { manifest, findings } = one.translation;
  if (!manifest) return [];
  const notes = findings.map(({ level, field, message }) => commentOf(`${level} ${field}: ${message}`));
  return [[commentOf(`from ${one.place} ${toldOf(one).from}`), ...notes, manifestText(manifest)].join("\n")];
}
