/** What an observation makes of a status, and whether that is worth a write. Pure. */
import type { HTTPResourceStatus } from "../../api/http-resource.ts";
import { makeSecrets } from "../request/outputs.ts";
import { isSameContent, recordResponse } from "../request/recorded.ts";
import type { Context } from "./context.ts";
import type { Found } from "./observation.ts";
import { sameJSON } from "../../core/tools/json.ts";

/**
 * That the object has been seen is worth one of its own only where it decides whether it is created again, and what has been
 * delivered only where a secret's value could change unnoticed, or a field be taken out.
 */
export function isWorthWriting(made: HTTPResourceStatus, before: HTTPResourceStatus, mayRepeatCreate: boolean): boolean {
  const isSameInputs = made.delivered?.inputs === undefined || made.delivered.inputs === before.delivered?.inputs;
  const isSilent = isSameInputs && sameJSON(made.delivered?.fields, before.delivered?.fields);
  const { delivered } = before;
  const { delivered: _, address, ...rest } = made;
  // Where it is need not be written before it is elsewhere.
  const others = { ...rest, ...(before.address !== undefined && address !== undefined && { address }) };
  const quiet = {
    ...(isSilent ? { ...others, ...(delivered && { delivered }) } : { ...others, delivered: made.delivered }),
    ...(before.seen === false && mayRepeatCreate && { seen: false }),
  };
  return !sameJSON(quiet, before);
}

/** The body of an answer to observe, where it is to be kept and is another than before. */
export function bodyOf(
  { spec, status: before }: Pick<Context, "spec" | "status">,
  { response }: Found,
): Partial<HTTPResourceStatus> {
  if (!response || spec.record !== "Body" || makeSecrets(spec.outputs)) return {};
  const record = recordResponse(response, spec);
  return isSameContent(record.response, before.response) ? {} : record;
}

/** For how long a condition has been as it is, milliseconds. */
export function failingMs({ conditions }: HTTPResourceStatus, type: string, now: Date): number {
  const since = conditions?.find((condition) => condition.type === type)?.lastTransitionTime;
  return since === undefined ? 0 : now.getTime() - Date.parse(since);
}
