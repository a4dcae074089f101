/** One object of a manifest: which kind it is, whether it is right, and what it declares. */
import { apiVersion as ourVersion, group } from "../api/kind-definition.ts";
import { isFields, jsonType } from "../api/json-type.ts";
import { problem, type Path, type Problem } from "../api/problem.ts";
import type { Validate } from "../api/validate.ts";
import { configMapType, namespaceType, secretType, type ResourceKey, type ResourceType } from "../core/resource.ts";
import { kindReaders, validateConfigMap, validateNamespace, validateSecret } from "./object-schemas.ts";

export interface Declared {
  readonly type: ResourceType;
  readonly key: ResourceKey;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
export interface ManifestObject extends Declared {
  /** Valid, with all defaults. */
  readonly spec: unknown;
  /** What was named and holds its manifest, where that is followed. */
  readonly source?: string;
}
export interface ManifestData extends Declared {
  readonly data: Readonly<Record<string, Uint8Array>>;
}

/** `at`: where the object, or what is wrong in it, stands in its document. */
type ReadObject =
  | { readonly type: "object"; readonly at: Path; readonly object: ManifestObject }
  | { readonly type: "data"; readonly at: Path; readonly data: ManifestData }
  | { readonly type: "namespace"; readonly at: Path; readonly namespace: Declared }
  /** `message` begins with the field. */
  | { readonly type: "problem" | "ignored"; readonly at: Path; readonly message: string };

/** A `List` is read as the objects in it. */
export function readObject(value: unknown, at: Path = []): readonly ReadObject[] {
  if (!isFields(value)) return [wrong(at, `must be an object with apiVersion and kind, not ${jsonType(value)}`)];
  const { apiVersion, kind } = value;
  if (typeof apiVersion !== "string") return [wrong([...at, "apiVersion"], "Required value: for example holdfast.dev/v1alpha1")];
  if (typeof kind !== "string") return [wrong([...at, "kind"], "Required value: for example HTTPRequest")];
  if (apiVersion.startsWith(`${group}/`) || apiVersion === group || kindReaders.has(kind))
    return ownObject(value, apiVersion, kind, at);
  switch (apiVersion === "v1" ? kind : "") {
    case "List":
      if (!Array.isArray(value["items"])) return [wrong([...at, "items"], "Required value: a list of objects")];
      return value["items"].flatMap((item, index) => readObject(item, [...at, "items", index]));
    case "Secret":
      return dataObject(secretType, validateSecret, value, at);
    case "ConfigMap":
      return dataObject(configMapType, validateConfigMap, value, at);
    case "Namespace":
      return namespaceObject(value, at);
    default:
      return [
        {
          type: "ignored",
          at,
          message: `${apiVersion} ${kind} is ignored: it is neither of ${group}, nor a Secret or ConfigMap`,
        },
      ];
  }
}

function ownObject(value: unknown, apiVersion: string, kind: string, at: Path): readonly ReadObject[] {
  if (apiVersion !== ourVersion) return [wrong([...at, "apiVersion"], `Unsupported value: must be ${ourVersion}`)];
  const reader = kindReaders.get(kind);
  if (!reader)
    return [wrong([...at, "kind"], `Unsupported value: the kinds of ${group} are ${[...kindReaders.keys()].join(", ")}`)];
  const checked = reader.validate(value, at);
  if (checked.problems.length > 0) return checked.problems.map(tellProblem);
  const { metadata, spec } = checked.value as { readonly metadata: ValidMetadata; readonly spec: unknown };
  const namespace = reader.namespaced ? metadata.namespace : "";
  return [{ type: "object", at, object: { ...declare(reader.type, { ...metadata, namespace }), spec } }];
}

interface ValidMetadata extends ResourceKey {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
function declare(type: ResourceType, { namespace, name, labels, annotations }: ValidMetadata): Declared {
  return { type, key: { namespace, name }, ...(labels && { labels }), ...(annotations && { annotations }) };
}

function namespaceObject(value: unknown, at: Path): readonly ReadObject[] {
  const checked = validateNamespace(value, at);
  if (checked.problems.length > 0) return checked.problems.map(tellProblem);
  const { metadata } = checked.value as { readonly metadata: ValidMetadata };
  return [{ type: "namespace", at, namespace: declare(namespaceType, { ...metadata, namespace: "" }) }];
}

type Texts = Readonly<Record<string, string>>;

/** The limit of the API server, for all values of an object together. */
const maxDataBytes = 1024 * 1024;

function dataObject(type: ResourceType, validate: Validate, value: unknown, at: Path): readonly ReadObject[] {
  const checked = validate(value, at);
  const problems = [...checked.problems];
  if (problems.length > 0) return problems.map(tellProblem);
  const object = checked.value as { readonly metadata: ValidMetadata } & Readonly<
    Record<"data" | "stringData" | "binaryData", Texts>
  >;
  const isSecret = type === secretType;
  const encodedField = isSecret ? "data" : "binaryData";
  const text = Object.entries((isSecret ? object.stringData : object.data) ?? {});
  const encoded = Object.entries(object[encodedField] ?? {});
  const data = Object.create(null) as Record<string, Uint8Array>;
  for (const [key, value] of encoded) {
    const bytes = decodeBase64(value);
    if (bytes) data[key] = bytes;
    else
      problems.push(
        problem(
          [...at, encodedField, key],
          "Invalid value: must be base64" + (isSecret ? "; plain text belongs in stringData" : ""),
        ),
      );
  }
  // stringData goes over data, as on the API server.
  for (const [key, value] of text) data[key] = Buffer.from(value);
  const sizeBytes = Object.values(data).reduce((sum, { length }) => sum + length, 0);
  if (sizeBytes > maxDataBytes) problems.push(problem([...at, "data"], `Too long: may not be more than ${maxDataBytes} bytes`));
  if (problems.length > 0) return problems.map(tellProblem);
  return [{ type: "data", at, data: { ...declare(type, object.metadata), data } }];
}

/** `undefined` for what Go's encoding/base64 would refuse; line breaks are not counted. */
function decodeBase64(text: string): Uint8Array | undefined {
  const joined = text.replaceAll(/[\r\n]/g, "");
  const bytes = Buffer.from(joined, "base64");
  return bytes.toString("base64") === joined ? bytes : undefined;
}

function wrong(at: Path, message: string): ReadObject {
  return tellProblem(problem(at, message));
}
function tellProblem({ at, path, message }: Problem): ReadObject {
  return { type: "problem", at, message: path === "" ? message : `${path}: ${message}` };
}
