/**
 * Sources, resolved: the one place where a secret's value becomes text.
 *
 * What this file throws names the field, the object and the key, and never a value.
 */
import type { Scope } from "../../core/evaluation.ts";
import { mayRead, readsInput } from "../../core/expression-reads.ts";
import type { ByteSource } from "../../core/request-template.ts";
import { redact } from "../../core/redacted.ts";
import type { Source } from "../../core/source.ts";
import type { Read } from "../../core/ports.ts";
import { refuseForNow } from "../refusal.ts";

interface Input {
  readonly value: unknown;
  readonly secret: boolean;
}
export type Inputs = ReadonlyMap<string, Input>;

const none: Inputs = new Map();

/** Rejects with a `RefusedError`. */
export function resolveInputs(sources: Readonly<Record<string, Source>>, read: Read): Inputs | Promise<Inputs> {
  return Object.keys(sources).length === 0 ? none : resolveAll(sources, read);
}
async function resolveAll(sources: Readonly<Record<string, Source>>, read: Read): Promise<Inputs> {
  const entries = Object.entries(sources).map(async ([name, source]) => {
    const input = await resolve(source, read);
    if (source.type === "secret" && typeof input.value === "string" && input.value.trim() === "")
      refuseForNow("InvalidCredential", `${whatOf(source)} is empty, and an empty credential is never sent`);
    return [name, input] as const;
  });
  return new Map(await Promise.all(entries));
}

/** The text of a source that must be text, such as PEM. Throws `RefusedError`. */
export async function resolveText(source: Source | undefined, read: Read): Promise<string | undefined> {
  const input = source && (await resolve(source, read));
  return typeof input?.value === "string" ? input.value : undefined;
}

async function resolve(source: Source, read: Read): Promise<Input> {
  if (source.type === "literal") return { value: source.value, secret: false };
  return { value: decodeText(await resolveBytes(source, read), whatOf(source)), secret: source.type === "secret" };
}

type KeptElsewhere = Extract<ByteSource, { type: "secret" | "configMap" }>;

function objectOf({ type, name }: KeptElsewhere): string {
  return `${type === "secret" ? "Secret" : "ConfigMap"} "${name}"`;
}

function whatOf(source: KeptElsewhere): string {
  return `${source.field}: key "${source.key}" of ${objectOf(source)}`;
}

/** What a Secret or ConfigMap holds under a key, as it is. Throws `RefusedError`. */
export async function resolveBytes(source: KeptElsewhere, read: Read): Promise<Uint8Array> {
  const secret = source.type === "secret";
  const kind = secret ? "Secret" : "ConfigMap";
  const object = objectOf(source);
  const result = await read(kind, source.name, source.namespace);
  if (result.type === "absent")
    refuseForNow(secret ? "SecretNotFound" : "ConfigMapNotFound", `${source.field}: there is no ${object}`);
  if (result.type === "tooMuch")
    refuseForNow(
      "InvalidRequest",
      `${source.field}: with ${object}, the Secrets and ConfigMaps that are referred to are longer than ${result.limitBytes} bytes together`,
    );
  if (result.type === "forbidden") {
    const remedy = result.grant === undefined ? "grant it get on it" : `to allow it: ${result.grant}`;
    refuseForNow(
      "ReferenceForbidden",
      `${source.field}: ${result.who ?? "Holdfast"} is not allowed to read ${object}; ${remedy}`,
    );
  }
  const { data } = result.resource;
  const bytes = Object.hasOwn(data, source.key) ? data[source.key] : undefined;
  return bytes ?? refuseForNow("KeyNotFound", `${source.field}: ${object} has no key "${source.key}"`);
}

function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuseForNow("InvalidRequest", `${what} is not UTF-8 text`); // the error itself says no more
  }
}

/** Whether what is wrong with it can be mended in a Secret or ConfigMap. */
export function isKeptElsewhere(source: Source | undefined): boolean {
  return source !== undefined && source.type !== "literal";
}

/**
 * Whether an expression reads an input that a Secret or ConfigMap holds, an item that may have been made of one, or a label or
 * annotation: what is changed without a change of the spec.
 */
export function readsElsewhere({ inputs, item }: Scope): (expression: string) => boolean {
  const names = new Set(Object.keys(inputs).filter((name) => isKeptElsewhere(inputs[name])));
  const fixed = ["metadata.name", "metadata.namespace", "metadata.uid"];
  return (expression) =>
    mayRead(
      expression,
      (path) =>
        (path.startsWith("metadata") && !fixed.includes(path)) ||
        (names.size > 0 && item?.derived === true && path.startsWith("item")) ||
        readsInput(path, names),
    );
}

/** Whether what an expression yields may have been made of a secret: an item that an expression made may hold any. */
export function readsSecret({ item }: Scope, inputs: Inputs): (expression: string) => boolean {
  const names = new Set([...inputs].flatMap(([name, { secret }]) => (secret ? [name] : [])));
  if (names.size === 0) return () => false;
  return (expression) =>
    mayRead(expression, (path) => (item?.derived === true && path.startsWith("item")) || readsInput(path, names));
}
/** The values that must never be shown. */
export function secretValues(inputs: Inputs): string[] {
  if (inputs.size === 0) return [];
  return [...inputs.values()].flatMap(({ value, secret }) => (secret && typeof value === "string" ? [value] : []));
}

/** The same inputs with three asterisks in place of each secret. */
export function maskInputs(inputs: Inputs): Inputs {
  return new Map([...inputs].map(([name, input]) => [name, input.secret ? { value: "***", secret: true } : input]));
}

/** An item that an expression made may hold whatever secret that saw. */
export function maskedScope(scope: Scope, inputs: Inputs): Scope {
  const { item } = scope;
  return item?.derived && secretValues(inputs).length > 0 ? { ...scope, item: { ...item, json: redact('"***"') } } : scope;
}
