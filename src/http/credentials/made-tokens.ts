/** Tokens that are presented to get others: as a Secret has them, or made now. */
import type { ResolvedToken } from "../resolve/token-source.ts";
import { signJWT } from "./jwt.ts";
import { tokenOfServiceAccount, type MakeServiceAccountToken } from "./service-account.ts";

/** Throws `RefusedError`. */
export type MakeToken = (token: ResolvedToken, signal: AbortSignal) => Promise<string>;

/** `onSecret`: told each that is made. */
export function createMakeToken(serviceAccountToken: MakeServiceAccountToken, onSecret: (value: string) => void): MakeToken {
  return async (token, signal) => {
    if (token.type === "secret") return token.token;
    const made =
      token.type === "jwt"
        ? await signJWT(token, new Date())
        : (await tokenOfServiceAccount(serviceAccountToken, token, signal)).value;
    onSecret(made);
    return made;
  };
}
