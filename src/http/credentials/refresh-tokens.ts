/** The refresh token that is good now: the declared one, or what its server gave in its place. */
import type { RefreshTokenKeeper } from "../../core/auth.ts";
import { RefusedError } from "../refusal.ts";
import type { OAuth2Settings } from "../resolve/oauth2.ts";
import { mostKept } from "./challenged.ts";
import { createKept } from "./kept.ts";
import { requestToken } from "./oauth2.ts";
import type { Token } from "./tokens.ts";

type RefreshGrant = Extract<NonNullable<OAuth2Settings["grant"]>, { readonly type: "refreshToken" }>;

/** `key`: of an endpoint's settings. */
export interface RefreshTokens {
  /** Throws `RefusedError` where another, if one is given, could not be kept: then none is asked for. */
  current(key: string, grant: RefreshGrant, signal: AbortSignal): Promise<string>;
  /** The server has given another, which is kept before anything that came with it is used. Throws `RefusedError`. */
  replaced(key: string, grant: RefreshGrant, token: string, signal: AbortSignal): Promise<void>;
  /** The server takes this one no more: the next time another is tried, where there is one. */
  refused(key: string, grant: RefreshGrant, token: string): void;
  /** Whether one that is in memory alone is the only one that is good. */
  isAtRisk(key: string): boolean;
}

export function createRefreshTokens(keeper: RefreshTokenKeeper | undefined): RefreshTokens {
  /** Where there is a keeper, only what it could not keep yet: another process may have kept a newer one. */
  const latest = createKept<string>(mostKept);
  /** What was loaded or saved last: a Secret goes before its endpoint where their namespace is deleted. */
  const known = createKept<string>(mostKept);
  const atRisk = createKept<true>(mostKept);
  return {
    async current(key, { keep, token: declared }, signal) {
      if (!keep || !keeper) return latest.of(key) ?? declared;
      const problem = await keeper.check(keep, signal);
      if (problem) throw new RefusedError({ ...problem, heals: true });
      const unkept = latest.of(key);
      if (unkept !== undefined) return unkept;
      const kept = await keeper.load(keep, declared, signal);
      return kept === undefined ? (known.of(key) ?? declared) : known.keep(key, kept);
    },
    async replaced(key, { keep, token: declared }, token, signal) {
      latest.keep(key, token);
      if (!keep || !keeper) return void atRisk.keep(key, true);
      const problem = await keeper.save(keep, { declared, token }, signal);
      if (problem) throw new RefusedError({ ...problem, heals: true });
      known.keep(key, token);
      latest.forget(key);
    },
    refused(key, { token: declared }, token) {
      known.forget(key);
      if (token === declared) latest.forget(key);
      else latest.keep(key, declared);
      atRisk.forget(key);
    },
    isAtRisk: (key) => atRisk.of(key) === true,
  };
}

interface Granting {
  /** Of the endpoint's settings. */
  readonly key: string;
  readonly asking: Omit<Parameters<typeof requestToken>[1], "refreshToken">;
  readonly refreshTokens: RefreshTokens;
  /** Is told each refresh token that is presented or given. */
  readonly tell: (secret: string) => void;
}
/** A token by whatever the settings say; a refresh token that comes with it is kept first. Throws `RefusedError`. */
export async function grantedToken(
  settings: OAuth2Settings,
  { key, asking, refreshTokens, tell }: Granting,
  signal: AbortSignal,
): Promise<Token> {
  const { grant } = settings;
  if (grant?.type !== "refreshToken") return requestToken(settings, asking, signal);
  const present = await refreshTokens.current(key, grant, signal);
  tell(present);
  const got = await requestToken(settings, { ...asking, refreshToken: present }, signal).catch((error: unknown) => {
    const isRefused = error instanceof RefusedError && error.refusal.reason === "CredentialRefused";
    if (isRefused) refreshTokens.refused(key, grant, present);
    throw error;
  });
  const { refreshToken, ...token } = got;
  if (refreshToken === undefined || refreshToken === present) return token;
  tell(refreshToken);
  await refreshTokens.replaced(key, grant, refreshToken, signal);
  return token;
}
