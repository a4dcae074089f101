/** The thread of `token-server.ts`: oidc-provider knows its configuration's objects by their realm, and jest has one of its own. */
import { createPublicKey, verify } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { errors, Provider } from "oidc-provider";
import type { TokenServerData } from "./token-server.ts";

const { shared, secret, keys } = workerData as TokenServerData;
const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
const [seen, revoked] = [new Set<string>(), new Set<string>()];
console.warn = () => {}; // that it keeps nothing over a restart

let serve: RequestListener | undefined;
const server = createServer((request, response) => {
  if (request.url === "/control/find") return void find(request.headers.authorization).then((found) => response.end(found));
  if (request.url === "/control/revoke") {
    for (const value of seen) revoked.add(value);
    return void response.end();
  }
  Atomics.add(shared, 0, 1);
  setTimeout(() => serve?.(request, response), Atomics.load(shared, 1));
});
await once(server.listen(0, "127.0.0.1"), "listening");
const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const common = { grant_types: ["client_credentials"], redirect_uris: [], response_types: [], scope: "read write" };
const grantNames = ["password", jwtBearer, tokenExchange];
const provider = new Provider(issuer, {
  scopes: ["read", "write"],
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
  enabledJWA: { clientAuthSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"] },
  clients: [
    { ...common, client_id: "basic:client", client_secret: secret, token_endpoint_auth_method: "client_secret_basic" },
    { ...common, client_id: "post", client_secret: secret, token_endpoint_auth_method: "client_secret_post" },
    {
      ...common,
      client_id: "grants",
      client_secret: secret,
      token_endpoint_auth_method: "client_secret_post",
      grant_types: ["client_credentials", ...grantNames],
    },
    ...Object.entries(keys).map(([alg, pem]) => ({
      ...common,
      client_id: alg,
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: alg,
      jwks: { keys: [{ ...createPublicKey(pem).export({ format: "jwk" }), kid: `key-${alg}`, use: "sig", alg }] },
    })),
  ],
});
type Check = (params: Readonly<Record<string, unknown>>) => boolean;
/** The provider has no such grants of its own: what they present is checked here, and the rest is its. */
const checks: Readonly<Record<string, { readonly names: readonly string[]; readonly check: Check }>> = {
  password: {
    names: ["username", "password"],
    check: ({ username, password }) => username === "ada" && password === "pass: wörd",
  },
  [jwtBearer]: { names: ["assertion"], check: ({ assertion }) => isSound(assertion, "the-assertion") },
  [tokenExchange]: {
    names: ["subject_token", "subject_token_type", "actor_token", "actor_token_type", "requested_token_type"],
    check: ({ subject_token: token, subject_token_type: type }) =>
      type === "urn:ietf:params:oauth:token-type:jwt" && isSound(token, "the-subject"),
  },
};
for (const [name, { names, check }] of Object.entries(checks))
  provider.registerGrantType(
    name,
    async (context) => {
      const { params, client } = context.oidc;
      if (!check(params)) throw new errors.InvalidGrant(`not ${JSON.stringify(params)}`);
      const token = new provider.ClientCredentials({ client, scope: typeof params["scope"] === "string" ? params["scope"] : "" });
      context.body = {
        access_token: await token.save(),
        token_type: name === tokenExchange ? "N_A" : "Bearer",
        issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
        expires_in: 600,
      };
    },
    [...names, "scope", "audience", "connector_id"],
    ["audience", "resource"],
  );

/** A JWT of the RS256 client's key, for this server, in its time. */
function isSound(token: unknown, issuedBy: string): boolean {
  const [header = "", payload = "", signature = ""] = String(token).split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
  const now = Date.now() / 1000;
  return (
    verify(
      "sha256",
      Buffer.from(`${header}.${payload}`),
      createPublicKey(keys["RS256"] ?? ""),
      Buffer.from(signature, "base64url"),
    ) &&
    claims["iss"] === issuedBy &&
    claims["aud"] === `${issuer}/token` &&
    Number(claims["iat"]) < now &&
    Number(claims["exp"]) > now
  );
}
serve = provider.callback();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(issuer);

/** The client and scope of a token that is good, as text; else nothing. */
async function find(authorization = ""): Promise<string> {
  const value = /^Bearer (.+)$/.exec(authorization)?.[1];
  if (value === undefined || revoked.has(value)) return "";
  seen.add(value);
  const token = await provider.ClientCredentials.find(value);
  return token?.clientId === undefined ? "" : `${token.clientId} ${token.scope}`;
}
