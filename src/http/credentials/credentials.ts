/** The credential for an exchange: one that is known, or one with a token that is shared by all requests of its endpoint. */
import { hash } from "node:crypto";
import { digest } from "../../core/tools/digest.ts";
import type { EndpointTraits } from "../../core/connection.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Busy } from "../../core/ports.ts";
import type { ResourceKey } from "../../core/resource.ts";
import type { AuthSettings, LoginSettings } from "../resolve/auth.ts";
import type { CredentialContext, TokenRequests } from "./context.ts";
import { fixedCredential, type Credential, type FixedAuth } from "./credential.ts";
import { bearerToken, isRefusal, withIssued, type Issued } from "./issued.ts";
import { createMakeToken, type MakeToken } from "./made-tokens.ts";
import { createChallenged, mostKept, type ChallengedAuth } from "./challenged.ts";
import { createKept } from "./kept.ts";
import { requestToken } from "./oauth2.ts";
import { tokenOfServiceAccount, type MakeServiceAccountToken } from "./service-account.ts";
import { createSessions } from "./sessions.ts";
import { RefusedError } from "../refusal.ts";
import { createTokens, type FetchToken, type Token, type Tokens } from "./tokens.ts";
import { assumeRole, expired } from "./web-identity.ts";

export interface CredentialsOptions extends TokenRequests {
  readonly logIn: LogIn;
  readonly serviceAccountToken: MakeServiceAccountToken;
}

/** Begins a session. `end` of what it gives never rejects. Throws `RefusedError`. */
export type LogIn = (
  settings: LoginSettings,
  context: CredentialContext & { readonly makeToken: MakeToken },
  signal: AbortSignal,
) => Promise<Token<Issued, Promise<void>>>;

export interface Credentials extends Disposable {
  /** The endpoint is gone: what was issued for it is let go. */
  forget(endpoint: ResourceKey): void;
  /** Lets go of all that was issued, and waits for a while for the logouts. */
  end(): Promise<void>;
  /** `namespace`: of the request that it is for. Throws `RefusedError`. `busy`: a token is being asked for; where `mayWait`, that is waited for instead. */
  of(
    auth: AuthSettings,
    context: CredentialContext,
    options: { readonly namespace: string; readonly mayWait: boolean; readonly signal: AbortSignal },
  ): Promise<Credential | Busy>;
  /** Why no token can be had, as far as is known. */
  problem(auth: AuthSettings, endpoint: EndpointTraits): Refusal | undefined;
}

/** What an exchange of `namespace` was given. */
interface Known {
  readonly tokens: Tokens<Issued>;
  readonly key: string;
  readonly first: Issued;
  readonly namespace: string;
  readonly renewOn?: readonly string[];
  readonly fetch: FetchToken<Issued>;
}

type TokenAuth = Exclude<AuthSettings, FixedAuth | ChallengedAuth>;

function isIssued(auth: AuthSettings): auth is TokenAuth {
  return ["oauth2", "awsWebIdentity", "serviceAccountToken", "login"].includes(auth.type);
}
function isChallenged(auth: AuthSettings): auth is ChallengedAuth {
  return auth.type === "digest" || auth.type === "registry";
}

export function createCredentials(options: CredentialsOptions): Credentials {
  const { userAgent, sendFor, logIn, serviceAccountToken, onSecret } = options;
  const parts = new DisposableStack();
  const tokens = parts.use(createTokens<Issued>());
  const refreshTokens = createKept<string>(mostKept);
  const challenged = parts.use(createChallenged(options));
  const problemOf = (key: string): Refusal | undefined => tokens.problem(key) ?? challenged.problem(key);
  const makerFor = ({ endpoint }: CredentialContext): MakeToken =>
    createMakeToken(serviceAccountToken, (value) => onSecret(value, endpoint.key.namespace));
  const sessions = createSessions((key, unusedForMs) => tokens.forget(key, unusedForMs));

  async function fetchToken(auth: TokenAuth, context: CredentialContext, signal: AbortSignal): Promise<Token<Issued>> {
    const token = await (auth.type === "login" ? session(auth, context, signal) : bearer(auth, context, signal));
    for (const secret of token.value.secrets) onSecret(secret, context.endpoint.key.namespace);
    return token;
  }
  async function bearer(
    auth: Exclude<TokenAuth, LoginSettings>,
    context: CredentialContext,
    signal: AbortSignal,
  ): Promise<Token<Issued>> {
    if (auth.type === "serviceAccountToken") {
      const { value, lifetimeMs } = await tokenOfServiceAccount(serviceAccountToken, auth, signal);
      return { value: bearerToken(value), lifetimeMs };
    }
    const makeToken = makerFor(context);
    if (auth.type === "awsWebIdentity") return assumeRole(auth, { send: sendFor(context), userAgent, makeToken }, signal);
    const key = keyOf(auth, context.endpoint);
    const asking = { field: auth.field, send: sendFor(context), userAgent, makeToken, refreshToken: refreshTokens.of(key) };
    const { value, lifetimeMs, refreshToken } = await requestToken(auth, asking, signal).catch((error: unknown) => {
      // The Secret's may be a newer one.
      if (error instanceof RefusedError && error.refusal.reason === "CredentialRefused") refreshTokens.forget(key);
      throw error;
    });
    if (auth.grant?.type === "refreshToken" && refreshToken !== undefined) {
      onSecret(refreshToken, context.endpoint.key.namespace);
      refreshTokens.keep(key, refreshToken);
    }
    return { value: bearerToken(value), lifetimeMs };
  }
  async function session(auth: LoginSettings, context: CredentialContext, signal: AbortSignal): Promise<Token<Issued>> {
    const { end, ...token } = await logIn(auth, { ...context, makeToken: makerFor(context) }, signal);
    return { ...token, ...(end && { end: () => sessions.ending(end()) }) };
  }

  return {
    async of(auth, context, { namespace, mayWait, signal }) {
      const key = keyOf(auth, context.endpoint);
      if (isChallenged(auth)) return challenged.of(auth, context, { key, namespace });
      if (!isIssued(auth)) return fixedCredential(auth);
      sessions.use(context.endpoint.key, key);
      const fetch: FetchToken<Issued> = (stop) => fetchToken(auth, context, stop);
      const got = tokens.get(key, fetch);
      if (got.type === "pending" && !mayWait) return { type: "busy", reason: "TokenPending", kept: false, free: got.done };
      const first = got.type === "token" ? got.value : await tokens.wait(key, fetch, signal);
      const renewing = auth.type === "login" && { renewOn: auth.login.renewOn };
      return issuedCredential({ tokens, key, first, namespace, ...renewing, fetch });
    },
    forget: (endpoint) => sessions.forget(endpoint),
    async end() {
      sessions.forgetAll();
      await sessions.ended();
    },
    problem: (auth, endpoint) => problemOf(keyOf(auth, endpoint)),
    [Symbol.dispose]: () => parts.dispose(),
  };
}

function issuedCredential({ tokens, key, first, namespace, renewOn, fetch }: Known): Credential {
  const used = [first];
  const latest = (): Issued => used.at(-1) ?? first;
  return {
    secrets: () => used.flatMap(({ secrets }) => secrets),
    added: (request, now) => withIssued(request, latest(), now),
    refused: (answer) => isRefusal(answer, latest(), renewOn),
    ...(first.signing && { refusedIn: expired }),
    async renewed(signal) {
      const token = await tokens.renew(key, fetch, { value: latest(), namespace }, signal);
      if (token === undefined) return false; // the answer of 401 stands
      used.push(token);
      return true;
    },
    accepted: () => tokens.helped(key, namespace),
  };
}

/** Other settings or another secret is another token. */
function keyOf(auth: AuthSettings, { key }: EndpointTraits): string {
  if (auth.type !== "login") return digest([key.namespace, key.name, auth]);
  const { login, inputs, tokens, bytes } = auth;
  const contents = [...bytes].map(([field, { bytes: content }]) => [field, hash("sha256", content, "hex")]);
  return digest([key.namespace, key.name, login, [...inputs], tokens, contents]);
}
