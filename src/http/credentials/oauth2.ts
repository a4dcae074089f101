/**
 * A token by client credentials (RFC 6749, section 4.4), asked for over the same clients as every other request.
 *
 * Invariant: nothing that the token server sent reaches a message but the words of the RFC's closed set of errors.
 */
import { createPrivateKey, type KeyObject, type webcrypto } from "node:crypto";
import * as oauth from "oauth4webapi";
import type { Outcome } from "../../core/outcome.ts";
import type { OAuth2Settings } from "../resolve/auth.ts";
import { refuseForNow } from "../refusal.ts";
import type { WireRequest } from "../wire-request.ts";
import type { Token } from "./tokens.ts";

/** Sends it, follows no redirect, and reads the answer. */
export type SendRequest = (request: WireRequest, signal: AbortSignal) => Promise<Outcome>;

/** For a server that does not say. */
const defaultLifetimeMs = 3_600_000;

/** Throws `RefusedError`. `field`: where the settings were written. */
export async function requestToken(
  settings: OAuth2Settings,
  { field, send, userAgent }: { field: string; send: SendRequest; userAgent: string },
  signal: AbortSignal,
): Promise<Token> {
  const { tokenURL, clientID, scopes, audience } = settings;
  const server = { issuer: new URL(tokenURL).origin, token_endpoint: tokenURL };
  const client = { client_id: clientID };
  const authentication = clientAuthentication(settings, field);
  const parameters = new URLSearchParams({
    ...(scopes.length > 0 && { scope: scopes.join(" ") }),
    ...(audience !== undefined && { audience }),
  });
  try {
    const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, {
      [oauth.allowInsecureRequests]: true, // the schema says which URLs may be
      [oauth.customFetch]: (url, { body, headers }) => sendTokenRequest(url, { body, headers, userAgent }, send, signal),
      signal,
    });
    const { access_token: value, expires_in: seconds } = await oauth.processClientCredentialsResponse(server, client, response);
    if (value.length > longestToken || !/^[\x21-\x7e]+$/.test(value))
      throw new UnusableTokenError("no token that a header field can hold");
    return { value, lifetimeMs: seconds === undefined ? defaultLifetimeMs : seconds * 1000 };
  } catch (error) {
    signal.throwIfAborted();
    return refuseToken(error, field);
  }
}

/** Characters, as of any credential. */
const longestToken = 65_536;

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

/** RFC 6749, section 5.2: no other word of the answer is passed on. */
const words: readonly string[] = [
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
];

function refuseToken(error: unknown, field: string): never {
  if (error instanceof NoAnswerError) return refuseForNow("TokenRequestFailed", `${field}.tokenURL: ${error.message}`);
  const status = statusOf(error);
  const word = error instanceof oauth.ResponseBodyError && words.includes(error.error) ? ` ${error.error}` : "";
  const answered = status === undefined ? "" : `the token server answered ${status}${word}`;
  if (status === 401 || word === " invalid_client" || word === " unauthorized_client")
    return refuseForNow("CredentialRefused", `${field}: ${answered}; check the client's id and secret or key`);
  const problem =
    answered === "" || status === 200 ? "the token server's answer is no bearer token (RFC 6749, section 5.1)" : answered;
  return refuseForNow("TokenRequestFailed", `${field}: ${problem}`);
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof oauth.ResponseBodyError || error instanceof oauth.WWWAuthenticateChallengeError) return error.status;
  const cause = Error.isError(error) ? error.cause : undefined;
  return cause instanceof Response ? cause.status : undefined;
}

function clientAuthentication({ client, tokenURL }: OAuth2Settings, field: string): oauth.ClientAuth {
  if (client.type === "secret") return client.method === "Basic" ? basic(client.secret) : oauth.ClientSecretPost(client.secret);
  const { key, keyID, algorithm } = client;
  const privateKey = importKey(key, algorithm);
  if (!privateKey)
    return refuseForNow(
      "InvalidCredential",
      `${field}.privateKeyJWT.key: this is no PEM private key for ${algorithm} without a passphrase`,
    );
  const signedFor = (header: Record<string, unknown>, claims: Record<string, unknown>): void => {
    header["alg"] = algorithm; // the library calls EdDSA Ed25519 (RFC 9864), which few servers know
    claims["aud"] = tokenURL; // RFC 7523, section 3: the issuer's name, which is the library's choice, is not known
  };
  return oauth.PrivateKeyJwt(
    { key: privateKey, ...(keyID !== undefined && { kid: keyID }) },
    { [oauth.modifyAssertion]: signedFor },
  );
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

/** RFC 7518, section 3.1, as WebCrypto has it. */
const algorithms: Readonly<Record<string, Parameters<KeyObject["toCryptoKey"]>[0]>> = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  ES384: { name: "ECDSA", namedCurve: "P-384" },
  ES512: { name: "ECDSA", namedCurve: "P-521" },
  EdDSA: { name: "Ed25519" },
};

function importKey(pem: string, algorithm: string): webcrypto.CryptoKey | undefined {
  const parameters = algorithms[algorithm];
  try {
    return parameters === undefined ? undefined : createPrivateKey(pem).toCryptoKey(parameters, false, ["sign"]);
  } catch {
    return undefined; // OpenSSL's text can quote the material
  }
}
