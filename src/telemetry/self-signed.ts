/**
 * A certificate of one's own making, for an endpoint that nobody has given one: it encrypts, and proves nothing. In DER, as
 * RFC 5280 section 4.1 has it; Node has no function that issues certificates.
 */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const tag = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, utcTime: 0x17, sequence: 0x30, set: 0x31 };
const dnsName = 0x82;
const ecdsaWithSHA256 = Buffer.from("2a8648ce3d040302", "hex"); // 1.2.840.10045.4.3.2
const commonName = Buffer.from("550403", "hex"); // 2.5.4.3
const subjectAltName = Buffer.from("551d11", "hex"); // 2.5.29.17

/** Valid for `days` from an hour before `now`, for these DNS names; the first is its subject. */
export function createSelfSigned(names: readonly string[], now: Date, days = 3650): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(tag.sequence, der(tag.oid, ecdsaWithSHA256));
  const subject = der(
    tag.sequence,
    der(tag.set, der(tag.sequence, der(tag.oid, commonName), der(tag.utf8, text(names[0] ?? "")))),
  );
  const alternatives = der(tag.sequence, ...names.map((name) => der(dnsName, text(name))));
  const extension = der(tag.sequence, der(tag.oid, subjectAltName), der(tag.octets, alternatives));
  const toBeSigned = der(
    tag.sequence,
    der(0xa0, der(tag.integer, Buffer.from([2]))), // version 3
    der(tag.integer, Buffer.concat([Buffer.from([1]), randomBytes(15)])), // the serial number is positive
    algorithm,
    subject, // the issuer
    der(tag.sequence, time(now.getTime() - 3_600_000), time(now.getTime() + days * 86_400_000)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(tag.sequence, extension)),
  );
  const signature = der(tag.bits, Buffer.from([0]), sign("sha256", toBeSigned, privateKey));
  const lines =
    der(tag.sequence, toBeSigned, algorithm, signature)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
  };
}

/** X.690 section 8.1: a tag, the length, and what is in it. */
function der(type: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const header = length < 128 ? [type, length] : length < 256 ? [type, 0x81, length] : [type, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(header), content]);
}
function text(value: string): Buffer {
  return Buffer.from(value, "utf8");
}
/** YYMMDDHHMMSSZ, which stands for years before 2050. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return der(tag.utcTime, text(digits.slice(2)));
}
