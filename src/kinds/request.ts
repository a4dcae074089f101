/** From what a spec declares to an exchange: an endpoint's settings and a request's own, merged. Pure. */
import type { HTTPRequestSpec } from "../api/http-request.ts";
import type { Expectation, Inputs, RequestShape } from "../api/request.ts";
import type { Attempt } from "../core/delivery.ts";
import { digest } from "../core/digest.ts";
import { durationMs } from "../core/duration.ts";
import type { Exchange, Located, Refusal, RequestTemplate, Response, Scope, Source, TlsSources } from "../core/exchange.ts";
import type { Metadata } from "../core/resource.ts";
import { bodyTemplate } from "./body.ts";
import { declaredOutputs, outputExpressions } from "./outputs.ts";
import type { HTTPEndpoint, HTTPRequest } from "./types.ts";

const defaultTimeoutMs = 30_000;
const idempotentMethods: readonly string[] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"];

/** RFC 9110, section 9.2.2. */
export function isIdempotent(method: string): boolean {
  return idempotentMethods.includes(method);
}

/** A POST that is redirected has been answered: following is for methods that only ask. */
function defaultMaxRedirects(method: string): number {
  return method === "GET" || method === "HEAD" ? 5 : 0;
}

/** An HTTPRequest's one request. `attempt`: that it is sent for. */
export function declaredRequest(
  { spec, metadata }: Pick<HTTPRequest, "spec" | "metadata">,
  attempt: Attempt,
  known?: DeclaredRequest["known"],
): DeclaredRequest {
  return {
    shape: spec,
    field: "spec",
    shared: spec,
    metadata,
    now: attempt.startedAt,
    attemptId: attempt.id,
    compile: [...expectedThat(spec.expect, "spec.expect"), ...outputExpressions(declaredOutputs(spec.outputs, "spec.outputs"))],
    ...(known && { known }),
  };
}

/** What makes a new run when it changes: what is sent, as it is written. The names of this list are part of the API. */
export function sendDigest(spec: HTTPRequestSpec): string {
  const { url, endpointRef, path, method, query, headers, body, inputs, forEach } = spec;
  return digest({ url, endpointRef, path, method, query, headers, body, inputs, forEach });
}

/** What a spec says of all its requests. */
export type SharedSettings = Pick<
  HTTPRequestSpec,
  "endpointRef" | "inputs" | "timeout" | "maxRedirects" | "tls" | "idempotencyKey"
>;

/** One request as a spec writes it, with what it shares with the others of that spec. */
export interface DeclaredRequest {
  readonly shape: RequestShape;
  /** Where `shape` is written: `spec`, or `spec.create`. */
  readonly field: string;
  readonly shared: SharedSettings;
  readonly metadata: Metadata;
  /** What expressions see as `.now`, RFC 3339. */
  readonly now: string;
  /** The value of the idempotency key, if one is declared; absent: none is sent. */
  readonly attemptId?: string;
  /** Inputs by name whose values are known without reading a Secret or ConfigMap. */
  readonly known?: ReadonlyMap<string, unknown>;
  /** What else expressions see. */
  readonly sees?: Pick<Scope, "parameters" | "externalID" | "item">;
  /** An answer that came before, which expressions see as `.response`. */
  readonly response?: Response | undefined;
  /** Of an update: the body of which only what `response` does not have is sent. */
  readonly mergePatch?: unknown;
  /** Expressions that will be evaluated on the response. */
  readonly compile: readonly Located[];
}

/** The header that carries the attempt's id; absent: no key is declared to be honoured. */
export function idempotencyHeader(
  shared: Pick<SharedSettings, "idempotencyKey">,
  endpoint: HTTPEndpoint | undefined,
): string | undefined {
  return (shared.idempotencyKey ?? endpoint?.spec.idempotencyKey)?.header;
}

/** `endpoint`: what `endpointRef` names, where it exists. */
export function buildExchange(declared: DeclaredRequest, endpoint: HTTPEndpoint | undefined): Exchange | Refusal {
  const { shape, field, shared, attemptId } = declared;
  if (shared.endpointRef && !endpoint) return endpointRefusal(shared.endpointRef);
  const header = idempotencyHeader(shared, endpoint);
  const key = header !== undefined && attemptId !== undefined ? { name: header, value: attemptId } : undefined;
  const tls = endpoint ? endpoint.spec.tls : shared.tls;
  const timeout = shared.timeout ?? endpoint?.spec.timeout;
  const { proxy, http2 } = endpoint?.spec ?? {};
  return {
    request: {
      method: shape.method,
      url: requestURL(shape, field, endpoint),
      query: located(shape.query ?? [], `${field}.query`),
      headers: located(shape.headers ?? [], `${field}.headers`).filter(({ name }) => !key || !isSameName(name, key.name)),
      literalHeaders: [
        ...(endpoint?.spec.headers ?? []).filter(({ name }) => !(shape.headers ?? []).some((own) => isSameName(own.name, name))),
        ...(key ? [key] : []),
      ],
      ...(declared.mergePatch !== undefined
        ? { body: { type: "mergePatch", field: `${field}.body.mergePatch`, value: declared.mergePatch } }
        : shape.body && { body: bodyTemplate(shape.body, `${field}.body`) }),
    },
    scope: scopeOf(declared),
    ...(declared.response && { response: declared.response }),
    tls: tlsSources(tls, endpoint ? `HTTPEndpoint "${endpoint.metadata.name}": spec.tls` : "spec.tls"),
    ...(proxy && { proxy: source(`HTTPEndpoint "${endpoint?.metadata.name}": spec.proxy`, { value: proxy.url, ...proxy }) }),
    ...(http2 && { http2 }),
    timeoutMs: timeout === undefined ? defaultTimeoutMs : durationMs(timeout),
    maxRedirects: shared.maxRedirects ?? defaultMaxRedirects(shape.method),
    repeatable: isIdempotent(shape.method) || key !== undefined,
    compile: declared.compile,
  };
}

/** What the expressions of a spec see, but for a response. */
export function scopeOf({
  shared,
  metadata,
  now,
  known,
  sees,
}: Pick<DeclaredRequest, "shared" | "metadata" | "now" | "known" | "sees">): Scope {
  const { name, namespace, uid, labels, annotations } = metadata;
  return {
    inputs: sources(shared.inputs ?? {}, known),
    metadata: { name, namespace, uid, ...(labels && { labels }), ...(annotations && { annotations }) },
    now,
    ...sees,
  };
}

/** What `expect` evaluates on the response. `field`: where it is written. */
export function expectedThat({ that }: Expectation, field: string): Located[] {
  return that === undefined ? [] : [{ field: `${field}.that`, text: that }];
}

function endpointRefusal({ kind, name }: NonNullable<SharedSettings["endpointRef"]>): Refusal {
  return kind === "HTTPEndpoint"
    ? {
        type: "refusal",
        reason: "EndpointNotFound",
        message: `spec.endpointRef: there is no HTTPEndpoint "${name}" in this namespace`,
        heals: true,
      }
    : {
        type: "refusal",
        reason: "EndpointKindNotSupported",
        message: "spec.endpointRef.kind: ClusterHTTPEndpoint is not served yet; use an HTTPEndpoint of this namespace",
        heals: false,
      };
}

function requestURL({ url = "", path }: RequestShape, field: string, endpoint: HTTPEndpoint | undefined): RequestTemplate["url"] {
  if (!endpoint) return { type: "absolute", field: `${field}.url`, text: url };
  const base = endpoint.spec.baseURL;
  return { type: "joined", base, ...(path !== undefined && { path: { field: `${field}.path`, text: path } }) };
}

function located(
  pairs: readonly { name: string; value: string }[],
  field: string,
): { name: string; field: string; text: string }[] {
  return pairs.map(({ name, value }, index) => ({ name, field: `${field}[${index}].value`, text: value }));
}

function isSameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function sources(inputs: Inputs, known: ReadonlyMap<string, unknown> = new Map()): Scope["inputs"] {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { value, secretKeyRef, configMapKeyRef }]) => [
      name,
      source(`spec.inputs.${name}`, { value: known.get(name) ?? value, secretKeyRef, configMapKeyRef }),
    ]),
  );
}

interface KeyRef {
  readonly name: string;
  readonly key: string;
}
function source(
  field: string,
  {
    value,
    secretKeyRef,
    configMapKeyRef,
  }: { value?: unknown; secretKeyRef?: KeyRef | undefined; configMapKeyRef?: KeyRef | undefined },
): Source {
  if (secretKeyRef) return { field, type: "secret", name: secretKeyRef.name, key: secretKeyRef.key };
  if (configMapKeyRef) return { field, type: "configMap", name: configMapKeyRef.name, key: configMapKeyRef.key };
  return { field, type: "literal", value };
}

function tlsSources(tls: HTTPRequestSpec["tls"], field: string): TlsSources {
  const { ca, certificate, key, serverName, insecureSkipVerify = false, minVersion = "TLSv1.2" } = tls ?? {};
  return {
    ...(ca && { ca: source(`${field}.ca`, { value: ca.inline, ...ca }) }),
    ...(certificate && { certificate: source(`${field}.certificate`, certificate) }),
    ...(key && { key: source(`${field}.key`, key) }),
    ...(serverName !== undefined && { serverName }),
    insecureSkipVerify,
    minVersion,
  };
}
