/** A denial as what it means for a request. Invariant: each is recorded, once, and none tells an address. */
import type { EgressDenial } from "../../core/egress.ts";
import type { Scope } from "../../core/evaluation.ts";
import type { Outcome, Refusal } from "../../core/outcome.ts";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";

/** It heals: a policy can change, and so can what a name resolves to. */
export function egressRefusal(
  { rule, message }: EgressDenial,
  { namespace, name }: Scope["metadata"],
  emit: EmitTelemetry,
): Refusal {
  emit({ type: "egressDenied", rule, namespace, name });
  return { type: "refusal", reason: "EgressDenied", message: `not sent, by the egress rule "${rule}": ${message}`, heals: true };
}

/** The same once something has been sent: what is denied is where a redirect leads. */
export function egressFailure(
  denial: EgressDenial,
  about: Scope["metadata"],
  emit: EmitTelemetry,
): Extract<Outcome, { type: "failure" }> {
  const { message } = egressRefusal(denial, about, emit);
  return {
    type: "failure",
    reason: "EgressDenied",
    message: message.replace(/^not sent/, "a redirect was not followed"),
    sent: true,
  };
}
