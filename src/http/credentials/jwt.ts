/** JWTs that are made here, signed by the library that speaks to token servers. */
import { createPrivateKey, type KeyObject, type webcrypto } from "node:crypto";
import * as oauth from "oauth4webapi";
import { refuseForNow } from "../refusal.ts";
import type { ResolvedToken } from "../resolve/token-source.ts";

/** Servers whose clocks are behind refuse what was issued in their future. */
const issuedBackMs = 60_000;

/** With iat, exp and jti, and the claims as they are. Throws `RefusedError`. */
export async function signJWT(
  { field, key, keyID, algorithm, claims, lifetimeMs }: Extract<ResolvedToken, { type: "jwt" }>,
  now: Date,
): Promise<string> {
  const issuedMs = now.getTime() - issuedBackMs;
  const times = { iat: Math.floor(issuedMs / 1000), exp: Math.floor((issuedMs + lifetimeMs) / 1000) };
  const sign = signedWith({ field: `${field}.key`, key, keyID, algorithm }, (made) => {
    const { jti } = made;
    for (const name of Object.keys(made)) delete made[name];
    Object.assign(made, claims, times, { jti });
  });
  const form = new URLSearchParams();
  await sign({ issuer: "https://unused.invalid" }, { client_id: "unused" }, form, new Headers());
  return form.get("client_assertion") ?? "";
}

interface SigningKey {
  /** Where the key is written. */
  readonly field: string;
  /** PEM. */
  readonly key: string;
  readonly keyID?: string | undefined;
  readonly algorithm: string;
}
/** A client's assertion, whose claims `change` makes what they are to be. Throws `RefusedError`. */
export function signedWith(
  { field, key, keyID, algorithm }: SigningKey,
  change: (claims: Record<string, unknown>) => void,
): oauth.ClientAuth {
  const privateKey = importKey(key, algorithm);
  if (!privateKey)
    return refuseForNow("InvalidCredential", `${field}: this is no PEM private key for ${algorithm} without a passphrase`);
  return oauth.PrivateKeyJwt(
    { key: privateKey, ...(keyID !== undefined && { kid: keyID }) },
    {
      [oauth.modifyAssertion](header, claims) {
        header["alg"] = algorithm; // the library calls EdDSA Ed25519 (RFC 9864), which few servers know
        change(claims);
      },
    },
  );
}

/** RFC 7518, section 3.1, as WebCrypto has it. */
const algorithms: Readonly<Record<string, Parameters<KeyObject["toCryptoKey"]>[0]>> = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  ES384: { name: "ECDSA", namedCurve: "P-384" },
  ES512: { name: "ECDSA", namedCurve: "P-521" },
  EdDSA: { name: "Ed25519" },
};

function importKey(pem: string, algorithm: string): webcrypto.CryptoKey | undefined {
  const parameters = algorithms[algorithm];
  try {
    return parameters === undefined ? undefined : createPrivateKey(pem).toCryptoKey(parameters, false, ["sign"]);
  } catch {
    return undefined; // OpenSSL's text can quote the material
  }
}
