/** Where a token comes from that is presented to get another, as sources that say where they were written. Pure. */
import type { TokenSourceShape } from "../../api/token-source.ts";
import type { ServiceAccountTokenRequest, TokenSource } from "../../core/auth.ts";
import { durationMs } from "../../core/tools/duration.ts";
import { source, type From } from "./sources.ts";

/** `from.field`: where it is written; `namespace`: of the ServiceAccount. */
export function tokenSource(
  { secretKeyRef, serviceAccountToken, jwt }: { readonly [K in keyof TokenSourceShape]?: TokenSourceShape[K] | undefined },
  from: From,
  namespace: string,
): TokenSource {
  const at = (name: string): From => ({ ...from, field: `${from.field}.${name}` });
  if (serviceAccountToken) {
    const request = serviceAccountRequest(serviceAccountToken, namespace);
    return { field: at("serviceAccountToken").field, type: "serviceAccount", request };
  }
  if (!jwt) return { field: from.field, type: "secret", token: source(from, { secretKeyRef }) };
  const { key, keyID, algorithm, issuer, subject, audience, lifetime, claims = {} } = jwt;
  return {
    field: at("jwt").field,
    type: "jwt",
    key: source(at("jwt.key"), key),
    algorithm,
    ...(keyID !== undefined && { keyID }),
    reserved: Object.keys(claims).filter((name) => reservedClaims.includes(name)),
    claims: {
      ...claims,
      ...(issuer !== undefined && { iss: issuer }),
      ...(subject !== undefined && { sub: subject }),
      ...(audience !== undefined && { aud: audience }),
    },
    lifetimeMs: durationMs(lifetime),
  };
}

/** No rule of the schema can see into a map of any values. */
const reservedClaims: readonly string[] = ["iss", "sub", "aud", "iat", "exp", "jti"];

export function serviceAccountRequest(
  { serviceAccountName: name, audience, expirationSeconds }: NonNullable<TokenSourceShape["serviceAccountToken"]>,
  namespace: string,
): ServiceAccountTokenRequest {
  return { namespace, name, audience, expirationSeconds };
}
