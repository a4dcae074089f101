/** A short-lived token of a ServiceAccount, made by the API server. */
import type { ServiceAccountTokenRequest, ServiceAccountTokenResult } from "../../core/auth.ts";
import { refuse, refuseForNow, RefusedError } from "../refusal.ts";
import type { Token } from "./tokens.ts";

export type MakeServiceAccountToken = (
  request: ServiceAccountTokenRequest,
  signal: AbortSignal,
) => Promise<ServiceAccountTokenResult>;

/** `field`: where it is asked for. Throws `RefusedError`. */
export async function tokenOfServiceAccount(
  make: MakeServiceAccountToken,
  { field, request }: { readonly field: string; readonly request: ServiceAccountTokenRequest },
  signal: AbortSignal,
): Promise<Token> {
  const result = await make(request, signal).catch((cause: unknown) => {
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
