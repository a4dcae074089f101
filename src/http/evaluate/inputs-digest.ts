/** By what a change of inputs is known without keeping a value of theirs. */
import { createHmac } from "node:crypto";
import { canonicalJSON } from "../../core/tools/json.ts";
import type { Inputs } from "../resolve/inputs.ts";

/** HMAC-SHA-256, hex, over names and values; `uid` is the key, so that the same value reads differently in another object. */
export function inputsDigest(inputs: Inputs, uid: string): string {
  const values = Object.fromEntries([...inputs].map(([name, { value }]) => [name, value]));
  return createHmac("sha256", uid).update(canonicalJSON(values)).digest("hex");
}
