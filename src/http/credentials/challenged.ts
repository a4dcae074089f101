/** Credentials that answer a server's challenge: what is known of it is shared by all requests of an endpoint. */
import type { Refusal } from "../../core/outcome.ts";
import { orRefusal, RefusedError } from "../refusal.ts";
import type { AuthSettings } from "../resolve/auth.ts";
import { hideAdminDetails } from "../resolve/connection.ts";
import type { Credential } from "./credential.ts";
import type { CredentialContext, TokenRequests } from "./context.ts";
import { digestCredential, type DigestState } from "./digest.ts";
import { createKept } from "./kept.ts";
import { charactersOf, type Issued } from "./issued.ts";
import type { IssuedRoom } from "./issued-room.ts";
import {
  createRegistryState,
  mostRegistries,
  registryCredential,
  requestRegistryToken,
  tokenKeyOf,
  type RegistryState,
} from "./registry.ts";
import type { DoTokenWork } from "./token-work.ts";
import type { Token } from "./tokens.ts";

export type ChallengedAuth = Extract<AuthSettings, { type: "digest" | "registry" }>;

/** Endpoints of which something is kept. */
export const mostKept = 10_000;

interface Challenged extends Disposable {
  of(auth: ChallengedAuth, context: CredentialContext, by: { readonly key: string; readonly namespace: string }): Credential;
  /** Why the latest challenge was not answered. */
  problem(key: string): Refusal | undefined;
}

interface ChallengedOptions extends TokenRequests {
  readonly room: IssuedRoom;
  readonly work: DoTokenWork;
}

export function createChallenged({ sendFor, userAgent, onSecret, room, work }: ChallengedOptions): Challenged {
  const digests = createKept<DigestState>(mostKept);
  const registries = createKept<RegistryState>(mostRegistries);
  const problems = createKept<Refusal>(mostKept);
  const ended = new AbortController();

  /** Why an admin's endpoint cannot answer a challenge is told in its own status only. */
  function noting(key: string, { endpoint }: CredentialContext, credential: Credential): Credential {
    const admins = { endpoint, tls: { insecureSkipVerify: false, minVersion: "TLSv1.2" } } as const;
    return {
      ...credential,
      renewed: (signal, answer) =>
        hideAdminDetails(admins, async () => {
          const isRenewed = await orRefusal(async () => (await credential.renewed?.(signal, answer)) === true);
          if (isRenewed === true || isRenewed === false) return isRenewed;
          problems.keep(key, isRenewed);
          throw new RefusedError(isRenewed);
        }),
      answered(answer) {
        credential.answered?.(answer);
        problems.forget(key);
      },
    };
  }

  function kept(
    token: Token<Issued>,
    { namespace, state, tokenKey }: { readonly namespace: string; readonly state: RegistryState; readonly tokenKey: string },
  ): Token<Issued> {
    room.keep(namespace, tokenKey, { characters: charactersOf(token.value), letGo: () => state.tokens.forget(tokenKey) });
    return { ...token, end: () => room.release(namespace, tokenKey) };
  }

  function of(...[auth, context, { key, namespace }]: Parameters<Challenged["of"]>): Credential {
    const { endpoint } = context;
    if (auth.type === "digest")
      return noting(key, context, digestCredential(auth, digests.of(key) ?? digests.keep(key, { count: 0 })));
    const state = registries.of(key) ?? registries.keep(key, createRegistryState());
    const credential = registryCredential({
      settings: auth,
      key,
      state,
      namespace,
      async fetch(wanted, cancelled) {
        const signal = AbortSignal.any([cancelled, ended.signal]);
        const token = await work(context, signal, (held) =>
          requestRegistryToken(auth, wanted, { send: sendFor(held), userAgent, signal }),
        );
        for (const secret of token.value.secrets) onSecret(secret, endpoint.key.namespace);
        return kept(token, { namespace: endpoint.credentialNamespace, state, tokenKey: tokenKeyOf(key, wanted) });
      },
    });
    return noting(key, context, credential);
  }
  return { of, problem: (key) => problems.of(key), [Symbol.dispose]: () => ended.abort() };
}
