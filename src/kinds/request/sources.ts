/** References as a spec writes them, as sources that say where they were written. Pure. */
import type { HTTPRequestSpec } from "../../api/http-request.ts";
import type { TlsSources } from "../../core/connection.ts";
import { signatureFormats, type Sign } from "../../api/sign.ts";
import type { SignSources } from "../../core/sign.ts";
import type { Source } from "../../core/source.ts";

interface KeyRef {
  readonly name: string;
  readonly key: string;
}
/** `namespace`: only an admin's endpoint has one; absent, the namespace of the resource that is reconciled. */
export interface From {
  readonly field: string;
  readonly namespace?: string;
}

/** The first that is there: Secret, ConfigMap, literal value. `from.field` is the field that a refusal names. */
export function source(
  from: From,
  {
    value,
    secretKeyRef,
    configMapKeyRef,
  }: { value?: unknown; secretKeyRef?: KeyRef | undefined; configMapKeyRef?: KeyRef | undefined },
): Source {
  if (secretKeyRef) return { ...from, type: "secret", name: secretKeyRef.name, key: secretKeyRef.key };
  if (configMapKeyRef) return { ...from, type: "configMap", name: configMapKeyRef.name, key: configMapKeyRef.key };
  return { field: from.field, type: "literal", value };
}

/** TLS 1.2 or later, and certificates are verified, where the spec says nothing. */
export function tlsSources(tls: HTTPRequestSpec["tls"], from: From): TlsSources {
  if (!tls) return undeclaredTls;
  const { ca, certificate, key, serverName, insecureSkipVerify, minVersion = "TLSv1.2" } = tls;
  const at = (name: string): From => ({ ...from, field: `${from.field}.${name}` });
  return {
    ...(ca && { ca: source(at("ca"), { value: ca.inline, ...ca }) }),
    ...(certificate && { certificate: source(at("certificate"), certificate) }),
    ...(key && { key: source(at("key"), key) }),
    ...(serverName !== undefined && { serverName }),
    insecureSkipVerify,
    minVersion,
  };
}

/** One object, by which what comes of it is found again. */
const undeclaredTls: TlsSources = { insecureSkipVerify: false, minVersion: "TLSv1.2" };

/** The scheme's format, or the declared one, with where the keys come from. */
export function signSources({ scheme, keys, hmac }: Sign, from: From): SignSources {
  const format = scheme === "HMAC" ? hmac : signatureFormats[scheme];
  if (!format) throw new Error("scheme: HMAC without hmac: the schema forbids it");
  const sources = keys.map((key, index) => source({ ...from, field: `${from.field}.keys[${index}]` }, key));
  return { field: from.field, format, keys: sources };
}
