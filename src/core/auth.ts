/** How the requests of an endpoint prove who sends them, as a plan says it: sources, never values. */
import type { Refusal } from "./outcome.ts";
import type { OutputObject, Owner } from "./output.ts";
import type { BodyTemplate, Located, RequestTemplate } from "./request-template.ts";
import type { Source } from "./source.ts";
import { bytesInBody } from "./templating.ts";

/** A token that is presented to get another: kept in a Secret, or made each time that it is needed. */
export type TokenSource = { readonly field: string } & (
  | { readonly type: "secret"; readonly token: Source }
  | { readonly type: "serviceAccount"; readonly request: ServiceAccountTokenRequest }
  | ({ readonly type: "jwt"; readonly key: Source } & JWTClaims)
);
export interface JWTClaims {
  readonly algorithm: string;
  readonly keyID?: string;
  /** Names among the declared claims for which there is a field, or that are made. */
  readonly reserved?: readonly string[];
  /** `iss`, `sub` and `aud` among them. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly lifetimeMs: number;
}

/** Where what a server gives in a refresh token's place is kept: a Secret of the endpoint's own. */
export interface KeptToken {
  readonly owner: Owner;
  readonly object: OutputObject;
}
export interface RefreshTokenKeeper {
  /** Why one could not be kept as things are. Throws when the store cannot be reached. */
  check(at: KeptToken, signal: AbortSignal): Promise<Refusal | undefined>;
  /** The latest that came of the declared one. */
  load(at: KeptToken, declared: string, signal: AbortSignal): Promise<string | undefined>;
  /** Waits while the store cannot be reached. Undefined: it is kept. */
  save(
    at: KeptToken,
    tokens: { readonly declared: string; readonly token: string },
    signal: AbortSignal,
  ): Promise<Refusal | undefined>;
}

/** By what a token is asked for. `T`: where a text comes from; `M`: where a token does. */
export type Grant<T, M> =
  | { readonly type: "clientCredentials" }
  | { readonly type: "password"; readonly username: T; readonly password: T }
  | { readonly type: "refreshToken"; readonly token: T; readonly keep?: KeptToken }
  | { readonly type: "jwtBearer"; readonly assertion: M }
  | {
      readonly type: "tokenExchange";
      readonly subject: M;
      readonly subjectType: string;
      readonly actor?: M;
      readonly actorType?: string;
      readonly requestedType?: string;
    };
/** `none`: its id alone, or nothing. */
export type OAuth2Client<T, M> =
  | { readonly type: "secret"; readonly secret: T; readonly method: "Basic" | "Post" }
  | { readonly type: "privateKey"; readonly key: T; readonly keyID?: string; readonly algorithm: string }
  | { readonly type: "assertion"; readonly assertion: M }
  | { readonly type: "none" };

export interface OAuth2Request<T, M> {
  readonly type: "oauth2";
  readonly tokenURL: string;
  readonly clientID?: T;
  readonly client: OAuth2Client<T, M>;
  /** Absent: client credentials. */
  readonly grant?: Grant<T, M>;
  readonly scopes: readonly string[];
  readonly audience?: string;
  readonly resource?: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly value: T }[];
  /** Absent: the access token. */
  readonly use?: "AccessToken" | "IDToken";
}
export type OAuth2Sources = OAuth2Request<Source, TokenSource>;

interface AWSSources {
  readonly type: "awsSigV4";
  readonly region: string;
  readonly service: string;
  readonly accessKeyID: Source;
  readonly secretAccessKey: Source;
  readonly sessionToken?: Source;
}
/** Credentials for signatures, which STS gives for a ServiceAccount's token. None of it is secret. */
export interface WebIdentity {
  readonly type: "awsWebIdentity";
  readonly region: string;
  readonly service: string;
  readonly stsURL: string;
  readonly roleARN: string;
  readonly sessionName: string;
  readonly durationSeconds: number;
  readonly token: Extract<TokenSource, { readonly type: "serviceAccount" }>;
}
interface ServiceAccountSources {
  readonly type: "serviceAccountToken";
  readonly request: ServiceAccountTokenRequest;
}
/** One request of a login, with what counts as success. */
export interface LoginRequest {
  readonly field: string;
  readonly request: RequestTemplate & { readonly body?: BodyTemplate };
  readonly expect: { readonly status: readonly string[]; readonly that?: Located };
}
/** What each request gets of a login. A cookie without `value` is the one that the login set; of the name `*`, all of them. */
export type LoginPart =
  | { readonly in: "header" | "query"; readonly name: string; readonly field: string; readonly value: Located }
  | { readonly in: "cookie"; readonly name: string; readonly field: string; readonly value?: Located };

export interface LoginSources {
  readonly type: "login";
  readonly inputs: Readonly<Record<string, Source>>;
  /** Inputs that are made for each login, by name. */
  readonly tokens?: Readonly<Record<string, TokenSource>>;
  readonly requests: readonly LoginRequest[];
  readonly send: readonly LoginPart[];
  readonly expires?: Located;
  /** Status codes, and `LoginRedirect`. */
  readonly renewOn: readonly string[];
  readonly logout?: LoginRequest;
}
interface DigestSources {
  readonly type: "digest";
  readonly username: Source;
  readonly password: Source;
  /** The best first. */
  readonly algorithms: readonly string[];
  readonly realm?: string;
}
interface RegistrySources {
  readonly type: "registry";
  readonly tokenURL: string;
  readonly user?: { readonly username: Source; readonly password: Source };
}
/** `field`: where it was written. */
export type AuthSources = { readonly field: string } & (
  | { readonly type: "basic"; readonly username: Source; readonly password: Source }
  | { readonly type: "bearer"; readonly token: Source }
  | { readonly type: "apiKey"; readonly in: "Header" | "Query"; readonly name: string; readonly value: Source }
  | OAuth2Sources
  | AWSSources
  | WebIdentity
  | ServiceAccountSources
  | LoginSources
  | DigestSources
  | RegistrySources
);

export interface ServiceAccountTokenRequest {
  readonly namespace: string;
  readonly name: string;
  readonly audience: string;
  readonly expirationSeconds: number;
}
/**
 * What a TokenRequest gave. `ownAudience`: the API server itself would accept such a token, so there is none.
 * `grant`: the command by which an admin of the namespace allows it, where one is known.
 */
export type ServiceAccountTokenResult =
  | { readonly type: "token"; readonly token: string; readonly lifetimeMs: number }
  | { readonly type: "absent" | "ownAudience" | "unsupported" }
  | { readonly type: "forbidden"; readonly grant?: string };

/** Where its values come from. */
export function sourcesOf(auth: AuthSources): readonly Source[] {
  switch (auth.type) {
    case "basic":
    case "digest":
      return [auth.username, auth.password];
    case "registry":
      return auth.user ? [auth.user.username, auth.user.password] : [];
    case "bearer":
      return [auth.token];
    case "apiKey":
      return [auth.value];
    case "oauth2":
      return oauth2SourcesOf(auth);
    case "awsSigV4":
      return [auth.accessKeyID, auth.secretAccessKey, ...(auth.sessionToken ? [auth.sessionToken] : [])];
    case "awsWebIdentity":
    case "serviceAccountToken":
      return [];
    case "login": {
      const bodies = loginRequests(auth).flatMap(({ request }) => bytesInBody(request.body));
      const tokens = Object.values(auth.tokens ?? {}).flatMap(sourcesOfToken);
      return [...Object.values(auth.inputs), ...tokens, ...bodies.filter((source) => source.type !== "base64")];
    }
  }
}

function oauth2SourcesOf({ clientID, client, grant, parameters = [] }: OAuth2Sources): readonly Source[] {
  return [
    ...(clientID ? [clientID] : []),
    ...clientSources(client),
    ...(grant ? grantSources(grant) : []),
    ...parameters.map(({ value }) => value),
  ];
}
function clientSources(client: OAuth2Sources["client"]): readonly Source[] {
  switch (client.type) {
    case "secret":
      return [client.secret];
    case "privateKey":
      return [client.key];
    case "assertion":
      return sourcesOfToken(client.assertion);
    case "none":
      return [];
  }
}
function grantSources(grant: Grant<Source, TokenSource>): readonly Source[] {
  switch (grant.type) {
    case "clientCredentials":
      return [];
    case "password":
      return [grant.username, grant.password];
    case "refreshToken":
      return [grant.token];
    case "jwtBearer":
      return sourcesOfToken(grant.assertion);
    case "tokenExchange":
      return [grant.subject, ...(grant.actor ? [grant.actor] : [])].flatMap(sourcesOfToken);
  }
}
function sourcesOfToken(token: TokenSource): readonly Source[] {
  switch (token.type) {
    case "secret":
      return [token.token];
    case "jwt":
      return [token.key];
    case "serviceAccount":
      return [];
  }
}

/** All that a login can send. */
export function loginRequests({ requests, logout }: LoginSources): readonly LoginRequest[] {
  return [...requests, ...(logout ? [logout] : [])];
}

/** Names, in lower case but for query parameters', that the credential takes: no request may set them. */
export function reservedNames(auth: AuthSources): { readonly headers: readonly string[]; readonly query: readonly string[] } {
  switch (auth.type) {
    case "basic":
    case "digest":
    case "registry":
    case "bearer":
    case "oauth2":
    case "serviceAccountToken":
      return { headers: ["authorization"], query: [] };
    case "apiKey":
      return auth.in === "Header" ? { headers: [auth.name.toLowerCase()], query: [] } : { headers: [], query: [auth.name] };
    case "awsSigV4":
    case "awsWebIdentity":
      return { headers: ["authorization", "date", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"], query: [] };
    case "login": {
      const named = (place: LoginPart["in"]): readonly string[] =>
        auth.send.filter((part) => part.in === place).map(({ name }) => name);
      const cookies = named("cookie").length > 0 ? ["cookie"] : [];
      return { headers: [...new Set([...named("header").map((name) => name.toLowerCase()), ...cookies])], query: named("query") };
    }
  }
}
