/**
 * Whether an HTTPResource's remote object is as declared, for people.
 *
 * Invariant: what was observed is not told, nor what may be a secret.
 */
import type { HTTPResourceSpec } from "../../api/http-resource.ts";
import type { ConditionState } from "../../core/conditions.ts";
import type { Difference } from "../../core/difference.ts";

/** It differs, and has not been corrected yet. */
export function drifted(differences: readonly Difference[], spec: Pick<HTTPResourceSpec, "upToDate">): ConditionState {
  return { type: "Drifted", status: "True", reason: "NotAsDeclared", message: told(differences, spec) };
}
/** `was`: what was corrected. */
export function corrected(was: Pick<ConditionState, "message"> | undefined): ConditionState {
  return { type: "Drifted", status: "False", reason: "Corrected", message: `corrected: ${was?.message ?? ""}` };
}
/** The same correction was accepted and did not hold, so often in a row. */
export function notHeld(
  differences: readonly Difference[],
  spec: Pick<HTTPResourceSpec, "upToDate">,
  repeats: number,
): readonly ConditionState[] {
  const places = told(differences, spec);
  const message = `spec.update was accepted ${repeats} times in a row, and the same differs again: ${places}. ${howToAgree(spec)}; else somebody else sets it. The next correction comes after a longer pause each time`;
  const reason = "NotHeld";
  return [
    { type: "Ready", status: "False", reason, message },
    { type: "Contested", status: "True", reason, message },
    { type: "Drifted", status: "True", reason, message: places },
  ];
}
/** Where `upToDate` says what is as declared, nothing else is asked. */
function howToAgree({ upToDate }: Pick<HTTPResourceSpec, "upToDate">): string {
  return upToDate === undefined
    ? "If the server keeps it in another form, say so in spec.compare; if it is not to be compared, in spec.ignore"
    : "If the server keeps it in another form, let spec.upToDate ask for less, or for that";
}
/** `known`: the condition as it stands, which is kept where it says the same. */
export function notDrifted([known]: readonly ConditionState[]): ConditionState[] {
  if (known?.status === "False") return [known];
  return [{ type: "Drifted", status: "False", reason: "AsDeclared", message: "the remote object is as declared" }];
}

/** Where it differs. */
function told(differences: readonly Difference[], { upToDate }: Pick<HTTPResourceSpec, "upToDate">): string {
  if (differences.length === 0)
    return upToDate === undefined ? "spec.update is to send something else than was sent last" : "spec.upToDate yields false";
  return differences.map(({ path, wanted }) => (wanted === undefined ? path : `${path} (wanted: ${wanted})`)).join(", ");
}
