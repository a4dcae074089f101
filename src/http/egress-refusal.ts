/** A denial as a refusal. Invariant: each is recorded, once, and none tells an address. */
import type { Denial } from "../core/egress.ts";
import type { Refusal, Scope } from "../core/exchange.ts";
import type { RecordOccurrence } from "../core/occurrence.ts";

/** It heals: a policy can change, and so can what a name resolves to. */
export function egressRefusal(
  { rule, message }: Denial,
  { namespace, name }: Scope["metadata"],
  record: RecordOccurrence,
): Refusal {
  record({ type: "egressDenied", rule, namespace, name });
  return { type: "refusal", reason: "EgressDenied", message: `not sent, by the egress rule "${rule}": ${message}`, heals: true };
}
