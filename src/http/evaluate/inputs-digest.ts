/** By what a change of inputs is known without keeping a value of theirs. */
import { createHmac, hash } from "node:crypto";
import { canonicalJSON } from "../../core/tools/json.ts";
import type { AllBytes } from "../resolve/bytes.ts";
import type { Inputs } from "../resolve/inputs.ts";

/** HMAC-SHA-256, hex, over names and values; `uid` is the key, so that the same value reads differently in another object. */
export function inputsDigest(inputs: Inputs, uid: string): string {
  const values = Object.fromEntries([...inputs].map(([name, { value }]) => [name, value]));
  return createHmac("sha256", uid).update(canonicalJSON(values)).digest("hex");
}

interface Delivered {
  readonly uid: string;
  readonly inputs: Inputs;
  readonly content: AllBytes;
}
/** `KEY:DIGEST`: HMAC-SHA-256 cut to 128 bits, which nobody can check a guess against who has not the key, and four bytes that name the key. */
export function keyedDigest(key: Uint8Array, { uid, inputs, content }: Delivered): string {
  const values = Object.fromEntries([...inputs].map(([name, { value }]) => [name, value]));
  const bytes = Object.fromEntries([...content].map(([field, one]) => [field, Buffer.from(one.bytes).toString("base64")]));
  const mac = createHmac("sha256", key).update(canonicalJSON({ uid, values, bytes })).digest("hex").slice(0, 32);
  return `${hash("sha256", key, "hex").slice(0, 8)}:${mac}`;
}
