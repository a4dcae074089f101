/**
 * A credential as it is added to a request, at the moment at which that leaves.
 *
 * Invariant: what a plan, a redirect or a description sees is the request without it; only on-wire gets it with.
 */
import aws4 from "aws4";
import { reservedNames, type AuthSources } from "../../core/auth.ts";
import { parameterAsRead } from "../../core/names-as-read.ts";
import type { AuthSettings, AWSSettings } from "../resolve/auth.ts";
import type { WireRequest } from "../wire-request.ts";
import type { Described } from "../render/describe.ts";
import { encodeComponent } from "../render/values.ts";

export interface Credential {
  /** The values that go out with it, which must not be shown. */
  secrets(): readonly string[];
  /** The request with the credential, for this one try. */
  added(request: WireRequest, now: Date): WireRequest;
  /** Whether an answer says that it was not accepted, and so that nothing was done. Absent: no other one can be had. */
  refused?(answer: Refusing): boolean;
  /** The same, of answers whose content has to be looked at, and no more than a few KiB of it. */
  readonly refusedIn?: RefusedIn;
  /** After such an answer: whether there is another credential now, with which it is worth sending again. */
  renewed?(signal: AbortSignal, answer: Refusing): Promise<boolean>;
  /** Is told of each answer that does not refuse it. */
  answered?(answer: Refusing): void;
  /** What was sent with the other one was answered otherwise. */
  accepted?(): void;
}

export interface RefusedIn {
  readonly statusCodes: readonly number[];
  says(answer: Refusing, content: string): boolean;
}

/** Of an answer what says whether a credential was accepted. */
export interface Refusing {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Where it redirects to. */
  readonly target?: URL | undefined;
}

/** What is added to a request. */
export interface CredentialPart {
  readonly in: "header" | "query" | "cookie";
  readonly name: string;
  readonly value: string;
}

/** One whose values do not change while the exchange lasts. */
export type FixedAuth = Exclude<
  AuthSettings,
  { type: "oauth2" | "awsWebIdentity" | "serviceAccountToken" | "login" | "digest" | "registry" }
>;

/** RFC 7617 (basic), RFC 6750 (bearer), a header or query parameter of one's own, AWS Signature Version 4. */
export function fixedCredential(auth: FixedAuth): Credential {
  switch (auth.type) {
    case "basic": {
      const pair = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");
      return header("authorization", `Basic ${pair}`, [auth.password, pair]);
    }
    case "bearer":
      return header("authorization", `Bearer ${auth.token}`, [auth.token]);
    case "apiKey":
      return auth.in === "Header"
        ? header(auth.name.toLowerCase(), auth.value, [auth.value])
        : { secrets: () => [auth.value], added: (request) => withParameter(request, auth.name, auth.value) };
    case "awsSigV4": {
      const { secretAccessKey, sessionToken } = auth;
      const secrets = [secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])];
      return { secrets: () => secrets, added: (request, now) => signRequest(request, auth, now) };
    }
  }
}

function header(name: string, value: string, secrets: readonly string[]): Credential {
  return { secrets: () => secrets, added: (request) => withHeader(request, name, value) };
}

/**
 * The value goes out as UTF-8, since undici writes each character as a byte. `name` is in lower case, and replaces what is
 * there.
 */
export function withHeader(request: WireRequest, name: string, value: string): WireRequest {
  return { ...request, headers: { ...request.headers, [name]: Buffer.from(value).toString("latin1") } };
}

/** All of them, of which cookies go into one field. */
export function withParts(request: WireRequest, parts: readonly CredentialPart[]): WireRequest {
  const cookies = parts.filter((part) => part.in === "cookie").map(({ name, value }) => `${name}=${value}`);
  const others = parts.reduce((before, part) => {
    if (part.in === "cookie") return before;
    const { name, value } = part;
    return part.in === "header" ? withHeader(before, name.toLowerCase(), value) : withParameter(before, name, value);
  }, request);
  return cookies.length === 0 ? others : withHeader(others, "cookie", cookies.join("; "));
}

/** In place of those that a server could take for it, which a redirect, a page or a poll's URL may have brought along. */
function withParameter(request: WireRequest, name: string, value: string): WireRequest {
  const question = request.path.indexOf("?"); // a query may hold question marks
  const path = question === -1 ? request.path : request.path.slice(0, question);
  const query = question === -1 ? "" : request.path.slice(question + 1);
  const key = parameterAsRead(name);
  // Some servers end a parameter at a semicolon, too.
  const isTwin = (part: string): boolean => part.split(";").some((one) => parameterAsRead(one.split("=", 1)[0] ?? "") === key);
  const others = query.split("&").filter((part) => part !== "" && !isTwin(part));
  return { ...request, path: `${path}?${[...others, `${encodeComponent(name)}=${encodeComponent(value)}`].join("&")}` };
}

/**
 * Signature Version 4 over the bytes that are sent.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signRequest(request: WireRequest, settings: AWSSettings, now: Date): WireRequest {
  const { region, service, accessKeyID, secretAccessKey, sessionToken } = settings;
  const { method, origin, path, headers, body } = request;
  const { host } = new URL(origin);
  const result = aws4.sign(
    {
      method,
      host,
      path,
      service,
      region,
      headers: { ...headers, "X-Amz-Date": now.toISOString().replace(/[:-]|\.\d{3}/g, "") },
      ...(body !== undefined && { body }),
    },
    { accessKeyId: accessKeyID, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
  );
  const sent = Object.entries(result.headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  // The client itself sends these two, with the same values.
  const own = sent.filter(([name]) => name !== "host" && name !== "content-length");
  return { ...request, path: result.path, headers: Object.fromEntries(own.map(([name, value]) => [name, textOf(value)])) };
}

function textOf(value: string | string[] | number): string | string[] {
  return typeof value === "number" ? String(value) : value;
}

/** What would be sent, with three asterisks where the credential goes. */
export function maskCredential(auth: AuthSources | undefined, request: Described): Described {
  if (!auth) return request;
  const parameters = reservedNames(auth).query.map((name) => `${encodeComponent(name)}=***`);
  return {
    ...request,
    headers: [...request.headers, ...headersSent(auth).map((name) => ({ name, value: "***" }))],
    ...(parameters.length > 0 && {
      url: `${request.url}${request.url.includes("?") ? "&" : "?"}${parameters.join("&")}`,
    }),
  };
}

function headersSent(auth: AuthSources): readonly string[] {
  if (auth.type !== "awsSigV4" && auth.type !== "awsWebIdentity") return reservedNames(auth).headers;
  const hasSession = auth.type === "awsWebIdentity" || auth.sessionToken !== undefined;
  return [
    "x-amz-date",
    ...(hasSession ? ["x-amz-security-token"] : []),
    ...(auth.service === "s3" ? ["x-amz-content-sha256"] : []),
    "authorization",
  ];
}
