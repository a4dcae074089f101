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
const repeat = (piece: string, length: number): string =>
  piece.repeat(Math.ceil(Math.max(length, 0) / piece.length)).slice(0, Math.max(length, 0));
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
  around("${ .signature }", "a", ""),
  (length) => `arn:aws:iam::1:role/${repeat("a", Math.min(length - 20, 600))}`,
  around("urn:", "a", ""),
  around("metadata.labels['", "a", "']"),
  (length, seed) => `${repeat("a", length - String(seed).length)}${seed}`,
  (length, seed) => `.${repeat("a", length - 1 - String(seed).length)}${seed}`,
  (length, seed) => `n${seed}`.slice(0, length),
  (_length, seed) => `${100 + seed}`,
  (_length, seed) => `${400 + seed}`,
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
    const near = bases.toSorted((a, b) => depthOf(path, b) - depthOf(path, a));
    const isTaken = (spec: unknown): boolean => validate(spec).problems.length === 0;
    const found = specTexts({ schema, path, bases: near, most }, isTaken);
    if (found.length === 0) missing.push(at);
    for (const text of found) inputs.push({ at, spec: JSON.parse(text) as object });
  }
  return { inputs, missing };
}

interface Looking {
  readonly schema: Schema;
  readonly path: readonly string[];
  readonly bases: readonly object[];
  readonly most: number;
}
/** Specs as JSON, of the first base that can be filled there: what is required on the way is the base's, or else as little as can be. */
function specTexts({ schema, path, bases, most }: Looking, isTaken: (spec: unknown) => boolean): readonly string[] {
  for (const isBare of [true, false])
    for (const base of bases) {
      const found: string[] = [];
      for (const value of valuesAt(schema, path, { bytes: maxObjectBytes, isBare })) {
        const spec = merged(base, value);
        if (!isTaken(spec)) continue;
        const text = JSON.stringify(spec);
        if (text.length <= 2 * maxObjectBytes && !found.includes(text)) found.push(text);
        if (found.length >= most) break;
      }
      if (found.length > 0) return found;
    }
  return [];
}

/** How far along `path` a base has something. */
function depthOf(path: readonly string[], base: unknown): number {
  const [step, ...rest] = path;
  if (step === undefined || typeof base !== "object" || base === null) return 0;
  const [next] = step === "[]" ? (base as readonly unknown[]) : [(base as Readonly<Record<string, unknown>>)[step]];
  return next === undefined ? 0 : 1 + depthOf(rest, next);
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

interface Filling {
  readonly bytes: number;
  /** Without what is required on the way. */
  readonly isBare: boolean;
}
/** Values that lead along `path` to a field that is full. */
function* valuesAt(schema: Schema, path: readonly string[], filling: Filling): Generator {
  const [step, ...rest] = path;
  if (step === undefined) return yield* full(schema, filling.bytes, 0);
  if (schema.type === "array") for (const value of valuesAt(schema.items, rest, filling)) yield [value];
  else if (schema.type === "object" && !("properties" in schema))
    for (const value of valuesAt(schema.additionalProperties, rest, filling)) yield { a: value };
  else if (schema.type === "object")
    for (const value of valuesAt(schema.properties[step] as Schema, rest, filling))
      yield Object.assign(filling.isBare ? {} : (least(schema, 0) as object), { [step]: value });
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
  const { length } = /[\ud800-\udfff]/.test(text) ? Array.from(text) : text;
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
  /** As long as the names of inputs may be. */
  const longNames = Object.fromEntries(
    Array.from({ length: 64 }, (_, index) => [`${"a".repeat(63 - String(index).length)}${index}`, { value: "x" }]),
  );
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
  const key = { secretKeyRef };
  const user = { username: { value: "a" }, password: key };
  const sign = { scheme: "HMAC", keys: [key], hmac: { headers: [{ name: "X-Signature", value: "${ .signature }" }] } };
  const login = (one: object): object =>
    auth({ login: { requests: [{ path: "/a" }], send: [{ header: "X-Token", value: "a" }], ...one } });
  const logins = [{ path: "/a" }, { url }].flatMap((target) =>
    [{}, multipart, { body: { multipart: [file] } }].flatMap((body) => [
      login({ requests: [{ ...target, method: "PUT", ...body }] }),
      login({ logout: { ...target, method: "PUT", ...body } }),
    ]),
  );
  const exchange = { subjectToken: key, subjectTokenType: "jwt" };
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
      { ...request, forEach: { items: [1, 2] } },
      { ...request, rerunOn: { inputs: ["a"] } },
      { ...bare, inputs: longNames, rerunOn: { inputs: ["*"] } },
      { ...request, sign },
      { ...request, schedule: { at: "2030-01-01T00:00:00Z" } },
      { ...request, trigger: { name: "a", when: ["Failed"] } },
      ...[{ matchLabels: { a: "b" } }, { matchExpressions: [{ key: "a", operator: "Exists" }] }].map((selector) => ({
        ...request,
        trigger: { selector, when: ["Failed"] },
      })),
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
      { baseURL: url, sign },
      ...logins,
      ...["url", "path"].map((target) =>
        login({ inputs: { a: { value: "x" } }, requests: [{ [target]: target === "url" ? url : "/a" }] }),
      ),
      ...[{ query: "a", value: "a" }, { cookie: "a" }].map((sent) => login({ send: [sent] })),
      login({ inputs: { a: { jwt: { key, issuer: "a" } } } }),
      auth({ digest: user }),
      auth({ registry: { tokenURL: url, ...user } }),
      auth({ registry: { tokenURL: url, username: key, password: key } }),
      auth({ registry: { tokenURL: url } }),
      auth({
        awsSigV4: {
          region: "r",
          service: "s",
          webIdentity: { roleARN: "arn:aws:iam::1:role/a", serviceAccountName: "a" },
        },
      }),
      auth({ awsSigV4: { region: "r", service: "s", accessKeyID: key, secretAccessKey: key } }),
      ...[{}, { clientSecret: key }].map((client) => auth({ oauth2: { ...oauth2, ...client, password: user } })),
      auth({ oauth2: { ...oauth2, refreshToken: key } }),
      auth({ oauth2: { ...oauth2, clientSecret: key, parameters: [{ name: "a", value: "b" }] } }),
      auth({ oauth2: { tokenURL: url, jwtBearer: { assertion: { jwt: { key } } } } }),
      ...[{}, { ...oauth2, clientSecret: key }].map((client) =>
        auth({ oauth2: { tokenURL: url, ...client, tokenExchange: exchange } }),
      ),
      auth({ oauth2: { tokenURL: url, clientAssertion: { jwt: { key } } } }),
    ],
  };
}
