/** A Composition by patch-and-transform, in which the peer's objects are ours. */
import { isRecord } from "../core/tools/json.ts";
import { parseTemplate, wholeExpression, type Part } from "../core/templating.ts";
import { mapTexts, put, type AnswerPath } from "./examine.ts";
import { createFindings, type Finding, type Findings } from "./findings.ts";
import { fieldText, markPatched, textOf, withNames, type Patch, type Variable } from "./patches.ts";
import { readPeerObject, type PeerDisposable, type PeerRequest } from "./peer-object.ts";
import { stringOf, templateOf, type Piece } from "./pieces.ts";
import type { Manifest, Translation } from "./translation.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface ConvertedComposition {
  readonly composition: Fields;
  /** Of each of its resources that was the peer's, by name. */
  readonly told: readonly {
    readonly name: string;
    readonly kind: string;
    readonly to: string | undefined;
    readonly findings: readonly Finding[];
  }[];
}

/** `translate`: of an object, with the config that it names. */
export async function convertComposition(
  composition: Fields,
  translate: (object: PeerRequest | PeerDisposable) => Promise<Translation>,
): Promise<ConvertedComposition> {
  const told: ConvertedComposition["told"][number][] = [];
  const convertAll = async (holder: Fields): Promise<Fields> => {
    const { resources, patchSets } = holder;
    if (!Array.isArray(resources)) return holder;
    const converted: unknown[] = [];
    for (const resource of resources as readonly unknown[]) {
      const base = isRecord(resource) ? resource["base"] : undefined;
      if (
        !isRecord(resource) ||
        !isRecord(base) ||
        readPeerObject(base).type === "other" ||
        textOf(base["kind"]).endsWith("ProviderConfig")
      ) {
        converted.push(resource);
        continue;
      }
      const one = await convertResource(resource, base, { patchSets, translate });
      told.push({
        name: textOf(resource["name"]),
        kind: String(base["kind"]),
        to: one.manifest?.kind,
        findings: one.findings,
      });
      converted.push(one.resource);
    }
    return { ...holder, resources: converted };
  };

  const spec = isRecord(composition["spec"]) ? composition["spec"] : {};
  const { pipeline, ...rest } = spec;
  const own = await convertAll(rest);
  if (!Array.isArray(pipeline)) return { composition: { ...composition, spec: own }, told };
  const steps: unknown[] = [];
  for (const step of pipeline as readonly unknown[]) {
    const input = isRecord(step) && isRecord(step["input"]) ? step["input"] : undefined;
    const isOurs = input?.["kind"] === "Resources" && String(input["apiVersion"]).startsWith("pt.fn.crossplane.io/");
    if (input && isOurs) steps.push({ ...(step as Fields), input: await convertAll(input) });
    else {
      steps.push(step);
      if (/http(\.async)?(\.m)?\.crossplane\.io\//.test(JSON.stringify(input ?? null))) told.push(unread(step));
    }
  }
  return { composition: { ...composition, spec: { ...own, pipeline: steps } }, told };
}

/** What a function makes of text is known when it has made it. */
function unread(step: unknown): ConvertedComposition["told"][number] {
  const name = isRecord(step) ? textOf(step["step"]) : "";
  const message = "it writes objects by itself: translate what it renders, by crossplane render … | holdfast convert -f -";
  return { name, kind: "step", to: undefined, findings: [{ level: "HARD", field: "pipeline", message }] };
}

interface Around {
  readonly patchSets: unknown;
  readonly translate: (object: PeerRequest | PeerDisposable) => Promise<Translation>;
}

async function convertResource(
  resource: Fields,
  base: Fields,
  { patchSets, translate }: Around,
): Promise<{ readonly resource: Fields; readonly manifest: Manifest | undefined; readonly findings: readonly Finding[] }> {
  const findings = createFindings();
  const { patches = [], readinessChecks, connectionDetails, ...rest } = resource;
  // What is composed often has none of its own.
  const marked = markPatched({ ...base, metadata: base["metadata"] ?? {} }, expand(patches, patchSets), findings);
  const read = readPeerObject(marked.base);
  if (read.type === "invalid") for (const { message } of read.problems) findings.add("HARD", "base", message);
  if (read.type !== "object" || read.object.type === "config") return { resource, manifest: undefined, findings: findings.all() };
  const name = read.object.metadata.name ?? "composed";
  const translation = await translate({ ...read.object, metadata: { ...read.object.metadata, name } });
  for (const { level, field, message } of translation.findings)
    findings.add(level, withNames(field, marked.variables), withNames(message, marked.variables));
  findings.add("INFO", "composition", "Crossplane needs rights to these kinds: rbac.crossplane.create of the chart gives them");
  const { manifest } = translation;
  if (!manifest) return { resource, manifest, findings: findings.all() };

  if (connectionDetails !== undefined)
    findings.add("DROP", "connectionDetails", "they were empty; a Secret that outputs write can be read by its name");
  const made = place(manifest, marked.variables, findings);
  const records = marked.recordsBody && { record: "Body" };
  if (marked.recordsBody) {
    const without = manifest.spec["outputs"] === undefined ? "" : "; with outputs it is not recorded at all";
    findings.add("CHANGE", "status.response.body", `it is cut at 16 KiB, with secrets masked${without}`);
  }
  const { name: given, namespace, ...others } = manifest.metadata;
  const isPlaced = read.object.clusterScoped || read.object.metadata.namespace !== undefined;
  const metadata = { ...(isPlaced && { namespace }), ...others }; // else it is its composite's
  const ready = Array.isArray(readinessChecks) ? readinessChecks.filter((check) => isKnownCheck(check, findings)) : undefined;
  return {
    resource: {
      ...rest,
      base: {
        ...manifest,
        metadata: read.object.metadata.name === undefined ? metadata : { name: given, ...metadata },
        spec: { ...made.spec, ...records },
      },
      ...(made.patches.length + marked.patches.length > 0 && { patches: [...marked.patches, ...made.patches] }),
      ...(ready && ready.length > 0 && { readinessChecks: ready }),
    },
    manifest,
    findings: findings.all(),
  };
}

function expand(patches: unknown, patchSets: unknown): readonly Patch[] {
  const sets = (Array.isArray(patchSets) ? patchSets : []).filter(isRecord);
  return (Array.isArray(patches) ? patches : []).filter(isRecord).flatMap((patch) => {
    if (patch["type"] !== "PatchSet") return [patch];
    const set = sets.find(({ name }) => name === patch["patchSetName"]);
    return expand(set?.["patches"], []);
  });
}

function isKnownCheck(check: unknown, findings: Findings): boolean {
  const path = isRecord(check) ? check["fieldPath"] : undefined;
  const isKnown = path === undefined || path === "status.response.statusCode" || path === "status.response.body";
  if (!isKnown) findings.add("DROP", "readinessChecks", `${textOf(path)} is no field here; Ready tells`);
  return isKnown;
}

/** Puts the variables where their marks have come to stand. */
function place(
  manifest: Manifest,
  variables: readonly Variable[],
  findings: Findings,
): { readonly spec: Fields; readonly patches: readonly Patch[] } {
  const patches: Patch[] = [];
  const named = new Set<Variable>();
  const isResource = manifest.kind === "HTTPResource"; // the other has no parameters
  const whole = (value: unknown): Variable | undefined => variables.find(({ mark }) => mark === value);
  const use = (variable: Variable): string => {
    named.add(variable);
    return `${isResource ? ".parameters" : ".inputs"}.${variable.name}${variable.isJSON ? " | fromjson" : ""}`;
  };

  function leaf(value: unknown, path: AnswerPath): unknown {
    const variable = whole(value);
    if (variable && isPlain(path)) {
      patches.push({
        ...variable.from,
        toFieldPath: fieldText(["spec", ...path.map((key) => (typeof key === "string" ? withNames(key, variables) : key))]),
      });
      return variable.otherwise ?? "patched";
    }
    if (variable && typeof value === "number") return `\${ ${use(variable)} }`;
    if (typeof value !== "string" || !variables.some(({ mark }) => typeof mark === "string" && value.includes(mark)))
      return value;
    if (isTemplate(path)) return template(value, path);
    if (isPlain(path) || !value.startsWith(". as $h |")) {
      findings.add("HARD", fieldText(path), "a value of the composite comes to stand within it, where it cannot be patched");
      return value;
    }
    // Within a text of a program, where what is patched stays text.
    return variables.reduce(
      (all, one) =>
        typeof one.mark === "string" && all.includes(one.mark) ? all.replaceAll(one.mark, () => `\\($h${use(one)})`) : all,
      value,
    );
  }
  function template(text: string, path: AnswerPath): string {
    const parsed = parseTemplate(text);
    const parts: readonly Part[] = parsed.type === "template" ? parsed.parts : [];
    const only = wholeExpression(parts);
    const pieces = only === undefined ? parts.flatMap((part) => split(part)) : undefined;
    // A URL that is one expression is a text with marks in it.
    if (!pieces)
      return `\${ ${variables.reduce((all, one) => all.replaceAll(String(one.mark), () => `\\(${use(one)})`), only ?? "")} }`;
    return path.at(-1) === "url" ? `\${ ${stringOf(pieces)} }` : templateOf(pieces);
  }
  function split(part: Part): readonly Piece[] {
    if (part.type === "expression") return [part];
    return variables.reduce<readonly Piece[]>(
      (pieces, variable) =>
        pieces.flatMap((piece) =>
          piece.type === "text" && typeof variable.mark === "string" && piece.text.includes(variable.mark)
            ? interleave(piece.text.split(variable.mark), { type: "expression", text: use(variable) })
            : [piece],
        ),
      [part],
    );
  }
  function walk(value: unknown, path: AnswerPath): unknown {
    if (Array.isArray(value)) return value.map((item: unknown, index) => walk(item, [...path, index]));
    if (!isRecord(value)) return leaf(value, path);
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [withNames(key, variables), walk(item, [...path, key])]),
    );
  }

  const spec = mapTexts(walk(manifest.spec, []), (text) => withNames(text, variables)) as Fields;
  const holder = isResource ? "parameters" : "inputs";
  const before = spec[holder];
  const values: Record<string, unknown> = isRecord(before) ? { ...before } : {};
  for (const { name, from, otherwise } of named) {
    patches.push({ ...from, toFieldPath: `spec.${holder}.${name}${isResource ? "" : ".value"}` });
    if (otherwise !== undefined) put(values, [name], isResource ? otherwise : { value: otherwise });
  }
  return { spec: Object.keys(values).length > 0 ? { ...spec, [holder]: values } : spec, patches };
}

function interleave(texts: readonly string[], piece: Piece): readonly Piece[] {
  return texts.flatMap((text, index): readonly Piece[] => [
    ...(index === 0 ? [] : [piece]),
    ...(text === "" ? [] : [{ type: "text", text } as const]),
  ]);
}
/** What is taken as it stands. */
function isPlain(path: AnswerPath): boolean {
  const last = path.at(-1);
  return (
    path[0] === "parameters" ||
    (path.includes("secretKeyRef") && (last === "name" || last === "key")) ||
    (path[0] === "outputs" && path[2] === "secret")
  );
}
function isTemplate(path: AnswerPath): boolean {
  const last = path.at(-1);
  return last === "url" || (path.includes("headers") && last === "value") || path.includes("body");
}
