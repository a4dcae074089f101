/**
 * The worst that each limit of a schema allows: for every limited field one spec or more, with that field filled to its limit.
 * It follows from the schemas, so that a new field has its own by itself.
 */
import { httpResource } from "../../src/api/http-resource.ts";
import type { KindDefinition } from "../../src/api/kind-definition.ts";
import type { Schema, StringSchema } from "../../src/api/schema.ts";
import { validator } from "../../src/api/validate.ts";

export interface WorstInput {
  /** `HTTPRequest spec.headers[].value`. */
  readonly at: string;
  readonly spec: object;
}
export interface WorstInputs {
  readonly inputs: readonly WorstInput[];
  /** Limits for which no spec was found that the API server takes. */
  readonly missing: readonly string[];
}

/** An object that etcd takes, with its managed fields. */
const maxObjectBytes = 600_000;
/** Below that a field's text is hardly an attack by itself: one will do. */
const longText = 1_024;
const maxVariants = 2;

type Fill = (length: number, seed: number) => string;
const repeat = (piece: string, length: number): string => piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
const around = (start: string, piece: string, end: string): Fill => {
  return (length) => (length < start.length + end.length ? "" : start + repeat(piece, length - start.length - end.length) + end);
};
/** Fits of another length are cut to the whole pieces. */
const pieces =
  (piece: string): Fill =>
  (length) =>
    piece.repeat(Math.floor(length / piece.length));

/** From the worst to the most harmless; the first that a field takes are used. */
const fills: readonly Fill[] = [
  pieces("${ .inputs.a }"),
  around('error("string (" + (") and null (" * 10000)', ' + "("', ")"),
  around('"', "\\\\(", '"'),
  around("[range(1000000)] | length #", " (", ""),
  around("http://127.0.0.1:1/", "/", "x"),
  around("https://127.0.0.1:1/?", "a=%24&", ""),
  around("a", "..", "b"),
  (length) => repeat("(", length),
  (length) => repeat(" ", length),
  (length) => repeat("\u{10FFFF}", length - (length % 2)),
  (length) => repeat("A", length - (length % 4)),
  around("/", "/", "x"),
  around("a/b; ", " ", ";"),
  around("metadata.labels['", "a", "']"),
  (length, seed) => `${repeat("a", length - String(seed).length)}${seed}`,
  (length, seed) => `n${seed}`.slice(0, length),
  (_length, seed) => `${100 + seed}`,
];
const small: readonly string[] = [
  ".a",
  "/a",
  "1s",
  "2xx",
  "a",
  "a/b",
  "YQ==",
  "UTC",
  "Etc/GMT+12",
  "metadata.name",
  "Timeout",
  "0 0 * * *",
  "UTC",
  "http://127.0.0.1:1/",
  "1h",
  "GET",
  "PUT",
  "true",
  "10.0.0.0/8",
];

export function worstInputs({ kind, spec: schema }: KindDefinition, bases: readonly object[]): WorstInputs {
  const validate = validator(schema);
  const inputs: WorstInput[] = [];
  const missing: string[] = [];
  const seen = new Set<Schema>();
  for (const path of limitsOf(schema, [])) {
    // The same shape at another place, as each verb of an HTTPResource has it, is tried there once.
    const leaf = schemaAt(schema, path);
    const most = seen.has(leaf) ? 1 : maxVariants;
    seen.add(leaf);
    const at = `${kind} spec${path.map((step) => (step === "[]" ? "[]" : `.${step}`)).join("")}`;
    const found: string[] = [];
    const isNear = (base: object): boolean => (path[0] ?? "") in base;
    for (const base of [...bases.filter(isNear), ...bases.filter((one) => !isNear(one))]) {
      for (const value of valuesAt(schema, path, maxObjectBytes)) {
        const spec = merged(base, value);
        if (validate(spec).problems.length > 0) continue;
        const text = JSON.stringify(spec);
        if (text.length <= 2 * maxObjectBytes && !found.includes(text)) found.push(text);
        if (found.length >= most) break;
      }
      if (found.length > 0) break;
    }
    if (found.length === 0) missing.push(at);
    for (const text of found) inputs.push({ at, spec: JSON.parse(text) as object });
  }
  return { inputs, missing };
}

function schemaAt(schema: Schema, path: readonly string[]): Schema {
  const [step, ...rest] = path;
  if (step === undefined || !("type" in schema)) return schema;
  if (schema.type === "array") return schemaAt(schema.items, rest);
  if (schema.type !== "object") return schema;
  return schemaAt("properties" in schema ? (schema.properties[step] as Schema) : schema.additionalProperties, rest);
}

function limitsOf(schema: Schema, path: readonly string[]): readonly (readonly string[])[] {
  if (schema.type === undefined) return [path];
  switch (schema.type) {
    case "string":
      return schema.maxLength === undefined ? [] : [path];
    case "array":
      return [path, ...limitsOf(schema.items, [...path, "[]"])];
    case "object":
      if ("properties" in schema)
        return Object.entries(schema.properties).flatMap(([name, field]) => limitsOf(field, [...path, name]));
      return [path, ...limitsOf(schema.additionalProperties, [...path, "*"])];
    case "integer":
    case "boolean":
      return [];
  }
}

/** Values that lead along `path` to a field that is full, and hold what is required on the way. */
function* valuesAt(schema: Schema, path: readonly string[], bytes: number): Generator {
  const [step, ...rest] = path;
  if (step === undefined) return yield* full(schema, bytes, 0);
  if (schema.type === "array") for (const value of valuesAt(schema.items, rest, bytes)) yield [value];
  else if (schema.type === "object" && !("properties" in schema))
    for (const value of valuesAt(schema.additionalProperties, rest, bytes)) yield { a: value };
  else if (schema.type === "object")
    for (const value of valuesAt(schema.properties[step] as Schema, rest, bytes))
      yield { ...(least(schema, 0) as object), [step]: value };
}

/** What fills a field to its limit, as far as `bytes` go. */
function* full(schema: Schema, bytes: number, seed: number): Generator {
  if (schema.type === undefined) {
    yield repeat("${ .inputs.a }", bytes - (bytes % 14));
    yield Array.from({ length: 9_000 }, () => "${ .inputs.a }");
    yield Array.from({ length: bytes / 4 }, () => ({}));
    yield Array.from({ length: 9_000 }, () => 1_234_567_890_123_456);
    yield JSON.parse("[".repeat(500) + "]".repeat(500));
    return;
  }
  switch (schema.type) {
    case "string":
      return yield* texts(schema, bytes, seed);
    case "array": {
      const each = [...variants(schema.items, bytes / schema.maxItems)];
      for (const make of each) yield Array.from({ length: schema.maxItems }, (_, index) => make(index));
      return;
    }
    case "object": {
      if ("properties" in schema) return yield least(schema, seed);
      const each = [...variants(schema.additionalProperties, bytes / schema.maxProperties)];
      for (const make of each)
        yield Object.fromEntries(Array.from({ length: schema.maxProperties }, (_, index) => [`k${index}`, make(index)]));
      return;
    }
    case "integer":
      return yield schema.maximum ?? 1;
    case "boolean":
      return yield true;
  }
}
/** An item with all of its texts full, one with what is required alone. */
function* variants(schema: Schema, bytes: number): Generator<(seed: number) => unknown> {
  if (schema.type === "string") {
    const { enum: options } = schema;
    if (options) yield (seed) => options[seed % options.length];
    for (const fill of options ? [] : fills) {
      const length = Math.min(schema.maxLength ?? 100, Math.floor(bytes));
      if (fits(schema, fill(length, 0))) yield (seed) => fill(length, seed);
    }
    return;
  }
  if (schema.type === "object" && "properties" in schema) {
    for (const [name, field] of Object.entries(schema.properties))
      for (const make of variants(field, bytes / 2)) yield (seed) => ({ ...(least(schema, seed) as object), [name]: make(seed) });
    yield (seed) => least(schema, seed);
    return;
  }
  yield (seed) => full(schema, bytes, seed).next().value as unknown;
}

function* texts(schema: StringSchema, bytes: number, seed: number): Generator<string> {
  const length = Math.min(schema.maxLength ?? 0, bytes);
  let count = 0;
  for (const fill of fills) {
    const text = fill(length, seed);
    if (!fits(schema, text)) continue;
    yield text;
    count += 1;
    if (length < longText && count > 0) return;
  }
  for (const text of small) if (count === 0 && fits(schema, text)) yield text;
}
function fits({ pattern, minLength = 0, maxLength = Infinity, enum: options }: StringSchema, text: string): boolean {
  const { length } = Array.from(text);
  if (length < Math.max(minLength, 1) || length > maxLength) return false;
  return options ? options.includes(text) : pattern === undefined || new RegExp(pattern, "u").test(text);
}

/** What is required, as short as can be. */
function least(schema: Schema, seed: number): unknown {
  if (schema.type === undefined) return 1;
  switch (schema.type) {
    case "string":
      if (schema.enum) return schema.enum[0];
      return [`n${seed}`, ...small].find((text) => fits(schema, text)) ?? "a";
    case "integer":
      return schema.minimum ?? 1;
    case "boolean":
      return true;
    case "array":
      return Array.from({ length: schema.minItems ?? 0 }, (_, index) => least(schema.items, index));
    case "object": {
      if (!("properties" in schema))
        return (schema.minProperties ?? 0) > 0 ? { a: least(schema.additionalProperties, seed) } : {};
      const { required = [], properties } = schema;
      return Object.fromEntries(required.map((name) => [name, least(properties[name] as Schema, seed)]));
    }
  }
}

function merged(base: unknown, over: unknown): unknown {
  if (Array.isArray(base) && Array.isArray(over))
    return over.map((one: unknown, index) => merged((base[index] ?? base[0]) as unknown, one));
  if (!isObject(base) || !isObject(over)) return over;
  const names = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries([...names].map((name) => [name, name in over ? merged(base[name], over[name]) : base[name]]));
}
function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Specs, some with each part that is only allowed, or required, with others, over which a full field is laid. */
export function bases(url: string): Readonly<Record<string, readonly object[]>> {
  const secretKeyRef = { name: "long", key: "a" };
  const tls = { certificate: { secretKeyRef }, key: { secretKeyRef } };
  const joined = { endpointRef: { kind: "HTTPEndpoint", name: "e" } };
  const output = { data: { k0: ".response.body.a" }, whenMissing: "Keep" };
  const secretOutput = { ...output, secret: { name: "made" } };
  const configMapOutput = { ...output, configMap: { name: "made" } };
  const multipart = { body: { multipart: [{ name: "a", value: "b" }] } };
  const inputs = { a: { value: "x" } };
  const bare = { url, method: "PUT" };
  const request = { ...bare, inputs };
  const create = { url };
  const resource = { create, externalID: ".response.body.id", inputs };
  const found = { items: ".response.body", match: "true", externalID: ".item.id" };
  /** Whatever of an HTTPResource says where a request goes. */
  const verbs = Object.entries(httpResource.spec.properties).flatMap(([name, field]) =>
    "properties" in field && "url" in field.properties ? [name] : [],
  );
  const auth = (one: object): object => ({ baseURL: url, auth: one });
  const oauth2 = { tokenURL: url, clientID: { value: "a" } };
  const file = { name: "a", filename: "f", contentType: "a/b", base64: "YQ==" };
  return {
    HTTPRequest: [
      request,
      bare,
      { ...joined, method: "PUT", inputs },
      { ...request, poll: { until: ".a" } },
      { ...request, ...multipart },
      { ...request, body: { multipart: [file] } },
      { ...request, tls },
      { ...request, schedule: { cron: "0 0 * * *" } },
      { ...request, schedule: { every: "1h" } },
      ...[secretOutput, configMapOutput].map((one) => ({ ...request, outputs: [one] })),
    ],
    HTTPResource: [
      resource,
      { ...joined, create: { path: "/a" }, externalID: ".response.body.id" },
      { ...resource, tls },
      { ...resource, observe: { url }, update: { url } },
      { ...resource, lookup: { url, items: ".response.body", match: "true", externalID: ".item.id" } },
      ...verbs.flatMap((verb) =>
        [{}, multipart, { body: { multipart: [file] } }].flatMap((body) =>
          [{ url }, { path: "/a" }].map((target) => ({
            ...resource,
            ...("path" in target && { ...joined, create: { path: "/a" } }),
            ...(verb !== "lookup" && { observe: target, delete: target }),
            [verb]: { ...target, ...body, ...(verb === "lookup" && found), ...("body" in body && { method: "PUT" }) },
          })),
        ),
      ),
      ...[secretOutput, configMapOutput].map((one) => ({ ...resource, outputs: [one] })),
    ],
    HTTPEndpoint: [
      { baseURL: url },
      auth({ basic: { username: { value: "a" }, password: { secretKeyRef } } }),
      auth({ oauth2: { ...oauth2, clientSecret: { secretKeyRef } } }),
      auth({ oauth2: { tokenURL: url, clientID: { secretKeyRef }, clientSecret: { secretKeyRef } } }),
      auth({ oauth2: { ...oauth2, privateKeyJWT: { key: { secretKeyRef } } } }),
      auth({ awsSigV4: { region: "r", service: "s", accessKeyID: { value: "a" }, secretAccessKey: { secretKeyRef } } }),
      { baseURL: url, tls },
    ],
  };
}
