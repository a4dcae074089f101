/**
 * What is written as one would by hand, where that sends the same: JSON as values, and what create and update both send as
 * parameters.
 */
import { isWithin } from "../core/object-size.ts";
import { isRecord, parseJSON, sameJSON } from "../core/tools/json.ts";
import { mapTexts } from "./examine.ts";
import type { Findings } from "./findings.ts";
import { templateOf } from "./pieces.ts";
import { placeholdersIn, textsOf, type InputNames } from "./placeholders.ts";
import { isDeep } from "./root.ts";
import type { Manifest } from "./translation.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A manifest that sends the same. */
export function writeByHand(manifest: Manifest, findings: Findings): Manifest {
  if (manifest.kind === "HTTPRequest")
    return { ...manifest, spec: withoutType(manifest.spec, manifest.spec["method"], "", findings) };
  const { spec } = manifest;
  const [observe, remove] = [spec["observe"], spec["delete"]];
  return {
    ...manifest,
    spec: {
      ...withParameters(spec),
      ...(isRecord(observe) && { observe: withoutType(observe, observe["method"] ?? "GET", "observe.", findings) }),
      ...(isRecord(remove) && { delete: withoutType(remove, remove["method"] ?? "DELETE", "delete.", findings) }),
    },
  };
}

/** Values that no expression has a part in, and that both send. */
function withParameters(spec: Fields): Fields {
  const { create, update } = spec;
  if (!isRecord(create) || !isRecord(update) || spec["parameters"] !== undefined) return spec;
  const [json, other] = [jsonOf(create), jsonOf(update)];
  if (!isRecord(json) || !sameOrder(json, other) || textsOf(json).includes("${") || hasExponent(json)) return spec;
  const body = { json: "${ .parameters }" };
  // At the beginning, where one looks for what an object is about.
  return { parameters: json, ...spec, create: { ...create, body }, update: { ...update, body } };
}
function jsonOf({ body }: Fields): unknown {
  return isRecord(body) ? body["json"] : undefined;
}
/** Jq, through which parameters go, writes such a number in another way. */
function hasExponent(value: unknown): boolean {
  if (typeof value === "number") return String(value).includes("e");
  return typeof value === "object" && value !== null && Object.values(value).some(hasExponent);
}
/** Written alike, and so sent alike. */
function sameOrder(one: unknown, other: unknown): boolean {
  return sameJSON(one, other) && JSON.stringify(one) === JSON.stringify(other);
}

/** A Content-Type says nothing of a request without content. */
function withoutType(request: Fields, method: unknown, field: string, findings: Findings): Fields {
  const { headers = [], ...others } = request as { readonly headers?: readonly { readonly name: string }[] };
  const kept = headers.filter(({ name }) => name.toLowerCase() !== "content-type");
  const isBare = request["body"] === undefined && ["GET", "HEAD", "DELETE"].includes(String(method));
  if (!isBare || kept.length === headers.length) return request;
  findings.add("INFO", `${field}headers`, "Content-Type is left out: there is no content");
  const rest = Object.entries(others);
  const at = Object.keys(request).indexOf("headers");
  return Object.fromEntries(kept.length === 0 ? rest : rest.toSpliced(at, 0, ["headers", kept]));
}

/**
 * The value of a body that is JSON, with expressions in place of placeholders. Undefined: it is none, or what would be sent for it
 * would differ in more than white space and the order of fields.
 */
export function jsonBody(text: string, inputs: Pick<InputNames, "pieces">, findings: Findings): unknown {
  const value = isDeep(text) ? undefined : valueIn(text);
  if (value === undefined || !isWithin(value, mostInBody) || !isKept(value)) return undefined;
  const bare = text.replaceAll(stringOrSpace, (found) => (found.startsWith('"') ? found : ""));
  if (JSON.stringify(value) !== bare) return undefined;
  const placed = placeholdersIn(textsOf(value)).length;
  if (placed !== placeholdersIn(text).length) return undefined; // one is within a name
  if (bare !== text) findings.add("INFO", "body", "it is sent without the white space between its values");
  if (!isSorted(value)) findings.add("INFO", "body", "the API server puts its fields in the order of their names");
  if (placed > 0)
    findings.add(
      "CHANGE",
      "body",
      "a quote or backslash in a Secret's value is escaped here; there it stood in the JSON as it was",
    );
  return mapTexts(value, (part) => templateOf(inputs.pieces(part)));
}
/** A spec may hold more values, but not so many more. */
const mostInBody = { values: 9_000, characters: Infinity };

/** Whether an API server keeps it as it is: integers of more than 64 bits become floats, and half a surrogate pair U+FFFD. */
function isKept(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  if (!Array.isArray(value) && !isRecord(value)) return isInt64(BigInt(JSON.stringify(value) ?? "0"));
  return Object.entries(value).every(([key, item]) => key.isWellFormed() && isKept(item));
}
function isInt64(integer: bigint): boolean {
  return BigInt.asIntN(64, integer) === integer;
}
function isSorted(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  const keys = Array.isArray(value) ? [] : Object.keys(value);
  return keys.every((key, index) => index === 0 || (keys[index - 1] ?? "") < key) && Object.values(value).every(isSorted);
}
const stringOrSpace = /"[^"\\]*(?:\\[^][^"\\]*)*"|[ \t\n\r]+/g;

/** Undefined: it is neither an object nor a list. */
function valueIn(text: string): unknown {
  try {
    const value = parseJSON(text);
    return isRecord(value) || Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
