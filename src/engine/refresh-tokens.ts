/**
 * Refresh tokens that token servers gave in place of declared ones, each in a Secret of its endpoint's own.
 *
 * Invariant: one is taken only for the declared token that it came of; whoever declares another begins anew.
 */
import { createHash } from "node:crypto";
import type { KeptToken, RefreshTokenKeeper } from "../core/auth.ts";
import { outputKey } from "../core/output.ts";
import type { ResourceStore } from "../core/ports.ts";
import { redact } from "../core/redacted.ts";
import { secretType } from "../core/resource.ts";

const [tokenField, originField] = ["refreshToken", "originSHA256"];

/** Whoever leads by then, what a server gave to this process is known to nobody else: it is written all the same. */
export function createRefreshTokenKeeper(store: Pick<ResourceStore, "read" | "checkOutput" | "writeOutput">): RefreshTokenKeeper {
  const originOf = (declared: string): string => createHash("sha256").update(declared).digest("hex");
  return {
    check: ({ owner, object }: KeptToken, signal) => store.checkOutput(owner, object, signal),
    async load({ owner, object }, declared, signal) {
      const result = await store.read({ type: secretType, key: outputKey(owner, object) }, signal);
      if (result.type !== "found") return undefined;
      const text = (field: string): string => Buffer.from(result.resource.data[field] ?? "").toString();
      const token = text(tokenField);
      return token !== "" && text(originField) === originOf(declared) ? token : undefined;
    },
    async save({ owner, object }, { declared, token }, signal) {
      const data = redact({ [tokenField]: token, [originField]: originOf(declared) });
      const written = await store.writeOutput(owner, object, data, signal);
      return written.type === "refusal" ? written : undefined;
    },
  };
}
