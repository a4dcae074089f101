/**
 * Whether what was deleted is gone.
 *
 * Invariant: it is gone when the server says so, and nobody who can look denies it.
 */
import type { Steps, Verdict } from "../../core/plan.ts";
import { isGone, unmade } from "../../core/remote-object.ts";
import { needsExternalID, withRemote, type Context } from "./context.ts";
import type { Delivered } from "./delivered.ts";
import { sightOf } from "./identity.ts";
import { isPage, saysGone } from "./judge.ts";
import { lookUp } from "./lookup.ts";
import { isObserved, type Found, type Observation } from "./observation.ts";
import { look, observe } from "./observe.ts";
import { reportUnobserved, type Report } from "./report.ts";
import { httpResourceReport } from "./status.ts";

export function canLook({ spec, externalID }: Context): boolean {
  return spec.observe ? externalID !== undefined || !needsExternalID(spec.observe) : spec.lookup !== undefined;
}
function lookAgain(context: Context): Steps<Observation> {
  return context.spec.observe ? look(context) : observe(context);
}
/** What else is like it by now is none of a deletion's that was accepted. */
function lookForKnown(context: Context): Steps<Observation> {
  const { observe, lookup } = context.spec;
  return observe || !lookup ? look(context) : lookUp(context, lookup, true);
}
export function isAnother(seen: Found, known: string | undefined): boolean {
  return known !== undefined && seen.externalID !== undefined && seen.externalID !== known;
}

/** Its server says that it is gone. */
export function concludeGone(context: Context, report: Report): Verdict {
  const message = "spec.observe: it is not there";
  if (context.resource.metadata.deletionTimestamp !== undefined) return report.released("Deleted", message);
  // No attempt says any more that it is there.
  const { attempt: _, ...rest } = withRemote(context, unmade);
  return httpResourceReport(rest).unmade(undefined, { message });
}

/**
 * A 404 can be that of a wrong URL, and a page anybody's: whoever can look is asked, once. A 202 says that it will be gone, or may
 * be. Undefined: nobody denies that it is.
 */
export function* verifyGone(
  context: Context,
  report: Report,
  { attempt, judgement }: Pick<Extract<Delivered, { type: "succeeded" }>, "attempt" | "judgement">,
): Steps<Verdict | undefined> {
  const { response } = judgement;
  if (!response || !canLook(context)) return undefined;
  if (response.statusCode === 202) return report.deleting({ ...attempt, phase: "Unknown", succeeded: true });
  if (!saysGone(response) && !isPage(response)) return undefined;
  const seen = yield* lookAgain(context);
  switch (seen.type) {
    case "refusal":
    case "unknown":
      return report.retrying({ ...attempt, phase: "Retrying", succeeded: false }, { ...judgement, ...seen, succeeded: false });
    case "found":
    case "absent": {
      const sight = seen.type === "found" && seen.mine !== false ? sightOf(seen) : null;
      // Of what nobody has ever seen the absence proves nothing, where a status that means so is all that was said.
      const isOver = saysGone(response) ? isGone(context.remote, sight) : sight === null;
      return isOver ? undefined : report.notDeleted(attempt, judgement, sight !== null);
    }
  }
}

export function* awaitGone(context: Context, report: Report): Steps<Verdict> {
  if (!canLook(context)) return concludeGone(context, report);
  const seen = yield* lookForKnown(context);
  if (!isObserved(seen)) return reportUnobserved(report, seen);
  const isThere = seen.type === "found" && seen.mine !== false && !isAnother(seen, context.externalID);
  return isThere ? report.deleting() : concludeGone(context, report);
}
