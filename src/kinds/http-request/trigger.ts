/**
 * Which run of another object an HTTPRequest with a trigger is to be sent for. Pure.
 *
 * Invariant: it follows from what the other's status shows now and what this one's says was told of. So nothing is told twice,
 * and what ended while nobody looked is told as long as the other's history has it.
 */
import type { HTTPResourceStatus } from "../../api/http-resource.ts";
import type { RunStatus } from "../../api/schedule.ts";
import type { Trigger, TriggerEvent, TriggerStatus } from "../../api/trigger.ts";
import { selects } from "../../core/label-selector.ts";
import type { Resource } from "../../core/resource.ts";
import { attemptUUID, digest } from "../../core/tools/digest.ts";
import { httpResourceType, type HTTPRequest, type HTTPResource } from "../types.ts";

export const mostSources = 256;

/** Whether a change of the status of `source` may be something to tell of. */
export function isSource({ selector }: Pick<Trigger, "selector">, { metadata, spec }: Resource): boolean {
  if (!selector || (spec as Partial<HTTPRequest["spec"]>).trigger !== undefined) return false;
  return selects(selector, metadata.labels ?? {});
}

/** What a status says of the trigger as it is declared now. What ended before it was declared so is nothing to tell of. */
export function triggerState({ spec, metadata, status }: HTTPRequest, now: Date): TriggerStatus | undefined {
  if (!spec.trigger) return undefined;
  const declared = digest(spec.trigger);
  if (status?.trigger?.declared === declared) return status.trigger;
  const { event } = status?.trigger ?? {};
  const first = metadata.creationTimestamp ?? now.toISOString();
  return { declared, since: status?.trigger ? now.toISOString() : first, ...(event && { event }) };
}

interface Told {
  /** What it is to be sent for next. */
  readonly event?: TriggerEvent;
  /** Once that has been recorded. */
  readonly state: TriggerStatus;
  /** Whether there is another one after that. */
  readonly more: boolean;
}

/** The one that ended first of all that is to be told of. */
export function nextEvent(trigger: Trigger, state: TriggerStatus, sources: readonly (HTTPRequest | HTTPResource)[]): Told {
  const found = sources.flatMap((source) => endsToTell(trigger, state, source));
  const [first] = found.toSorted((a, b) => a.end.atMs - b.end.atMs || (a.source.metadata.uid < b.source.metadata.uid ? -1 : 1));
  if (!first) return { state: noteFailures(trigger, state, sources), more: false };
  const { source, end, when } = first;
  const { uid, name, namespace } = source.metadata;
  const event: TriggerEvent = {
    id: attemptUUID([uid, end.key, when]),
    when,
    kind: trigger.kind,
    name,
    namespace,
    uid,
    ...end.about,
  };
  return { event, state: { ...markTold(state, source, end), event }, more: found.length > 1 };
}

/** One way in which something ended, the earliest first. */
interface End {
  readonly key: string;
  readonly outcome: "Succeeded" | "Failed" | "Unknown";
  /** By which ends of one object follow each other. */
  readonly atMs: number;
  /** When it was known. */
  readonly knownMs: number;
  readonly about: Pick<TriggerEvent, "reason" | "message" | "statusCode" | "attempt">;
}
interface Mark {
  readonly atMs: number;
  readonly isBad: boolean;
}

function endsToTell(
  { when, kind }: Trigger,
  state: TriggerStatus,
  source: HTTPRequest | HTTPResource,
): { readonly source: HTTPRequest | HTTPResource; readonly end: End; readonly when: TriggerEvent["when"] }[] {
  const ends = endsOf(kind, source);
  const mark = markOf(state, source);
  const first = firstNew(ends, mark, state);
  return ends.flatMap((end, index) => {
    if (index < first) return [];
    const before = ends[index - 1];
    const isAfterMark = index === first && mark !== undefined;
    const last = isAfterMark && mark.atMs >= (before?.atMs ?? -Infinity) ? mark.isBad : before !== undefined && isBad(before);
    const names: readonly string[] = end.outcome === "Succeeded" && last ? ["Recovered", "Succeeded"] : [end.outcome];
    const found = names.find((name) => when.some((one) => one === name));
    return found === undefined ? [] : [{ source, end, when: found }];
  });
}

/**
 * The place of the first that has not been told of. Where what was told of last is still in the list, that is the one after it,
 * whatever a clock that was set back makes of their times.
 */
function firstNew(ends: readonly End[], mark: Mark | undefined, { since }: TriggerStatus): number {
  const told = mark ? ends.findLastIndex(({ atMs }) => atMs === mark.atMs) : -1;
  if (told !== -1) return told + 1;
  const found = ends.findIndex(({ atMs, knownMs }) => atMs > (mark?.atMs ?? -Infinity) && knownMs >= Date.parse(since));
  return found === -1 ? ends.length : found;
}

/** Where a recovery is to be told of, what it is one from is remembered. */
function noteFailures(
  { when, kind }: Trigger,
  state: TriggerStatus,
  sources: readonly (HTTPRequest | HTTPResource)[],
): TriggerStatus {
  if (!when.includes("Recovered")) return state;
  return sources.reduce((noted, source) => {
    const ends = endsOf(kind, source);
    const last = ends.at(-1);
    const isNews = firstNew(ends, markOf(noted, source), state) < ends.length;
    return last && isNews && isBad(last) ? markTold(noted, source, last) : noted;
  }, state);
}

function endsOf(kind: Trigger["kind"], source: HTTPRequest | HTTPResource): readonly End[] {
  return kind === httpResourceType.kind ? resourceEnds(source as HTTPResource) : requestEnds(source as HTTPRequest);
}

function requestEnds({ status = {} }: HTTPRequest): readonly End[] {
  const { history = [], attempt, conditions = [] } = status;
  const said = conditions.find(({ type }) => type === "Succeeded");
  const ends = history.toReversed().flatMap((run): End[] => {
    if (run.finishedAt === undefined) return [];
    const atMs = Date.parse(run.finishedAt);
    const isLatest = run.attemptId === attempt?.id && said?.reason === run.reason;
    const message = isLatest ? said.message : `the run ended with ${run.reason}`;
    const about = { ...aboutRun(run), message, ...(run.statusCode !== undefined && { statusCode: run.statusCode }) };
    return [{ key: run.attemptId, outcome: run.succeeded ? "Succeeded" : "Failed", atMs, knownMs: atMs, about }];
  });
  // The latest is known though no history is kept.
  const isKept = attempt?.phase !== "Done" || attempt.finishedAt === undefined || ends.some(({ key }) => key === attempt.id);
  if (!isKept && said) {
    const { reason, message } = said;
    const atMs = Date.parse(attempt.finishedAt);
    const about = { ...aboutRun({ ...attempt, attemptId: attempt.id, reason }), message };
    ends.push({ key: attempt.id, outcome: said.status === "True" ? "Succeeded" : "Failed", atMs, knownMs: atMs, about });
  }
  const stalled = conditions.find(({ type, reason }) => type === "Stalled" && reason === "OutcomeUnknown");
  if (attempt?.phase !== "Unknown" || !stalled) return ends;
  // The process that sent it may yet tell what came of it, and that was before this was known.
  const about = { ...aboutRun({ ...attempt, attemptId: attempt.id, reason: stalled.reason }), message: stalled.message };
  const knownMs = Date.parse(stalled.lastTransitionTime);
  return [...ends, { key: `${attempt.id}?`, outcome: "Unknown", atMs: Date.parse(attempt.startedAt), knownMs, about }];
}
function aboutRun({
  attemptId: id,
  startedAt,
  finishedAt,
  tries,
  reason,
}: Pick<RunStatus, "attemptId" | "startedAt" | "finishedAt" | "tries" | "reason">): Pick<TriggerEvent, "reason" | "attempt"> {
  return { reason, attempt: { id, startedAt, ...(finishedAt !== undefined && { finishedAt }), tries } };
}

/** It has no runs: how it is, since when. */
function resourceEnds({ status }: HTTPResource): readonly End[] {
  const { conditions = [], response }: HTTPResourceStatus = status ?? {};
  const found =
    conditions.find(({ type, status: is }) => type === "Stalled" && is === "True") ??
    conditions.find(({ type, status: is }) => type === "Ready" && is === "True");
  if (!found) return [];
  const { type, reason, message, lastTransitionTime } = found;
  const outcome = type === "Ready" ? "Succeeded" : reason === "OutcomeUnknown" ? "Unknown" : "Failed";
  const atMs = Date.parse(lastTransitionTime);
  const about = { reason, message, ...(response && { statusCode: response.statusCode }) };
  return [{ key: `${type} ${lastTransitionTime}`, outcome, atMs, knownMs: atMs, about }];
}

const isBad = ({ outcome }: End): boolean => outcome !== "Succeeded";
const uidKey = ({ metadata }: Resource): string => metadata.uid.slice(0, 13);

function markOf({ handled = {} }: TriggerStatus, source: Resource): Mark | undefined {
  const text = Object.hasOwn(handled, uidKey(source)) ? handled[uidKey(source)] : undefined;
  if (text === undefined) return undefined;
  return { atMs: Date.parse(text.endsWith("!") ? text.slice(0, -1) : text), isBad: text.endsWith("!") };
}
function markTold(state: TriggerStatus, source: Resource, end: End): TriggerStatus {
  const mark = `${new Date(end.atMs).toISOString()}${isBad(end) ? "!" : ""}`;
  const all = Object.entries({ ...state.handled, [uidKey(source)]: mark });
  // Of those that are told of no more the oldest go first.
  const kept = all.length > mostSources ? all.toSorted(([, a], [, b]) => (a < b ? 1 : -1)).slice(0, mostSources) : all;
  return { ...state, handled: Object.fromEntries(kept) };
}
