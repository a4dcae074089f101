/** An endpoint's login, as templates and sources that say where they were written. Pure. */
import type { Login } from "../../api/login.ts";
import type { LoginPart, LoginRequest, LoginSources } from "../../core/auth.ts";
import type { BodyTemplate, ByteSource } from "../../core/request-template.ts";
import { bodyTemplate } from "./body.ts";
import { source, type From } from "./sources.ts";
import { tokenSource } from "./token-source.ts";

/** What of an endpoint its login's requests share with all others. */
export interface LoginEndpoint {
  readonly baseURL: string;
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
}

/** `from.field`: where the login is written. */
export function loginSources(login: Login, from: From, endpoint: LoginEndpoint & { readonly namespace: string }): LoginSources {
  const { inputs = {}, requests, send, expires, renewOn, logout } = login;
  const { field } = from;
  const inputAt = (name: string): From => ({ ...from, field: `${field}.inputs.${name}` });
  return {
    type: "login",
    inputs: Object.fromEntries(
      Object.entries(inputs).flatMap(([name, input]) =>
        input.jwt || input.serviceAccountToken ? [] : [[name, source(inputAt(name), input)]],
      ),
    ),
    tokens: Object.fromEntries(
      Object.entries(inputs).flatMap(([name, { jwt, serviceAccountToken }]) =>
        jwt || serviceAccountToken ? [[name, tokenSource({ jwt, serviceAccountToken }, inputAt(name), endpoint.namespace)]] : [],
      ),
    ),
    requests: requests.map((request, index) =>
      loginRequest(request, { ...from, field: `${field}.requests[${index}]` }, endpoint),
    ),
    send: send.map((part, index) => loginPart(part, `${field}.send[${index}]`)),
    ...(expires !== undefined && { expires: { field: `${field}.expires`, text: expires } }),
    renewOn,
    ...(logout && { logout: loginRequest(logout, { ...from, field: `${field}.logout` }, endpoint) }),
  };
}

type Declared = Login["requests"][number];

/** Where it goes elsewhere, nothing that the endpoint declares goes along. */
function loginRequest(
  { url, path, method, query = [], headers = [], body, expect: { status, that } }: Declared,
  from: From,
  { baseURL, headers: shared = [] }: LoginEndpoint,
): LoginRequest {
  const { field } = from;
  const located = (list: string, pairs: readonly { readonly name: string; readonly value: string }[]) =>
    pairs.map(({ name, value }, index) => ({ name, field: `${field}.${list}[${index}].value`, text: value }));
  const own = new Set(headers.map(({ name }) => name.toLowerCase()));
  return {
    field,
    request: {
      method,
      url:
        url === undefined
          ? { type: "joined", base: baseURL, path: { field: `${field}.path`, text: path ?? "/" }, confined: true }
          : { type: "absolute", field: `${field}.url`, text: url },
      query: located("query", query),
      headers: located("headers", headers),
      literalHeaders: url === undefined ? shared.filter(({ name }) => !own.has(name.toLowerCase())) : [],
      ...(body && { body: inNamespace(bodyTemplate(body, `${field}.body`), from.namespace) }),
    },
    expect: { status, ...(that !== undefined && { that: { field: `${field}.expect.that`, text: that } }) },
  };
}

function loginPart({ header, query, cookie, value }: Login["send"][number], field: string): LoginPart {
  if (cookie !== undefined)
    return { in: "cookie", name: cookie, field, ...(value !== undefined && { value: { field: `${field}.value`, text: value } }) };
  const located = { field: `${field}.value`, text: value ?? "" };
  return header === undefined
    ? { in: "query", name: query ?? "", field, value: located }
    : { in: "header", name: header, field, value: located };
}

/** An admin's endpoint refers to what is in a namespace of its choice. */
function inNamespace(body: BodyTemplate, namespace: string | undefined): BodyTemplate {
  if (namespace === undefined) return body;
  const there = (source: ByteSource): ByteSource => (source.type === "base64" ? source : { ...source, namespace });
  if (body.type === "bytes") return { ...body, source: there(body.source) };
  if (body.type !== "multipart") return body;
  const parts = body.parts.map((part) =>
    part.content.type === "bytes" ? { ...part, content: { ...part.content, source: there(part.content.source) } } : part,
  );
  return { ...body, parts };
}
