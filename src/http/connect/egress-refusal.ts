/** A denial as what it means for a request. Invariant: each is recorded, once, and none tells an address that a name leads to. */
import type { EgressDenial } from "../../core/egress.ts";
import type { Scope } from "../../core/evaluation.ts";
import type { Outcome, Refusal } from "../../core/outcome.ts";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";

interface About {
  readonly metadata: Scope["metadata"];
  /** Where it would have gone, for people; absent: that is not told. */
  readonly server?: string | undefined;
}

/** It heals: a policy can change, and so can what a name resolves to. */
export function egressRefusal({ rule, message }: EgressDenial, about: About, emit: EmitTelemetry): Refusal {
  const { namespace, name } = about.metadata;
  emit({ type: "egressDenied", rule, namespace, name });
  const what = about.server === undefined ? "not sent" : `not sent to ${about.server}`;
  return { type: "refusal", reason: "EgressDenied", message: `${what}, by the egress rule "${rule}": ${message}`, heals: true };
}

/** The same once something has been sent: what is denied is where a redirect leads. */
export function egressFailure(
  denial: EgressDenial,
  { metadata }: About,
  emit: EmitTelemetry,
): Extract<Outcome, { type: "failure" }> {
  const { message } = egressRefusal(denial, { metadata }, emit);
  return {
    type: "failure",
    reason: "EgressDenied",
    message: message.replace(/^not sent/, "a redirect was not followed"),
    sent: true,
  };
}
