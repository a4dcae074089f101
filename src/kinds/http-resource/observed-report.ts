/** The ends of a reconcile that has observed its remote object and sends nothing. */
import { isStalledFor, ready, stalled, type ConditionState } from "../../core/conditions.ts";
import type { Verdict } from "../../core/plan.ts";
import type { HTTPResourceStatus } from "../../api/http-resource.ts";
import { notDrifted, notHeld } from "./conditions.ts";
import { externalIdAnnotation } from "../../core/resource.ts";
import { mirroredID, type Context } from "./context.ts";
import { isRepeatable } from "./delivered.ts";
import { keepsOf } from "./keeps.ts";
import { isBlind } from "./delivery-record.ts";
import type { Found } from "./observation.ts";
import type { Report } from "./report.ts";
import { delivering, draftStatus, type StatusDraft } from "./status-draft.ts";
import { bodyOf, isWorthWriting } from "./worth-writing.ts";

/** As `inStep`, without all other ends, of which a look that finds it as declared has no use. */
export function reportInStep(context: Context, seen: Found): Verdict {
  return observedReport(context, draftStatus(context)).inStep(seen);
}

type Ends = Pick<Report, "inStep" | "drifted" | "notDelivered" | "contested">;

export function observedReport(context: Context, { status, known, acknowledged, attempted, due }: StatusDraft): Ends {
  const { spec, status: before } = context;

  /** The attempt has ended, where what was observed shows it: until then its outcome was not known. */
  function settleAttempt(): Partial<HTTPResourceStatus> {
    const { attempt } = context;
    if (!attempt) return {};
    const { sender: _, repeats, ...rest } = attempt;
    // One look that finds it in step is the end of a row of corrections that did not hold.
    if (attempt.phase === "Done") return repeats === undefined ? {} : { attempt: rest };
    return attempted({ ...rest, phase: "Done", succeeded: true });
  }
  const kept = (): Pick<Verdict, "finalizer" | "holds"> => {
    const { finalizer, holds } = keepsOf(context);
    return { ...(finalizer !== undefined && { finalizer: { name: finalizer, present: true } }), ...(holds && { holds }) };
  };
  function asDeclared(reason: string, message: string): ConditionState[] {
    const [wasReady] = known("Ready");
    return wasReady?.status === "True" ? [wasReady] : ready(reason, message);
  }
  /** It is looked at again, but only somebody else changes what it is: whoever waits for it is not kept waiting. */
  function reported(reason: "Drifted" | "NotDelivered", message: string, seen: Found): Verdict {
    const change = { ...settleAttempt(), ...acknowledged(), ...bodyOf(context, seen) };
    const result = isStalledFor(reason, before.conditions) ? "unchanged" : "stalled";
    return { status: status(stalled(reason, message), change), ...due(), ...kept(), result, reason };
  }
  return {
    inStep(seen) {
      const mirrored = mirroredID(context);
      const isNew = before.attempt === undefined && before.externalID === undefined;
      const states = isNew
        ? asDeclared("Adopted", "the remote object was there already")
        : asDeclared("AsDeclared", "the remote object is as declared");
      const change = {
        ...settleAttempt(),
        ...acknowledged(),
        ...bodyOf(context, seen),
        ...(isBlind(context) ? {} : delivering(context)),
        ...(mirrored !== undefined && { lastHandledExternalID: mirrored }),
      };
      // Beside an annotation that says another id it would look as if a person had written that.
      const otherwise = { lastHandledExternalID: context.imported ?? before.lastHandledExternalID };
      const annotation = mirrored === undefined ? undefined : { name: externalIdAnnotation, value: mirrored, otherwise };
      const drift = seen.upToDate === undefined ? [] : notDrifted(known("Drifted"));
      const made = status([...states, ...drift], change);
      const always = { ...due(), ...kept(), ...(annotation && { annotation }) };
      const verdict = { ...always, result: "unchanged", reason: "AsDeclared" } as const;
      const { create, delete: remove } = spec;
      const mayRepeatCreate = create !== undefined && remove === undefined && isRepeatable(context, create);
      return { status: isWorthWriting(made, before, mayRepeatCreate) ? made : before, ...verdict };
    },
    drifted(seen) {
      const [why, way] =
        spec.drift === "Report"
          ? ["spec.drift is Report", "set spec.drift: Correct"]
          : ["there is no spec.update", "say in spec.update how"];
      const message = `the remote object is not as declared, and nothing is sent: ${why}. Correct it at its server, or ${way}`;
      return reported("Drifted", message, seen);
    },
    notDelivered(seen) {
      const message = "what is declared has not been delivered, and nothing is sent: spec.drift is Report";
      return reported("NotDelivered", message, seen);
    },
    contested(repeats, pauseMs) {
      const states = notHeld(context.drift ?? [], spec, repeats);
      const change = { ...acknowledged() };
      return {
        status: status(states, change),
        requeueAfterMs: Math.min(Math.max(pauseMs, 1_000), due().requeueAfterMs ?? Infinity),
        result: "waiting",
        reason: "NotHeld",
      };
    },
  };
}
