/** What a token is made of that is presented to get another, read and checked. */
import type { JWTClaims, ServiceAccountTokenRequest, TokenSource } from "../../core/auth.ts";
import type { Read } from "../../core/ports.ts";
import { refuse } from "../refusal.ts";
import { credentialText, pem } from "./credential-text.ts";

/** `field`: where it was written. */
export type ResolvedToken = { readonly field: string } & (
  | { readonly type: "secret"; readonly token: string }
  | { readonly type: "serviceAccount"; readonly request: ServiceAccountTokenRequest }
  | ({ readonly type: "jwt"; readonly key: string } & JWTClaims)
);

/** Throws `RefusedError`. */
export async function resolveToken(token: TokenSource, read: Read): Promise<ResolvedToken> {
  const { field } = token;
  switch (token.type) {
    case "secret":
      return { field, type: "secret", token: await credentialText(token.token, read) };
    case "serviceAccount":
      return token;
    case "jwt":
      if (token.reserved?.[0] !== undefined)
        refuse(
          "InvalidRequest",
          `${field}.claims.${token.reserved[0]}: iss, sub and aud have fields of their own, and iat, exp and jti are made`,
        );
      return { ...token, key: await pem(token.key, read) };
  }
}

/** By name. Throws `RefusedError`. */
export async function resolveTokens(
  tokens: Readonly<Record<string, TokenSource>>,
  read: Read,
): Promise<Readonly<Record<string, ResolvedToken>>> {
  const entries = Object.entries(tokens).map(async ([name, token]) => [name, await resolveToken(token, read)] as const);
  return Object.fromEntries(await Promise.all(entries));
}
