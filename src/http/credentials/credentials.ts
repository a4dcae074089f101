/** The credential for an exchange: one that is known, or one with a token that is shared by all requests of its endpoint. */
import type { ServiceAccountTokenRequest, ServiceAccountTokenResult } from "../../core/auth.ts";
import { digest } from "../../core/tools/digest.ts";
import type { EndpointTraits } from "../../core/connection.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Busy } from "../../core/ports.ts";
import type { AuthSettings } from "../resolve/auth.ts";
import type { ClientSettings } from "../connect/client-settings.ts";
import { fixedCredential, withHeader, type Credential, type FixedAuth } from "./credential.ts";
import { requestToken, type SendRequest } from "./oauth2.ts";
import { refuse, refuseForNow, RefusedError } from "../refusal.ts";
import { createTokens, type FetchToken, type Token } from "./tokens.ts";

export interface CredentialsOptions {
  readonly userAgent: string;
  /** Sends a request for a token. */
  readonly sender: (context: CredentialContext) => SendRequest;
  readonly serviceAccountToken: (request: ServiceAccountTokenRequest, signal: AbortSignal) => Promise<ServiceAccountTokenResult>;
  /** Is told each token, and the namespace of its endpoint. */
  readonly onSecret: (value: string, namespace: string) => void;
}
export interface CredentialContext {
  readonly endpoint: EndpointTraits;
  /** How the endpoint's own requests connect. */
  readonly settings: ClientSettings;
  /** Whether a request may still leave, asked as it starts on its socket. */
  readonly mayStart: () => boolean;
}

export interface Credentials extends Disposable {
  /** `namespace`: of the request that it is for. Throws `RefusedError`. `busy`: a token is being asked for; where `mayWait`, that is waited for instead. */
  of(
    auth: AuthSettings,
    context: CredentialContext,
    options: { readonly namespace: string; readonly mayWait: boolean; readonly signal: AbortSignal },
  ): Promise<Credential | Busy>;
  /** Why no token can be had, as far as is known. */
  problem(auth: AuthSettings, endpoint: EndpointTraits): Refusal | undefined;
}

/** A token that an exchange of `namespace` was given. */
interface Known {
  readonly key: string;
  readonly first: string;
  readonly namespace: string;
}

type TokenAuth = Exclude<AuthSettings, FixedAuth>;

export function createCredentials({ userAgent, sender, serviceAccountToken, onSecret }: CredentialsOptions): Credentials {
  const tokens = createTokens();

  async function fetchToken(auth: TokenAuth, context: CredentialContext, signal: AbortSignal): Promise<Token> {
    const token = await (auth.type === "oauth2"
      ? requestToken(auth, { field: auth.field, send: sender(context), userAgent }, signal)
      : ofServiceAccount(auth, signal));
    onSecret(token.value, context.endpoint.key.namespace);
    return token;
  }
  async function ofServiceAccount(
    { field, request }: Extract<TokenAuth, { type: "serviceAccountToken" }>,
    signal: AbortSignal,
  ): Promise<Token> {
    const result = await serviceAccountToken(request, signal).catch((cause: unknown) => {
      const refusal = { type: "refusal", reason: "TokenRequestFailed", heals: true } as const;
      throw new RefusedError({ ...refusal, message: `${field}: the API server could not be asked for a token` }, { cause });
    });
    const account = `ServiceAccount "${request.name}"`;
    switch (result.type) {
      case "token":
        return { value: result.token, lifetimeMs: result.lifetimeMs };
      case "absent":
        return refuseForNow("ServiceAccountNotFound", `${field}.serviceAccountName: there is no ${account}`);
      case "ownAudience":
        return refuse(
          "InvalidCredential",
          `${field}.audience: the API server itself accepts this audience, so the token could be used there`,
        );
      case "unsupported":
        return refuse("InvalidCredential", `${field}: without a cluster there is nobody who makes tokens of ServiceAccounts`);
      case "forbidden": {
        const remedy = result.grant === undefined ? "grant it create on serviceaccounts/token" : `to allow it: ${result.grant}`;
        const message = `${field}.serviceAccountName: Holdfast is not allowed to make tokens of ${account}; ${remedy}`;
        return refuseForNow("ReferenceForbidden", message);
      }
    }
  }
  function tokenCredential({ key, first, namespace }: Known, fetch: FetchToken): Credential {
    const used = [first];
    const latest = (): string => used.at(-1) ?? first;
    return {
      secrets: () => used,
      added: (request) => withHeader(request, "authorization", `Bearer ${latest()}`),
      async renewed(signal) {
        const token = await tokens.renew(key, fetch, { value: latest(), namespace }, signal);
        if (token === undefined) return false; // the answer of 401 stands
        used.push(token);
        return true;
      },
      accepted: () => tokens.helped(key, namespace),
    };
  }

  return {
    async of(auth, context, { namespace, mayWait, signal }) {
      if (auth.type !== "oauth2" && auth.type !== "serviceAccountToken") return fixedCredential(auth);
      const key = keyOf(auth, context.endpoint);
      const fetch: FetchToken = (stop) => fetchToken(auth, context, stop);
      const got = tokens.get(key, fetch);
      if (got.type === "pending" && !mayWait) return { type: "busy", reason: "TokenPending", kept: false, free: got.done };
      const first = got.type === "token" ? got.value : await tokens.wait(key, fetch, signal);
      return tokenCredential({ key, first, namespace }, fetch);
    },
    problem: (auth, endpoint) => tokens.problem(keyOf(auth, endpoint)),
    [Symbol.dispose]: () => tokens[Symbol.dispose](),
  };
}

/** Other settings or another secret is another token. */
function keyOf(auth: AuthSettings, { key }: EndpointTraits): string {
  return digest([key.namespace, key.name, auth]);
}
