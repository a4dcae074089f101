/** `holdfast get`: what a state file knows of objects, in kubectl's words; nothing is sent, and nothing written. */
import { stringify } from "yaml";
import { definitions } from "../api/definitions.ts";
import { apiVersion, group, type KindDefinition } from "../api/kind-definition.ts";
import type { GetSettings } from "../config.ts";
import type { Condition } from "../core/conditions.ts";
import { readState, type RememberedObject } from "../standalone/state-reader.ts";
import { ageText, tableLines } from "./table.ts";

export interface Asked {
  /** As kubectl takes it: `hres`, `httpresource`, `httpresources`, `all`; undefined: what sends requests. */
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
}

/** Returns the exit code: 1 where what is named is not there. Throws StateFileError. */
export function getObjects({ kind, name }: Asked, { data, namespace, output }: GetSettings): number {
  const kinds = findKinds(kind);
  if (!kinds) {
    const known = definitions.map((one) => one.plural).join(", ");
    process.stderr.write(`error: no kind ${JSON.stringify(kind)}: there are ${known}, and all\n`);
    return 2;
  }
  const { objects } = readState(data);
  const found = kinds.map((definition) => ({
    definition,
    objects: objects.filter(
      ({ resource, metadata }) =>
        resource === `${definition.plural}.${group}` &&
        (namespace === undefined || metadata.namespace === namespace) &&
        (name === undefined || metadata.name === name),
    ),
  }));
  const all = found.flatMap(({ definition, objects }) => objects.map((one) => shownObject(definition, one)));
  const missing = `${name === undefined ? "no objects" : `no object ${JSON.stringify(name)}`}${namespace === undefined ? "" : ` in namespace ${namespace}`}`;
  if (all.length === 0) process.stderr.write(`${missing} in ${data}\n`);
  else if (output === "json" || output === "yaml") print(all, output, name !== undefined);
  else printTables(found, output === "wide");
  return all.length === 0 && name !== undefined ? 1 : 0;
}

function findKinds(kind: string | undefined): readonly KindDefinition[] | undefined {
  const names = (one: KindDefinition): readonly string[] =>
    [one.kind.toLowerCase(), one.plural, one.shortName].flatMap((name) => [name, `${name}.${group}`]);
  if (kind === "all") return definitions;
  const wanted = kind?.toLowerCase();
  const found = definitions.filter((one) =>
    wanted === undefined ? ["HTTPRequest", "HTTPResource"].includes(one.kind) : names(one).includes(wanted),
  );
  return found.length > 0 ? found : undefined;
}

function shownObject({ kind }: KindDefinition, { metadata, status }: RememberedObject): object {
  const { namespace, ...rest } = metadata;
  return { apiVersion, kind, metadata: { ...rest, ...(namespace !== "" && { namespace }) }, ...(status && { status }) };
}

/** One object, or as kubectl has several: a List. */
export function print(objects: readonly object[], output: "json" | "yaml", single: boolean): void {
  const shown = single && objects.length === 1 ? objects[0] : { apiVersion: "v1", kind: "List", items: objects };
  process.stdout.write(output === "json" ? `${JSON.stringify(shown, null, 2)}\n` : stringify(shown, { lineWidth: 0 }));
}

interface KindObjects {
  readonly definition: KindDefinition;
  readonly objects: readonly RememberedObject[];
}
function printTables(found: readonly KindObjects[], wide: boolean): void {
  const tables = found.filter(({ objects }) => objects.length > 0).map((one) => tableOf(one, wide, new Date()));
  process.stdout.write(`${tables.map((lines) => lines.join("\n")).join("\n\n")}\n`);
}

/** kubectl's columns, but for those of the spec, which a state file does not hold. */
function tableOf({ definition, objects }: KindObjects, wide: boolean, now: Date): string[] {
  const columns = definition.columns.filter(({ jsonPath }) => jsonPath.startsWith(".status."));
  const namespaced = definition.scope === "Namespaced";
  const head = [
    ...(namespaced ? ["NAMESPACE"] : []),
    definition.kind.toUpperCase(),
    ...columns.map(({ name }) => name.toUpperCase()),
  ];
  const rows = objects.map((object) => [
    ...(namespaced ? [object.metadata.namespace] : []),
    object.metadata.name,
    ...columns.map(({ type, jsonPath }) => cell(valueAt(object.status, jsonPath), type, now)),
    ...(wide ? [messages(object)] : []),
  ]);
  return tableLines([[...head, ...(wide ? ["MESSAGE"] : [])], ...rows]);
}

/** What is said of it: of Ready, and of a difference that is there, or that the latest update has corrected. */
export function messages({ status }: Pick<RememberedObject, "status">): string {
  return conditionsOf(status)
    .flatMap(({ type, status, reason, message }) => {
      if (type === "Ready" || (type === "Drifted" && reason === "Corrected")) return [message];
      return type === "Drifted" && status === "True" ? [`${type}: ${message}`] : [];
    })
    .join("; ");
}

function cell(value: unknown, type: KindDefinition["columns"][number]["type"], now: Date): string {
  if (value === undefined) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return type === "date" ? ageText((now.getTime() - Date.parse(text)) / 1000) : text;
}

/** The two forms of path that columns have: fields, and one field of a condition. */
function valueAt(status: object | undefined, jsonPath: string): unknown {
  const [, type, field = ""] = /^\.status\.conditions\[\?\(@\.type=="(\w+)"\)\]\.(\w+)$/.exec(jsonPath) ?? [];
  if (type !== undefined) {
    const condition = conditionsOf(status).find((one) => one.type === type);
    return condition && (condition as unknown as Readonly<Record<string, unknown>>)[field];
  }
  const steps = jsonPath.split(".").slice(2);
  return steps.reduce<unknown>(
    (value, step) =>
      typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[step] : undefined,
    status,
  );
}

function conditionsOf(status: object | undefined): readonly Condition[] {
  const known: { readonly conditions?: readonly Condition[] } | undefined = status;
  return known?.conditions ?? [];
}
