/** How the requests of an endpoint prove who sends them, as a plan says it: sources, never values. */
import type { Source } from "./source.ts";

export interface OAuth2Sources {
  readonly type: "oauth2";
  readonly tokenURL: string;
  readonly clientID: Source;
  readonly client:
    | { readonly type: "secret"; readonly secret: Source; readonly method: "Basic" | "Post" }
    | { readonly type: "privateKey"; readonly key: Source; readonly keyID?: string; readonly algorithm: string };
  readonly scopes: readonly string[];
  readonly audience?: string;
}
interface AWSSources {
  readonly type: "awsSigV4";
  readonly region: string;
  readonly service: string;
  readonly accessKeyID: Source;
  readonly secretAccessKey: Source;
  readonly sessionToken?: Source;
}
interface ServiceAccountSources {
  readonly type: "serviceAccountToken";
  readonly request: ServiceAccountTokenRequest;
}
/** `field`: where it was written. */
export type AuthSources = { readonly field: string } & (
  | { readonly type: "basic"; readonly username: Source; readonly password: Source }
  | { readonly type: "bearer"; readonly token: Source }
  | { readonly type: "apiKey"; readonly in: "Header" | "Query"; readonly name: string; readonly value: Source }
  | OAuth2Sources
  | AWSSources
  | ServiceAccountSources
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
      return [auth.username, auth.password];
    case "bearer":
      return [auth.token];
    case "apiKey":
      return [auth.value];
    case "oauth2":
      return [auth.clientID, auth.client.type === "secret" ? auth.client.secret : auth.client.key];
    case "awsSigV4":
      return [auth.accessKeyID, auth.secretAccessKey, ...(auth.sessionToken ? [auth.sessionToken] : [])];
    case "serviceAccountToken":
      return [];
  }
}

/** Names, in lower case but for query parameters', that the credential takes: no request may set them. */
export function reservedNames(auth: AuthSources): { readonly headers: readonly string[]; readonly query: readonly string[] } {
  switch (auth.type) {
    case "basic":
    case "bearer":
    case "oauth2":
    case "serviceAccountToken":
      return { headers: ["authorization"], query: [] };
    case "apiKey":
      return auth.in === "Header" ? { headers: [auth.name.toLowerCase()], query: [] } : { headers: [], query: [auth.name] };
    case "awsSigV4":
      return { headers: ["authorization", "date", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"], query: [] };
  }
}
