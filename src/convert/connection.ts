/** How the peer connected: TLS of the object and of its ProviderConfig, merged field by field, and the config's credential. */
import { names } from "./headers.ts";
import type { PeerTLS } from "./peer-schema.ts";
import type { Reach, SecretKey } from "./placeholders.ts";
import type { Findings } from "./findings.ts";
import type { PeerConfig, PeerDisposable, PeerRequest } from "./peer-object.ts";

type SecretRef = NonNullable<PeerTLS["caCertSecretRef"]>;

export interface Connection {
  readonly tls?: object;
  /** The value of Authorization, for requests that have none. */
  readonly credential?: SecretKey;
  /** Keys of Secrets that TLS reads. */
  readonly secrets: readonly SecretKey[];
}

interface Connecting {
  readonly object: PeerRequest | PeerDisposable;
  readonly config: PeerConfig | undefined;
  readonly namespace: string;
  readonly findings: Findings;
  readonly reach?: Reach | undefined;
}

export function connectionOf({ object, namespace, config, findings, reach }: Connecting): Connection {
  const { providerConfigRef } = object.spec;
  if (!config && providerConfigRef && providerConfigRef.name !== "default")
    findings.add(
      "WARN",
      "providerConfigRef",
      `${providerConfigRef.name} is not among what was given: its credential and TLS are not known`,
    );
  for (const field of config?.unknown ?? [])
    findings.add("HARD", "providerConfigRef", `its ${field} has no counterpart here: credentials are auth of an HTTPEndpoint`);
  const secrets: SecretKey[] = [];
  const reference = ({ name, key, namespace: from = namespace }: SecretRef): object => {
    secrets.push({ namespace: from, name, key });
    return { secretKeyRef: { name: reach?.nameOf({ namespace: from, name }) ?? name, key } };
  };
  const { tlsConfig: own, insecureSkipTLSVerify = false } = object.spec.forProvider;
  const shared = config?.spec.tls;
  // Each field is the object's where it has it, but for the one that is no pointer there.
  const merged: PeerTLS = { ...shared, ...own };
  const isInsecure = insecureSkipTLSVerify || ((own ?? shared)?.insecureSkipVerify ?? false);
  const { caBundle, caCertSecretRef, clientCertSecretRef: certificate, clientKeySecretRef: key } = merged;
  if ((certificate === undefined) !== (key === undefined))
    findings.add(
      "INFO",
      "tlsConfig",
      "a certificate without its key, or a key without its certificate, was not used there either",
    );
  const tls = {
    ...(caBundle !== undefined && caBundle !== ""
      ? { ca: { inline: Buffer.from(caBundle, "base64").toString() } }
      : caCertSecretRef && { ca: reference(caCertSecretRef) }),
    ...(certificate && key && { certificate: reference(certificate), key: reference(key) }),
    ...(isInsecure && { insecureSkipVerify: true }),
  };
  const credential = credentialOf({ object, namespace, config, findings });
  return { ...(Object.keys(tls).length > 0 && { tls }), ...(credential && { credential }), secrets };
}

function credentialOf({ namespace, config, findings }: Connecting): SecretKey | undefined {
  const { source = "None", secretRef } = config?.spec.credentials ?? {};
  if (source === "None") return undefined;
  if (source !== "Secret" || !secretRef) {
    const instead = source === "InjectedIdentity" ? ": auth.serviceAccountToken of an HTTPEndpoint does the like" : "";
    findings.add("HARD", "providerConfigRef", `its credential comes from ${source}, which is no Secret${instead}`);
    return undefined;
  }
  const { name, key, namespace: from = config?.metadata.namespace ?? namespace } = secretRef;
  return { namespace: from, name, key };
}

/** Whether a request says itself who asks. */
export function authorizes(headers: Readonly<Record<string, readonly string[]>> | undefined): boolean {
  return names(headers, "authorization");
}
