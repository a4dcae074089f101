/** An OAuth 2 token server as people run it, oidc-provider, whose tokens the origin of a test looks up: it verifies what clients send. */
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { Worker } from "node:worker_threads";

export interface TokenServer extends AsyncDisposable {
  readonly tokenURL: string;
  /** Requests for a token so far. */
  readonly asked: number;
  /** The client and scope of a bearer token, for example `post read`; `""`: it is none of this server's, or revoked. */
  find(authorization: string | undefined): Promise<string>;
  /** From now on no token that it has been asked for is good. */
  revokeAll(): Promise<void>;
  /** Milliseconds before each answer. */
  delay(ms: number): void;
}

/** The clients' ids say how they prove who they are: `basic:client`, `post`, and the algorithms of their keys. */
export const clientSecret = "a client's secret: with/every+kind of character%";
const pairs = {
  RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: generateKeyPairSync("ed25519"),
};
export const clientKeys: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(pairs).map(([name, { privateKey }]) => [name, privateKey.export({ type: "pkcs8", format: "pem" }).toString()]),
);

export interface TokenServerData {
  /** How often it was asked; milliseconds before each answer. */
  readonly shared: Int32Array;
  readonly secret: string;
  readonly keys: Readonly<Record<string, string>>;
}

export async function startTokenServer(): Promise<TokenServer> {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const workerData: TokenServerData = { shared, secret: clientSecret, keys: clientKeys };
  const worker = new Worker(new URL("./token-server-worker.ts", import.meta.url), { workerData });
  const [issuer] = (await once(worker, "message")) as [string];
  return {
    tokenURL: `${issuer}/token`,
    get asked() {
      return Atomics.load(shared, 0);
    },
    async find(authorization) {
      const reply = await fetch(`${issuer}/control/find`, { headers: authorization === undefined ? {} : { authorization } });
      return reply.text();
    },
    async revokeAll() {
      await (await fetch(`${issuer}/control/revoke`)).text();
    },
    delay(ms) {
      Atomics.store(shared, 1, ms);
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
