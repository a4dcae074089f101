/** The TLS settings of an exchange, with the material read and checked before anything is sent. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { TlsSources } from "../../core/connection.ts";
import type { Source } from "../../core/source.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import type { Read } from "../../core/ports.ts";
import type { ClientSettings } from "../connect/client-settings.ts";
import { isKeptElsewhere, resolveText } from "./inputs.ts";
import { refuse, refuseForNow } from "../refusal.ts";

type TlsSettings = ClientSettings["tls"];

/** What most exchanges have, each one object: the key of their client is found by it. */
const plain = (["TLSv1.2", "TLSv1.3"] as const).flatMap((minVersion) =>
  [true, false].map((rejectUnauthorized): TlsSettings => ({ rejectUnauthorized, minVersion })),
);

/** Rejects with a `RefusedError`. */
export function resolveTls(sources: TlsSources, read: Read): TlsSettings | Promise<TlsSettings> {
  const { ca, certificate, key } = sources;
  return [ca, certificate, key].some(isKeptElsewhere) ? resolveOwn(sources, read) : declaredTls(sources);
}
/** Made once of what is never another: the key of its client is found by the object. */
const declaredTls = oncePer((sources: TlsSources): TlsSettings => {
  const { ca, certificate, key, serverName, minVersion, insecureSkipVerify } = sources;
  if (ca || certificate || key || serverName !== undefined)
    return settingsOf(sources, { ca: declaredText(ca), cert: declaredText(certificate), key: declaredText(key) });
  return plain.find((one) => one.minVersion === minVersion && one.rejectUnauthorized !== insecureSkipVerify) as TlsSettings;
});
function declaredText(source: Source | undefined): string | undefined {
  return source?.type === "literal" && typeof source.value === "string" ? source.value : undefined;
}
async function resolveOwn(sources: TlsSources, read: Read): Promise<TlsSettings> {
  const [ca, cert, key] = await Promise.all(
    [sources.ca, sources.certificate, sources.key].map((source) => resolveText(source, read)),
  );
  return settingsOf(sources, { ca, cert, key });
}
type Material = Readonly<Record<"ca" | "cert" | "key", string | undefined>>;
function settingsOf({ serverName, minVersion, insecureSkipVerify }: TlsSources, { ca, cert, key }: Material): TlsSettings {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    rejectUnauthorized: !insecureSkipVerify,
    minVersion,
  };
}

/** All CAs that browsers trust are 180 kB; a signature with a longer key holds everything up. */
const maxMaterialCharacters = 256 * 1024;
const maxRSABits = 8_192;

/** Throws `RefusedError` for material that no socket could be opened with, or that would cost everybody too much. */
export function checkTls({ ca, cert, key }: TlsSettings, sources: TlsSources): void {
  for (const [text = "", source] of [
    [ca, sources.ca],
    [cert, sources.certificate],
    [key, sources.key],
  ] as const)
    if (text.length > maxMaterialCharacters) refuseTls(source, `this is longer than ${maxMaterialCharacters} characters`);
  if (ca !== undefined && !succeeds(() => new X509Certificate(ca))) refuseTls(sources.ca, "this holds no PEM certificate");
  if (cert !== undefined && !succeeds(() => new X509Certificate(cert)))
    refuseTls(sources.certificate, "this holds no PEM certificate");
  if (key !== undefined && !succeeds(() => createSecureContext({ key })))
    refuseTls(sources.key, "this holds no PEM private key without a passphrase");
  if (key !== undefined && (createPrivateKey(key).asymmetricKeyDetails?.modulusLength ?? 0) > maxRSABits)
    refuseTls(sources.key, `this key has more than ${maxRSABits} bits`);
  if (cert === undefined || key === undefined || succeeds(() => createSecureContext({ cert, key }))) return;
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    refuseTls(sources.key, "this key does not belong to the certificate");
  refuseTls(sources.certificate, "this certificate is no good for TLS; its key may be too short, or its signature too weak");
}

function refuseTls(source: Source | undefined, problem: string): never {
  const message = `${source?.field ?? "spec.tls"}: ${problem}`;
  return isKeptElsewhere(source) ? refuseForNow("InvalidTLS", message) : refuse("InvalidTLS", message);
}

function succeeds(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch {
    return false; // OpenSSL's text can quote the material
  }
}
