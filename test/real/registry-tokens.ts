/** A token server for a registry of container images, which verifies by itself what is signed here. */
import { sign, X509Certificate } from "node:crypto";
import { createAuthority } from "../support/certificates.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";
import type { TokenAuth } from "./servers.ts";

/** Seconds. `expiresIn`: what the answer says; `validFor`: what the token does. */
export interface Life {
  readonly expiresIn: number;
  readonly validFor: number;
}
export interface RegistryTokens extends AsyncDisposable {
  readonly auth: TokenAuth;
  /** Of the tokens that a user was given, in order: for which scope. `""`: nobody's. */
  scopes(username: string): readonly string[];
  /** Requests with a user's name, also those that were refused. */
  asked(username: string): number;
  /** All that were given. */
  readonly given: readonly string[];
}

export const password = "a registry's password";
/** Registries take a token for so long after it has expired, for clocks that differ. */
export const leewaySeconds = 60;

/** A token that is asked for without a name allows nothing; who has the password is allowed what is asked for. `lifeOf`: of a user's token, the `count`th for its scope. */
export async function startRegistryTokens(lifeOf: (username: string, count: number) => Life): Promise<RegistryTokens> {
  using authority = createAuthority("registry tokens");
  const { ca } = authority;
  const { cert, key } = authority.issue("DNS:tokens.example");
  const chain = [new X509Certificate(cert).raw.toString("base64")];
  const names = { service: "registry.example", issuer: "tokens.example" };
  const tokens: { readonly username: string; readonly scope: string; readonly token: string }[] = [];

  function issue(username: string, scope: string): object {
    const { expiresIn, validFor } = lifeOf(
      username,
      tokens.filter((one) => one.username === username && one.scope === scope).length,
    );
    const [type = "", name = "", actions = ""] = scope.split(":");
    const access = scope === "" || username === "" ? [] : [{ type, name, actions: actions.split(",") }];
    const now = Math.floor(Date.now() / 1000);
    const times = { iat: now - leewaySeconds, nbf: now - leewaySeconds, exp: now + validFor, jti: `${tokens.length}` };
    const claims = { iss: names.issuer, sub: username, aud: names.service, ...times, access };
    const parts = [{ typ: "JWT", alg: "ES256", x5c: chain }, claims];
    const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
    const token = `${signed}.${signature}`;
    tokens.push({ username, scope, token });
    return { token, expires_in: expiresIn };
  }
  const server: LoopbackServer = await loopbackServer(({ url, headers }, response) => {
    const { searchParams } = new URL(url, "http://any");
    const [account, scope] = [searchParams.get("account") ?? "", searchParams.get("scope") ?? ""];
    const basic = account === "" ? undefined : `Basic ${Buffer.from(`${account}:${password}`).toString("base64")}`;
    const isGood = headers.authorization === basic && searchParams.get("service") === names.service;
    response.writeHead(isGood ? 200 : 401, { "content-type": "application/json" });
    response.end(JSON.stringify(isGood ? issue(account, scope) : { errors: [{ code: "UNAUTHORIZED" }] }));
  });
  return {
    auth: { ...names, realm: `${server.url}/token`, ca },
    scopes: (username) => tokens.filter((one) => one.username === username).map(({ scope }) => scope),
    asked: (username) => server.requests.filter(({ url }) => url.includes(`account=${username}`)).length,
    get given() {
      return tokens.map(({ token }) => token);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
