/** The thread of `token-server.ts`: oidc-provider knows its configuration's objects by their realm, and jest has one of its own. */
import { createPublicKey } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { Provider } from "oidc-provider";
import type { TokenServerData } from "./token-server.ts";

const { shared, secret, keys } = workerData as TokenServerData;
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
const provider = new Provider(issuer, {
  scopes: ["read", "write"],
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
  enabledJWA: { clientAuthSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"] },
  clients: [
    { ...common, client_id: "basic:client", client_secret: secret, token_endpoint_auth_method: "client_secret_basic" },
    { ...common, client_id: "post", client_secret: secret, token_endpoint_auth_method: "client_secret_post" },
    ...Object.entries(keys).map(([alg, pem]) => ({
      ...common,
      client_id: alg,
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: alg,
      jwks: { keys: [{ ...createPublicKey(pem).export({ format: "jwk" }), kid: `key-${alg}`, use: "sig", alg }] },
    })),
  ],
});
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
