/** The credential for an exchange: one that is known, or one with a token that is shared by all requests of its endpoint. */
import { hash } from "node:crypto";
import { digest } from "../../core/tools/digest.ts";
import type { RefreshTokenKeeper } from "../../core/auth.ts";
import type { EndpointTraits } from "../../core/connection.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Busy } from "../../core/ports.ts";
import type { ResourceKey } from "../../core/resource.ts";
import type { AuthSettings, LoginSettings } from "../resolve/auth.ts";
import type { CredentialContext, TokenContext, TokenRequests } from "./context.ts";
import { fixedCredential, type Credential, type FixedAuth } from "./credential.ts";
import { bearerToken, charactersOf, isRefusal, withIssued, type Issued } from "./issued.ts";
import { createIssuedRoom } from "./issued-room.ts";
import { createMakeToken, type MakeToken } from "./made-tokens.ts";
import { createChallenged, type ChallengedAuth } from "./challenged.ts";
import { tokenOfServiceAccount, type MakeServiceAccountToken } from "./service-account.ts";
import { createRefreshTokens, grantedToken } from "./refresh-tokens.ts";
import { createSessions } from "./sessions.ts";
import { createTokenWork } from "./token-work.ts";
import { createTokens, type FetchToken, type Token, type Tokens } from "./tokens.ts";
import { assumeRole, expired } from "./web-identity.ts";

export interface CredentialsOptions extends TokenRequests {
  readonly logIn: LogIn;
  readonly serviceAccountToken: MakeServiceAccountToken;
  /** Without it refresh tokens are in memory alone. */
  readonly refreshTokenKeeper?: RefreshTokenKeeper | undefined;
}

/** Begins a session. `logOut`, which ends it, never rejects. Throws `RefusedError`. */
export type LogIn = (
  settings: LoginSettings,
  context: TokenContext & { readonly makeToken: MakeToken },
  signal: AbortSignal,
) => Promise<Omit<Token<Issued>, "end"> & { readonly logOut?: (context: TokenContext) => Promise<void> }>;

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
  /** What may be lost with this process, for people. */
  suspicion(auth: AuthSettings, endpoint: EndpointTraits): string | undefined;
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
  const refreshTokens = createRefreshTokens(options.refreshTokenKeeper);
  const room = createIssuedRoom();
  const work = createTokenWork();
  const challenged = parts.use(createChallenged({ ...options, room, work }));
  const problemOf = (key: string): Refusal | undefined => tokens.problem(key) ?? challenged.problem(key);
  const makerFor = ({ endpoint }: CredentialContext): MakeToken =>
    createMakeToken(serviceAccountToken, (value) => onSecret(value, endpoint.key.namespace));
  const sessions = createSessions((key, unusedForMs) => tokens.forget(key, unusedForMs));

  async function fetchToken(auth: TokenAuth, context: CredentialContext, signal: AbortSignal): Promise<Token<Issued>> {
    const token = await work(context, signal, (held) =>
      auth.type === "login" ? session(auth, held, signal) : bearer(auth, held, signal),
    );
    const { key: endpoint, credentialNamespace: namespace } = context.endpoint;
    for (const secret of token.value.secrets) onSecret(secret, endpoint.namespace);
    const key = keyOf(auth, context.endpoint);
    room.keep(namespace, key, { characters: charactersOf(token.value), letGo: () => tokens.forget(key) });
    return {
      ...token,
      end() {
        room.release(namespace, key);
        token.end?.();
      },
    };
  }
  async function bearer(
    auth: Exclude<TokenAuth, LoginSettings>,
    context: TokenContext,
    signal: AbortSignal,
  ): Promise<Token<Issued>> {
    if (auth.type === "serviceAccountToken") {
      const { value, lifetimeMs } = await tokenOfServiceAccount(serviceAccountToken, auth, signal);
      return { value: bearerToken(value), lifetimeMs };
    }
    const makeToken = makerFor(context);
    if (auth.type === "awsWebIdentity") return assumeRole(auth, { send: sendFor(context), userAgent, makeToken }, signal);
    const asking = { field: auth.field, send: sendFor(context), userAgent, makeToken };
    const tell = (secret: string): void => onSecret(secret, context.endpoint.key.namespace);
    const { value, lifetimeMs } = await grantedToken(
      auth,
      { key: keyOf(auth, context.endpoint), asking, refreshTokens, tell },
      signal,
    );
    return { value: bearerToken(value), lifetimeMs };
  }
  async function session(auth: LoginSettings, context: TokenContext, signal: AbortSignal): Promise<Token<Issued>> {
    const { logOut, ...token } = await logIn(auth, { ...context, makeToken: makerFor(context) }, signal);
    return { ...token, ...(logOut && { end: () => sessions.ending(work(context, never, logOut)) }) };
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
    suspicion: (auth, endpoint) =>
      auth.type === "oauth2" && refreshTokens.isAtRisk(keyOf(auth, endpoint))
        ? `${auth.field}.refreshToken: the server gave another in its place, which is in memory alone and lost with this process: set keepIn`
        : undefined,
    [Symbol.dispose]: () => parts.dispose(),
  };
}

const never = new AbortController().signal;

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
