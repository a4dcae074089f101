/** Fingerprints of what is sent. */
import { createHash, hash } from "node:crypto";
import { canonicalJSON } from "./json.ts";

/** SHA-256, hex, over a value's canonical JSON. */
export function digest(value: unknown): string {
  return hash("sha256", canonicalJSON(value), "hex");
}

/** Holdfast's own namespace for UUIDs: UUIDv5 of `holdfast.dev` in the DNS namespace of RFC 9562. */
const namespaceId = Buffer.from("4492c53c331c59c0bc67304010cc0165", "hex");

/** UUIDv5 (RFC 9562, section 5.5) of the parts, in which no two lists of parts read alike. */
export function attemptUUID(parts: readonly string[]): string {
  const bytes = createHash("sha1").update(namespaceId).update(JSON.stringify(parts)).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
