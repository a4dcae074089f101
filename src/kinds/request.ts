/** From what a spec declares to an exchange: an endpoint's settings and a request's own, merged. Pure. */
import type { HTTPRequestSpec } from "../api/http-request.ts";
import type { Inputs } from "../api/request.ts";
import type { Attempt } from "../core/delivery.ts";
import { digest } from "../core/digest.ts";
import { durationMs } from "../core/duration.ts";
import type { Exchange, Located, Refusal, RequestTemplate, Scope, Source, TlsSources } from "../core/exchange.ts";
import type { Metadata } from "../core/resource.ts";
import type { HTTPEndpoint } from "./types.ts";

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

/** What makes a new run when it changes: what is sent, as it is written. The names of this list are part of the API. */
export function sendDigest({ url, endpointRef, path, method, query, headers, body, inputs }: HTTPRequestSpec): string {
  return digest({ url, endpointRef, path, method, query, headers, body, inputs });
}

/** The header that carries the attempt's id; absent: no key is declared to be honoured. */
export function idempotencyHeader(spec: HTTPRequestSpec, endpoint: HTTPEndpoint | undefined): string | undefined {
  return (spec.idempotencyKey ?? endpoint?.spec.idempotencyKey)?.header;
}

/** `endpoint`: what `spec.endpointRef` names, where it exists. */
export function buildExchange(
  { spec, metadata, attempt }: { spec: HTTPRequestSpec; metadata: Metadata; attempt: Attempt },
  endpoint: HTTPEndpoint | undefined,
): Exchange | Refusal {
  if (spec.endpointRef && !endpoint) return endpointRefusal(spec.endpointRef);
  const key = idempotencyHeader(spec, endpoint);
  const tls = endpoint ? endpoint.spec.tls : spec.tls;
  const timeout = spec.timeout ?? endpoint?.spec.timeout;
  const { proxy, http2 } = endpoint?.spec ?? {};
  const { name, namespace, uid, labels, annotations } = metadata;
  return {
    request: {
      method: spec.method,
      url: requestURL(spec, endpoint),
      query: located(spec.query ?? [], "spec.query"),
      headers: located(spec.headers ?? [], "spec.headers").filter((header) => !key || !isSameName(header.name, key)),
      literalHeaders: [
        ...(endpoint?.spec.headers ?? []).filter(
          (header) => !(spec.headers ?? []).some((own) => isSameName(own.name, header.name)),
        ),
        ...(key ? [{ name: key, value: attempt.id }] : []),
      ],
      ...bodyTemplate(spec),
    },
    scope: {
      inputs: sources(spec.inputs ?? {}),
      metadata: { name, namespace, uid, ...(labels && { labels }), ...(annotations && { annotations }) },
      now: attempt.startedAt,
    },
    tls: tlsSources(tls, endpoint ? `HTTPEndpoint "${endpoint.metadata.name}": spec.tls` : "spec.tls"),
    ...(proxy && { proxy: source(`HTTPEndpoint "${endpoint?.metadata.name}": spec.proxy`, { value: proxy.url, ...proxy }) }),
    ...(http2 && { http2 }),
    timeoutMs: timeout === undefined ? defaultTimeoutMs : durationMs(timeout),
    maxRedirects: spec.maxRedirects ?? defaultMaxRedirects(spec.method),
    repeatable: isIdempotent(spec.method) || key !== undefined,
    compile: spec.expect.that === undefined ? [] : [expectedThat(spec.expect.that)],
  };
}

export function expectedThat(text: string): Located {
  return { field: "spec.expect.that", text };
}

function endpointRefusal({ kind, name }: NonNullable<HTTPRequestSpec["endpointRef"]>): Refusal {
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

function requestURL({ url = "", path }: HTTPRequestSpec, endpoint: HTTPEndpoint | undefined): RequestTemplate["url"] {
  if (!endpoint) return { type: "absolute", field: "spec.url", text: url };
  return { type: "joined", base: endpoint.spec.baseURL, ...(path !== undefined && { path: { field: "spec.path", text: path } }) };
}

function bodyTemplate({ body }: HTTPRequestSpec): Pick<RequestTemplate, "body"> {
  if (!body) return {};
  if (body.text !== undefined) return { body: { type: "text", field: "spec.body.text", text: body.text } };
  return { body: { type: "json", field: "spec.body.json", value: body.json } };
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

function sources(inputs: Inputs): Scope["inputs"] {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { value, secretKeyRef, configMapKeyRef }]) => [
      name,
      source(`spec.inputs.${name}`, { value, secretKeyRef, configMapKeyRef }),
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
