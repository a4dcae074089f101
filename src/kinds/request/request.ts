/** From what a spec declares to an exchange: an endpoint's settings and a request's own, merged. Pure. */
import type { HTTPRequestSpec } from "../../api/http-request.ts";
import type { Poll } from "../../api/poll.ts";
import type { TriggerEvent } from "../../api/trigger.ts";
import type { Expectation, Inputs, RequestShape } from "../../api/request.ts";
import type { Sign } from "../../api/sign.ts";
import type { Attempt, Desired } from "../../core/delivery.ts";
import { isIdempotent } from "../../core/http-method.ts";
import { digest } from "../../core/tools/digest.ts";
import { durationMs } from "../../core/tools/duration.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import type { Scope } from "../../core/evaluation.ts";
import type { Connection } from "../../core/connection.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Refusal, Response } from "../../core/outcome.ts";
import type { Located, RequestTemplate } from "../../core/request-template.ts";
import type { Metadata } from "../../core/resource.ts";
import type { RetryPolicy } from "../../core/retry.ts";
import type { SignSources } from "../../core/sign.ts";
import type { Source } from "../../core/source.ts";
import { bodyTemplate } from "./body.ts";
import { declaredOutputs, outputExpressions } from "./outputs.ts";
import { callerNamesRefusal, signedNamesRefusal } from "./caller-names.ts";
import { connectionOf, endpointRefusal, type EndpointRef } from "./endpoint.ts";
import { pollExpressions } from "./poll-expressions.ts";
import { signSources, source, tlsSources } from "./sources.ts";
import type { HTTPRequest, UsedEndpoint } from "../types.ts";

const defaultTimeoutMs = 30_000;

/** A POST that is redirected has been answered: following is for methods that only ask. */
function defaultMaxRedirects(method: string): number {
  return method === "GET" || method === "HEAD" ? 5 : 0;
}

/** An HTTPRequest's one request. `attempt`: that it is sent for; `event`: what a trigger tells of. */
export function declaredRequest(
  { spec, metadata }: Pick<HTTPRequest, "spec" | "metadata">,
  attempt: Attempt,
  known?: DeclaredRequest["known"],
  event?: TriggerEvent,
): DeclaredRequest {
  return {
    shape: spec,
    field: "spec",
    shared: spec,
    metadata,
    now: attempt.startedAt,
    attemptId: attempt.id,
    idempotent: spec.idempotent,
    expressionsToValidate: [
      ...expectedThat(spec.expect, "spec.expect"),
      ...pollExpressions(spec.poll, "spec.poll"),
      ...outputExpressions(declaredOutputs(spec.outputs, "spec.outputs")),
    ],
    ...(known && { known }),
    sees: { attemptID: attempt.id, ...(spec.trigger && { trigger: event ? seenOf(event) : null }) },
  };
}

function seenOf(event: TriggerEvent): Omit<TriggerEvent, "id"> {
  const { id: _, ...seen } = event;
  return seen;
}

/** What makes a new run when it changes: what is sent, as it is written. The names of this list are part of the API. */
export function sendDigest(spec: HTTPRequestSpec): string {
  const { url, endpointRef, auth, path, method, query, headers, body, inputs, forEach } = spec;
  return digest({ url, endpointRef, auth, path, method, query, headers, body, inputs, forEach });
}

/** What a spec says of all its requests. */
export type SharedSettings = {
  readonly [K in "endpointRef" | "inputs" | "timeout" | "maxRedirects" | "tls" | "sign" | "idempotencyKey"]?:
    HTTPRequestSpec[K] | undefined;
};

/** One request as a spec writes it, with what it shares with the others of that spec. */
export interface DeclaredRequest {
  readonly shape: RequestShape & { readonly poll?: Pick<Poll, "headers">; readonly endpointRef?: EndpointRef };
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
  /** Secrets that it does not send, and that nothing which is shown of its answer may hold. */
  readonly hidden?: readonly Source[];
  /** Whether it may be sent twice, where its method is not to say so. */
  readonly idempotent?: boolean | undefined;
  /** What else expressions see. */
  readonly sees?: Pick<Scope, "parameters" | "externalID" | "object" | "item" | "attemptID" | "trigger">;
  /** An answer that came before, which expressions see as `.response`. */
  readonly response?: Response | undefined;
  /** Of an update: the body of which only what `response` does not have is sent. */
  readonly mergePatch?: unknown;
  /** The places that it has delivered before. */
  readonly former?: readonly string[];
  /** Places that `response` has as they are declared, in another form. */
  readonly same?: readonly string[] | undefined;
  /** As `Situation.seesOnly`. */
  readonly seesOnly?: string | undefined;
  /** Expressions that will be evaluated on the response. */
  readonly expressionsToValidate: readonly Located[];
}

/** The header that carries the attempt's id; absent: no key is declared to be honoured. */
export function idempotencyHeader(
  shared: Pick<SharedSettings, "idempotencyKey">,
  endpoint: UsedEndpoint | undefined,
): string | undefined {
  return (shared.idempotencyKey ?? endpoint?.spec.idempotencyKey)?.header;
}

/** Whether a request may be sent again, and by what its server knows it again. `attempt`: what has been sent of it. */
export function repetition(
  method: string,
  shared: SharedSettings,
  {
    endpoint,
    attempt,
    idempotent,
  }: {
    readonly endpoint: UsedEndpoint | undefined;
    readonly attempt: Attempt | undefined;
    /** As it is declared, whatever the method is. */
    readonly idempotent?: boolean | undefined;
  },
): Pick<Desired, "repeatable" | "sentAs"> {
  if (idempotent ?? isIdempotent(method)) return { repeatable: true };
  const header = idempotencyHeader(shared, endpoint);
  if (header !== undefined) return { repeatable: true, sentAs: `${method} ${header.toLowerCase()}` };
  // While the endpoint is not there, it is not known whether it honours a key; nothing is sent without the endpoint.
  if (shared.endpointRef && !endpoint && attempt?.sentAs?.includes(" ")) return { repeatable: true, sentAs: attempt.sentAs };
  return { repeatable: false, sentAs: method };
}

export function retryPolicy({ limit, maxDuration, backoff, when, never }: HTTPRequestSpec["retry"]): RetryPolicy {
  const { initial, max } = backoff;
  return {
    initialMs: durationMs(initial),
    maxMs: durationMs(max),
    ...(limit !== undefined && { limit }),
    ...(maxDuration !== undefined && { maxDurationMs: durationMs(maxDuration) }),
    ...(when && { when }),
    ...(never && { never }),
  };
}

/** `endpoint`: what `endpointRef` names, where it exists. */
export function buildExchange(declared: DeclaredRequest, declaredEndpoint: UsedEndpoint | undefined): Exchange | Refusal {
  const { shape, field, shared, attemptId } = declared;
  const endpoint = shape.auth === "None" && declaredEndpoint ? withoutCredential(declaredEndpoint) : declaredEndpoint;
  const header = idempotencyHeader(shared, endpoint);
  const refField = shape.endpointRef && field !== "spec" ? `${field}.endpointRef` : "spec.endpointRef";
  const refusal =
    (shared.endpointRef &&
      endpointRefusal(shared.endpointRef, endpoint, { ...declared, namespace: declared.metadata.namespace, field: refField })) ??
    namesRefusal(declared, endpoint);
  if (refusal) return refusal;
  const key = header !== undefined && attemptId !== undefined ? { name: header, value: attemptId } : undefined;
  const timeout = shared.timeout ?? endpoint?.spec.timeout;
  return {
    request: requestOf(declared, endpoint, key),
    scope: scopeOf(declared),
    ...(declared.hidden && declared.hidden.length > 0 && { hidden: declared.hidden }),
    ...(declared.response && { response: declared.response }),
    ...(endpoint ? connectionOf(endpoint) : ownConnection(shared)),
    ...(attemptId !== undefined && { attemptId }),
    timeoutMs: timeout === undefined ? defaultTimeoutMs : durationMs(timeout),
    maxRedirects: shared.maxRedirects ?? defaultMaxRedirects(shape.method),
    repeatable: (declared.idempotent ?? isIdempotent(shape.method)) || key !== undefined,
    expressionsToValidate: declared.expressionsToValidate,
  };
}

type Key = RequestTemplate["literalHeaders"][number];
/** One object for all that are the same: a shape is, among all objects that write it alike. */
function requestOf(declared: DeclaredRequest, endpoint: UsedEndpoint | undefined, key: Key | undefined): RequestTemplate {
  if (key || declared.mergePatch !== undefined) return makeRequest(declared, endpoint, key);
  const { shape, field } = declared;
  const kept = keptOf(shape);
  if (kept.latest?.field !== field || kept.latest.endpoint !== endpoint)
    kept.latest = { field, endpoint, request: makeRequest(declared, endpoint, undefined) };
  return kept.latest.request;
}
interface Made {
  readonly field: string;
  readonly endpoint: UsedEndpoint | undefined;
  readonly request: RequestTemplate;
}
const keptOf = oncePer((_shape: DeclaredRequest["shape"]): { latest?: Made } => ({}));
function makeRequest(declared: DeclaredRequest, endpoint: UsedEndpoint | undefined, key: Key | undefined): RequestTemplate {
  const { shape, field } = declared;
  return {
    method: shape.method,
    url: requestURL(shape, field, endpoint),
    query: locatePairs(shape.query ?? [], `${field}.query`),
    headers: locatePairs(shape.headers ?? [], `${field}.headers`).filter(({ name }) => !key || !isSameName(name, key.name)),
    literalHeaders: [
      ...(endpoint?.spec.headers ?? []).filter(({ name }) => !(shape.headers ?? []).some((own) => isSameName(own.name, name))),
      ...(key ? [key] : []),
    ],
    ...(declared.mergePatch !== undefined
      ? {
          body: {
            type: "mergePatch",
            field: `${field}.body.mergePatch`,
            value: declared.mergePatch,
            ...(declared.former && { former: declared.former }),
            ...(declared.same && { same: declared.same }),
          },
        }
      : shape.body && { body: bodyTemplate(shape.body, `${field}.body`) }),
  };
}

/** For a request that goes without: what the endpoint's credential and signature set is then its own to set. */
function withoutCredential(endpoint: UsedEndpoint): UsedEndpoint {
  const { auth: _, sign: __, ...spec } = endpoint.spec;
  return { ...endpoint, spec };
}

/** Of a request without an endpoint. One object for what TLS is declared, by which what comes of it is found again. */
function ownConnection({ tls, sign }: SharedSettings): Connection {
  return { tls: tls ? ownTls(tls) : tlsSources(tls, { field: "spec.tls" }), ...(sign && { sign: ownSign(sign) }) };
}
const ownTls = oncePer((tls: NonNullable<SharedSettings["tls"]>) => tlsSources(tls, { field: "spec.tls" }));
const ownSign = (sign: Sign): SignSources => signSources(sign, { field: "spec.sign" });

/** A poll's header fields are looked at before what it asks after is sent. */
function namesRefusal({ shape, field, shared }: DeclaredRequest, endpoint: UsedEndpoint | undefined): Refusal | undefined {
  const sign = shared.sign && ownSign(shared.sign);
  const problemOf = (headed: Pick<RequestShape, "headers" | "query">, at: string, keyHeader?: string): Refusal | undefined =>
    endpoint
      ? callerNamesRefusal(headed, { field: at, keyHeader, endpoint })
      : signedNamesRefusal(headed, { field: at, keyHeader, sign });
  const ofPoll = shape.poll?.headers && problemOf({ headers: shape.poll.headers }, `${field}.poll`);
  return ofPoll ?? problemOf(shape, field, idempotencyHeader(shared, endpoint));
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

function requestURL({ url = "", path }: RequestShape, field: string, endpoint: UsedEndpoint | undefined): RequestTemplate["url"] {
  if (!endpoint) return { type: "absolute", field: `${field}.url`, text: url };
  const { baseURL: base } = endpoint.spec;
  const confined = endpoint.metadata.namespace === "";
  return {
    type: "joined",
    base,
    ...(path !== undefined && { path: { field: `${field}.path`, text: path } }),
    ...(confined && { confined }),
  };
}

export function locatePairs(
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
      source({ field: `spec.inputs.${name}` }, { value: known.get(name) ?? value, secretKeyRef, configMapKeyRef }),
    ]),
  );
}
