/** Secrets that a request does not send, for whoever shows something of its answer. */
import { isUtf8 } from "node:buffer";
import type { Read } from "../../core/ports.ts";
import type { Hidden } from "../../core/shown.ts";
import type { Source } from "../../core/source.ts";
import { RefusedError } from "../refusal.ts";
import { resolveBytes } from "./inputs.ts";

/** One that is not there is not looked for: there is nothing to hide. Rejects where it has to wait. */
export async function resolveHidden(sources: readonly Source[], read: Read): Promise<Hidden> {
  const each = await Promise.all(sources.map((source) => textsOf(source, read)));
  return { texts: each.flatMap((texts) => texts ?? []), isWhole: each.every((texts) => texts !== undefined) };
}

const notThere: readonly string[] = ["SecretNotFound", "KeyNotFound"];

/** Undefined: it is there, as far as anybody knows, and what it holds is not known. */
async function textsOf(source: Source, read: Read): Promise<readonly string[] | undefined> {
  if (source.type !== "secret") return [];
  try {
    const bytes = await resolveBytes(source, read);
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    return isUtf8(bytes) ? [text] : [text, Buffer.from(bytes).toString("base64")];
  } catch (error) {
    // What is aborted is noticed by whoever goes on; a request that does not send it is not held up by what cannot be had.
    if (!(error instanceof RefusedError)) return undefined;
    if (error.refusal.reason === "RateLimited") throw error; // there is no memory for it now: it is waited for
    return notThere.includes(error.refusal.reason) ? [] : undefined;
  }
}
