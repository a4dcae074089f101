/**
 * A token of a token server (RFC 6749, 7523, 8693), asked for over the same clients as every other request.
 *
 * Invariant: nothing that the token server sent reaches a message but the words of the RFC's closed set of errors.
 */
import * as oauth from "oauth4webapi";
import type { Outcome } from "../../core/outcome.ts";
import type { OAuth2Settings } from "../resolve/oauth2.ts";
import { signedWith } from "./jwt.ts";
import type { MakeToken } from "./made-tokens.ts";
import { refuseForNow } from "../refusal.ts";
import type { WireRequest } from "../wire-request.ts";
import type { Token } from "./tokens.ts";

/** Sends it, follows no redirect, and reads the answer. */
export type SendRequest = (request: WireRequest, signal: AbortSignal) => Promise<Outcome>;

/** For a server that does not say. */
const defaultLifetimeMs = 3_600_000;

interface Asking {
  /** Where the settings were written. */
  readonly field: string;
  readonly send: SendRequest;
  readonly userAgent: string;
  readonly makeToken: MakeToken;
  /** One that the server gave in place of the Secret's. */
  readonly refreshToken?: string | undefined;
}
type Got = Token & { readonly refreshToken?: string };

/** Throws `RefusedError`. */
export async function requestToken(settings: OAuth2Settings, asking: Asking, signal: AbortSignal): Promise<Got> {
  const { tokenURL, clientID, grant = { type: "clientCredentials" }, use } = settings;
  const { field, send, userAgent } = asking;
  const server = { issuer: new URL(tokenURL).origin, token_endpoint: tokenURL };
  const client = { client_id: clientID ?? "none" };
  const authentication = await clientAuthentication(settings, asking, signal);
  const { name, parameters } = await grantParameters(grant, asking, signal);
  addParameters(parameters, settings);
  try {
    const response = await oauth.genericTokenEndpointRequest(server, client, authentication, name, parameters, {
      [oauth.allowInsecureRequests]: true, // the schema says which URLs may be
      [oauth.customFetch]: (url, { body, headers }) => sendTokenRequest(url, { body, headers, userAgent }, send, signal),
      signal,
    });
    const read = await readable(response, use);
    const answer = await oauth.processGenericTokenEndpointResponse(server, client, read, {
      // RFC 8693, section 2.2.1: what is no access token to be sent has no type to be sent with.
      ...(grant.type === "tokenExchange" && { recognizedTokenTypes: { n_a: () => {} } }),
    });
    const { access_token: value, expires_in: seconds, refresh_token: refreshToken } = answer;
    if (value.length > longestToken || !/^[\x21-\x7e]+$/.test(value))
      throw new UnusableTokenError("no token that a header field can hold");
    if ((refreshToken?.length ?? 0) > longestRefreshToken)
      throw new UnusableTokenError("a refresh token that is longer than any");
    const lifetimeMs = seconds === undefined ? defaultLifetimeMs : seconds * 1000;
    return { value, lifetimeMs, ...(refreshToken !== undefined && { refreshToken }) };
  } catch (error) {
    signal.throwIfAborted();
    return refuseToken(error, field, grant.type !== "clientCredentials");
  }
}

function addParameters(to: URLSearchParams, { scopes, audience, resource = [], parameters = [] }: OAuth2Settings): void {
  if (scopes.length > 0) to.set("scope", scopes.join(" "));
  if (audience !== undefined) to.set("audience", audience);
  for (const one of resource) to.append("resource", one);
  for (const { name, value } of parameters) to.append(name, value);
}

async function grantParameters(
  grant: NonNullable<OAuth2Settings["grant"]>,
  { makeToken, refreshToken }: Asking,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly parameters: URLSearchParams }> {
  switch (grant.type) {
    case "clientCredentials":
      return { name: "client_credentials", parameters: new URLSearchParams() };
    case "password": {
      const { username, password } = grant;
      return { name: "password", parameters: new URLSearchParams({ username, password }) };
    }
    case "refreshToken":
      return { name: "refresh_token", parameters: new URLSearchParams({ refresh_token: refreshToken ?? grant.token }) };
    case "jwtBearer": {
      const assertion = await makeToken(grant.assertion, signal);
      return { name: "urn:ietf:params:oauth:grant-type:jwt-bearer", parameters: new URLSearchParams({ assertion }) };
    }
    case "tokenExchange": {
      const { subject, subjectType, actor, actorType, requestedType } = grant;
      const parameters = new URLSearchParams({
        subject_token: await makeToken(subject, signal),
        subject_token_type: subjectType,
        ...(actor && actorType !== undefined && { actor_token: await makeToken(actor, signal), actor_token_type: actorType }),
        ...(requestedType !== undefined && { requested_token_type: requestedType }),
      });
      return { name: "urn:ietf:params:oauth:grant-type:token-exchange", parameters };
    }
  }
}

/**
 * The answer without an ID token, which the library would hold against an issuer and a client that are not known; in place of the
 * access token, where that is the one to send.
 */
async function readable(response: Response, use: OAuth2Settings["use"]): Promise<Response> {
  if (response.status !== 200) return response;
  const text = await response.text();
  const { status, headers } = response;
  const answer = parseObject(text);
  if (!answer || !("id_token" in answer)) return new Response(text, { status, headers });
  const { id_token: idToken, ...rest } = answer;
  const shown = use === "IDToken" ? { ...rest, access_token: idToken, token_type: "bearer" } : rest;
  return new Response(JSON.stringify(shown), { status, headers });
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined; // the library says what is wrong with it
  }
}

/** Characters, as of any credential. */
const longestToken = 65_536;
const longestRefreshToken = 16_384;

class UnusableTokenError extends Error {
  override readonly name = "UnusableTokenError";
}
/** The network did it, and the outcome says what. */
class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

async function sendTokenRequest(
  url: string,
  { body, headers, userAgent }: { body: unknown; headers: Record<string, string>; userAgent: string },
  send: SendRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { origin, pathname, search } = new URL(url);
  const request = {
    method: "POST",
    origin,
    path: `${pathname}${search}`,
    headers: { ...headers, "user-agent": userAgent },
    body: String(body),
  };
  const outcome = await send(request, signal);
  if (outcome.type !== "response") throw new NoAnswerError(outcome.message);
  const { statusCode, headers: answered } = outcome.response;
  // No other field: WWW-Authenticate would be taken apart in quadratic time, and the status says as much.
  const type = answered["content-type"];
  const fields = typeof type === "string" ? { "content-type": type } : {};
  const isEmpty = statusCode === 204 || statusCode === 205 || statusCode === 304;
  return new Response(isEmpty ? null : outcome.response.body.open(), { status: statusCode, headers: fields });
}

/** RFC 6749, section 5.2, and RFC 8693, section 2.2.2: no other word of the answer is passed on. */
const words: readonly string[] = [
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "invalid_target",
];

/** `presents`: a password, or a token, which can be what is refused. */
function refuseToken(error: unknown, field: string, presents: boolean): never {
  if (error instanceof NoAnswerError) return refuseForNow("TokenRequestFailed", `${field}.tokenURL: ${error.message}`);
  const status = statusOf(error);
  const word = error instanceof oauth.ResponseBodyError && words.includes(error.error) ? ` ${error.error}` : "";
  const answered = status === undefined ? "" : `the token server answered ${status}${word}`;
  if (status === 401 || word === " invalid_client" || word === " unauthorized_client")
    return refuseForNow("CredentialRefused", `${field}: ${answered}; check the client's id and secret or key`);
  if (presents && word === " invalid_grant")
    return refuseForNow("CredentialRefused", `${field}: ${answered}; check the password or token that is presented`);
  const problem =
    answered === "" || status === 200 ? "the token server's answer is no bearer token (RFC 6749, section 5.1)" : answered;
  return refuseForNow("TokenRequestFailed", `${field}: ${problem}`);
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof oauth.ResponseBodyError || error instanceof oauth.WWWAuthenticateChallengeError) return error.status;
  const cause = Error.isError(error) ? error.cause : undefined;
  return cause instanceof Response ? cause.status : undefined;
}

async function clientAuthentication(
  { client, clientID, tokenURL }: OAuth2Settings,
  { field, makeToken }: Asking,
  signal: AbortSignal,
): Promise<oauth.ClientAuth> {
  switch (client.type) {
    case "secret":
      return client.method === "Basic" ? basic(client.secret) : oauth.ClientSecretPost(client.secret);
    case "privateKey":
      return signedWith({ ...client, field: `${field}.privateKeyJWT.key` }, (claims) => {
        claims["aud"] = tokenURL; // RFC 7523, section 3: the issuer's name, which is the library's choice, is not known
      });
    case "assertion": {
      const assertion = await makeToken(client.assertion, signal);
      return (_server, _client, body) => {
        if (clientID !== undefined) body.set("client_id", clientID);
        body.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        body.set("client_assertion", assertion);
      };
    }
    case "none":
      return (_server, _client, body) => {
        if (clientID !== undefined) body.set("client_id", clientID);
      };
  }
}

/**
 * RFC 6749, section 2.3.1. The library's own encodes even `-` and `.`, which servers that do not decode take as they stand; what
 * need not be encoded is not.
 */
function basic(secret: string): oauth.ClientAuth {
  return (_server, { client_id: id }, _body, headers) => {
    const pair = [id, secret].map((text) => encodeURIComponent(text).replaceAll("%20", "+")).join(":");
    headers.set("authorization", `Basic ${Buffer.from(pair).toString("base64")}`);
  };
}
