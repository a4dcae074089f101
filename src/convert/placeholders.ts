/**
 * `{{ name:namespace:key }}`, by which the peer puts a key of a Secret into what it sends: here an input of the same value.
 *
 * Invariant: the text of a Secret is nowhere; only its name and key are.
 */
import type { Inputs } from "../api/request.ts";
import { jqString, splitAt, type Piece } from "./pieces.ts";

/** As the peer has it. Each part ends where a brace, colon or space begins, so that nothing is looked at twice. */
const placeholder = /\{\{\s*([^:{}\s]+):([^:{}\s]+):([^:{}\s]+)\s*\}\}/g;

export interface SecretPlace {
  readonly namespace: string;
  readonly name: string;
}
export interface SecretKey extends SecretPlace {
  readonly key: string;
}

/** Where Secrets of all namespaces can be reached. */
export interface Reach {
  readonly namespace: string;
  /** Another name for each Secret, so that a name says which namespace it is in. */
  readonly nameOf: (secret: SecretPlace) => string;
}

export interface InputNames {
  /** The text, with an expression in place of each placeholder. */
  pieces(text: string): readonly Piece[];
  /** A program in whose strings placeholders are interpolated from `$h.inputs`. */
  interpolate(program: string): string;
  /** Jq that yields a key of a Secret. */
  path(secret: SecretKey): string;
  /** Those that were named so far. */
  declared(): Inputs;
  /** The keys that those of these names read. */
  secrets(declared: object): readonly SecretKey[];
}

/** `nameOf`: what a Secret is called where the object is; its own name where not given. */
export function createInputNames(nameOf: (secret: SecretPlace) => string = ({ name }) => name): InputNames {
  const ids = new Map<string, string>();
  const used = new Map<string, SecretKey>();

  function idOf({ namespace, name, key }: SecretKey): string {
    const identity = JSON.stringify([namespace, name, key]);
    const known = ids.get(identity);
    if (known !== undefined) return known;
    const base = `${name}_${key}`.replaceAll(/[^A-Za-z0-9_-]/g, "_").replace(/^(?=[^A-Za-z_])/, "_");
    let id = base.slice(0, 63);
    if (used.size > mostInputs) return "more"; // which is told: they are more than can be declared
    for (let count = 2; used.has(id); count += 1) id = `${base.slice(0, 58)}_${count}`;
    ids.set(identity, id);
    used.set(id, { namespace, name, key });
    return id;
  }
  function path(secret: SecretKey): string {
    const id = idOf(secret);
    return id.includes("-") ? `.inputs["${id}"]` : `.inputs.${id}`;
  }
  return {
    path,
    pieces: (text) => splitAt(text, placeholder, (found) => ({ type: "expression", text: path(secretOf(found)) })),
    interpolate: (program) =>
      program.replace(placeholder, (...found: string[]) => `\\($h.inputs[${jqString(idOf(secretOf(found)))}])`),
    declared: () =>
      Object.fromEntries([...used].map(([id, secret]) => [id, { secretKeyRef: { name: nameOf(secret), key: secret.key } }])),
    secrets: (declared) => [...used].flatMap(([id, secret]) => (Object.hasOwn(declared, id) ? [secret] : [])),
  };
}

/** As many as an object may declare. */
const mostInputs = 64;

function secretOf([, name = "", namespace = "", key = ""]: readonly string[]): SecretKey {
  return { name, namespace, key };
}

export function placeholdersIn(text: string): readonly SecretKey[] {
  return [...text.matchAll(placeholder)].map(secretOf);
}

/** The text with this in place of each. */
export function withoutPlaceholders(text: string, instead: string): string {
  return text.replace(placeholder, () => instead);
}

/** All that a value says, one text after the other. */
export function textsOf(value: unknown): string {
  if (typeof value === "string") return `${value}\n`;
  return typeof value === "object" && value !== null ? Object.values(value).map(textsOf).join("") : "";
}
