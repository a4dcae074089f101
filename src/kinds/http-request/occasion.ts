/** What a request is sent for: at which tick of its schedule, and of what its trigger tells. Pure. */
import { findTooMany } from "../../core/object-size.ts";
import type { Situation, Verdict } from "../../core/plan.ts";
import { timing } from "../../core/schedule.ts";
import type { HTTPRequest, HTTPResource } from "../types.ts";
import { httpRequestReport, type Report } from "./report.ts";
import type { Scheduled } from "./status.ts";
import { whatToTell, type Told } from "./told.ts";

export interface Occasion {
  readonly type: "occasion";
  readonly scheduled: Scheduled | undefined;
  readonly told: Told | undefined;
  readonly report: Report;
}
/** When it is to be sent, and of what it tells; or the verdict where that cannot be. `named`: the object that its trigger names, where it exists. */
export function occasionOf(situation: Situation<HTTPRequest>, named: HTTPRequest | HTTPResource | undefined): Occasion | Verdict {
  const { resource, now } = situation;
  const { schedule } = resource.spec;
  if (resource.metadata.deletionTimestamp !== undefined) return httpRequestReport(resource, now).unchanged("Deleting");
  const scheduled = schedule && timing(schedule, resource.status?.schedule, now, declaring(resource));
  if (scheduled?.type === "invalid") {
    const { message } = scheduled;
    return httpRequestReport(resource, now).refused({ type: "refusal", reason: "InvalidSchedule", message, heals: false });
  }
  const tooMany = findTooMany(resource);
  const asked = tooMany ? undefined : whatToTell(situation, named);
  const refused = tooMany ?? (asked?.type === "refusal" ? asked : undefined);
  const told = asked?.type === "told" ? asked : undefined;
  if (refused) return httpRequestReport(resource, now, scheduled).refused(refused);
  return { type: "occasion", scheduled, told, report: httpRequestReport(resource, now, scheduled, told?.stateFor) };
}

/** By what its ticks differ from others'. A new object was declared when it was made, however late this is. */
function declaring({ metadata, status }: HTTPRequest): { readonly uid: string; readonly declaredAt?: string | undefined } {
  const { uid, generation, creationTimestamp } = metadata;
  return { uid, ...(generation === 1 && !status && { declaredAt: creationTimestamp }) };
}
