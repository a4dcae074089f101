/**
 * The key of digests of Secrets, in a Secret of Holdfast's own namespace that nobody else has to read.
 *
 * Invariant: a key that is there is never replaced, and where there is none and none can be made, no digest is kept.
 */
import { randomBytes } from "node:crypto";
import { secretType } from "../core/resource.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { isRecord } from "../core/tools/json.ts";
import type { ApiClient } from "./api-client.ts";
import { isNotFound, isWriteConflict } from "./api-error.ts";
import { collectionPath, objectPath } from "./paths.ts";

export const digestKeySecret = "holdfast-digest-key";
const field = "key";
const keyBytes = 32;
/** After it could not be had, milliseconds. */
const pauseMs = 60_000;

interface DigestKeyParts {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly emit: EmitTelemetry;
}

/** Asked for once; undefined while it cannot be had. */
export function createDigestKey({ client, namespace, emit }: DigestKeyParts): () => Promise<Uint8Array | undefined> {
  const path = objectPath(secretType, { namespace, name: digestKeySecret });
  let known: Promise<Uint8Array | undefined> | undefined;
  const signal = new AbortController().signal;

  async function read(): Promise<Readonly<Record<string, unknown>> | undefined> {
    try {
      const { body } = await client.call({ method: "GET", path }, signal);
      return isRecord(body) ? body : {};
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
  function keyIn(secret: Readonly<Record<string, unknown>> | undefined): Uint8Array | undefined {
    const data = secret?.["data"];
    const text = isRecord(data) ? data[field] : undefined;
    const key = typeof text === "string" ? Buffer.from(text, "base64") : undefined;
    return key && key.length >= keyBytes ? key : undefined;
  }
  /** Somebody else's is taken, where two make one at once. */
  async function made(): Promise<Uint8Array | undefined> {
    const secret = await read();
    const there = keyIn(secret);
    if (there) return there;
    const data = { [field]: randomBytes(keyBytes).toString("base64") };
    const metadata = isRecord(secret?.["metadata"]) ? secret["metadata"] : {};
    const change = { metadata: { resourceVersion: metadata["resourceVersion"] }, data };
    const whole = { apiVersion: "v1", kind: "Secret", metadata: { name: digestKeySecret, namespace }, data };
    try {
      await client.call(
        secret
          ? { method: "PATCH", path, body: change, contentType: "application/merge-patch+json" }
          : { method: "POST", path: collectionPath(secretType, namespace), body: whole },
        signal,
      );
    } catch (error) {
      if (!isWriteConflict(error)) throw error;
    }
    return keyIn(await read());
  }
  return () => {
    known ??= made().catch((error: unknown) => {
      const fields = { secret: `${namespace}/${digestKeySecret}` };
      emit({
        type: "note",
        level: "warn",
        message: "no key for digests of Secrets: a Secret that changes is not sent",
        fields,
        error,
      });
      setTimeout(() => (known = undefined), pauseMs).unref();
      return undefined;
    });
    return known;
  };
}
