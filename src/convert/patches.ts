/**
 * What a Composition patches into an object of the peer, and where that has come to stand in what the object becomes.
 *
 * Each value of the composite has a mark in its place while the object is translated. Where the mark comes out, the value belongs:
 * as a parameter, which is never looked at for expressions, whatever a claim says.
 */
import { isRecord } from "../core/tools/json.ts";
import { put, type AnswerPath } from "./examine.ts";
import type { Findings } from "./findings.ts";

export type Patch = Readonly<Record<string, unknown>>;

/** A value of the composite that a patch brings in. */
export interface Variable {
  /** As expressions name it: `.parameters.NAME`, or `.inputs.NAME` of an HTTPRequest. */
  readonly name: string;
  /** What stands for it: a number, where it stands bare in JSON. */
  readonly mark: string | number;
  /** Whether it is a text that holds JSON, and stands for that. */
  readonly isJSON: boolean;
  /** The patch, but for where it leads to. */
  readonly from: Patch;
  /** What the object has where nothing is patched. */
  readonly otherwise: unknown;
}

export interface Patched {
  /** The object with marks in it. */
  readonly base: unknown;
  readonly variables: readonly Variable[];
  /** Those that stay, as they are or for another field. */
  readonly patches: readonly Patch[];
  /** Whether a composite wants the body of an answer. */
  readonly recordsBody: boolean;
}

/** `spec.forProvider.headers.X[0]`, `metadata.annotations["a.b/c"]`. */
function fieldPath(text: string): AnswerPath {
  const steps = text.matchAll(/([^.[\]]+)|\[(\d{1,9})\]|\["?([^[\]"]{1,256})"?\]/g);
  return [...steps].map(([, word, index, quoted]) => (index === undefined ? (word ?? quoted ?? "") : Number(index)));
}

/** Fields that are no templates, and are as they were. */
const sameField: Readonly<Record<string, string>> = {
  "spec.deletionPolicy": "spec.deletionPolicy",
  "spec.forProvider.method": "spec.method",
  "spec.forProvider.waitTimeout": "spec.timeout",
  "spec.forProvider.insecureSkipTLSVerify": "spec.tls.insecureSkipVerify",
  "spec.forProvider.nextReconcile": "spec.schedule.every",
};
/** What a composite may take of the outcome. */
const sameStatus: readonly string[] = ["status.response.body", "status.response.statusCode", "status.conditions"];

export function markPatched(base: unknown, patches: readonly Patch[], findings: Findings): Patched {
  const marked: unknown = structuredClone(base);
  const variables: Variable[] = [];
  const kept: Patch[] = [];
  let recordsBody = false;
  if (!isRecord(marked)) return { base: marked, variables, patches: kept, recordsBody };
  const nameOf = (path: string): string => {
    const last = path.split(/[.[\]"]/).findLast((word) => /^[A-Za-z_]\w*$/.test(word)) ?? "value";
    const taken = (name: string): boolean => variables.some((one) => one.name === name) || name === "payload";
    for (let count = 1; ; count += 1)
      if (!taken(count === 1 ? last : `${last}${count}`)) return count === 1 ? last : `${last}${count}`;
  };
  const add = (from: Patch, form: Form, otherwise: unknown): Variable => {
    const text = `zq${variables.length}zq`;
    const name = nameOf(String(from["fromFieldPath"]));
    const mark = { text, url: `http://${text}`, value: bareMark + variables.length, json: bareMark + variables.length }[form];
    const variable = { name, mark, from, otherwise, isJSON: form === "json" };
    variables.push(variable);
    return variable;
  };

  for (const patch of patches) {
    const { type = "FromCompositeFieldPath", fromFieldPath = "", toFieldPath = fromFieldPath, ...rest } = patch;
    const [from, to] = [String(fromFieldPath), String(toFieldPath)];
    const isBack = String(type).startsWith("To") || type === "CombineToComposite";
    if (isBack) {
      if (!sameStatus.some((field) => from.startsWith(field))) {
        findings.add("HARD", from, "a composite takes it, and there is nothing like it here");
        continue;
      }
      recordsBody ||= from.startsWith("status.response.body");
      kept.push(patch);
      continue;
    }
    if (to.startsWith("metadata.")) kept.push(patch);
    else if (sameField[to] !== undefined) kept.push({ ...patch, toFieldPath: sameField[to] });
    else if (!to.startsWith("spec.forProvider.")) findings.add("HARD", to, "what becomes of it when it is patched is not known");
    else if (String(type).startsWith("Combine")) markCombined(marked, patch, { to, add, findings });
    else {
      const path = fieldPath(to);
      const form = /(^|\.)(url|baseUrl)$/.test(to) ? "url" : "text";
      put(marked, path, add({ type, fromFieldPath: from, ...rest }, form, valueAt(base, path)).mark);
    }
  }
  return { base: marked, variables, patches: kept, recordsBody };
}

/** `json`: a text that holds JSON. */
type Form = "text" | "url" | "value" | "json";
const bareMark = 7_130_000_000_000;

interface Marking {
  readonly to: string;
  readonly add: (from: Patch, form: Form, otherwise: unknown) => Variable;
  readonly findings: Findings;
}

/** Texts that are put together here come apart: each of their values is patched by itself, and keeps its type. */
function markCombined(marked: object, patch: Patch, { to, add, findings }: Marking): void {
  const { combine, type, policy } = patch;
  const { variables: all, string: format } = isRecord(combine) ? combine : {};
  const fmt = isRecord(format) ? textOf(format["fmt"]) : "";
  const from = (Array.isArray(all) ? all : []).map((one: unknown) => (isRecord(one) ? textOf(one["fromFieldPath"]) : ""));
  const verbs = [...fmt.matchAll(/%%|%[a-z]/g)].filter(([verb]) => verb !== "%%");
  if (verbs.length !== from.length || !verbs.every(([verb]) => /^%[sdv]$/.test(verb))) {
    findings.add("HARD", to, "how its parts are put together cannot be followed");
    return;
  }
  const isJSON = to.endsWith(".body") && /^\s{0,64}\{/.test(fmt);
  const kind = type === "CombineFromEnvironment" ? "FromEnvironmentFieldPath" : "FromCompositeFieldPath";
  const marks = from.map((fromFieldPath, index) => {
    const at = verbs[index]?.index ?? 0;
    const form = !isJSON || isWithinText(fmt, at) ? "text" : fmt.startsWith("%s", at) ? "json" : "value";
    return add({ type: kind, fromFieldPath, ...(isRecord(policy) && { policy }) }, form, undefined).mark;
  });
  let next = 0;
  put(
    marked,
    fieldPath(to),
    fmt.replaceAll(/%%|%[sdv]/g, (verb) => (verb === "%%" ? "%" : String(marks[next++] ?? ""))),
  );
}

/** Whether it stands between the quotes of JSON. */
function isWithinText(json: string, at: number): boolean {
  let within = false;
  for (let index = 0; index < at; index += 1)
    if (within && json[index] === "\\") index += 1;
    else if (json[index] === '"') within = !within;
  return within;
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
function valueAt(root: unknown, path: AnswerPath): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      isRecord(value) ? value[key] : Array.isArray(value) ? (value as readonly unknown[])[Number(key)] : undefined,
    root,
  );
}

/** Text with the variables' names in place of what stood for them. */
export function withNames(text: string, variables: readonly Variable[]): string {
  return variables.reduce((all, { mark, name }) => all.replaceAll(String(mark).replace("http://", ""), name), text);
}

/** A path as patches have it. */
export function fieldText(path: AnswerPath): string {
  return path
    .map((key) =>
      typeof key === "string" && !/^[\w-]+$/.test(key) ? `[${key}]` : typeof key === "number" ? `[${key}]` : `.${key}`,
    )
    .join("")
    .replace(/^\./, "");
}
